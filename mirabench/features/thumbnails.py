"""Feature `thumbnails`: what frames show at a glance; tells without weights whether a place comes back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from mirabench.features.api import FeatureTable
from mirabench.features.rows import Rows
from mirabench.functional.thumbnails import thumbnail
from mirabench.video.frames import FrameBatch, IntArray, VideoInfo
from mirabench.video.resize import Resize
from mirabench.video.sampling import at_times


@dataclass(frozen=True, slots=True)
class Thumbnails:
    """Extractor of the feature `thumbnails`. Rows are the frames nearest to each tick of a clock.

    Columns: `seconds`, `rows` (432,): 16x9 places of luma and of two colour differences, between black bars,
    each frame with mean 0 and length 1, so that exposure, contrast and fine detail hardly enter.
    """

    rate: float = 8.0
    """Ticks per second."""
    long_side: int = 256
    name: ClassVar[str] = "thumbnails"
    version: ClassVar[int] = 1

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
        return _Session()


class _Session:
    def __init__(self) -> None:
        self._rows = Rows("seconds", "rows")

    def push(self, batch: FrameBatch) -> None:
        for rgb, seconds in zip(batch.data, batch.seconds.tolist(), strict=True):
            self._rows.add(seconds=seconds, rows=thumbnail(rgb))

    def finish(self) -> FeatureTable:
        return self._rows.table()
