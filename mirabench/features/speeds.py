"""Feature `speeds`: how fast the picture and what is in it move, twelve times a second.

DIS flow both ways between frames at fixed times, on luma of at most 320 px on the long side; see
`mirabench.functional.speeds`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import cv2
import numpy as np

from mirabench.features.api import FeatureTable
from mirabench.features.rows import Rows
from mirabench.functional.flow import dis_flow
from mirabench.functional.speeds import speeds
from mirabench.video.frames import FrameBatch, IntArray, UInt8Array, VideoInfo
from mirabench.video.resize import Resize
from mirabench.video.sampling import at_times

FINEST_SCALE, PATCH_STRIDE, ITERATIONS = 0, 4, 16
"""Of DIS. A twelfth of a second is far for a small object: stopping at half size loses half of its way."""


@dataclass(frozen=True, slots=True)
class SpeedsOfMotion:
    """Extractor of the feature `speeds`. Rows are pairs of frames a twelfth of a second apart.

    Columns: `seconds` of the later frame, `dt` (s), `fastest`, `camera`, `object` (diagonals per second; see
    the metrics), `light` (change of light by blocks, share of full scale), `camera_inliers`
    (share of the grid; 0 when no camera could be fitted). A clip of one frame gives no row.
    """

    rate: float = 12.0
    """Frames per second. At 8, DIS loses small objects that move by a twelfth of the diagonal in between."""
    long_side: int = 320
    name: ClassVar[str] = "speeds"
    version: ClassVar[int] = 2

    @property
    def resize(self) -> Resize:
        """Shrunk by area averaging, the aspect kept."""
        return Resize(long_side=self.long_side)

    def select(self, video: VideoInfo) -> IntArray:
        """The frames nearest to the ticks of a clock."""
        return at_times(video, self.rate)

    def open(self, video: VideoInfo) -> _Session:
        """Start on a clip."""
        return _Session(self.resize.target(video.width, video.height))


class _Session:
    def __init__(self, size: tuple[int, int]) -> None:
        self._diagonal = float(np.hypot(*size))
        self._flow = dis_flow(FINEST_SCALE, PATCH_STRIDE, ITERATIONS)
        self._last: UInt8Array | None = None
        self._last_seconds = 0.0
        self._rows = Rows("seconds", "dt", "fastest", "camera", "object", "light", "camera_inliers")

    def push(self, batch: FrameBatch) -> None:
        for rgb, seconds in zip(batch.data, batch.seconds.tolist(), strict=True):
            luma = cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY)
            if self._last is not None:
                self._add(self._last, luma, seconds)
            self._last, self._last_seconds = luma, seconds

    def _add(self, before: UInt8Array, after: UInt8Array, seconds: float) -> None:
        dt = seconds - self._last_seconds
        found = speeds(before, after, self._flow)
        per_second = 1 / (self._diagonal * dt)
        self._rows.add(
            seconds=seconds,
            dt=dt,
            fastest=found.fastest * per_second,
            camera=found.camera * per_second,
            object=found.object * per_second,
            light=found.light,
            camera_inliers=found.inliers,
        )

    def finish(self) -> FeatureTable:
        return self._rows.table()
