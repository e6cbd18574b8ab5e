"""CLIP's image towers as OpenAI released them, built from open_clip's blocks.

Only the image side is built: half the memory of the whole model. OpenAI's networks use QuickGELU,
x * sigmoid(1.702 x); with the exact GELU features are off by 0.02 to 0.04.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from open_clip.transformer import QuickGELU, VisionTransformer
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
