"""Feature `tracks`: corners followed by KLT, seeded again every second, one row per window.

Corners of Shi and Tomasi (CVPR 1994) are followed by pyramidal Lucas-Kanade (OpenCV), forward and
back; a corner that does not come back to within a pixel is lost. Seeding anew every second makes the
row independent of the clip's length; dividing by a corner's own life makes it independent of rate.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import cv2
import numpy as np
from numpy.typing import NDArray

from mirabench.features.api import FeatureTable
from mirabench.features.rows import Rows
from mirabench.functional.tracks import net_speed
from mirabench.video.frames import FrameBatch, IntArray, UInt8Array, VideoInfo
from mirabench.video.resize import Resize
from mirabench.video.sampling import every_frame

CORNERS = 200
WINDOW_SECONDS = 1.0
RETURN_PX = 1.0
"""How far a corner may miss its start after going forward and back."""
_LK = {
    "winSize": (21, 21),
    "maxLevel": 3,
    "criteria": (cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_COUNT, 20, 0.03),
}


@dataclass(frozen=True, slots=True)
class Tracks:
    """Extractor of the feature `tracks`. Rows are windows of a second.

    Columns: `seconds` (the window's middle), `corners` (followed for at least one step), `speed` (mean
    over corners of net displacement divided by life, px/s of the analysed picture; 0 without corners).
    Facts: `width`, `height` of the analysed picture. A clip of one frame gives no row.
    """

    max_short_side: int = 240
    name: ClassVar[str] = "tracks"
    version: ClassVar[int] = 1

    @property
    def resize(self) -> Resize:
        """Shrunk by area averaging."""
        return Resize(max_short_side=self.max_short_side)

    def select(self, video: VideoInfo) -> IntArray:
        """Every frame."""
        return every_frame(video)

    def open(self, video: VideoInfo) -> _Session:
        """Start on a clip."""
        return _Session(self.resize.target(video.width, video.height))


class _Followed:
    """Corners on their way: where and when each began, where it was last seen, and when."""

    def __init__(self) -> None:
        self.start = np.zeros((0, 2), np.float32)
        self.begun = np.zeros(0)
        self.here = np.zeros((0, 2), np.float32)
        self.speeds: list[float] = []

    def seed(self, luma: UInt8Array, seconds: float) -> None:
        """Add corners where none is being followed."""
        mask = np.full(luma.shape, 255, np.uint8)
        for x, y in np.round(self.here).astype(int):
            cv2.circle(mask, (int(x), int(y)), 8, 0, -1)
        wanted = CORNERS - len(self.here)
        found = cv2.goodFeaturesToTrack(luma, wanted, 0.01, 7, mask=mask) if wanted > 0 else None
        if found is None:
            return
        corners = found.reshape(-1, 2)
        self.start = np.concatenate([self.start, corners])
        self.here = np.concatenate([self.here, corners])
        self.begun = np.concatenate([self.begun, np.full(len(corners), seconds)])

    def step(self, before: UInt8Array, after: UInt8Array, seconds: float) -> None:
        """Follow every corner from one frame, shown at `seconds`, to the next; retire the lost."""
        if not len(self.here):
            return
        moved, kept = follow(before, after, self.here)
        self._retire(~kept, seconds)
        self.here[kept] = moved[kept]
        self.start, self.begun, self.here = self.start[kept], self.begun[kept], self.here[kept]

    def _retire(self, lost: NDArray[np.bool_], seconds: float) -> None:
        lived = seconds - self.begun[lost]
        self.speeds += net_speed(self.start[lost], self.here[lost], lived).tolist()

    def close(self, seconds: float) -> list[float]:
        """Retire all; net speed in px/s of every corner that lived."""
        self._retire(np.ones(len(self.here), dtype=bool), seconds)
        return self.speeds


def follow(
    before: UInt8Array, after: UInt8Array, here: NDArray[np.float32]
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Where corners (N, 2) are in the next luma, and which of them came back to within a pixel, inside it."""
    if not len(here):
        return here, np.zeros(0, dtype=bool)
    moved, found, _ = cv2.calcOpticalFlowPyrLK(before, after, here, None, **_LK)
    back, returned, _ = cv2.calcOpticalFlowPyrLK(after, before, moved, None, **_LK)
    near = np.hypot(*(back - here).T) <= RETURN_PX
    return moved, (found.ravel() == 1) & (returned.ravel() == 1) & near & _inside(
        moved, after.shape
    )


def _inside(points: NDArray[np.float32], shape: tuple[int, ...]) -> NDArray[np.bool_]:
    height, width = shape[:2]
    x, y = points.T
    return np.asarray((x >= 0) & (y >= 0) & (x <= width - 1) & (y <= height - 1))


class _Session:
    def __init__(self, size: tuple[int, int]) -> None:
        self._size = size
        self._rows = Rows("seconds", "corners", "speed")
        self._last: UInt8Array | None = None
        self._last_seconds = 0.0
        self._followed = _Followed()
        self._window_start = 0.0

    def push(self, batch: FrameBatch) -> None:
        for rgb, seconds in zip(batch.data, batch.seconds.tolist(), strict=True):
            luma = cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY)
            if self._last is None:
                self._begin(luma, seconds)
            else:
                self._step(self._last, luma, seconds)
            self._last, self._last_seconds = luma, seconds

    def _begin(self, luma: UInt8Array, seconds: float) -> None:
        self._followed = _Followed()
        self._window_start = seconds
        self._followed.seed(luma, seconds)

    def _step(self, before: UInt8Array, after: UInt8Array, seconds: float) -> None:
        self._followed.step(before, after, self._last_seconds)
        if seconds - self._window_start >= WINDOW_SECONDS - 1e-6:
            self._end(seconds)
            self._begin(after, seconds)
        elif len(self._followed.here) < CORNERS // 2:
            self._followed.seed(after, seconds)

    def _end(self, seconds: float) -> None:
        speeds = self._followed.close(seconds)
        self._rows.add(
            seconds=(self._window_start + seconds) / 2,
            corners=len(speeds),
            speed=float(np.mean(speeds)) if speeds else 0.0,
        )

    def finish(self) -> FeatureTable:
        # the rest of the clip is a window too, unless it is too short to say anything
        rest = self._last_seconds - self._window_start
        if rest >= WINDOW_SECONDS / 2 or (rest > 0 and len(self._rows) == 0):
            self._end(self._last_seconds)
        return self._rows.table({"width": self._size[0], "height": self._size[1]})
