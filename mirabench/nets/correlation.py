"""How alike two feature maps are, looked up around moving positions (RAFT, Teed and Deng 2020).

The full table of all pairs is kept where it is small. For large frames it is rebuilt piece by
piece at every lookup, so that its memory, quadratic in the number of pixels, stays bounded.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor
from torch.nn import functional as F

from mirabench.nets.sampling import sample_at

MAX_ELEMENTS = 1 << 26
"""Largest table of pairs held at once: 256 MiB of float32, a frame of 832x480 at 1/8."""


class CorrelationPyramid:
    """Scaled dot products of every query pixel with a target map at several resolutions."""

    def __init__(
        self,
        query: Tensor,
        target: Tensor,
        *,
        levels: int = 4,
        radius: int = 3,
        max_elements: int = MAX_ELEMENTS,
    ) -> None:
        """Take two maps of (B, D, H, W) of one size."""
        self._shape = query.shape
        self._query = query.flatten(2).transpose(1, 2).float()  # (B, HW, D)
        self._target = target.flatten(2).float()  # (B, D, HW)
        self._levels, self._radius = levels, radius
        batch, _, height, width = query.shape
        pixels = height * width
        self._rows = max(1, min(pixels, max_elements // (batch * pixels)))
        self._whole = self._pyramid(0, pixels) if self._rows == pixels else None

    def lookup(self, positions: Tensor) -> Tensor:
        """Values in a window around each query pixel's position in the target.

        Args:
            positions: (B, 2, H, W) in pixels of the target map, x then y.

        Returns:
            (B, levels * (2 radius + 1)^2, H, W) float32. Beyond the border it is zero. In a window
            the slow index moves along x, as RAFT's does.
        """
        batch, _, height, width = self._shape
        points = positions.flatten(2).transpose(1, 2).float()  # (B, HW, 2)
        pieces = [
            torch.cat([self._window(values, points[:, a:b] / 2**i) for i, values in levels], dim=-1)
            for a, b, levels in self._pieces()
        ]
        return torch.cat(pieces, dim=1).transpose(1, 2).reshape(batch, -1, height, width)

    def _pieces(self) -> Iterator[tuple[int, int, list[tuple[int, Tensor]]]]:
        pixels = self._shape[2] * self._shape[3]
        for start in range(0, pixels, self._rows):
            stop = min(start + self._rows, pixels)
            pyramid = self._whole if self._whole is not None else self._pyramid(start, stop)
            yield start, stop, list(enumerate(pyramid))

    def _pyramid(self, start: int, stop: int) -> list[Tensor]:
        """Tables of query pixels [start, stop), each (B * rows, 1, H_level, W_level)."""
        _, depth, height, width = self._shape
        # Half precision would cost the look-ups more than it saves here: RAFT's authors keep it out.
        with torch.autocast(self._query.device.type, enabled=False):
            table = self._query[:, start:stop] @ self._target / depth**0.5
        pyramid = [table.reshape(-1, 1, height, width)]
        for _ in range(self._levels - 1):
            pyramid.append(F.avg_pool2d(pyramid[-1], 2))
        return pyramid

    def _window(self, values: Tensor, centres: Tensor) -> Tensor:
        """(B, rows, (2r+1)^2) values around centres (B, rows, 2) of one level."""
        side = 2 * self._radius + 1
        offsets = torch.arange(-self._radius, self._radius + 1, device=centres.device).float()
        window = torch.stack(torch.meshgrid(offsets, offsets, indexing="ij"), dim=-1)
        positions = centres.reshape(-1, 1, 1, 2) + window  # (B * rows, side, side, 2)
        return sample_at(values, positions).reshape(*centres.shape[:2], side * side)
