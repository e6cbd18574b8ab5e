"""Feature `integrity`: what a file's container and its decoder show of damage, in words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from mirabench.features.api import FeatureTable
from mirabench.video.frames import FrameBatch, IntArray, VideoInfo
from mirabench.video.sampling import every_frame


@dataclass(frozen=True, slots=True)
class Integrity:
    """Extractor of the feature `integrity`; looks at no pixel.

    Column: `seen` (N,) text, one sentence for each kind of damage; N = 0 for a sound file, for an array
    and for a folder of pictures.
    """

    name: ClassVar[str] = "integrity"
    version: ClassVar[int] = 1
    resize: ClassVar[None] = None

    def select(self, video: VideoInfo) -> IntArray:
        """Every frame: the last batch says how the decoding went."""
        return every_frame(video)

    def open(self, video: VideoInfo) -> _Session:
        """Start on a clip."""
        return _Session(video)


class _Session:
    def __init__(self, video: VideoInfo) -> None:
        self._seen = list(video.damage)

    def push(self, batch: FrameBatch) -> None:
        self._seen += batch.damage

    def finish(self) -> FeatureTable:
        return FeatureTable({"seen": np.asarray(self._seen, dtype=np.str_)})
