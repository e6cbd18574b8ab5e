"""Feature `film_strip`: a few small pictures of the clip for people to look at; no metric reads it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import cv2
import numpy as np

from mirabench.features.api import FeatureTable, as_table
from mirabench.video.frames import FrameBatch, IntArray, VideoInfo
from mirabench.video.resize import Resize
from mirabench.video.sampling import evenly


@dataclass(frozen=True, slots=True)
class FilmStrip:
    """Extractor of the feature `film_strip`.

    Columns: `seconds` (N,), `jpeg` (all files one after the other, uint8), `ends` (N,) where each ends.
    """

    count: int = 10
    max_short_side: int = 90
    name: ClassVar[str] = "film_strip"
    version: ClassVar[int] = 1

    @property
    def resize(self) -> Resize:
        """Shrunk by area averaging."""
        return Resize(max_short_side=self.max_short_side)

    def select(self, video: VideoInfo) -> IntArray:
        """`count` frames, evenly spaced."""
        return evenly(video, self.count)

    def open(self, video: VideoInfo) -> _Session:
        """Start on a clip."""
        return _Session()


class _Session:
    def __init__(self) -> None:
        self._files: list[bytes] = []
        self._seconds: list[float] = []

    def push(self, batch: FrameBatch) -> None:
        for rgb, seconds in zip(batch.data, batch.seconds.tolist(), strict=True):
            _, file = cv2.imencode(
                ".jpg", np.ascontiguousarray(rgb[..., ::-1]), [cv2.IMWRITE_JPEG_QUALITY, 80]
            )
            self._files.append(file.tobytes())
            self._seconds.append(seconds)

    def finish(self) -> FeatureTable:
        return as_table(
            seconds=self._seconds,
            jpeg=np.frombuffer(b"".join(self._files), np.uint8),
            ends=np.cumsum([len(f) for f in self._files]),
        )


def pictures(table: FeatureTable) -> list[tuple[float, bytes]]:
    """(seconds, JPEG file) of each picture in a film strip."""
    data, ends = table["jpeg"].tobytes(), table["ends"].tolist()
    starts = [0, *ends[:-1]]
    seconds = table["seconds"].tolist()
    return [(s, data[a:b]) for s, a, b in zip(seconds, starts, ends, strict=True)]
