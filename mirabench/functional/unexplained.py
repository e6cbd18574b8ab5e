"""How much of a picture's change its motion does not explain, as a share of the picture.

Two frames, the flow between them, and which pixels both show. What is left once the later frame is moved back
is judged block by block against what the picture holds there, so that blur, contrast, size, black bars and
exposure hardly change the answer: less detail leaves less error, but also less to follow.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import cv2
import numpy as np

from mirabench.functional.active_picture import active_picture
from mirabench.functional.arrays import flows, length, pairs, sobel
from mirabench.functional.consistency import BLOCKS, LEAST_VISIBLE, residual
from mirabench.functional.flow import visible_in_both
from mirabench.shapes import Bool, Float, Float32, Float64, UInt8

SCALE = 0.01
"""Of detail that is judged, in diagonals (standard deviation): finer is a matter of sharpness and of coding."""
LEAST_SLOPE = 0.6
"""Levels per % of a diagonal below which a block is flat, and says nothing unless its light changes."""
LEAST_LIGHT = 2.0
"""Levels added to the contrast of the picture against which light is measured."""
FLAT = 1.0
"""Levels of slope and error together by which a block counts half."""
DISPLACED, DISPLACED_HALF = 0.15, 0.5
"""Error that a displacement of so many % of the diagonal would leave: what flow itself leaves, and how much
more makes a block half unexplained."""
LIT, LIT_HALF = 0.04, 0.2
"""As above for light, as share of the picture's contrast."""
METHOD = 0.01
"""Share of the picture that is left unexplained in clean clips: edges of what moves, where flow is smooth."""
LEAK = 0.05
"""Part that still counts of what lies below the least that is judged: a little worse is never equal."""


class Evidence(NamedTuple):
    """What a pair of frames says."""

    share: float
    """Of the picture that is unexplained, 0 to 1; 1 where there is nothing to judge."""
    weight: float
    """Share of the picture that says something, 0 to 1."""


Judge = Callable[
    [
        UInt8[np.ndarray, "H W"],
        UInt8[np.ndarray, "H W"],
        Float32[np.ndarray, "H W 2"],
        Bool[np.ndarray, "H W"],
    ],
    Evidence,
]
"""From two lumas, the flow between them and what both show, to what the pair says."""


def unexplained_change(
    before: UInt8[np.ndarray, "H W"],
    after: UInt8[np.ndarray, "H W"],
    forward: Float32[np.ndarray, "H W 2"],
    visible: Bool[np.ndarray, "H W"],
) -> Evidence:
    """Share of the picture that changes otherwise than by its motion.

    Between black bars, at the scale of 1 % of the diagonal, the mean absolute error of each of 16x9 blocks,
    divided by its mean slope of luma, is the displacement that would leave this error, d in % of the
    diagonal. With y = max(0, d - 0.15) + min(d, 0.15) / 20 the block is unexplained by
    y^2 / (y^2 + 0.5^2).

    Args:
        before: Luma.
        after: Luma of the later frame.
        forward: Flow from the earlier to the later frame, px.
        visible: Which pixels both frames show; the others do not count.
    """
    return unexplained_share(residual(before, after, forward), before, visible)


def unexplained_share(
    left: Float32[np.ndarray, "H W"],
    picture: UInt8[np.ndarray, "H W"],
    visible: Bool[np.ndarray, "H W"],
) -> Evidence:
    """Share of a picture in which what is left, in levels, is more than a small displacement would leave.

    Args:
        left: Difference from what motion explains, levels.
        picture: Luma against whose detail it is judged.
        visible: Which pixels count.
    """
    percent = np.float32(np.hypot(*picture.shape) / 100)  # px
    within = active_picture(picture).of
    seen = within(visible).astype(np.float32)
    smooth = _smooth(within(left) * seen, percent)
    error = np.abs(smooth) / np.maximum(_smooth(seen, percent), np.float32(1e-3)) * seen
    slope = _slope(_smooth(within(picture).astype(np.float32), percent)) * percent * seen
    lost, held, share = _blocks(error), _blocks(slope), _blocks(seen)
    displaced = lost / (held + LEAST_SLOPE * share + 1e-9)
    weight = (lost + held) / (lost + held + FLAT) * share
    return _weighed(_bent(displaced, DISPLACED, DISPLACED_HALF), weight)


