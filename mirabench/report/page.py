"""`report.html`: the report as a page, made from the report and what the clips left for the eye.

No script or style comes from elsewhere. All text is escaped: prompts and file names are strangers' text; a
content security policy runs no script but ours, and the data files that ours loads from beside the page.
"""

from __future__ import annotations

import base64
import hashlib
import json
import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from importlib.resources import files
from typing import Any, NamedTuple

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from mirabench.metrics.api import DIMENSIONS
from mirabench.metrics.health import NOTES
from mirabench.report import charts
from mirabench.report.model import MetricSummary, ReferenceRecord, Report, VideoRecord
from mirabench.report.page_clips import ClipExtras, ClipPart, anchor_of, clip_part
from mirabench.report.page_data import PageData, PageFile
from mirabench.report.radar import radar_note, radar_spokes
from mirabench.report.table import at_equal_motion, interval_remarks, number, weight_remarks
from mirabench.report.table import band as band_text
from mirabench.report.table import interval as interval_text

__all__ = ["page_files", "render_page"]

PAGE = "report.html"
SINGLE_FILE_CLIPS = 50
"""A page of more clips has its clips in data files beside it, and shows as many rows at a time."""
SHOWN_REFERENCES = 50
"""Reference clips that are named; the rest stands in report.json."""


class _Row(NamedTuple):
    """A metric in the summary."""

    name: str
    summary: MetricSummary
    plot: Markup | str
    ends: tuple[float, float] | None


class _State(NamedTuple):
    """A choice of clips to look at."""

    key: str
    words: str
    clips: int


def page_files(report: Report, extras: Mapping[str, ClipExtras]) -> Iterator[PageFile]:
    """The page's files, one by one: data first, `report.html` last.

    Up to `SINGLE_FILE_CLIPS` clips the page is one self-contained file. Of more clips it holds the summary
    and the first rows, and loads from the files beside it what a reader opens. The same report and extras
    give the same bytes.

    Args:
        report: What the run found.
        extras: Clip id -> what else the page shows; asked clip by clip.
    """
    if len(report.videos) <= SINGLE_FILE_CLIPS:
        yield PageFile(PAGE, render_page(report, extras))
        return
    groups = _groups(report)
    data = PageData(report, [row.name for row in _columns(groups)])
    yield from data.files(extras)
    yield PageFile(PAGE, _rendered(report, groups, layout=data.layout(SINGLE_FILE_CLIPS)))


def render_page(report: Report, extras: Mapping[str, ClipExtras]) -> str:
    """The page as one self-contained HTML document; the same report and extras give the same bytes."""
    clips = [
        clip_part(report, i, extras.get(video.id, ClipExtras()))
        for i, video in enumerate(report.videos)
    ]
    return _rendered(report, _groups(report), clips=clips)


def _rendered(
    report: Report,
    groups: Mapping[str, list[_Row]],
    *,
    clips: Sequence[ClipPart] = (),
    layout: str = "",
) -> str:
    """The document: with all clips in it, or with a layout of the data beside it."""
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters["number"] = number
    environment.filters["json"] = _json
    environment.filters["states"] = _states_of
    environment.filters["sign"] = _sign
    script = _part("page.js") + _part("page_data.js" if layout else "page_table.js")
    return environment.from_string(
        _part("page.html.j2")
    ).render(
        report=report,
        css=Markup(_part("page.css")),  # our own file
        js=Markup(script),  # our own file
        js_digest=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
        notes=NOTES,
        layout=Markup(layout),  # escaped when it was made
        groups=groups,
        measured=sum(bool(rows) for rows in groups.values()),
        radar=charts.radar(radar_spokes(report)),
        radar_note=radar_note(report),
        columns=_columns(groups),
        rows=report.videos[:SINGLE_FILE_CLIPS] if layout else report.videos,
        clips=clips,
        states=_states(report),
        references=_references(report),
        anchor=anchor_of,
        anchors={key: f"protocol-{i}" for i, key in enumerate(report.protocols)},
        failed=len(report.failed_videos),
        total_seconds=math.fsum(v.duration_seconds or 0.0 for v in report.videos),
        interval=interval_text,
        band=band_text,
        at_equal_motion=at_equal_motion,
        remarks=[
            remark.removeprefix("! ").removeprefix("- ")
            for remark in (*interval_remarks(report), *weight_remarks(report))
        ],
    )


def _sign(flag: str) -> str:
    """In front of a health flag: a warning, or a note."""
    return "○" if flag in NOTES else "◆"


def _groups(report: Report) -> dict[str, list[_Row]]:
    return {dimension: _rows(report, dimension) for dimension in DIMENSIONS}


def _columns(groups: Mapping[str, list[_Row]]) -> list[_Row]:
    return [row for rows in groups.values() for row in rows if row.summary.scope == "clip"]


def _states_of(video: VideoRecord) -> list[str]:
    """What a clip can be found by: `failed`, `degenerate`, `truncated`, and its health flags."""
    states = ["failed"] if video.error or video.failures else []
    states += sorted({s.status for s in video.scores.values() if s.status != "ok"})
    return states + [f"flag:{flag}" for flag in video.health]


def _states(report: Report) -> list[_State]:
    """The choices beside "all clips", each with the number of its clips."""
    counts = Counter(state for video in report.videos for state in _states_of(video))
    words = {"failed": "with failures", "degenerate": "with degenerate scores"}
    words["truncated"] = "with truncated scores"
    first = [key for key in words if key in counts]
    flags = sorted(key for key in counts if key not in words)
    return [
        _State(key, words.get(key, key.removeprefix("flag:")), counts[key])
        for key in [*first, *flags]
    ]


def _references(report: Report) -> list[ReferenceRecord]:
    """Those to name: the ones that could not be read come first when not all are named."""
    found = report.reference
    if len(found) > SHOWN_REFERENCES:
        found = sorted(found, key=lambda reference: not reference.error)
    return found[:SHOWN_REFERENCES]


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
    known = (summary.mean, summary.ci_low, summary.ci_high)
    bounds = [b for b in known if b is not None]
    if not values and not bounds:
        return _Row(name, summary, "", None)
    band = (
        (summary.reference_low, summary.reference_high)
        if summary.reference_low is not None and summary.reference_high is not None
        else None
    )
    ends = charts.axis_for([*values, *bounds, *(band or ())], summary.range_low, summary.range_high)
    found = (
        (summary.ci_low, summary.ci_high)
        if summary.ci_low is not None and summary.ci_high is not None
        else None
    )
    plot = charts.distribution(values, summary.mean, found, charts.Scale(*ends, 240.0), band)
    return _Row(name, summary, plot, ends)
