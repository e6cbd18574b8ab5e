"""Feature `motion_residual`: what dense flow leaves unexplained between frames an eighth of a second apart.

The flow is DIS (Kroeger et al., ECCV 2016, as in OpenCV) both ways on luma, the picture's longer side at most
256 px; what is left is judged by `mirabench.functional.unexplained_change` and `unexplained_light` on pixels
visible in both frames. Pairs are of neighbouring ticks of a clock and not of neighbouring frames, so the
frame rate does not enter.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import cv2
import numpy as np

from mirabench.features.api import FeatureTable
from mirabench.features.rows import Rows
from mirabench.functional.flow import PairFlow, dis_flow, visible_in_both
from mirabench.functional.unexplained import unexplained_change, unexplained_light
from mirabench.video.frames import FrameBatch, IntArray, UInt8Array, VideoInfo
from mirabench.video.resize import Resize
from mirabench.video.sampling import at_times

FINEST_SCALE, PATCH_STRIDE, ITERATIONS = 0, 4, 16
"""Of DIS, to the last px: stopped at half size, it loses thin and fast things of a street an eighth of a second
apart, and what it does not follow passes for change. Of a handheld shot of a street, 3.1 % of the picture were
left that way; to the last px, 1.1 %, and flickering light leaves as much as before."""


@dataclass(frozen=True, slots=True)
class MotionResidual:
    """Extractor of the feature `motion_residual`. Rows are pairs of frames at neighbouring ticks.

    Columns: `seconds` of the later frame, `dt` (s, true times); shares of the picture, 0 to 1: `change` and
    `light` that motion does not explain, `change_weight` and `light_weight` (how much of the picture says
    something), `visible` (seen in both). A clip of one frame gives no row.
    """

    rate: float = 8.0
    """Ticks per second."""
    long_side: int = 256
    name: ClassVar[str] = "motion_residual"
    version: ClassVar[int] = 3

    @property
    def resize(self) -> Resize:
        """Shrunk by area averaging, the aspect kept."""
        return Resize(long_side=self.long_side)

    def select(self, video: VideoInfo) -> IntArray:
        """The frame nearest to each tick."""
        return at_times(video, self.rate)

    def open(self, video: VideoInfo) -> _Session:
        """Start on a clip."""
        del video
        return _Session(dis_flow(FINEST_SCALE, PATCH_STRIDE, ITERATIONS), self.long_side)


class _Session:
    def __init__(self, flow: PairFlow, long_side: int) -> None:
        self._flow, self._long_side = flow, long_side
        self._last: tuple[UInt8Array, float] | None = None
        self._rows = Rows(
            "seconds", "dt", "change", "change_weight", "light", "light_weight", "visible"
        )

    def push(self, batch: FrameBatch) -> None:
        for rgb, seconds in zip(batch.data, batch.seconds.tolist(), strict=True):
            luma = enlarged(cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY), self._long_side)
            if self._last is not None:
                self._add_pair(*self._last, luma, seconds)
            self._last = luma, seconds

    def _add_pair(self, before: UInt8Array, then: float, after: UInt8Array, seconds: float) -> None:
        forward = self._flow(before, after)
        visible = visible_in_both(forward, self._flow(after, before))
        change = unexplained_change(before, after, forward, visible)
        light = unexplained_light(before, after, forward, visible)
        self._rows.add(
            seconds=seconds,
            dt=seconds - then,
            change=change.share,
            change_weight=change.weight,
            light=light.share,
            light_weight=light.weight,
            visible=float(np.mean(visible)),
        )

    def finish(self) -> FeatureTable:
        return self._rows.table()


def enlarged(picture: UInt8Array, long_side: int) -> UInt8Array:
    """A luma (H, W) or RGB picture (H, W, 3) with a longer side of at least this many px, bicubic.

    DIS fits patches of 8 px, which are coarse on a small picture: what it misses there would pass for change.
    """
    height, width = picture.shape[:2]
    factor = long_side / max(height, width)
    if factor <= 1:
        return picture
    size = (round(width * factor), round(height * factor))
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_CUBIC), np.uint8)
