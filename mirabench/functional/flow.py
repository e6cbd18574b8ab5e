"""Dense optical flow, and what it tells of a pair of frames: what moved, and what both frames show.

A field of flow holds for each pixel of a frame the vector in px, x before y, to where the next frame shows it.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import cv2
import numpy as np

from mirabench.functional.arrays import durations, flows, length, luma
from mirabench.shapes import Bool, Float, Float32, Float64, Real, UInt8

SMALLEST = 32
"""DIS needs a few patches a side; smaller pictures are enlarged by repeating their border."""
FASTEST = 0.05
"""Share of pixels that stand for the motion of a picture, as in MiraBench's dynamic degree."""
CYCLE_SHARE, CYCLE_PX2 = 0.01, 0.5
"""How far forward and backward flow may miss: a share of their squared lengths, and px^2 more."""

PairFlow = Callable[
    [UInt8[np.ndarray, "H W"], UInt8[np.ndarray, "H W"]], Float32[np.ndarray, "H W 2"]
]
"""From the lumas of two pictures to the flow from the first to the second."""


def optical_flow(
    frames: UInt8[np.ndarray, "T H W 3"] | UInt8[np.ndarray, "T H W"],
    *,
    finest_scale: int = 1,
    patch_stride: int = 6,
    iterations: int = 16,
) -> Float32[np.ndarray, "N H W 2"]:
    """DIS flow on luma from each frame to the next.

    Kroeger et al., ECCV 2016, as in OpenCV. Its finest scale is half the picture: the usual presets stop at a
    quarter and read a shift of one pixel 10 % too large, at about the same cost. The way back, from each frame
    to the one before, is `optical_flow(frames[::-1])[::-1]`.

    Args:
        frames: uint8, RGB or luma. The metrics shrink them to a short side of at most 240 px first.
        finest_scale: 0 full size, 1 half, 2 a quarter.
        patch_stride: Between patches in px, at most 7.
        iterations: Of gradient descent for a patch.

    Returns:
        T - 1 fields in px; (0, H, W, 2) for one frame.

    Raises:
        InputError: the frames are not uint8 (T, H, W, 3) or (T, H, W).
    """
    grey = luma(frames)
    between = dis_flow(finest_scale, patch_stride, iterations)
    found = [between(before, after) for before, after in pairwise(grey)]
    return np.stack(found) if found else np.zeros((0, *grey.shape[1:], 2), np.float32)


def dis_flow(finest_scale: int, patch_stride: int, iterations: int) -> PairFlow:
    """DIS with the settings of `optical_flow`, as a function of two lumas."""
    dis = cv2.DISOpticalFlow_create(cv2.DISOPTICAL_FLOW_PRESET_ULTRAFAST)
    dis.setFinestScale(finest_scale)
    dis.setPatchStride(patch_stride)
    dis.setGradientDescentIterations(iterations)

    def between(
        before: UInt8[np.ndarray, "H W"], after: UInt8[np.ndarray, "H W"]
    ) -> Float32[np.ndarray, "H W 2"]:
        height, width = before.shape
        right, bottom = max(0, SMALLEST - width), max(0, SMALLEST - height)
        if right or bottom:
            edge = (0, bottom, 0, right, cv2.BORDER_REPLICATE)
            before, after = cv2.copyMakeBorder(before, *edge), cv2.copyMakeBorder(after, *edge)
        flow: Float32[np.ndarray, "A B 2"] = dis.calc(before, after, None)
        return flow[:height, :width]

    return between


def warp(
    picture: UInt8[np.ndarray, "H W *C"] | Float32[np.ndarray, "H W *C"],
    flow: Float32[np.ndarray, "H W 2"],
) -> UInt8[np.ndarray, "H W *C"] | Float32[np.ndarray, "H W *C"]:
    """What the picture shows at the far end of each pixel's flow.

    Bilinear, in steps of 1/32 px (OpenCV's `remap`); beyond the border the border is repeated. The later of two
    frames, warped by the flow from the earlier one, lies over it.

    Args:
        picture: (H, W) or (H, W, C), uint8 or float32.
        flow: px.

    Example:
        >>> right = np.stack([np.ones((1, 3)), np.zeros((1, 3))], axis=2).astype(np.float32)
        >>> warp(np.array([[10, 20, 30]], np.uint8), right).tolist()
        [[20, 30, 30]]
    """
    to_x, to_y = _ends(flow)
    moved: UInt8[np.ndarray, "H W *C"] = cv2.remap(
        picture, to_x, to_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )
    return moved


