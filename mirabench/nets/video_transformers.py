"""Video transformers of `transformers`, from their authors' checkpoints: VideoMAE v2 ViT-g and V-JEPA 2 ViT-L.

Each gives one vector a clip. VideoMAE is what content-debiased FVD compares: the tokens' mean under the last
normalisation of the model fine-tuned on Something-Something v2 (Ge et al., CVPR 2024, github.com/songweige/
content-debiased-fvd, commit a1e037a, `VisionTransformer.forward_features`). V-JEPA 2 (Assran et al., 2025)
gives the mean of its encoder's tokens. B clips, T frames, N tokens, D dimensions.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from torch import Tensor, nn
from transformers import VideoMAEConfig, VideoMAEModel, VJEPA2Config, VJEPA2Model

from mirabench.nets.checkpoint import load_state, read_state

VIDEOMAE_GIANT = VideoMAEConfig(
    image_size=224, patch_size=14, num_frames=16, tubelet_size=2, hidden_size=1408,
    num_hidden_layers=40, num_attention_heads=16, intermediate_size=6144, layer_norm_eps=1e-6,
    use_mean_pooling=True, qkv_bias=True, hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0,
)  # fmt: skip
"""`vit_giant_patch14_224` of VideoMAE v2: 1.0e9 parameters."""
VJEPA2_LARGE = VJEPA2Config()
"""ViT-L/16 at 256 px, the default of `transformers`: 3.0e8 parameters in the encoder."""


class VideoMae(nn.Module):
    """Clips to the mean of VideoMAE's tokens under its last normalisation."""

    def __init__(self, config: VideoMAEConfig = VIDEOMAE_GIANT) -> None:
        super().__init__()
        self.model = VideoMAEModel(config)
        self.fc_norm = nn.LayerNorm(config.hidden_size, eps=config.layer_norm_eps)

    def forward(self, video: Tensor) -> Tensor:
        """(B, 3, T, 224, 224), RGB in [0, 1] and not normalised, to (B, D)."""
        tokens = self.model(video.transpose(1, 2)).last_hidden_state  # (B, N, D)
        pooled: Tensor = self.fc_norm(tokens.mean(1))
        return pooled


class VJepa2(nn.Module):
    """Clips to the mean of V-JEPA 2's tokens; the predictor is not run."""

    def __init__(self, config: VJEPA2Config = VJEPA2_LARGE) -> None:
        super().__init__()
        self.encoder = VJEPA2Model(config).encoder

    def forward(self, video: Tensor) -> Tensor:
        """(B, 3, T, 256, 256), normalised by ImageNet's statistics, to (B, D)."""
        tokens: Tensor = self.encoder(video.transpose(1, 2)).last_hidden_state  # (B, N, D)
        return tokens.mean(1)


def load_videomae(path: Path, config: VideoMAEConfig = VIDEOMAE_GIANT) -> VideoMae:
    """From the authors' file of the fine-tuned model; its classifier is left out.

    Raises:
        WeightsError: the file holds another model.
    """
    net = VideoMae(config).eval()
    load_state(net, videomae_names(read_state(path)), path)
    return net


_BLOCK = re.compile(r"blocks\.(\d+)\.(.+)")
_PARTS = {
    "norm1": "layernorm_before",
    "norm2": "layernorm_after",
    "attn.proj": "attention.output.dense",
    "mlp.fc1": "intermediate.dense",
    "mlp.fc2": "output.dense",
}


def videomae_names(held: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The authors' parameters under the names that `VideoMae` has.

    Their one matrix of queries, keys and values becomes three; keys have no bias there.
    """
    named: dict[str, Tensor] = {}
    for name, values in held.items():
        found = _BLOCK.fullmatch(name)
        if name.startswith("patch_embed.proj."):
            named[f"model.embeddings.patch_embeddings.projection.{name.rsplit('.', 1)[1]}"] = values
        elif name.startswith("fc_norm."):
            named[name] = values
        elif found:
            named |= _block(f"model.encoder.layer.{found[1]}", found[2], values)
    return named


def _block(layer: str, part: str, values: Tensor) -> dict[str, Tensor]:
    attention = f"{layer}.attention.attention"
    if part == "attn.qkv.weight":
        query, key, value = values.chunk(3)
        return {
            f"{attention}.query.weight": query,
            f"{attention}.key.weight": key,
            f"{attention}.value.weight": value,
        }
    if part in ("attn.q_bias", "attn.v_bias"):
        which = "query" if part == "attn.q_bias" else "value"
        return {f"{attention}.{which}.bias": values}
    stem, _, kind = part.rpartition(".")
    return {f"{layer}.{_PARTS.get(stem, stem)}.{kind}": values}


def load_vjepa2(path: Path, config: VJEPA2Config = VJEPA2_LARGE) -> VJepa2:
    """From the hub's `model.safetensors`; the predictor's parameters are left out.

    Raises:
        WeightsError: the file holds another model.
    """
    net = VJepa2(config).eval()
    held = read_state(path)
    load_state(net, {n: v for n, v in held.items() if n.startswith("encoder.")}, path)
    return net
