"""Reading pictures between pixels, and padding them to a size that a network accepts."""

from __future__ import annotations

from typing import Literal, NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F


class Padding(NamedTuple):
    """Pixels added on each side."""

    left: int
    right: int
    top: int
    bottom: int

    def crop(self, image: Tensor) -> Tensor:
        """Take the padding of (..., H, W) off again."""
        height, width = image.shape[-2:]
        return image[..., self.top : height - self.bottom, self.left : width - self.right]


def pad_to_multiple(image: Tensor, multiple: int) -> tuple[Tensor, Padding]:
    """Repeat the border of (B, C, H, W) until H and W are multiples; the odd pixel goes last.

    RAFT and AMT were trained and are evaluated with this padding.
    """
    missing_height, missing_width = (-size % multiple for size in image.shape[-2:])
    padding = Padding(
        missing_width // 2,
        missing_width - missing_width // 2,
        missing_height // 2,
        missing_height - missing_height // 2,
    )
    return F.pad(image, tuple(padding), mode="replicate"), padding


def pixel_grid(height: int, width: int, device: torch.device) -> Tensor:
    """Every pixel's own position, (2, H, W) float32: x first, then y."""
    rows = torch.arange(height, device=device, dtype=torch.float32)
    columns = torch.arange(width, device=device, dtype=torch.float32)
    y, x = torch.meshgrid(rows, columns, indexing="ij")
    return torch.stack((x, y))


def sample_at(
    image: Tensor, positions: Tensor, outside: Literal["zeros", "border"] = "zeros"
) -> Tensor:
    """Bilinear values of an image at positions in pixels; pixel centres are whole numbers.

    Args:
        image: (B, C, H, W).
        positions: (B, h, w, 2), x then y. Taken as float32: half precision cannot address pixels.
        outside: what lies beyond the border.

    Returns:
        (B, C, h, w) in the image's dtype.
    """
    height, width = image.shape[-2:]
    x, y = positions.float().unbind(-1)
    # This form of the mapping, unlike the one by (size - 1), also holds for a side of one pixel.
    grid = torch.stack(((2 * x + 1) / width - 1, (2 * y + 1) / height - 1), dim=-1)
    sampled = F.grid_sample(image.float(), grid, padding_mode=outside, align_corners=False)
    return sampled.to(image.dtype)


def warp(image: Tensor, flow: Tensor) -> Tensor:
    """Fetch each pixel from where its flow points.

    Args:
        image: (B, C, H, W).
        flow: (B, 2, H, W) in pixels, x then y.

    Returns:
        (B, C, H, W); beyond the border the border repeats.
    """
    height, width = image.shape[-2:]
    positions = pixel_grid(height, width, image.device) + flow
    return sample_at(image, positions.permute(0, 2, 3, 1), outside="border")


def inside(flow: Tensor) -> Tensor:
    """(B, 1, H, W) of 0 and 1: whether a pixel's flow (B, 2, H, W) points into the picture."""
    height, width = flow.shape[-2:]
    x, y = (pixel_grid(height, width, flow.device) + flow).unbind(1)
    there = (x >= 0) & (x <= width - 1) & (y >= 0) & (y <= height - 1)
    return there.unsqueeze(1).to(flow.dtype)
