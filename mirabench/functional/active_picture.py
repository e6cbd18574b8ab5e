"""Where the picture of a frame lies between black bars (letterbox, pillarbox): bars are no picture."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from mirabench.functional.arrays import luma
from mirabench.shapes import Bool, UInt8

DARKEST = 32
"""Level that no pixel of a bar exceeds: black in full and in limited range, with what a codec adds."""
FLATTEST = 8
"""Levels that no pixel of a bar lies above the darkest of its outermost line."""
BLEED = 0.04
"""Share of the side over which a codec may blur the edge of a bar."""
THINNEST, THICKEST = 0.02, 0.8
"""Share of the side that each bar has at least, and that both have together at most."""
STEP = 16
"""Levels by which the picture beside a bar is brighter than the bar ..."""
STEP_SHARE = 0.5
"""... along this part of the edge, over both bars: a night sky ends in no straight line."""


class ActivePicture(NamedTuple):
    """The rows [top, bottom) and columns [left, right) of a frame that hold its picture."""

    top: int
    bottom: int
    left: int
    right: int

    def of(self, frame: np.ndarray) -> np.ndarray:
        """That part of a frame (H, W) or (H, W, C), as a view."""
        return frame[self.top : self.bottom, self.left : self.right]


def active_picture(
    frame: UInt8[np.ndarray, "H W 3"] | UInt8[np.ndarray, "H W"],
) -> ActivePicture:
    """The part of a frame within black bars above and below, or left and right.

    Bars are black, flat, equally thick on both sides, and end in a straight step to the picture; a line of
    the picture beside each is given up, because a codec bleeds over the edge. A dark frame or scene has no
    bars: nothing tells them from it.

    Args:
        frame: uint8, RGB or luma.

    Returns:
        The whole frame where no bars are found.

    Raises:
        InputError: the frame is not uint8 (H, W, 3) or (H, W).

    Example:
        >>> wide = np.full((40, 60), 100, np.uint8)
        >>> wide[:6] = wide[34:] = 0
        >>> active_picture(wide)
        ActivePicture(top=7, bottom=33, left=0, right=60)
    """
    grey = luma(frame[None])[0]
    top, bottom = _within(grey)
    left, right = _within(grey[top:bottom].T)
    return ActivePicture(top, bottom, left, right)


def _within(lines: UInt8[np.ndarray, "H W"]) -> tuple[int, int]:
    """First and last (exclusive) line between two bars; all lines where there are none."""
    count = len(lines)
    edges = (_edge(lines), _edge(lines[::-1]))
    thin = max(2.0, THINNEST * count)
    too_thick = sum(edges) > THICKEST * count
    if min(edges) < thin or too_thick or abs(edges[0] - edges[1]) > thin:
        return 0, count
    steps = [_step(lines, edges[0]), _step(lines[::-1], edges[1])]
    if sum(steps) < 2 * STEP_SHARE or min(steps) < STEP_SHARE / 2:
        return 0, count
    return edges[0] + 1, count - edges[1] - 1


def _edge(lines: UInt8[np.ndarray, "H W"]) -> int:
    """How many lines from the first on belong to a bar, those that a codec blurred at its edge included."""
    level = int(lines[0].min()) + FLATTEST
    if level > DARKEST + FLATTEST:
        return 0
    bar = _run(lines.max(axis=1) <= min(level, DARKEST))
    if not bar:
        return 0
    reach = lines[bar : bar + round(BLEED * len(lines))]
    return bar + _run(np.median(reach, axis=1) <= level)


def _step(lines: UInt8[np.ndarray, "H W"], edge: int) -> float:
    """Share of the line just inside the edge that is brighter than the bar."""
    return float((lines[edge + 1] >= int(lines[0].min()) + STEP).mean())


def _run(flags: Bool[np.ndarray, " N"]) -> int:
    """How many hold from the start on."""
    return len(flags) if flags.all() else int(np.argmin(flags))
