"""Feature `pulse`: a thumbnail's-eye view of every frame, from which a clip's health is read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import cv2
import numpy as np

from mirabench.features.api import FeatureTable
from mirabench.features.rows import Rows
from mirabench.video.frames import FrameBatch, IntArray, UInt8Array, VideoInfo
from mirabench.video.resize import Resize
from mirabench.video.sampling import every_frame

SIGNATURE = (8, 6)
"""Columns and rows of the mean lumas that tell one frame from another."""


@dataclass(frozen=True, slots=True)
class Pulse:
    """Extractor of the feature `pulse`. Rows are frames.

    Columns: `seconds`; in levels of luma: `bright` (99th percentile), `spread` (standard deviation),
    `change` and `change_from_first` (mean of the most different 1 % of pixels against the frame before
    and against the first frame; 0 for the first), `signature` (48,) float32.
    """

    max_short_side: int = 90
    name: ClassVar[str] = "pulse"
    version: ClassVar[int] = 1

    @property
    def resize(self) -> Resize:
        """Shrunk by area averaging, which removes most compression noise."""
        return Resize(max_short_side=self.max_short_side)

    def select(self, video: VideoInfo) -> IntArray:
        """Every frame."""
        return every_frame(video)

    def open(self, video: VideoInfo) -> _Session:
        """Start on a clip."""
        return _Session()


class _Session:
    def __init__(self) -> None:
        self._first: UInt8Array | None = None
        self._last: UInt8Array | None = None
        self._rows = Rows("seconds", "bright", "spread", "change", "change_from_first", "signature")

    def push(self, batch: FrameBatch) -> None:
        for rgb, seconds in zip(batch.data, batch.seconds.tolist(), strict=True):
            luma = cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY)
            first = luma if self._first is None else self._first
            last = luma if self._last is None else self._last
            signature = cv2.resize(luma.astype(np.float32), SIGNATURE, interpolation=cv2.INTER_AREA)
            self._rows.add(
                seconds=seconds,
                bright=float(np.percentile(luma, 99)),
                spread=float(luma.std()),
                change=most_different(last, luma),
                change_from_first=most_different(first, luma),
                signature=signature.ravel(),
            )
            self._first, self._last = first, luma

    def finish(self) -> FeatureTable:
        return self._rows.table()


def most_different(one: UInt8Array, two: UInt8Array) -> float:
    """Mean absolute difference of the most different 1 % of pixels, in levels."""
    difference = cv2.absdiff(one, two).ravel()
    count = max(1, difference.size // 100)
    return float(np.partition(difference, difference.size - count)[-count:].mean(dtype=np.float64))
