"""Pipelines of the real classes with small random networks, one for each preset of `diffusers`."""

from __future__ import annotations

from typing import Any

import diffusers
import torch
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import (
    ByT5Tokenizer,
    CLIPImageProcessor,
    CLIPTextConfig,
    CLIPTextModel,
    CLIPVisionConfig,
    CLIPVisionModel,
    LlamaConfig,
    LlamaModel,
    PreTrainedTokenizerFast,
    T5Config,
    T5EncoderModel,
    UMT5Config,
    UMT5EncoderModel,
)

SMALL_T5 = {
    "vocab_size": 400,
    "d_model": 32,
    "d_kv": 8,
    "d_ff": 32,
    "num_layers": 1,
    "num_heads": 2,
}


def words(**settings: Any) -> PreTrainedTokenizerFast:
    known = {"<pad>": 0, "</s>": 1, "?": 2, "a": 3, "cat": 4}
    found = Tokenizer(models.WordLevel(known, "?"))
    found.pre_tokenizer = pre_tokenizers.Whitespace()
    return PreTrainedTokenizerFast(
        tokenizer_object=found, pad_token="<pad>", eos_token="</s>", unk_token="?", **settings
    )


def wan(**parts: Any) -> Any:
    kind = diffusers.WanImageToVideoPipeline if "image_encoder" in parts else diffusers.WanPipeline
    usual = {
        "tokenizer": words(),
        "text_encoder": UMT5EncoderModel(UMT5Config(**SMALL_T5)),
        "vae": diffusers.AutoencoderKLWan(
            base_dim=3,
            z_dim=16,
            dim_mult=[1, 1, 1, 1],
            num_res_blocks=1,
            temperal_downsample=[False, True, True],
        ),
        "transformer": wan_transformer(),
        "scheduler": diffusers.UniPCMultistepScheduler(
            prediction_type="flow_prediction", use_flow_sigmas=True, flow_shift=2.0
        ),
    }
    return kind(**{**usual, **parts})


def wan_transformer(**settings: Any) -> Any:
    usual = {
        "patch_size": (1, 2, 2),
        "num_attention_heads": 2,
        "attention_head_dim": 12,
        "in_channels": 16,
        "out_channels": 16,
        "text_dim": 32,
        "freq_dim": 16,
        "ffn_dim": 32,
        "num_layers": 1,
        "rope_max_seq_len": 32,
    }
    return diffusers.WanTransformer3DModel(**{**usual, **settings})


def wan_of_two() -> Any:
    return wan(transformer_2=wan_transformer(), boundary_ratio=0.5)


def wan_image() -> Any:
    vision = CLIPVisionConfig(
        hidden_size=4,
        projection_dim=4,
        num_hidden_layers=2,
        num_attention_heads=2,
        image_size=32,
        intermediate_size=16,
        patch_size=8,
    )
    return wan(
        transformer=wan_transformer(in_channels=36, image_dim=4),
        image_encoder=CLIPVisionModel(vision),
        image_processor=CLIPImageProcessor(crop_size=32, size=32),
    )


def wan_image_of_two() -> Any:
    return wan(
        transformer=wan_transformer(in_channels=36),
        transformer_2=wan_transformer(in_channels=36),
        boundary_ratio=0.5,
        image_encoder=None,
        image_processor=None,
    )


def wan_5b() -> Any:
    vae = diffusers.AutoencoderKLWan(
        base_dim=3,
        z_dim=48,
        in_channels=12,
        out_channels=12,
        is_residual=True,
        patch_size=2,
        latents_mean=[0.0] * 48,
        latents_std=[1.0] * 48,
        dim_mult=[1, 1, 1, 1],
        num_res_blocks=1,
        scale_factor_spatial=16,
        scale_factor_temporal=4,
        temperal_downsample=[False, True, True],
    )
    transformer = wan_transformer(in_channels=48, out_channels=48)
    return wan(vae=vae, transformer=transformer, expand_timesteps=True)


