"""What a self-contained page shows of each clip: its film strip, and its curves as drawings."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from markupsafe import Markup

from mirabench.features.api import FeatureTable
from mirabench.features.film_strip import pictures
from mirabench.metrics.api import Curve
from mirabench.report import charts
from mirabench.report.model import MetricSummary, Report, VideoRecord


@dataclass(frozen=True, slots=True, eq=False)
class ClipExtras:
    """What the page shows of a clip beyond the report."""

    strip: FeatureTable | None = None
    """Feature `film_strip`; `mirabench.features.film_strip.pictures` takes it apart."""
    curves: Mapping[str, Curve] = field(default_factory=dict)
    """Metric -> value over time."""


class Moment(NamedTuple):
    """A point of a curve."""

    seconds: float
    value: float


class DrawnCurve(NamedTuple):
    """A metric over a clip's time."""

    name: str
    summary: MetricSummary
    picture: Markup
    ends: tuple[float, float]
    """Values at the bottom and the top of the drawing."""
    worst: Moment


class ClipPart(NamedTuple):
    """A clip's part of the page."""

    video: VideoRecord
    anchor: str
    seconds: float
    strip: list[tuple[float, str]]
    """(seconds, JPEG file in base64) of each picture."""
    curves: list[DrawnCurve]
    ticks: list[float]


def clip_part(report: Report, position: int, extras: ClipExtras) -> ClipPart:
    """The part of the clip at a position of the report."""
    video = report.videos[position]
    seconds = video.duration_seconds or 0.0
    drawn = [
        _drawn(name, report.summary[name], curve, seconds)
        for name, curve in curves_of(report, extras)
    ]
    strip = [] if extras.strip is None else pictures(extras.strip)
    stills = [(p.seconds, base64.b64encode(p.jpeg).decode()) for p in strip]
    return ClipPart(video, anchor_of(position), seconds, stills, drawn, charts.ticks(seconds))


def anchor_of(position: int) -> str:
    """Where links to the clip at a position of the report lead."""
    return f"clip-{position}"


def curves_of(report: Report, extras: ClipExtras) -> list[tuple[str, Curve]]:
    """(metric, curve) of a clip's curves that have points, in the order of the suite."""
    return [
        (name, extras.curves[name])
        for name in report.summary
        if name in extras.curves and len(extras.curves[name].values)
    ]


def worst_of(summary: MetricSummary, curve: Curve) -> Moment:
    """The moment at which a metric is worst."""
    at = int(curve.values.argmin() if summary.higher_is_better else curve.values.argmax())
    return Moment(float(curve.seconds[at]), float(curve.values[at]))


def ends_of(summary: MetricSummary, curve: Curve) -> tuple[float, float]:
    """Values at the bottom and the top of a curve's drawing."""
    extremes = [float(curve.values.min()), float(curve.values.max())]
    return charts.axis_for(extremes, summary.range_low, summary.range_high)


def _drawn(name: str, summary: MetricSummary, curve: Curve, duration: float) -> DrawnCurve:
    worst, ends = worst_of(summary, curve), ends_of(summary, curve)
    picture = charts.curve(curve.seconds, curve.values, duration, ends, worst)
    return DrawnCurve(name, summary, picture, ends, worst)
