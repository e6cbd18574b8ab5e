"""Motion by networks, as the reference has it.

- `temporal_motion_smoothness`: 1 - mean over odd frames of |AMT-S prediction - frame| / 255.
- `dynamic_degree`: mean over pairs of neighbours of the mean of the largest floor(0.05 H W) RAFT
  displacements, px per frame.
- `tracking_strength`: CoTracker2 returns at every window the tracks of all frames so far, and the reference
  puts all these answers one after the other; mean over rows and points of the distance from the very first
  position. Frame t is counted once for each window that had reached it, so early frames weigh most.

Source: MiraData, arXiv 2407.06358; public code `evaluation/motion_smoothness.py:102-158`,
`dynamic_degree.py:34-70`, `__init__.py:99-105`. Reproduced with these defects: pixels, not shares of the
picture; per frame, not per second; the cumulative weighting. When not to trust it: across resolutions, frame
rates and lengths (use `flow_magnitude` and `track_displacement`); a static clip is perfectly smooth.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from mirabench.errors import MetricError
from mirabench.features.api import FeatureRef
from mirabench.metrics.api import ClipInputs, Curve, Measured, MetricSpec
from mirabench.metrics.health import PULSE

_SOURCE = "MiraData, arXiv 2407.06358; public code"


@dataclass(frozen=True, slots=True)
class TemporalMotionSmoothness:
    """`temporal_motion_smoothness`."""

    spec: ClassVar[MetricSpec] = MetricSpec(
        name="temporal_motion_smoothness",
        version=1,
        dimension="temporal consistency",
        summary="How well AMT-S predicts every other frame from its neighbours",
        unit="",
        range=(0.0, 1.0),
        higher_is_better=True,
        needs={"interpolation": FeatureRef.of("interpolation"), "pulse": PULSE},
        degenerate_when=("static",),
        source=_SOURCE,
        non_commercial=True,
    )

    def compute(self, clip: ClipInputs) -> Measured:
        """1 minus the mean error as share of full scale."""
        table = clip["interpolation"]
        values = 1.0 - table["error"] / 255.0
        return Measured(float(values.mean()), curve=Curve(table["seconds"], values))


@dataclass(frozen=True, slots=True)
class DynamicDegree:
    """`dynamic_degree`."""

    spec: ClassVar[MetricSpec] = MetricSpec(
        name="dynamic_degree",
        version=1,
        dimension="motion strength",
        summary="How far the fastest twentieth of the picture moves from frame to frame (RAFT)",
        unit="px/frame",
        range=(0.0, float("inf")),
        higher_is_better=True,
        needs={"flow": FeatureRef.of("raft_flow")},
        source=_SOURCE,
    )

    def compute(self, clip: ClipInputs) -> Measured:
        """Mean over pairs, pixels per frame."""
        table = clip["flow"]
        if not len(table["top5"]):
            raise MetricError("the clip has one frame: motion needs at least two")
        return Measured(float(table["top5"].mean()), curve=Curve(table["seconds"], table["top5"]))


@dataclass(frozen=True, slots=True)
class TrackingStrength:
    """`tracking_strength`."""

    spec: ClassVar[MetricSpec] = MetricSpec(
        name="tracking_strength",
        version=1,
        dimension="motion strength",
        summary="How far tracked points are from where they began (CoTracker2)",
        unit="px",
        range=(0.0, float("inf")),
        higher_is_better=True,
        needs={"tracks": FeatureRef.of("point_tracks")},
        source=_SOURCE,
        non_commercial=True,
    )

    def compute(self, clip: ClipInputs) -> Measured:
        """Mean over all answers of all windows, pixels."""
        table = clip["tracks"]
        return Measured(cumulative_distance(table["tracks"], table["first"], table["length"]))


def cumulative_distance(
    tracks: NDArray[np.floating], first: NDArray[np.int64], length: NDArray[np.int64]
) -> float:
    """Mean distance from the first position over the answers of all windows, each of all frames so far.

    Args:
        tracks: (W, 8, K, 2) each window's estimates, px.
        first: (W,) the window's first frame.
        length: (W,) how many of its 8 rows are frames.
    """
    origin = tracks[0, 0].astype(np.float64)  # (K, 2)
    per_frame = np.zeros(int((first + length).max()))
    total, rows = 0.0, 0
    for window, start, count in zip(tracks, first.tolist(), length.tolist(), strict=True):
        offset = window[:count].astype(np.float64) - origin
        per_frame[start : start + count] = np.hypot(offset[..., 0], offset[..., 1]).mean(axis=1)
        total += float(per_frame[: start + count].sum())
        rows += start + count
    return total / rows