def hunyuan() -> Any:
    small = {
        "hidden_size": 16,
        "intermediate_size": 16,
        "num_attention_heads": 2,
        "num_hidden_layers": 3,
        "vocab_size": 400,
        "pad_token_id": 0,
        "bos_token_id": 2,
        "eos_token_id": 1,
    }
    return diffusers.HunyuanVideoPipeline(
        text_encoder=LlamaModel(LlamaConfig(**small)),
        tokenizer=words(),
        text_encoder_2=CLIPTextModel(CLIPTextConfig(**{**small, "hidden_size": 8})),
        tokenizer_2=words(model_max_length=77),
        transformer=diffusers.HunyuanVideoTransformer3DModel(
            in_channels=4,
            out_channels=4,
            num_attention_heads=2,
            attention_head_dim=10,
            num_layers=1,
            num_single_layers=1,
            num_refiner_layers=1,
            patch_size=1,
            patch_size_t=1,
            guidance_embeds=True,
            text_embed_dim=16,
            pooled_projection_dim=8,
            rope_axes_dim=(2, 4, 4),
        ),
        vae=diffusers.AutoencoderKLHunyuanVideo(
            latent_channels=4,
            block_out_channels=(8, 8, 8, 8),
            layers_per_block=1,
            norm_num_groups=4,
        ),
        scheduler=diffusers.FlowMatchEulerDiscreteScheduler(shift=7.0),
    )


def hunyuan_15(kind: str = "HunyuanVideo15Pipeline", **parts: Any) -> Any:
    from diffusers.guiders import ClassifierFreeGuidance
    from transformers import Qwen2_5_VLTextConfig, Qwen2_5_VLTextModel

    qwen = Qwen2_5_VLTextConfig(
        hidden_size=16,
        intermediate_size=16,
        num_hidden_layers=3,
        num_attention_heads=2,
        num_key_value_heads=2,
        vocab_size=400,
        pad_token_id=0,
        bos_token_id=2,
        eos_token_id=1,
        rope_scaling={"mrope_section": [1, 1, 2], "rope_type": "default", "type": "default"},
    )
    chat = "{% for m in messages %}{{ m['content'] }} {% endfor %}"
    usual = {
        "text_encoder": Qwen2_5_VLTextModel(qwen),
        "tokenizer": words(chat_template=chat),
        "text_encoder_2": T5EncoderModel(T5Config(**SMALL_T5)),
        "tokenizer_2": ByT5Tokenizer(),
        "transformer": diffusers.HunyuanVideo15Transformer3DModel(
            in_channels=9,
            out_channels=4,
            num_attention_heads=2,
            attention_head_dim=8,
            num_layers=1,
            num_refiner_layers=1,
            mlp_ratio=2.0,
            patch_size=1,
            patch_size_t=1,
            text_embed_dim=16,
            text_embed_2_dim=32,
            image_embed_dim=12,
            rope_axes_dim=(2, 2, 4),
            target_size=32,
            task_type="i2v" if "image_encoder" in parts else "t2v",
        ),
        "vae": diffusers.AutoencoderKLHunyuanVideo15(
            latent_channels=4,
            block_out_channels=(16, 16),
            layers_per_block=1,
            spatial_compression_ratio=4,
            temporal_compression_ratio=2,
            downsample_match_channel=False,
            upsample_match_channel=False,
        ),
        "scheduler": diffusers.FlowMatchEulerDiscreteScheduler(shift=7.0),
        "guider": ClassifierFreeGuidance(guidance_scale=1.5),
    }
    return getattr(diffusers, kind)(**{**usual, **parts})


def hunyuan_15_image() -> Any:
    from transformers import SiglipImageProcessor, SiglipVisionConfig, SiglipVisionModel

    vision = SiglipVisionConfig(
        hidden_size=12,
        intermediate_size=12,
        num_hidden_layers=1,
        num_attention_heads=2,
        image_size=32,
        patch_size=16,
    )
    return hunyuan_15(
        "HunyuanVideo15ImageToVideoPipeline",
        image_encoder=SiglipVisionModel(vision),
        feature_extractor=SiglipImageProcessor(size={"height": 32, "width": 32}),
    )


