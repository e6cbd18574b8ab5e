"""The frame between two others, made from them: what smooth motion would show there, and where one can tell."""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np

from mirabench.functional.flow import visible_in_both, warp
from mirabench.functional.unexplained import Evidence, unexplained_share
from mirabench.shapes import Bool, Float32, UInt8

WHOLLY = 0.99
"""Share of a pixel that must be visible at the far end, for its neighbours to count as visible too."""

LEAST_EVEN = 0.5
"""Part of what bends at the middle that shows at another moment, below which it is not made up for."""


class MiddleFrame(NamedTuple):
    """What two frames say of a moment between them."""

    picture: UInt8[np.ndarray, "H W"]
    shown: Bool[np.ndarray, "H W"]
    """Which pixels come from places that both frames show: not what is covered in one of them."""


def middle_frame(
    before: UInt8[np.ndarray, "H W"],
    after: UInt8[np.ndarray, "H W"],
    forward: Float32[np.ndarray, "H W 2"],
    backward: Float32[np.ndarray, "H W 2"],
    share: float = 0.5,
) -> MiddleFrame:
    """The frame at `share` of the time from `before` to `after`, if everything moves evenly.

    Flows from that moment as in Jiang et al. (Super SloMo, CVPR 2018, equation 4), both frames fetched along
    them and blended by nearness in time. What one of the two frames does not show (forward-backward check of
    `visible_in_both`, in both frames; beyond the border) is not shown: occlusions and disocclusions are no
    faults. Only the two outer flows are used: a flow from a faulty frame itself would hide its fault.

    Args:
        before: Luma.
        after: Luma of the later frame.
        forward: Flow from `before` to `after`, px.
        backward: Flow from `after` to `before`, px.
        share: 0 at `before` to 1 at `after`.

    Example:
        >>> one = np.full((32, 32), 100, np.uint8)
        >>> nothing_moves = np.zeros((32, 32, 2), np.float32)
        >>> made = middle_frame(one, one + 40, nothing_moves, nothing_moves, share=0.25)
        >>> int(made.picture[0, 0]), bool(made.shown.all())
        (110, True)
    """
    t = np.float32(share)
    to_before = t * t * backward - (1 - t) * t * forward
    to_after = (1 - t) * (1 - t) * forward - t * (1 - t) * backward
    near, far = float(1 - t), float(t)
    made = cv2.addWeighted(
        warp(before, to_before), near, warp(after, to_after), far, 0.0, dtype=cv2.CV_8U
    )
    shown = _seen(visible_in_both(forward, backward), to_before)
    shown &= _seen(visible_in_both(backward, forward), to_after)
    return MiddleFrame(np.asarray(made, np.uint8), shown)


def _seen(
    visible: Bool[np.ndarray, "H W"], flow: Float32[np.ndarray, "H W 2"]
) -> Bool[np.ndarray, "H W"]:
    """Which pixels come from visible places within the picture."""
    height, width = visible.shape
    x = np.arange(width, dtype=np.float32) + flow[..., 0]
    y = np.arange(height, dtype=np.float32)[:, None] + flow[..., 1]
    inside = (x >= 0) & (x <= width - 1) & (y >= 0) & (y <= height - 1)
    return np.asarray(inside & (warp(visible.astype(np.float32), flow) > WHOLLY))


def interpolation_residual(
    frames: tuple[UInt8[np.ndarray, "H W"], UInt8[np.ndarray, "H W"], UInt8[np.ndarray, "H W"]],
    forward: Float32[np.ndarray, "H W 2"],
    backward: Float32[np.ndarray, "H W 2"],
    share: float = 0.5,
) -> Evidence:
    """Share of the middle one of three frames that smooth motion between the others does not explain.

    Its difference from `middle_frame` is judged as in `unexplained_change`: against the picture's own detail.
    What motion that bends leaves at a share t of the time grows as t (1 - t): the difference is divided by
    4 t (1 - t), but by 1/2 at least, so that frames that miss their ticks give the same.

    Args:
        frames: Lumas in order of time.
        forward: Flow from the first to the last, px.
        backward: Flow from the last to the first, px.
        share: Of the time between the outer two that has passed at the middle one.

    Example:
        >>> ramp = np.tile(np.arange(0, 192, 3, dtype=np.uint8), (36, 1))
        >>> nothing_moves = np.zeros((36, 64, 2), np.float32)
        >>> interpolation_residual((ramp, ramp, ramp), nothing_moves, nothing_moves).share
        0.0
        >>> interpolation_residual((ramp, ramp + 50, ramp), nothing_moves, nothing_moves).share > 0.99
        True
    """
    before, middle, after = frames
    made = middle_frame(before, after, forward, backward, share)
    left = cv2.subtract(made.picture, middle, dtype=cv2.CV_32F)
    even = np.float32(max(LEAST_EVEN, 4 * share * (1 - share)))
    return unexplained_share(np.asarray(left / even, np.float32), middle, made.shown)
