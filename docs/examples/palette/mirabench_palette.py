"""`palette_distance`: how far the colours of one set of clips are from those of another.

Formula: each clip becomes a histogram of its pixels over 4 x 4 x 4 cells of the RGB cube, the mean over
four frames per second; each set becomes the mean of its clips. The distance is the total variation between
the two, half the sum of absolute differences: 0 the same colours, 1 none in common. The standard error
is the jackknife's over clips of both sides.

When not to trust it: colours do not say what is shown, and a set of few clips has the colours of its
scenes. Compare runs over the same prompts.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from mirabench.errors import MetricError
from mirabench.features.api import FeatureRef, FeatureTable, as_table
from mirabench.maths.distribution import jackknife_error
from mirabench.metrics.api import ClipInputs, MetricSpec, SetMeasured
from mirabench.video.frames import FrameBatch, IntArray, VideoInfo
from mirabench.video.sampling import at_rate

CELLS = 4
"""Cells along each of red, green and blue."""


@dataclass(frozen=True)
class Palette:
    """Extractor of the feature `palette`: `shares` (64,), the mean histogram of colours, sum 1."""

    rate: float = 4.0
    name: ClassVar[str] = "palette"
    version: ClassVar[int] = 1
    resize: ClassVar[None] = None

    def select(self, video: VideoInfo) -> IntArray:
        """`rate` frames per second."""
        return at_rate(video, self.rate)

    def open(self, video: VideoInfo) -> "_Session":
        """Start on a clip."""
        del video
        return _Session()


class _Session:
    """What must survive between batches: counts, whatever the clip's length."""

    def __init__(self) -> None:
        self._counts = np.zeros(CELLS**3, np.int64)

    def push(self, batch: FrameBatch) -> None:
        cells = batch.data.astype(np.int64) * CELLS // 256
        index = (cells[..., 0] * CELLS + cells[..., 1]) * CELLS + cells[..., 2]
        self._counts += np.bincount(index.ravel(), minlength=CELLS**3)

    def finish(self) -> FeatureTable:
        return as_table(shares=self._counts / self._counts.sum())


@dataclass(frozen=True)
class PaletteDistance:
    """`palette_distance`: a metric of scope `set`, which needs reference clips."""

    spec: ClassVar[MetricSpec] = MetricSpec(
        name="palette_distance",
        version=1,
        dimension="distribution similarity",
        summary="How far the colours are from those of the reference clips",
        unit="",
        range=(0.0, 1.0),
        higher_is_better=False,
        needs={"palette": FeatureRef.of("palette")},
        scope="set",
        source="total variation; mirabench's example packages",
        resolution_invariant=True,
        fps_invariant=True,
        worsened_by=("saturation", 0.2),
    )

    def compare(
        self, generated: Sequence[ClipInputs], reference: Sequence[ClipInputs]
    ) -> SetMeasured:
        """Total variation between the mean palettes, 0 to 1."""
        ours = np.array([clip["palette"]["shares"] for clip in generated])
        theirs = np.array([clip["palette"]["shares"] for clip in reference])
        if not len(ours) or not len(theirs):
            raise MetricError(f"needs clips on both sides, got {len(ours)} and {len(theirs)}")
        value = _distance(ours, theirs)
        return SetMeasured(value, _error(ours, theirs), len(ours))


def _distance(ours: np.ndarray, theirs: np.ndarray) -> float:
    # rounding may put the sum of two histograms without a common colour a hair above 2
    return min(1.0, float(np.abs(ours.mean(axis=0) - theirs.mean(axis=0)).sum() / 2))


def _error(ours: np.ndarray, theirs: np.ndarray) -> float | None:
    """Jackknife standard error; none when leaving a clip out leaves a side empty."""
    if min(len(ours), len(theirs)) < 2:
        return None
    return math.hypot(
        jackknife_error(lambda i: _distance(np.delete(ours, i, 0), theirs), len(ours)),
        jackknife_error(lambda i: _distance(ours, np.delete(theirs, i, 0)), len(theirs)),
    )
