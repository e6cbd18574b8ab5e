"""What changes between neighbouring frames besides motion.

The later frame is moved back along the flow; on pixels that both frames show, the luma that still differs
is the error. Frames are uint8, RGB (T, H, W, 3) or luma (T, H, W); `forward` holds the flow from each frame
to the next and `backward` from each frame to the one before, both (T - 1, H, W, 2) in px, as `optical_flow`
gives them. The mean over pairs is the metric, which leaves out hard cuts and repeated frames.
"""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np

from mirabench.functional.arrays import flows, pairs
from mirabench.functional.flow import visible_in_both, warp
from mirabench.shapes import Bool, Float, Float32, Float64, UInt8

FULL_SCALE = 255.0
BLOCKS = (16, 9)
"""Columns and rows of blocks over which what is left is averaged for flicker."""
LEAST_VISIBLE = 0.25
"""Share of a block that both frames show, below which it does not count."""
Reduction = Callable[[Float32[np.ndarray, "H W"], Bool[np.ndarray, "H W"]], float]
"""From a difference in levels, and which pixels count, to one number in levels."""


def warping_error(
    frames: UInt8[np.ndarray, "T H W 3"] | UInt8[np.ndarray, "T H W"],
    forward: Float[np.ndarray, "N H W 2"],
    backward: Float[np.ndarray, "N H W 2"],
) -> Float64[np.ndarray, " N"]:
    """Mean absolute luma difference after motion compensation, in % of full scale.

    Lai et al., ECCV 2018 (E_warp) square the differences; absolute values are less ruled by edges.

    Args:
        frames: uint8, RGB or luma.
        forward: Flow from each frame to the next, px.
        backward: Flow from each frame to the one before, px.

    Returns:
        One value a pair, 0 to 100; 0 for a pair with no pixel that both frames show.

    Raises:
        InputError: frames or flows have another shape or dtype.

    Example:
        >>> dark, light = np.full((2, 4, 4), [[[100]], [[151]]], np.uint8)
        >>> nothing_moves = np.zeros((1, 4, 4, 2), np.float32)
        >>> warping_error(np.stack([dark, light]), nothing_moves, nothing_moves).tolist()  # 51 of 255
        [20.0]
    """
    return _each(frames, forward, backward, mean_absolute)


def temporal_flicker(
    frames: UInt8[np.ndarray, "T H W 3"] | UInt8[np.ndarray, "T H W"],
    forward: Float[np.ndarray, "N H W 2"],
    backward: Float[np.ndarray, "N H W 2"],
) -> Float64[np.ndarray, " N"]:
    """Mean over 16x9 blocks of the absolute mean luma difference after motion compensation, % of full scale.

    Averaging within a block first cancels texture, noise and interpolation, and leaves light that changed.

    Args:
        frames: uint8, RGB or luma.
        forward: Flow from each frame to the next, px.
        backward: Flow from each frame to the one before, px.

    Returns:
        One value a pair, 0 to 100; 0 for a pair of which no block is a quarter visible.

    Raises:
        InputError: frames or flows have another shape or dtype.

    Example:
        >>> frames = np.full((2, 9, 32), 100, np.uint8)
        >>> frames[1, :, ::2] += 10  # of two pixels that share a block, one is 10 brighter
        >>> still = np.zeros((1, 9, 32, 2), np.float32)
        >>> (temporal_flicker(frames, still, still) * 255 / 100).round(4).tolist()
        [5.0]
    """
    return _each(frames, forward, backward, block_mean)


def _each(
    frames: UInt8[np.ndarray, "T H W 3"] | UInt8[np.ndarray, "T H W"],
    forward: Float[np.ndarray, "N H W 2"],
    backward: Float[np.ndarray, "N H W 2"],
    reduce: Reduction,
) -> Float64[np.ndarray, " N"]:
    grey, onward, back = pairs(frames, forward, backward), flows(forward), flows(backward)
    found = [
        reduce(residual(before, after, there), visible_in_both(there, again)) / FULL_SCALE
        for before, after, there, again in zip(grey[:-1], grey[1:], onward, back, strict=True)
    ]
    return np.asarray(found, np.float64) * 100.0


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