def unexplained_light(
    before: UInt8[np.ndarray, "H W"],
    after: UInt8[np.ndarray, "H W"],
    forward: Float32[np.ndarray, "H W 2"],
    visible: Bool[np.ndarray, "H W"],
) -> Evidence:
    """Share of the picture whose brightness changes otherwise than by its motion.

    The mean error of each of 16x9 blocks, signs kept, as share v of the picture's contrast (standard deviation
    of luma between black bars, and 2 levels). With y = max(0, v - 0.04) + min(v, 0.04) / 20 the block is
    unexplained by y^2 / (y^2 + 0.2^2). Averaging first cancels texture, noise and interpolation, and leaves
    light.

    Args:
        before: Luma.
        after: Luma of the later frame.
        forward: Flow from the earlier to the later frame, px.
        visible: Which pixels both frames show; blocks of which less than a quarter is shown do not count.
    """
    percent = np.float32(np.hypot(*before.shape) / 100)
    within = active_picture(before).of
    seen = within(visible).astype(np.float32)
    share = _blocks(seen)
    left = within(residual(before, after, forward))
    light = np.abs(_blocks(left * seen)) / np.maximum(share, 1e-3)
    held = _blocks(_slope(_smooth(within(before).astype(np.float32), percent))) * percent
    contrast = float(within(before).std(dtype=np.float64)) + LEAST_LIGHT
    weight = (light + held) / (light + held + FLAT) * (share >= LEAST_VISIBLE)
    return _weighed(_bent(light / contrast, LIT, LIT_HALF), weight)


def warping_error(
    frames: UInt8[np.ndarray, "T H W 3"] | UInt8[np.ndarray, "T H W"],
    forward: Float[np.ndarray, "N H W 2"],
    backward: Float[np.ndarray, "N H W 2"],
) -> Float64[np.ndarray, " N"]:
    """Share of the picture, in %, that changes otherwise than by its motion; one value for each pair of frames.

    Lai et al., ECCV 2018 (E_warp) give the mean squared difference, which blur and less contrast make smaller.
    See `unexplained_change`; the metric also counts cuts, repeated frames and frames out of order.

    Args:
        frames: uint8, RGB or luma. The metric takes 8 frames per second, the longer side at most 256 px.
        forward: Flow from each frame to the next, px.
        backward: Flow from each frame to the one before, px.

    Returns:
        0 to 100; 100 for a pair that shows nothing to judge by, such as black or flat frames.

    Raises:
        InputError: frames or flows have another shape or dtype.

    Example:
        >>> ramp = np.tile(np.arange(0, 192, 3, dtype=np.uint8), (36, 1))
        >>> still = np.zeros((1, 36, 64, 2), np.float32)
        >>> warping_error(np.stack([ramp, ramp]), still, still).tolist()
        [0.0]
        >>> bool(warping_error(np.stack([ramp, ramp + 50]), still, still)[0] > 99)
        True
    """
    return _each(frames, forward, backward, unexplained_change)


