"""`report.html`: one self-contained page, made from the report and what the clips left for the eye.

No script or style comes from elsewhere, and a content security policy forbids asking for any. All text
is escaped: prompts and file names are strangers' text; the policy runs no script but ours.
"""

from __future__ import annotations

import base64
import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.resources import files
from typing import Any, NamedTuple

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from mirabench.features.api import FeatureTable
from mirabench.features.film_strip import pictures
from mirabench.metrics.api import DIMENSIONS, Curve
from mirabench.report import charts
from mirabench.report.model import MetricSummary, Report, VideoRecord
from mirabench.report.radar import radar_note, radar_spokes
from mirabench.report.table import interval as interval_text
from mirabench.report.table import number, weight_remarks

FULL_DETAIL_CLIPS = 200
"""Clips whose strips and curves are kept whole; beyond, both are thinned alike."""
FEWEST_POINTS = 40
"""Points that a curve keeps however many clips there are."""


@dataclass(frozen=True, slots=True, eq=False)
class ClipExtras:
    """What the page shows of a clip beyond the report."""

    strip: FeatureTable | None = None
    """Feature `film_strip`; `mirabench.features.film_strip.pictures` takes it apart."""
    curves: Mapping[str, Curve] = field(default_factory=dict)
    """Metric -> value over time."""


class _Row(NamedTuple):
    """A metric in the summary."""

    name: str
    summary: MetricSummary
    plot: Markup | str
    ends: tuple[float, float] | None


class _Curve(NamedTuple):
    """A metric over a clip's time."""

    name: str
    summary: MetricSummary
    picture: Markup
    ends: tuple[float, float]
    worst: tuple[float, float]


class _Clip(NamedTuple):
    """A clip's part of the page."""

    video: VideoRecord
    anchor: str
    seconds: float
    strip: list[tuple[float, str]]
    curves: list[_Curve]
    ticks: list[float]


def render_page(report: Report, extras: Mapping[str, ClipExtras]) -> str:
    """The page as one HTML document; the same report and extras give the same bytes."""
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters["number"] = number
    environment.filters["json"] = _json
    script = _part("page.js")
    groups = {d: _rows(report, d) for d in DIMENSIONS}
    return environment.from_string(_part("page.html.j2")).render(
        report=report,
        css=Markup(_part("page.css")),  # our own file
        js=Markup(script),  # our own file
        js_digest=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
        groups=groups,
        measured=sum(bool(rows) for rows in groups.values()),
        radar=charts.radar(radar_spokes(report)),
        radar_note=radar_note(report),
        columns=[row for rows in groups.values() for row in rows if row.summary.scope == "clip"],
        clips=[
            _clip(report, v, extras.get(v.id, ClipExtras()), i) for i, v in enumerate(report.videos)
        ],
        thinning=_thinning(len(report.videos)),
        anchors={key: f"protocol-{i}" for i, key in enumerate(report.protocols)},
        failed=len(report.failed_videos),
        total_seconds=math.fsum(v.duration_seconds or 0.0 for v in report.videos),
        interval=interval_text,
        remarks=[remark.removeprefix("! ") for remark in weight_remarks(report)],
    )


def _part(name: str) -> str:
    return files("mirabench.report").joinpath(name).read_text(encoding="utf-8")


def _json(value: Any) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False)


def _rows(report: Report, dimension: str) -> list[_Row]:
    return [
        _row(report, name, summary)
        for name, summary in report.summary.items()
        if summary.dimension == dimension
    ]


def _row(report: Report, name: str, summary: MetricSummary) -> _Row:
    values = [
        v.scores[name].value
        for v in report.videos
        if name in v.scores and v.scores[name].status != "degenerate"
    ]
    bounds = [b for b in (summary.mean, summary.ci_low, summary.ci_high) if b is not None]
    if not values and not bounds:
        return _Row(name, summary, "", None)
    ends = charts.axis_for([*values, *bounds], summary.range_low, summary.range_high)
    found = (
        (summary.ci_low, summary.ci_high)
        if summary.ci_low is not None and summary.ci_high is not None
        else None
    )
    plot = charts.distribution(values, summary.mean, found, charts.Scale(*ends, 240.0))
    return _Row(name, summary, plot, ends)


def _thinning(clips: int) -> float:
    """The share of pictures and points that is kept."""
    return min(1.0, FULL_DETAIL_CLIPS / max(1, clips))


def _clip(report: Report, video: VideoRecord, extras: ClipExtras, position: int) -> _Clip:
    share = _thinning(len(report.videos))
    drawn = [
        _curve(
            name, report.summary[name], extras.curves[name], video.duration_seconds or 0.0, share
        )
        for name in report.summary
        if name in extras.curves and len(extras.curves[name].values)
    ]
    seconds = video.duration_seconds or 0.0
    strip = [] if extras.strip is None else _strip(extras.strip, share)
    return _Clip(video, f"clip-{position}", seconds, strip, drawn, charts.ticks(seconds))


def _strip(table: FeatureTable, share: float) -> list[tuple[float, str]]:
    """(seconds, base64) of the pictures that are kept."""
    return [(p.seconds, base64.b64encode(p.jpeg).decode()) for p in pictures(table, share)]


def _curve(
    name: str, summary: MetricSummary, curve: Curve, duration: float, share: float
) -> _Curve:
    values = curve.values
    at = int(values.argmin() if summary.higher_is_better else values.argmax())
    worst = float(curve.seconds[at]), float(values[at])
    ends = charts.axis_for(
        [float(values.min()), float(values.max())], summary.range_low, summary.range_high
    )
    most = max(FEWEST_POINTS, round(charts.MOST_POINTS * share))
    picture = charts.curve(curve.seconds, values, duration, ends, worst, most)
    return _Curve(name, summary, picture, ends, worst)
