"""`letterbox_share`: how much of the picture black bars at its borders take.

Formula: mean over frames of 1 - (height without bars x width without bars) / (height x width). A bar is
the unbroken run of rows or columns, from a border inwards, whose every pixel has luma below `dark`.

When not to trust it: a night scene whose borders are black has bars to this metric; bars of another
colour, or with a logo on them, are picture.
"""

from dataclasses import dataclass
from typing import ClassVar

import cv2
import numpy as np

from mirabench.features.api import FeatureRef, FeatureTable, as_table
from mirabench.metrics.api import ClipInputs, Curve, Measured, MetricSpec
from mirabench.video.frames import FrameBatch, IntArray, VideoInfo
from mirabench.video.sampling import at_rate


@dataclass(frozen=True)
class Bars:
    """Extractor of the feature `bars`: `seconds` and `share` of the picture under bars, 0 to 1."""

    dark: int = 18
    """Luma below which a pixel is black: limited-range black with some compression noise."""
    rate: float = 4.0
    name: ClassVar[str] = "bars"
    version: ClassVar[int] = 1
    resize: ClassVar[None] = None

    def select(self, video: VideoInfo) -> IntArray:
        """`rate` frames per second."""
        return at_rate(video, self.rate)

    def open(self, video: VideoInfo) -> "_Session":
        """Start on a clip."""
        del video
        return _Session(self.dark)


class _Session:
    """What must survive between batches: two numbers a frame, never a picture."""

    def __init__(self, dark: int) -> None:
        self._dark = dark
        self._seconds: list[float] = []
        self._share: list[float] = []

    def push(self, batch: FrameBatch) -> None:
        for rgb, seconds in zip(batch.data, batch.seconds.tolist(), strict=True):
            lit = cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY) >= self._dark
            self._seconds.append(seconds)
            self._share.append(1 - _extent(lit.any(axis=1)) * _extent(lit.any(axis=0)))

    def finish(self) -> FeatureTable:
        return as_table(seconds=self._seconds, share=self._share)


def _extent(lit: np.ndarray) -> float:
    """Share of a line between its first and its last lit place; 0 when all is dark."""
    places = np.flatnonzero(lit)
    return float((places[-1] - places[0] + 1) / len(lit)) if len(places) else 0.0


@dataclass(frozen=True)
class LetterboxShare:
    """`letterbox_share`."""

    spec: ClassVar[MetricSpec] = MetricSpec(
        name="letterbox_share",
        version=1,
        dimension="visual quality",
        summary="How much of the picture black bars at its borders take",
        unit="",
        range=(0.0, 1.0),
        higher_is_better=False,
        needs={"bars": FeatureRef.of("bars")},
        degenerate_when=("black",),
        source="mirabench's example packages",
        resolution_invariant=True,
        fps_invariant=True,
        worsened_by=("gamma", 8.0),
    )

    def compute(self, clip: ClipInputs) -> Measured:
        """Mean share over frames, 0 no bars to 1 nothing else."""
        bars = clip["bars"]
        return Measured(float(bars["share"].mean()), curve=Curve(bars["seconds"], bars["share"]))