def ltx() -> Any:
    return diffusers.LTXPipeline(
        scheduler=diffusers.FlowMatchEulerDiscreteScheduler(),
        vae=diffusers.AutoencoderKLLTXVideo(
            latent_channels=8,
            block_out_channels=(8, 8, 8, 8),
            decoder_block_out_channels=(8, 8, 8, 8),
            spatio_temporal_scaling=(True, True, False, False),
            decoder_spatio_temporal_scaling=(True, True, False, False),
            layers_per_block=(1, 1, 1, 1, 1),
            decoder_layers_per_block=(1, 1, 1, 1, 1),
            patch_size=1,
            patch_size_t=1,
            encoder_causal=True,
            decoder_causal=False,
        ),
        text_encoder=T5EncoderModel(T5Config(**SMALL_T5)),
        tokenizer=words(),
        transformer=diffusers.LTXVideoTransformer3DModel(
            in_channels=8,
            out_channels=8,
            patch_size=1,
            patch_size_t=1,
            num_attention_heads=4,
            attention_head_dim=8,
            cross_attention_dim=32,
            num_layers=1,
            caption_channels=32,
        ),
    )


def cogvideox(kind: str = "CogVideoXPipeline", channels: int = 4, **settings: Any) -> Any:
    return getattr(diffusers, kind)(
        tokenizer=words(),
        text_encoder=T5EncoderModel(T5Config(**SMALL_T5)),
        vae=diffusers.AutoencoderKLCogVideoX(
            down_block_types=("CogVideoXDownBlock3D",) * 4,
            up_block_types=("CogVideoXUpBlock3D",) * 4,
            block_out_channels=(8, 8, 8, 8),
            latent_channels=4,
            layers_per_block=1,
            norm_num_groups=2,
        ),
        transformer=diffusers.CogVideoXTransformer3DModel(
            num_attention_heads=2,
            attention_head_dim=16,
            in_channels=channels,
            out_channels=4,
            time_embed_dim=2,
            text_embed_dim=32,
            num_layers=1,
            sample_width=4,
            sample_height=4,
            sample_frames=9,
            **settings,
        ),
        scheduler=diffusers.CogVideoXDDIMScheduler(),
    )


def cogvideox_image() -> Any:
    return cogvideox("CogVideoXImageToVideoPipeline", 8, use_rotary_positional_embeddings=True)


def cogvideox_15() -> Any:
    return cogvideox(patch_size_t=2, use_rotary_positional_embeddings=True)


def mochi() -> Any:
    return diffusers.MochiPipeline(
        scheduler=diffusers.FlowMatchEulerDiscreteScheduler(),
        vae=diffusers.AutoencoderKLMochi(
            latent_channels=12,
            out_channels=3,
            encoder_block_out_channels=(32, 32, 32, 32),
            decoder_block_out_channels=(32, 32, 32, 32),
            layers_per_block=(1, 1, 1, 1, 1),
        ),
        text_encoder=T5EncoderModel(T5Config(**SMALL_T5)),
        tokenizer=words(),
        transformer=diffusers.MochiTransformer3DModel(
            patch_size=2,
            num_attention_heads=2,
            attention_head_dim=8,
            num_layers=2,
            pooled_projection_dim=16,
            in_channels=12,
            out_channels=None,
            qk_norm="rms_norm",
            text_embed_dim=32,
            time_embed_dim=4,
            activation_fn="swiglu",
            max_sequence_length=256,
        ),
    )


BUILDERS = {
    "wan2.1-t2v-1.3b": wan,
    "wan2.1-t2v-14b": wan,
    "wan2.1-i2v-14b-480p": wan_image,
    "wan2.2-t2v-a14b": wan_of_two,
    "wan2.2-i2v-a14b": wan_image_of_two,
    "wan2.2-ti2v-5b": wan_5b,
    "hunyuanvideo": hunyuan,
    "hunyuanvideo-1.5-t2v-480p": hunyuan_15,
    "hunyuanvideo-1.5-i2v-480p": hunyuan_15_image,
    "ltx-video": ltx,
    "ltx-video-i2v": ltx,
    "cogvideox-2b": cogvideox,
    "cogvideox-5b": cogvideox,
    "cogvideox-5b-i2v": cogvideox_image,
    "cogvideox1.5-5b": cogvideox_15,
    "mochi-1": mochi,
}


def tiny(preset: str) -> Any:
    """The pipeline of a preset at seeded random weights."""
    torch.manual_seed(0)
    return BUILDERS[preset]()
