"""Feature `integrity`: what a file's container and its decoder show of damage, in words."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np

from mirabench.features.api import FeatureTable
from mirabench.video.decode import FILE_DECODER
from mirabench.video.frames import FrameBatch, IntArray, VideoInfo
from mirabench.video.hidden import hidden_damage
from mirabench.video.limits import MAX_PIXELS
from mirabench.video.sampling import every_frame
from mirabench.video.unverified import unverified


@dataclass(frozen=True, slots=True)
class Integrity:
    """Extractor of the feature `integrity`.

    Columns: `seen` (N,) text, one sentence for each kind of damage; `unverified` (M,) text, why damage may have
    gone unseen. N = 0 for a sound file, and N = M = 0 for an array and for a folder of pictures.
    """

    name: ClassVar[str] = "integrity"
    version: ClassVar[int] = 4
    resize: ClassVar[None] = None

    def select(self, video: VideoInfo) -> IntArray:
        """Every frame: the last batch says how the decoding went."""
        return every_frame(video)

    def open(self, video: VideoInfo) -> _Session:
        """Start on a clip."""
        return _Session(video)


class _Session:
    def __init__(self, video: VideoInfo) -> None:
        self._video, self._seen = video, list(video.damage)
        # what was let in at the first decoding is not refused at the second
        self._pixels = max(MAX_PIXELS, video.width * video.height)

    def push(self, batch: FrameBatch) -> None:
        self._seen += batch.damage

    def finish(self) -> FeatureTable:
        doubt = ""
        if self._video.decoder == FILE_DECODER:
            self._seen += hidden_damage(Path(self._video.path), self._pixels)
            doubt = unverified(Path(self._video.path), self._pixels)
        columns = {"seen": self._seen, "unverified": [doubt] if doubt else []}
        return FeatureTable(
            {name: np.asarray(told, dtype=np.str_) for name, told in columns.items()}
        )