def _ends(
    flow: Float32[np.ndarray, "H W 2"],
) -> tuple[Float32[np.ndarray, "H W"], Float32[np.ndarray, "H W"]]:
    """Columns and rows to which the pixels go."""
    height, width = flow.shape[:2]
    x, y = np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32)[:, None]
    right, down = cv2.split(flow)
    return x + right, y + down


def visible_in_both(
    forward: Float32[np.ndarray, "H W 2"], backward: Float32[np.ndarray, "H W 2"]
) -> Bool[np.ndarray, "H W"]:
    """Whether the next frame shows a pixel too: it stays inside, and the way back leads to where it began.

    Sundaram, Brox, Keutzer, ECCV 2010, equation 5: |w + v|^2 <= 0.01 (|w|^2 + |v|^2) + 0.5, w the flow
    forward and v the flow backward at its end, in px.

    Args:
        forward: Flow from the frame to the next.
        backward: Flow from the next to the frame.

    Example:
        >>> still = np.zeros((2, 3, 2), np.float32)
        >>> right = still + np.float32([1, 0])
        >>> visible_in_both(right, -right).tolist()  # the last column leaves the picture
        [[True, True, False], [True, True, False]]
        >>> visible_in_both(right, still).any()  # nothing comes back
        np.False_
    """
    height, width = forward.shape[:2]
    to_x, to_y = _ends(forward)
    right, down = cv2.split(forward)
    back_x, back_y = cv2.split(warp(backward, forward))
    lengths = (right * right + down * down) + (back_x * back_x + back_y * back_y)
    missed_x, missed_y = right + back_x, down + back_y
    missed = missed_x * missed_x + missed_y * missed_y
    inside = (to_x >= 0) & (to_x <= width - 1) & (to_y >= 0) & (to_y <= height - 1)
    return np.asarray(inside & (missed <= CYCLE_SHARE * lengths + CYCLE_PX2))


def flow_magnitude(
    flow: Float[np.ndarray, "N H W 2"],
    seconds: float | Float64[np.ndarray, " N"],
    share: float = FASTEST,
) -> Float64[np.ndarray, " N"]:
    """How fast the fastest part of each picture moves, in diagonals of the picture per second.

    Mean length of the longest `share` of the vectors, divided by diagonal and time, which makes it independent
    of resolution and frame rate. The metric is the mean of the pairs weighted by their `seconds`.

    Args:
        flow: px; a field for each pair of frames.
        seconds: Between the frames of a pair; one number for all, or one each.
        share: Of the pixels, 0 to 1; at least one pixel counts.

    Returns:
        One value a pair, 0 and more.

    Raises:
        InputError: `flow` is not a (N, H, W, 2) of floats, or `seconds` are not positive or not N.

    Example:
        >>> field = np.zeros((1, 3, 4, 2), np.float32)
        >>> field[0, 0, 0] = 6, 8  # one of twelve pixels goes 10 px; the diagonal has 5
        >>> flow_magnitude(field, seconds=0.5).tolist()
        [4.0]
    """
    fields = flows(flow)
    px = np.asarray([fastest(field, share) for field in fields], np.float64)
    height, width = fields.shape[1:3]
    return diagonals_per_second(px, durations(seconds, len(px)), float(np.hypot(width, height)))


def fastest(flow: Float32[np.ndarray, "H W 2"], share: float = FASTEST) -> float:
    """Mean length in px of the longest `share` of the vectors of one field."""
    return mean_of_largest(length(flow[..., 0], flow[..., 1]), share)


def diagonals_per_second(
    px: Float64[np.ndarray, " N"], seconds: Float64[np.ndarray, " N"], diagonal: float
) -> Float64[np.ndarray, " N"]:
    """Speeds as share of the picture's diagonal (px) per second, from px in so many seconds."""
    return px / (seconds * diagonal)


def mean_of_largest(values: Real[np.ndarray, "*S"], share: float) -> float:
    """Mean of the largest `share` of the values, at least one of them; 0 for none.

    Args:
        values: Of any shape.
        share: 0 to 1; the count is cut to a whole number.

    Example:
        >>> mean_of_largest(np.arange(100.0), 0.05)  # 95 to 99
        97.0
    """
    if values.size == 0:
        return 0.0
    count = max(1, int(values.size * share))
    return float(np.partition(values.ravel(), values.size - count)[-count:].mean(dtype=np.float64))
