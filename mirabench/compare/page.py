"""`compare.html`: one self-contained page of differences, with the prompts where two runs differ most.

It looks as `report.html` does and shares its style. It has no script; a content security policy forbids
any, and forbids asking for anything. All text is escaped: names and prompts are strangers' text.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from mirabench.compare.model import Comparison, Contrast, Difference
from mirabench.compare.runs import Run
from mirabench.compare.strips import Strip, Strips, shown_pairs
from mirabench.compare.table import arrow, count, interval, p_text, reasons, signed
from mirabench.metrics.api import DIMENSIONS
from mirabench.report import charts
from mirabench.report.interval import why_no_interval
from mirabench.report.model import VideoRecord
from mirabench.report.table import number

MOST_METRICS = 6
"""Metrics that are told of a prompt where two runs differ much."""
_FARTHEST = 4.0
"""Where the axis of differences ends at the latest; dots beyond stand at its end."""
BADGES: Mapping[str, tuple[str, str]] = {
    "better": ("good", "●"),
    "worse": ("bad", "▲"),
    "equivalent": ("", "≈"),
    "higher": ("", "↑"),
    "lower": ("", "↓"),
    "open": ("", "○"),
    "no test": ("", "–"),
    "nothing to compare": ("warn", "◆"),
}
"""Verdict -> class and sign."""


@dataclass(frozen=True, slots=True)
class _Row:
    """One metric of a contrast."""

    name: str
    found: Difference
    plot: Markup | str
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class _Clips:
    """Two paired clips, with their pictures."""

    a: VideoRecord
    b: VideoRecord
    strip_a: Strip
    strip_b: Strip


@dataclass(frozen=True, slots=True, eq=False)
class _Prompt:
    """One prompt where two runs differ much."""

    name: str
    text: str
    metrics: tuple[tuple[str, float, float], ...]
    """(metric, difference, the same in standard deviations with better to the right)."""
    clips: tuple[_Clips, ...]
    pairs: int
    """Of this prompt; not all are shown."""


def render_page(found: Comparison, runs: Sequence[Run], strips: Strips) -> str:
    """The page as one HTML document; strips that are missing are said to be."""
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters |= {
        "number": number, "signed": signed, "p": p_text, "count": count, "jpeg": _base64,
    }  # fmt: skip
    css = _part("mirabench.report", "page.css") + _part("mirabench.compare", "compare.css")
    return environment.from_string(_part("mirabench.compare", "compare.html.j2")).render(
        found=found,
        css=Markup(css),  # our own files
        css_digest=_base64(hashlib.sha256(css.encode()).digest()),
        contrasts=[_contrast(found, c, runs, strips) for c in found.contrasts],
        badges=BADGES,
        interval=interval,
        arrow=arrow,
        why_no_interval=why_no_interval,
    )


def _part(package: str, name: str) -> str:
    return files(package).joinpath(name).read_text(encoding="utf-8")


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _contrast(
    found: Comparison, contrast: Contrast, runs: Sequence[Run], strips: Strips
) -> dict[str, object]:
    reach = _reach(contrast)
    rows = [
        _Row(
            name,
            difference,
            _plot(difference, reach),
            tuple(reasons(found.reference.name, contrast.name, difference)),
        )
        for name, difference in contrast.metrics.items()
    ]
    groups = [(d, [r for r in rows if r.found.dimension == d]) for d in DIMENSIONS]
    return {
        "it": contrast,
        "groups": [(d, some) for d, some in groups if some],
        "reach": reach,
        "prompts": _prompts(found.reference.name, contrast, runs, strips),
    }


def _standard(found: Difference, value: float) -> float:
    """A difference in standard deviations of the scores, better to the right."""
    deviations = value / found.score_sd if found.score_sd else 0.0
    return deviations if found.higher_is_better else -deviations


def _reach(contrast: Contrast) -> float:
    """Where the axis of all plots of a contrast ends, on both sides of zero."""
    far = [
        abs(_standard(found, value))
        for found in contrast.metrics.values()
        for value in (*found.by_prompt.values(), found.ci_low or 0.0, found.ci_high or 0.0)
    ]
    return min(_FARTHEST, max([1.0, *far]))


def _plot(found: Difference, reach: float) -> Markup | str:
    if found.mean is None or not found.score_sd:
        return ""

    def place(value: float) -> float:
        return min(reach, max(-reach, _standard(found, value)))

    bar = None
    if found.ci_low is not None and found.ci_high is not None:
        first, second = sorted((place(found.ci_low), place(found.ci_high)))
        bar = (first, second)
    dots = [place(value) for value in found.by_prompt.values()]
    return charts.distribution(dots, place(found.mean), bar, charts.Scale(-reach, reach, 240.0))


def _prompts(
    reference: str, contrast: Contrast, runs: Sequence[Run], strips: Strips
) -> list[_Prompt]:
    videos = {(run.name, v.id): v for run in runs for v in run.report.videos}
    clips: dict[str, list[_Clips]] = {}
    for pair in shown_pairs(contrast):
        a, b = (reference, pair.a), (contrast.name, pair.b)
        nothing = Strip(why="no pictures were asked for")
        clips.setdefault(pair.prompt, []).append(
            _Clips(videos[a], videos[b], strips.get(a, nothing), strips.get(b, nothing))
        )
    return [
        _Prompt(
            prompt.split(":", 1)[1],
            _text(found),
            _largest(contrast, prompt),
            tuple(found),
            sum(pair.prompt == prompt for pair in contrast.pairs),
        )
        for prompt, found in clips.items()
    ]


def _text(clips: Sequence[_Clips]) -> str:
    return next((v.prompt for pair in clips for v in (pair.a, pair.b) if v.prompt), "")


def _largest(contrast: Contrast, prompt: str) -> tuple[tuple[str, float, float], ...]:
    rows = [
        (name, found.by_prompt[prompt], _standard(found, found.by_prompt[prompt]))
        for name, found in contrast.metrics.items()
        if found.by_prompt.get(prompt)
    ]
    return tuple(sorted(rows, key=lambda row: (-abs(row[2]), row[0]))[:MOST_METRICS])