def temporal_flicker(
    frames: UInt8[np.ndarray, "T H W 3"] | UInt8[np.ndarray, "T H W"],
    forward: Float[np.ndarray, "N H W 2"],
    backward: Float[np.ndarray, "N H W 2"],
) -> Float64[np.ndarray, " N"]:
    """Share of the picture, in %, whose brightness changes otherwise than by motion; one value for each pair.

    See `unexplained_light`; the metric also counts cuts, repeated frames and frames out of order.

    Args:
        frames: uint8, RGB or luma. The metric takes 8 frames per second, the longer side at most 256 px.
        forward: Flow from each frame to the next, px.
        backward: Flow from each frame to the one before, px.

    Returns:
        0 to 100; 100 for a pair that shows nothing to judge by, such as black or flat frames.

    Raises:
        InputError: frames or flows have another shape or dtype.

    Example:
        >>> ramp = np.tile(np.arange(0, 192, 3, dtype=np.uint8), (36, 1))
        >>> still = np.zeros((1, 36, 64, 2), np.float32)
        >>> temporal_flicker(np.stack([ramp, ramp + 2]), still, still).round(2).tolist()  # 4 % of 55 + 2 levels
        [0.01]
        >>> bool(temporal_flicker(np.stack([ramp, ramp + 50]), still, still)[0] > 90)
        True
    """
    return _each(frames, forward, backward, unexplained_light)


def _each(
    frames: UInt8[np.ndarray, "T H W 3"] | UInt8[np.ndarray, "T H W"],
    forward: Float[np.ndarray, "N H W 2"],
    backward: Float[np.ndarray, "N H W 2"],
    judge: Judge,
) -> Float64[np.ndarray, " N"]:
    grey, onward, back = pairs(frames, forward, backward), flows(forward), flows(backward)
    found = [
        judge(before, after, there, visible_in_both(there, again)).share
        for before, after, there, again in zip(grey[:-1], grey[1:], onward, back, strict=True)
    ]
    return np.asarray(found, np.float64) * 100.0


def _smooth(picture: Float32[np.ndarray, "H W"], percent: np.float32) -> Float32[np.ndarray, "H W"]:
    return np.asarray(cv2.GaussianBlur(picture, (0, 0), 100 * SCALE * float(percent)))


def _slope(picture: Float32[np.ndarray, "H W"]) -> Float32[np.ndarray, "H W"]:
    """Levels per px."""
    return np.asarray(length(*sobel(picture)) / np.float32(8))


def _blocks(picture: Float32[np.ndarray, "H W"]) -> Float64[np.ndarray, "B C"]:
    """Means over the blocks."""
    height, width = picture.shape
    size = (min(BLOCKS[0], width), min(BLOCKS[1], height))
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.float64)


def _bent(
    values: Float64[np.ndarray, "B C"], none: float, half: float
) -> Float64[np.ndarray, "B C"]:
    """About 0 up to `none`, 1/2 at `half` beyond it, towards 1; always rising."""
    beyond = (np.maximum(0.0, values - none) + LEAK * np.minimum(values, none)) ** 2
    return np.asarray(beyond / (beyond + half**2))


def _weighed(values: Float64[np.ndarray, "B C"], weight: Float64[np.ndarray, "B C"]) -> Evidence:
    total = float(weight.sum())
    if total < 1e-3 * weight.size:
        return Evidence(1.0, 0.0)
    return Evidence(float((weight * values).sum() / total), total / weight.size)


def mean_unexplained(
    shares: Float64[np.ndarray, " N"], weights: Float64[np.ndarray, " N"]
) -> float:
    """Mean of the pairs' shares by weight, less what the method itself leaves (1 %); 1 for no evidence.

    Of what the method leaves a twentieth counts, so that of two good clips one can be better.

    Example:
        >>> found = mean_unexplained(np.array([0.0, 1.0]), np.array([3.0, 1.0]))
        >>> round(found, 4)  # 0.25 - 0.01 + 0.01 / 20, of 0.9905
        0.2428
        >>> mean_unexplained(np.array([0.0]), np.array([1.0]))
        0.0
    """
    total = float(weights.sum())
    if total <= 0:
        return 1.0
    share = float((shares * weights).sum() / total)
    counted = max(0.0, share - METHOD) + LEAK * min(share, METHOD)
    return counted / (1 - METHOD + LEAK * METHOD)
