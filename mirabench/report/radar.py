"""Where the radar of `report.html` draws each dimension: one metric each, on a stated scale.

Metrics of a dimension have different units, so they are not averaged into one number: an axis shows
one metric's mean, which is written beside it. The scale serves the picture; its positions are written
nowhere else and are no scores.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from mirabench.metrics.api import DIMENSIONS
from mirabench.report.charts import Spoke
from mirabench.report.model import MetricSummary, Report
from mirabench.report.table import number

PREFERRED: Mapping[str, Sequence[str]] = {
    "temporal consistency": ("warping_error", "temporal_dino_consistency"),
    "motion strength": ("flow_magnitude", "dynamic_degree"),
    "3D consistency": ("epipolar_agreement", "consistency_3d_keep_ratio"),
    "visual quality": ("sharpness", "imaging_quality"),
    "text alignment": ("camera_motion_agreement", "overall_consistency"),
    "distribution similarity": ("handmade_frechet_distance", "fvd"),
}
"""The metric drawn for a dimension: the first of these with a mean, else the suite's first that fits."""
HALF_WAY: Mapping[str, float] = {
    "warping_error": 10.0,
    "flow_magnitude": 0.2,
    "dynamic_degree": 5.0,
    "handmade_frechet_distance": 2.0,
    "fvd": 500.0,
}
"""The value drawn half way to the rim where a range has no end, or is far wider than real clips use."""
CUSTOMARY: Mapping[str, tuple[float, float]] = {"imaging_quality": (0.0, 100.0)}
"""The scale an unbounded metric is commonly read on."""


def radar_spokes(report: Report) -> list[Spoke]:
    """One spoke for each dimension, in the paper's order."""
    return [_spoke(report, dimension) for dimension in DIMENSIONS]


def _spoke(report: Report, dimension: str) -> Spoke:
    name = drawn_metric(report, dimension)
    if name is None:
        measured = any(
            s.dimension == dimension and s.mean is not None for s in report.summary.values()
        )
        return Spoke(dimension, None, ("no fixed scale",) if measured else ("not measured",))
    summary = report.summary[name]
    arrow = "↑" if summary.higher_is_better else "↓"
    return Spoke(dimension, place(name, summary), (f"{name} {arrow}", number(summary.mean)))


def drawn_metric(report: Report, dimension: str) -> str | None:
    """The metric that stands for a dimension in the picture; None when none has a mean and a scale."""
    others = [n for n, s in report.summary.items() if s.dimension == dimension]
    for name in (*PREFERRED.get(dimension, ()), *others):
        summary = report.summary.get(name)
        if summary is not None and place(name, summary) is not None:
            return name
    return None


def place(name: str, summary: MetricSummary) -> float | None:
    """How far out a metric's mean is drawn, 0 to 1, better is farther; None without mean or scale.

    On a range with two ends, its place between them. Otherwise x / (x + h), h being `HALF_WAY`.
    Where lower is better, one minus that.
    """
    if summary.mean is None:
        return None
    low, high = CUSTOMARY.get(name, (summary.range_low, summary.range_high))
    if name in HALF_WAY:
        x = max(0.0, summary.mean)
        out = x / (x + HALF_WAY[name])
    elif low is not None and high is not None:
        out = min(1.0, max(0.0, (summary.mean - low) / (high - low)))
    else:
        return None
    return out if summary.higher_is_better else 1.0 - out


def radar_note(report: Report) -> str:
    """What the picture's axes are, in words."""
    drawn = [n for d in DIMENSIONS if (n := drawn_metric(report, d)) is not None]
    halves = [f"{n} {HALF_WAY[n]:g}" for n in drawn if n in HALF_WAY]
    note = (
        "A picture, not a score: each axis draws the mean of one metric of the dimension, written "
        "beside it, on a fixed scale of its own where farther out is better; the area means nothing. "
        "The centre is the worst end of the metric's range, the rim the best."
    )
    if halves:
        note += f" For metrics without an upper end the inner ring is at {', '.join(halves)}."
    return note
