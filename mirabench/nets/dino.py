"""DINO ViT-B/16 from timm, with DINO's own way to fit its position table to other sizes.

At 224x224 it is timm's network. At other sizes the reference differs from timm twice: the table is
resized without antialias by (n + 0.1) / 14, and pixels beyond the last whole patch are dropped.
timm's own resize moves features by up to 1.4e-3.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import torch
from timm.models.vision_transformer import VisionTransformer
from torch import Tensor, nn
from torch.nn import functional as F

from mirabench.errors import InputError
from mirabench.nets.checkpoint import load_state, read_state

PATCH = 16
"""Side of a patch in pixels."""


def load(path: Path) -> Dino:
    """DINO ViT-B/16 from a checkpoint file, ready for inference.

    Raises:
        WeightsError: the file is damaged or of another model.
    """
    net = Dino().eval()
    load_state(net.network, read_state(path), path)
    return net


class Dino(nn.Module):
    """timm's vision transformer; `network` holds its weights under DINO's names."""

    def __init__(self, width: int = 768, depth: int = 12, heads: int = 12) -> None:
        super().__init__()
        self.network = VisionTransformer(
            img_size=224,
            patch_size=PATCH,
            embed_dim=width,
            depth=depth,
            num_heads=heads,
            num_classes=0,
            norm_layer=partial(nn.LayerNorm, eps=1e-6),
        )

    def forward(self, images: Tensor) -> Tensor:
        """The class token after the last normalisation.

        Args:
            images: (B, 3, H, W), at least 16x16, in ImageNet's normalisation.

        Returns:
            (B, 768), not normalised.
        """
        if min(images.shape[-2:]) < PATCH:
            raise InputError(f"DINO needs 16x16 pixels or more, not {tuple(images.shape[-2:])}")
        network: Any = self.network  # timm declares its parts as plain modules
        patches = network.patch_embed.proj(images)  # (B, D, h, w)
        table = resize_positions(network.pos_embed, patches.shape[2], patches.shape[3])
        start = network.cls_token.expand(len(images), -1, -1)
        tokens = torch.cat((start, patches.flatten(2).transpose(1, 2)), dim=1) + table
        tokens = network.norm(network.blocks(tokens))  # (B, 1 + hw, D)
        first: Tensor = tokens[:, 0]
        return first


def resize_positions(table: Tensor, rows: int, columns: int) -> Tensor:
    """Fit a learned table of positions, (1, 1 + n * n, D), to another grid of patches.

    Returns:
        (1, 1 + rows * columns, D). The class token's entry stays. On the table's own grid the
        table itself.
    """
    side = round((table.shape[1] - 1) ** 0.5)
    if (rows, columns) == (side, side):
        return table
    grid = table[:, 1:].reshape(1, side, side, -1).permute(0, 3, 1, 2)
    # The 0.1 is DINO's guard against rounding; as part of the scale it shifts every sample a little.
    scale = ((rows + 0.1) / side, (columns + 0.1) / side)
    grid = F.interpolate(grid, scale_factor=scale, mode="bicubic", align_corners=False)
    return torch.cat((table[:, :1], grid.flatten(2).transpose(1, 2)), dim=1)
