"""What is left of a picture's change once its motion is taken out, in levels.

The later frame is moved back along the flow and the earlier one subtracted; means are over the pixels that both
frames show.
"""

from __future__ import annotations

import cv2
import numpy as np

from mirabench.functional.flow import warp
from mirabench.shapes import Bool, Float32, UInt8

FULL_SCALE = 255.0
BLOCKS = (16, 9)
"""Columns and rows of blocks over which what is left is averaged for flicker."""
LEAST_VISIBLE = 0.25
"""Share of a block that both frames show, below which it does not count."""


def residual(
    before: UInt8[np.ndarray, "H W"],
    after: UInt8[np.ndarray, "H W"],
    forward: Float32[np.ndarray, "H W 2"],
) -> Float32[np.ndarray, "H W"]:
    """Luma of the later picture moved back along the flow, minus that of the earlier one, in levels."""
    return np.asarray(cv2.subtract(warp(after, forward), before, dtype=cv2.CV_32F))


def mean_absolute(
    difference: Float32[np.ndarray, "H W"], visible: Bool[np.ndarray, "H W"]
) -> float:
    """Mean absolute difference over the visible pixels, in levels; 0 where there is none."""
    return float(cv2.mean(np.abs(difference), visible.view(np.uint8))[0])


def block_mean(difference: Float32[np.ndarray, "H W"], visible: Bool[np.ndarray, "H W"]) -> float:
    """Mean over blocks of the absolute mean difference, in levels; blocks hardly visible do not count."""
    height, width = difference.shape
    size = (min(BLOCKS[0], width), min(BLOCKS[1], height))
    weight = visible.astype(np.float32)
    share = cv2.resize(weight, size, interpolation=cv2.INTER_AREA)
    total = cv2.resize(difference * weight, size, interpolation=cv2.INTER_AREA)
    usable = share >= LEAST_VISIBLE
    if not usable.any():
        return 0.0
    return float(np.abs(total[usable] / share[usable]).mean(dtype=np.float64))
