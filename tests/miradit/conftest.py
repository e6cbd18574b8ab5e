"""Toy networks in the reference's own layout, filled by name so that any machine has the same."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

diffusers = pytest.importorskip("diffusers")
transformers = pytest.importorskip("transformers")
tokenizers = pytest.importorskip("tokenizers")
miradit = pytest.importorskip("miradit")
GOLDEN = Path(__file__).parent.parent / "golden" / "miradit_reference.npz"


def random_tensor(name: str, shape: tuple[int, ...], scale: float = 1.0) -> Tensor:
    rng = np.random.default_rng(zlib.crc32(name.encode()))
    return torch.from_numpy((rng.standard_normal(shape) * scale).astype(np.float32))


def parameter(tag: str, key: str, shape: tuple[int, ...]) -> Tensor:
    if key.endswith("mix_factor"):
        return random_tensor(tag + key, shape)
    is_norm = "norm" in key or ".in_layers.0." in key or ".out_layers.0." in key
    if is_norm and key.endswith("weight"):
        return random_tensor(tag + key, shape, 0.1) + 1
    if key.endswith("weight"):
        return random_tensor(tag + key, shape, float(np.prod(shape[1:])) ** -0.5)
    return random_tensor(tag + key, shape, 0.1)


def denoiser_shapes(
    layers: int = 2, width: int = 32, text: int = 24, out: int = 4
) -> dict[str, tuple[int, ...]]:
    """The reference denoiser's keys, as its published table lists them."""
    shapes: dict[str, tuple[int, ...]] = {
        "scale_shift_table": (2, width),
        "pos_embed.proj.weight": (width, 4, 2, 2),
        "pos_embed.proj.bias": (width,),
        "proj_out.weight": (4 * out, width),
        "proj_out.bias": (4 * out,),
        "adaln_single.linear.weight": (6 * width, width),
        "adaln_single.linear.bias": (6 * width,),
    }
    pairs = {
        "adaln_single.emb.timestep_embedder": 256,
        "adaln_single.emb.fps_embedder": 256,
        "caption_projection": text,
    }
    for name, inputs in pairs.items():
        for i, size in ((1, inputs), (2, width)):
            shapes[f"{name}.linear_{i}.weight"] = (width, size)
            shapes[f"{name}.linear_{i}.bias"] = (width,)
    for kind, attentions in (("", ("attn1", "attn2")), ("temporal_", ("attn1",))):
        for i in range(layers):
            block = f"{kind}transformer_blocks.{i}"
            shapes[f"{block}.scale_shift_table"] = (6, width)
            for attention in attentions:
                for part in ("to_q", "to_k", "to_v", "to_out.0"):
                    shapes[f"{block}.{attention}.{part}.weight"] = (width, width)
                    shapes[f"{block}.{attention}.{part}.bias"] = (width,)
            shapes[f"{block}.ff.net.0.proj.weight"] = (4 * width, width)
            shapes[f"{block}.ff.net.0.proj.bias"] = (4 * width,)
            shapes[f"{block}.ff.net.2.weight"] = (width, 4 * width)
            shapes[f"{block}.ff.net.2.bias"] = (width,)
    return shapes


def vae_shapes(base: int = 32) -> dict[str, tuple[int, ...]]:  # noqa: C901 - a table in loops
    """The reference autoencoder's keys (372), at a given base width."""
    widths = [base, 2 * base, 4 * base, 4 * base]
    shapes: dict[str, tuple[int, ...]] = {}

    def conv(name: str, out: int, inputs: int, *kernel: int) -> None:
        shapes[f"{name}.weight"] = (out, inputs, *kernel)
        shapes[f"{name}.bias"] = (out,)

    def norm(name: str, size: int) -> None:
        shapes[f"{name}.weight"] = shapes[f"{name}.bias"] = (size,)

    def resnet(name: str, inputs: int, out: int, temporal: bool) -> None:
        norm(f"{name}.norm1", inputs)
        conv(f"{name}.conv1", out, inputs, 3, 3)
        norm(f"{name}.norm2", out)
        conv(f"{name}.conv2", out, out, 3, 3)
        if inputs != out:
            conv(f"{name}.nin_shortcut", out, inputs, 1, 1)
        if temporal:
            shapes[f"{name}.mix_factor"] = (1,)
            for part, second in (("in_layers", 2), ("out_layers", 3)):
                norm(f"{name}.time_stack.{part}.0", out)
                conv(f"{name}.time_stack.{part}.{second}", out, out, 3, 1, 1)

    def middle(side: str, temporal: bool) -> None:
        for i in (1, 2):
            resnet(f"{side}.mid.block_{i}", widths[-1], widths[-1], temporal)
        norm(f"{side}.mid.attn_1.norm", widths[-1])
        for part in ("q", "k", "v", "proj_out"):
            conv(f"{side}.mid.attn_1.{part}", widths[-1], widths[-1], 1, 1)

    conv("encoder.conv_in", base, 3, 3, 3)
    size = base
    for level, out in enumerate(widths):
        for block in range(2):
            resnet(f"encoder.down.{level}.block.{block}", size, out, False)
            size = out
        if level < 3:
            conv(f"encoder.down.{level}.downsample.conv", out, out, 3, 3)
    middle("encoder", False)
    norm("encoder.norm_out", widths[-1])
    conv("encoder.conv_out", 8, widths[-1], 3, 3)
    conv("decoder.conv_in", widths[-1], 4, 3, 3)
    middle("decoder", True)
    for level in (3, 2, 1, 0):
        for block in range(3):
            resnet(f"decoder.up.{level}.block.{block}", size, widths[level], True)
            size = widths[level]
        if level > 0:
            conv(f"decoder.up.{level}.upsample.conv", size, size, 3, 3)
    norm("decoder.norm_out", base)
    conv("decoder.conv_out", 3, base, 3, 3)
    conv("decoder.conv_out.time_mix_conv", 3, 3, 3, 1, 1)
    return shapes


