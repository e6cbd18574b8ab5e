"""The curve of each metric over training steps, with its 95 % intervals, as one page that opens offline."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup, escape

from mirabench.report.charts import Scale, axis_for
from mirabench.report.model import MetricSummary, Report

WIDTH, HEIGHT, MARGIN = 560.0, 170.0, 24.0

_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Checkpoints</title>
<style>
body { font: 15px/1.45 system-ui, sans-serif; margin: 2rem auto; max-width: 62rem; padding: 0 1rem;
  color: #1c1c1c; background: #fff; }
figure { display: inline-block; margin: 0 1rem 1rem 0; } figcaption { font-weight: 600; }
svg { max-width: 100%; } .band { fill: #2a6fb022; } .line { fill: none; stroke: #2a6fb0; stroke-width: 2; }
.end { stroke: #2a6fb0; }
.base { stroke: #8a4b08; stroke-dasharray: 6 4; } text { font-size: 11px; fill: #444; }
@media (prefers-color-scheme: dark) { body { background: #161616; color: #e8e8e8; } text { fill: #bbb; } }
</style></head><body>
<h1>Checkpoints</h1>
<p>Mean of each metric over the samples of a checkpoint, with its 95 % interval where there are at least five
prompts{% if baseline %}; the dashed line is the baseline{% endif %}.</p>
<ul>{% for sentence in sentences %}<li>{{ sentence }}</li>{% endfor %}</ul>
{% for curve in curves %}<figure><figcaption>{{ curve.name }} <small>{{ curve.hint }}</small></figcaption>
{{ curve.picture }}</figure>
{% endfor %}</body></html>
"""


class _Curve(NamedTuple):
    name: str
    hint: str
    picture: Markup


class _Point(NamedTuple):
    step: int
    mean: float
    low: float | None
    high: float | None


def render_curves(
    reports: Sequence[tuple[int, Report]], baseline: Report | None, sentences: Sequence[str]
) -> str:
    """The page.

    Args:
        reports: (step, report) of each checkpoint, by step.
        baseline: What they are compared with.
        sentences: What is said of each, last ones first on the page.
    """
    names = dict.fromkeys(name for _, report in reports for name in report.summary)
    curves = [c for name in names if (c := _curve(name, reports, baseline)) is not None]
    environment = Environment(autoescape=True, undefined=StrictUndefined)
    return environment.from_string(_PAGE).render(
        curves=curves, baseline=baseline is not None, sentences=list(reversed(sentences))
    )


def _curve(
    name: str, reports: Sequence[tuple[int, Report]], baseline: Report | None
) -> _Curve | None:
    points = [
        _Point(step, found.mean, found.ci_low, found.ci_high)
        for step, report in reports
        if (found := report.summary.get(name)) is not None and found.mean is not None
    ]
    if not points:
        return None
    summary = next(report.summary[name] for _, report in reports if name in report.summary)
    line = baseline.summary.get(name) if baseline is not None else None
    hint = "higher is better" if summary.higher_is_better else "lower is better"
    return _Curve(name, hint, _picture(points, summary, line.mean if line else None))


def _picture(points: Sequence[_Point], summary: MetricSummary, base: float | None) -> Markup:
    known = [v for p in points for v in (p.mean, p.low, p.high) if v is not None]
    known += [base] if base is not None else []
    low, high = axis_for(known, summary.range_low, summary.range_high)
    across = Scale(points[0].step, points[-1].step, WIDTH - 2 * MARGIN)
    up = Scale(high, low, HEIGHT - 2 * MARGIN)
    place = [(MARGIN + across(p.step), p) for p in points]
    parts = [_text(MARGIN, 12, f"{high:.4g}"), _text(MARGIN, HEIGHT - 14, f"{low:.4g}")]
    parts += [_text(place[0][0], HEIGHT - 1, f"step {points[0].step}")]
    if len(points) > 1:
        parts += [_text(place[-1][0] - 40, HEIGHT - 1, str(points[-1].step))]
    if base is not None:
        y = MARGIN + up(base)
        parts += [
            f'<line class="base" x1="{MARGIN}" x2="{WIDTH - MARGIN}" y1="{y:.1f}" y2="{y:.1f}"/>'
        ]
    for x, p in place:
        if p.low is not None and p.high is not None:
            ends = f'y1="{MARGIN + up(p.low):.1f}" y2="{MARGIN + up(p.high):.1f}"'
            parts += [f'<line class="end" x1="{x:.1f}" x2="{x:.1f}" {ends}/>']
        parts += [f'<circle cx="{x:.1f}" cy="{MARGIN + up(p.mean):.1f}" r="3"/>']
    path = " ".join(f"{x:.1f},{MARGIN + up(p.mean):.1f}" for x, p in place)
    parts += [f'<polyline class="line" points="{path}"/>']
    return Markup(
        f'<svg viewBox="0 0 {WIDTH:g} {HEIGHT:g}" width="{WIDTH:g}">{"".join(parts)}</svg>'
    )  # numbers, and text that was escaped


def _text(x: float, y: float, text: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}">{escape(text)}</text>'
