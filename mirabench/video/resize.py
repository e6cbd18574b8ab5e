"""Resizing with the filter always named, because the filter is part of what a number means."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import cv2
import numpy as np

from mirabench.identity import ADDED
from mirabench.video.frames import UInt8Array

Filter = Literal["area", "bilinear"]

_OPENCV_FILTERS: dict[str, int] = {"area": cv2.INTER_AREA, "bilinear": cv2.INTER_LINEAR}


@dataclass(frozen=True, slots=True)
class Resize:
    """To which size, with which filter.

    `area` averages over the source pixels (antialiased); `bilinear` is OpenCV's, without antialias.
    """

    max_short_side: int | None = None
    """Shrink so that the shorter side is at most this; never enlarges. Keeps the aspect."""
    size: tuple[int, int] | None = None
    """Or: exactly this (width, height), whatever the aspect."""
    filter: Filter = "area"
    long_side: int | None = field(default=None, metadata=ADDED)
    """Or: shrink so that the longer side is at most this; never enlarges. Keeps the aspect."""

    def __post_init__(self) -> None:
        given = [self.max_short_side, self.size, self.long_side]
        if sum(value is not None for value in given) > 1:
            raise ValueError(
                f"{self} asks for several sizes: give one of max_short_side, size and long_side"
            )

    def target(self, width: int, height: int) -> tuple[int, int]:
        """The (width, height) that a picture of this size gets."""
        if self.size is not None:
            return self.size
        scale = self._scale(width, height)
        if scale >= 1:
            return width, height
        return max(1, round(width * scale)), max(1, round(height * scale))

    def _scale(self, width: int, height: int) -> float:
        """By what both sides are multiplied; 1 and more leaves them."""
        if self.long_side is not None:
            return self.long_side / max(width, height)
        if self.max_short_side is not None:
            return self.max_short_side / min(width, height)
        return 1.0

    def __call__(self, frames: UInt8Array) -> UInt8Array:
        """Resize uint8 RGB (N, H, W, 3)."""
        target = self.target(frames.shape[2], frames.shape[1])
        if target == (frames.shape[2], frames.shape[1]):
            return frames
        out = np.empty((len(frames), target[1], target[0], 3), dtype=np.uint8)
        for source, destination in zip(frames, out, strict=True):
            cv2.resize(source, target, destination, interpolation=_OPENCV_FILTERS[self.filter])
        return out
