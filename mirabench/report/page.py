"""`report.html`: one self-contained page, made from the report and what the clips left for the eye.

No script or style comes from elsewhere, and a content security policy forbids asking for any. All text
is escaped: prompts and file names are strangers' text.
"""

from __future__ import annotations

import base64
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib.resources import files

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from mirabench.features.api import FeatureTable
from mirabench.features.film_strip import pictures
from mirabench.metrics.api import DIMENSIONS, Curve
from mirabench.report import charts
from mirabench.report.model import MetricSummary, Report, VideoRecord
from mirabench.report.table import interval as interval_text
from mirabench.report.table import number, weight_remarks

MOST_STRIPS = 200
"""Clips that get a film strip; beyond, a page would be too heavy to open."""
HALF_WAY: Mapping[str, float] = {
    "warping_error": 2.0,
    "temporal_flicker": 0.5,
    "flow_magnitude": 0.2,
    "track_displacement": 0.1,
    "consistency_3d_mean_err": 0.7,
    "handmade_frechet_distance": 2.0,
}
"""For the radar only: the value of an unbounded metric that is drawn half way to the rim."""
RADAR_METRICS: Mapping[str, Sequence[str]] = {
    "temporal consistency": ("warping_error", "temporal_flicker"),
    "motion strength": ("flow_magnitude", "track_displacement"),
    "3D consistency": ("consistency_3d_keep_ratio",),
    "visual quality": ("sharpness", "exposure"),
    "text alignment": ("camera_motion_agreement",),
    "distribution similarity": ("handmade_frechet_distance",),
}


@dataclass(frozen=True, slots=True, eq=False)
class ClipExtras:
    """What the page shows of a clip beyond the report."""

    strip: FeatureTable | None = None
    """Feature `film_strip`; `mirabench.features.film_strip.pictures` takes it apart."""
    curves: Mapping[str, Curve] = field(default_factory=dict)
    """Metric -> value over time."""


def render_page(report: Report, extras: Mapping[str, ClipExtras]) -> str:
    """The page as one HTML document."""
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters["number"] = number
    return environment.from_string(_part("page.html.j2")).render(
        report=report,
        css=Markup(_part("page.css")),  # our own file
        js=Markup(_part("page.js")),  # our own file
        groups=_groups(report),
        radar=charts.radar([(d, radar_value(report, d)) for d in DIMENSIONS]),
        radar_note=_radar_note(),
        columns=[n for n, s in report.summary.items() if s.scope == "clip"],
        clips=[
            _clip(report, v, extras.get(v.id, ClipExtras()), i) for i, v in enumerate(report.videos)
        ],
        most_strips=MOST_STRIPS,
        failed=len(report.failed_videos),
        interval=interval_text,
        remarks=list(weight_remarks(report)),
    )


def _part(name: str) -> str:
    return files("mirabench.report").joinpath(name).read_text(encoding="utf-8")


def _groups(report: Report) -> list[tuple[str, list[tuple[str, MetricSummary, Markup | str]]]]:
    """Dimension -> its metrics with their pictures, in the paper's order."""
    groups = []
    for dimension in DIMENSIONS:
        rows = [
            (name, summary, _strip_plot(report, name, summary))
            for name, summary in report.summary.items()
            if summary.dimension == dimension
        ]
        if rows:
            groups.append((dimension, rows))
    return groups


def _strip_plot(report: Report, name: str, summary: MetricSummary) -> Markup | str:
    values = [
        v.scores[name].value
        for v in report.videos
        if name in v.scores and v.scores[name].status != "degenerate"
    ]
    bounds = [b for b in (summary.mean, summary.ci_low, summary.ci_high) if b is not None]
    if not values and not bounds:
        return ""
    low, high = charts.axis_for([*values, *bounds], summary.range_low, summary.range_high)
    found = (
        (summary.ci_low, summary.ci_high)
        if summary.ci_low is not None and summary.ci_high is not None
        else None
    )
    return charts.strip_plot(values, summary.mean, found, charts.Scale(low, high, 240.0))


def radar_value(report: Report, dimension: str) -> float | None:
    """How far out a dimension is drawn, 0 to 1; None when none of its metrics has a mean.

    Metrics with a finite range are drawn at their place in it; unbounded ones at x / (x + h), h being
    `HALF_WAY`; where lower is better, one minus that. Several metrics are averaged. This serves the
    picture: it is no score, and is written nowhere else.
    """
    found = []
    for name in RADAR_METRICS[dimension]:
        summary = report.summary.get(name)
        if summary is None or summary.mean is None:
            continue
        if name in HALF_WAY:
            place = summary.mean / (summary.mean + HALF_WAY[name])
        else:
            low, high = summary.range_low or 0.0, summary.range_high or 1.0
            place = (summary.mean - low) / (high - low)
        found.append(place if summary.higher_is_better else 1.0 - place)
    return min(1.0, max(0.0, math.fsum(found) / len(found))) if found else None


def _radar_note() -> str:
    halves = ", ".join(f"{name} {value:g}" for name, value in HALF_WAY.items())
    return (
        "A picture, not a score. Metrics with a finite range are drawn at their place in it; the others at "
        f"x / (x + h), so that h is half way ({halves}); where lower is better, at one minus that. "
        "Metrics drawn: "
        + "; ".join(f"{d}: {', '.join(m)}" for d, m in RADAR_METRICS.items())
        + "."
    )


def _clip(
    report: Report, video: VideoRecord, extras: ClipExtras, position: int
) -> dict[str, object]:
    duration = video.duration_seconds or 0.0
    strip = []
    if extras.strip is not None and position < MOST_STRIPS:
        strip = [
            (seconds, base64.b64encode(jpeg).decode()) for seconds, jpeg in pictures(extras.strip)
        ]
    drawn = [
        (name, _worst(curve, higher), charts.curve(
            curve.seconds, curve.values, duration, higher_is_better=higher, label=name
        ))
        for name, curve in extras.curves.items()
        if len(curve.values) and (higher := report.summary[name].higher_is_better) is not None
    ]  # fmt: skip
    return {"video": video, "strip": strip, "curves": drawn, "anchor": f"clip-{position}"}


def _worst(curve: Curve, higher_is_better: bool) -> tuple[float, float]:
    """(seconds, value) of the worst moment."""
    values = curve.values
    at = int(values.argmin() if higher_is_better else values.argmax())
    return float(curve.seconds[at]), float(values[at])
