"""Motion strength by networks, as the reference has it.

- `dynamic_degree`: mean over pairs of neighbours of the mean of the largest floor(0.05 H W) RAFT
  displacements, px per frame.
- `tracking_strength`: mean over rows and points of the distance from the very first position, by
  CoTracker2; the rows are those of `mirabench.functional.tracking_strength`, in which early frames weigh
  most.

Source: MiraData, arXiv 2407.06358; public code `evaluation/dynamic_degree.py:34-70`, `__init__.py:99-105`.
Reproduced with these defects: pixels, not shares of the picture; per frame, not per second; the cumulative
weighting. When not to trust it: across resolutions, frame rates and lengths (use `flow_magnitude` and
`track_displacement`).
"""

from __future__ import annotations

from mirabench.errors import NotApplicable
from mirabench.features.api import FeatureRef
from mirabench.functional import tracks
from mirabench.metrics.api import ClipFormula, ClipInputs, Curve, Measured, MetricSpec


def dynamic_degree(clip: ClipInputs) -> Measured:
    """Mean over pairs, pixels per frame.

    Raises:
        NotApplicable: the clip has one frame.
    """
    table = clip["flow"]
    if not len(table["top5"]):
        raise NotApplicable("the clip has one frame: motion needs at least two")
    return Measured(float(table["top5"].mean()), curve=Curve(table["seconds"], table["top5"]))


def tracking_strength(clip: ClipInputs) -> Measured:
    """Mean over all answers of all windows, pixels."""
    table = clip["tracks"]
    return Measured(tracks.tracking_strength(table["tracks"], table["first"], table["length"]))


DYNAMIC_DEGREE = ClipFormula(
    MetricSpec(
        name="dynamic_degree",
        version=1,
        dimension="motion strength",
        summary="How far the fastest twentieth of the picture moves from frame to frame (RAFT)",
        unit="px/frame",
        range=(0.0, float("inf")),
        higher_is_better=True,
        needs={"flow": FeatureRef.of("raft_flow")},
        source="MiraData, arXiv 2407.06358; public code",
    ),
    dynamic_degree,
)
TRACKING_STRENGTH = ClipFormula(
    MetricSpec(
        name="tracking_strength",
        version=1,
        dimension="motion strength",
        summary="How far tracked points are from where they began (CoTracker2)",
        unit="px",
        range=(0.0, float("inf")),
        higher_is_better=True,
        needs={"tracks": FeatureRef.of("point_tracks")},
        source="MiraData, arXiv 2407.06358; public code",
        non_commercial=True,
    ),
    tracking_strength,
)
