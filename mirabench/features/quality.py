"""Feature `quality`: no-reference measures of single frames at native size, four times per second.

Native size, because block borders and noise do not survive resizing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from mirabench.features.api import FeatureTable
from mirabench.features.rows import Rows
from mirabench.functional import picture_quality
from mirabench.functional.arrays import luma
from mirabench.functional.descriptors import appearance_descriptor
from mirabench.video.frames import FrameBatch, IntArray, VideoInfo
from mirabench.video.sampling import at_rate


@dataclass(frozen=True, slots=True)
class Quality:
    """Extractor of the feature `quality`. Rows are frames, `rate` a second.

    Columns: `seconds`; of the picture within black bars `sharpness` (0 to 1), `noise` (levels),
    `colorfulness`, `exposure` (0 to 1), `blockiness` (0 to 1); of the whole frame `contrast` (standard
    deviation of luma in levels), `appearance` (20,).
    """

    rate: float = 4.0
    name: ClassVar[str] = "quality"
    version: ClassVar[int] = 3
    resize = None  # native size

    def select(self, video: VideoInfo) -> IntArray:
        """`rate` frames per second."""
        return at_rate(video, self.rate)

    def open(self, video: VideoInfo) -> _Session:
        """Start on a clip."""
        return _Session()


class _Session:
    def __init__(self) -> None:
        self._rows = Rows(
            "seconds", "sharpness", "noise", "colorfulness", "exposure", "blockiness", "contrast",
            "appearance",
        )  # fmt: skip

    def push(self, batch: FrameBatch) -> None:
        grey = luma(batch.data)
        columns = {
            "seconds": batch.seconds,
            "sharpness": picture_quality.fine_detail(grey),
            "noise": picture_quality.visible_noise(grey),
            "colorfulness": picture_quality.vividness(batch.data),
            "exposure": picture_quality.tonal_exposure(grey),
            "blockiness": picture_quality.blockiness(grey),
            "contrast": [float(picture.std()) for picture in grey],
            "appearance": appearance_descriptor(batch.data),
        }
        for row in zip(*columns.values(), strict=True):
            self._rows.add(**dict(zip(columns, row, strict=True)))

    def finish(self) -> FeatureTable:
        return self._rows.table()
