"""Feature `speeds`: how fast the picture and what is in it move, twelve times a second.

DIS flow both ways between frames at fixed times, on luma of at most 320 px on the long side; see
`mirabench.functional.speeds`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import cv2
import numpy as np

from mirabench.features.api import FeatureTable
from mirabench.features.rows import Rows
from mirabench.functional.flow import dis_flow
from mirabench.functional.speeds import CellMotion, cell_motion, speeds_of, steadied
from mirabench.video.frames import FrameBatch, IntArray, UInt8Array, VideoInfo
from mirabench.video.resize import Resize
from mirabench.video.sampling import at_times

FINEST_SCALE, PATCH_STRIDE, ITERATIONS = 0, 4, 16
"""Of DIS. A twelfth of a second is far for a small object: stopping at half size loses half of its way."""


WINDOW = 3
"""Pairs over which a cell's velocity is a mean: a quarter of a second."""
LONGEST_STEP = 0.13
"""Seconds between frames beyond which neighbouring pairs show too different a moment for that."""


@dataclass(frozen=True, slots=True)
class SpeedsOfMotion:
    """Extractor of the feature `speeds`. Rows are pairs of frames a twelfth of a second apart.

    Columns: `seconds` of the later frame, `dt` (s), `fastest`, `camera`, `object` (diagonals per second; see
    the metrics), `alone` (`fastest` of the pair without its neighbours), `light` (change of light by blocks,
    share of full scale), `camera_inliers` (share of the grid; 0 when no camera could be fitted); the camera's
    step in the middle of the picture: `shift_x`, `shift_y` (diagonals), `scale` (1 = none), `rotation` (rad,
    clockwise positive). A clip of one frame gives no row.
    """

    rate: float = 12.0
    """Frames per second. At 8, DIS loses small objects that move by a twelfth of the diagonal in between."""
    long_side: int = 320
    name: ClassVar[str] = "speeds"
    version: ClassVar[int] = 3

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


class _Pair(NamedTuple):
    seconds: float
    dt: float
    cells: CellMotion


class _Session:
    def __init__(self, size: tuple[int, int]) -> None:
        self._diagonal = float(np.hypot(*size))
        self._flow = dis_flow(FINEST_SCALE, PATCH_STRIDE, ITERATIONS)
        self._last: UInt8Array | None = None
        self._last_seconds = 0.0
        self._pairs: list[_Pair] = []
        self._told = 0
        self._rows = Rows(
            "seconds", "dt", "fastest", "camera", "object", "alone", "light", "camera_inliers",
            "shift_x", "shift_y", "scale", "rotation",
        )  # fmt: skip

    def push(self, batch: FrameBatch) -> None:
        for rgb, seconds in zip(batch.data, batch.seconds.tolist(), strict=True):
            luma = cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY)
            if self._last is not None:
                self._take(self._last, luma, seconds)
            self._last, self._last_seconds = luma, seconds

    def _take(self, before: UInt8Array, after: UInt8Array, seconds: float) -> None:
        """Add a pair; the ones before it are told as soon as their neighbours are known."""
        dt = seconds - self._last_seconds
        self._pairs.append(_Pair(seconds, dt, cell_motion(before, after, self._flow)))
        if len(self._pairs) > WINDOW:
            del self._pairs[0]
            self._told -= 1
        if len(self._pairs) == WINDOW:
            for index in range(self._told, WINDOW - 1):
                self._add(index)
            self._told = WINDOW - 1

    def _add(self, index: int) -> None:
        pair = self._pairs[index]
        cells = pair.cells
        if self._alike():
            cells = steadied([p.cells for p in self._pairs], [p.dt for p in self._pairs], index)
        found = speeds_of(cells)
        per_second = 1 / (self._diagonal * pair.dt)
        self._rows.add(
            seconds=pair.seconds,
            dt=pair.dt,
            fastest=found.fastest * per_second,
            camera=found.camera * per_second,
            object=found.object * per_second,
            alone=speeds_of(pair.cells).fastest * per_second,
            light=found.light,
            camera_inliers=found.inliers,
            shift_x=cells.camera.shift_x / self._diagonal,
            shift_y=cells.camera.shift_y / self._diagonal,
            scale=cells.camera.scale,
            rotation=cells.camera.rotation,
        )

    def _alike(self) -> bool:
        """Whether the pairs that are held can be taken together."""
        shapes = {pair.cells.vectors.shape for pair in self._pairs}
        return len(shapes) == 1 and max(pair.dt for pair in self._pairs) <= LONGEST_STEP

    def finish(self) -> FeatureTable:
        for index in range(self._told, len(self._pairs)):
            self._add(index)
        return self._rows.table()