def filled(tag: str, shapes: dict[str, tuple[int, ...]]) -> dict[str, Tensor]:
    return {key: parameter(tag, key, shape) for key, shape in shapes.items()}


@pytest.fixture(scope="session")
def golden() -> dict[str, np.ndarray]:
    """What the Mira repository computed; see tests/golden/miradit_reference.md."""
    with np.load(GOLDEN) as file:
        return dict(file)


@pytest.fixture(scope="session")
def rand() -> Callable[..., Tensor]:
    return random_tensor


@pytest.fixture
def reference_denoiser() -> Callable[..., dict[str, Tensor]]:
    return lambda **sizes: filled("denoiser/", denoiser_shapes(**sizes))


@pytest.fixture
def reference_vae() -> Callable[..., dict[str, Tensor]]:
    return lambda **sizes: filled("vae/", vae_shapes(**sizes))


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    """Toy tensors are slower on many threads, above all when tests run side by side."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def tokenizer() -> Any:
    """Words of a toy language, with T5's padding and end marks."""
    words = ["<pad>", "</s>", "<unk>", "red", "green", "blue", "ball", "square", "moves"]
    core = tokenizers.Tokenizer(
        tokenizers.models.WordLevel({w: i for i, w in enumerate(words)}, unk_token="<unk>")
    )
    core.pre_tokenizer = tokenizers.pre_tokenizers.Whitespace()
    core.post_processor = tokenizers.processors.TemplateProcessing(
        single="$A </s>", special_tokens=[("</s>", 1)]
    )
    return transformers.PreTrainedTokenizerFast(
        tokenizer_object=core, pad_token="<pad>", eos_token="</s>", unk_token="<unk>"
    )


def t5_config(width: int = 24, layers: int = 2, words: int = 9) -> Any:
    return transformers.T5Config(
        vocab_size=words,
        d_model=width,
        d_kv=8,
        d_ff=32,
        num_layers=layers,
        num_heads=2,
        feed_forward_proj="gated-gelu",
        tie_word_embeddings=False,
        is_encoder_decoder=False,
        use_cache=False,
    )


@pytest.fixture(scope="session")
def text_encoder() -> Any:
    torch.manual_seed(0)
    return transformers.T5EncoderModel(t5_config()).eval()


@pytest.fixture
def pipeline(reference_denoiser, tokenizer, text_encoder) -> Any:
    """A whole pipeline with random weights: 5 frames of 32x48 pixels."""
    from miradit.pipeline import MiraDiTPipeline

    torch.manual_seed(0)
    vae = diffusers.AutoencoderKLTemporalDecoder(
        block_out_channels=(32, 32, 32, 32),
        down_block_types=("DownEncoderBlock2D",) * 4,
        layers_per_block=1,
    )
    built = MiraDiTPipeline(
        miradit.load_denoiser(reference_denoiser(), text_spatial_cond=True, num_frames=5),
        vae.eval(),
        text_encoder,
        tokenizer,
        miradit.ScaledDDIMScheduler(scale_end=0.7),
        height=32,
        width=48,
    )
    built.set_progress_bar_config(disable=True)
    return built


def t5_shapes(layers: int = 2, width: int = 16, words: int = 9) -> dict[str, tuple[int, ...]]:
    """Flan-T5's encoder keys, its tied embedding twice."""
    inner, hidden, heads = 16, 32, 2
    shapes: dict[str, tuple[int, ...]] = {
        "shared.weight": (words, width),
        "encoder.embed_tokens.weight": (words, width),
        "encoder.final_layer_norm.weight": (width,),
        "encoder.block.0.layer.0.SelfAttention.relative_attention_bias.weight": (32, heads),
    }
    for i in range(layers):
        layer = f"encoder.block.{i}.layer"
        for part in "qkv":
            shapes[f"{layer}.0.SelfAttention.{part}.weight"] = (inner, width)
        shapes[f"{layer}.0.SelfAttention.o.weight"] = (width, inner)
        for part in ("wi_0", "wi_1"):
            shapes[f"{layer}.1.DenseReluDense.{part}.weight"] = (hidden, width)
        shapes[f"{layer}.1.DenseReluDense.wo.weight"] = (width, hidden)
        for part in (0, 1):
            shapes[f"{layer}.{part}.layer_norm.weight"] = (width,)
    return shapes


@pytest.fixture
def reference_t5() -> Callable[..., dict[str, Tensor]]:
    return lambda **sizes: filled("t5/", t5_shapes(**sizes))
