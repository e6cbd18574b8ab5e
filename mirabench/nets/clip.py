"""CLIP's towers as OpenAI released them, built from open_clip's blocks.

Each side is built by itself: most metrics need the image side only, half the memory of the model.
OpenAI's networks use QuickGELU, x * sigmoid(1.702 x); with the exact GELU features are off by 0.02 to
0.04.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from open_clip.transformer import QuickGELU, TextTransformer, VisionTransformer
from torch import Tensor

from mirabench.nets.checkpoint import load_state, read_state


@dataclass(frozen=True, slots=True)
class TowerSizes:
    """Sizes of one image tower."""

    patch: int
    """Side of a patch in pixels."""
    width: int
    """Features of a token."""
    layers: int
    """Blocks."""
    heads: int
    """Attention heads."""
    embedding: int
    """Features of the embedding."""
    image: int = 224
    """Side of the input in pixels."""


VIT_B_32 = TowerSizes(patch=32, width=768, layers=12, heads=12, embedding=512)
VIT_L_14 = TowerSizes(patch=14, width=1024, layers=24, heads=16, embedding=768)


def load(path: Path, sizes: TowerSizes) -> VisionTransformer:
    """The image tower of a released CLIP, in float32, ready for inference.

    Args:
        path: OpenAI's TorchScript archive, or a plain state dict of the whole model.
        sizes: `VIT_B_32` or `VIT_L_14`.

    Raises:
        WeightsError: the file is damaged or of another model.
    """
    net = image_tower(sizes).eval()
    load_state(net, image_side(read_state(path)), path)
    return net


def image_tower(sizes: TowerSizes) -> VisionTransformer:
    """A module from (B, 3, 224, 224) in CLIP's normalisation to (B, embedding), not normalised."""
    return VisionTransformer(
        image_size=sizes.image,
        patch_size=sizes.patch,
        width=sizes.width,
        layers=sizes.layers,
        heads=sizes.heads,
        mlp_ratio=4.0,
        output_dim=sizes.embedding,
        act_layer=QuickGELU,
    )


def image_side(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The image tower's part of a whole CLIP state dict, in float32 (released files hold halves)."""
    prefix = "visual."
    return {
        name.removeprefix(prefix): value.float()
        for name, value in state.items()
        if name.startswith(prefix)
    }


def load_text(path: Path, width: int = 512, layers: int = 12) -> TextTransformer:
    """The text tower of a released CLIP, in float32, ready for inference.

    Args:
        path: OpenAI's TorchScript archive, or a plain state dict of the whole model.
        width: Features of a token, and of the embedding: 512 for ViT-B, 768 for ViT-L.
        layers: Blocks.

    Raises:
        WeightsError: the file is damaged, of another model, or has no text side.
    """
    net = text_tower(width, layers).eval()
    wanted = net.state_dict()
    state = read_state(path)
    load_state(net, {name: state[name].float() for name in wanted if name in state}, path)
    return net


def text_tower(width: int = 512, layers: int = 12) -> TextTransformer:
    """A module from (B, 77) tokens to (B, width), not normalised."""
    return TextTransformer(
        context_length=77,
        vocab_size=49_408,
        width=width,
        heads=width // 64,
        layers=layers,
        output_dim=width,
        act_layer=QuickGELU,
    )
