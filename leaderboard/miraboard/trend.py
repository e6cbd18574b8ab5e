"""How a track's scores moved over time: every version of every generator, and the best so far.

A score depends on nobody else, so an older version's is what it was on the day it came. Pure.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from markupsafe import Markup, escape

from miraboard import ranking
from miraboard.board import View
from miraboard.standing import Standing

WIDE, TALL = 720.0, 300.0
LEFT, RIGHT, TOP, BOTTOM = 44.0, 150.0, 14.0, 34.0
MOST_NAMED = 12
"""Generators whose line has a name; more would cover each other."""
_NEAREST = 13.0
"""Pixels between two names."""


@dataclass(frozen=True, slots=True)
class Point:
    """One version of one generator."""

    submission: str
    generator: str
    version: str
    received: str
    score: float
    low: float
    high: float
    best: bool
    """Whether no version before it had a higher score."""


def points_of(view: View) -> list[Point]:
    """All versions of a track by the day they came, oldest first."""
    standings = sorted((*view.standings, *view.history), key=lambda s: (s.received, s.id))
    scores = ranking.rank(standings, view.track).overall if standings else None
    found: list[Point] = []
    best = -math.inf
    for i, standing in enumerate(standings):
        assert scores is not None  # there is a standing
        score = float(scores.value[i])
        if math.isnan(score):
            continue
        found.append(_point(standing, score, float(scores.low[i]), float(scores.high[i]), best))
        best = max(best, score)
    return found


def _point(s: Standing, score: float, low: float, high: float, best: float) -> Point:
    return Point(s.id, s.generator, s.version, s.received, score, low, high, score > best)


def chart(points: Sequence[Point]) -> Markup:
    """The best score so far as a staircase, and every version with its 95 % interval, as inline SVG."""
    if not points:
        return Markup("")
    times = [datetime.fromisoformat(p.received).timestamp() for p in points]
    first, seconds = min(times), max(max(times) - min(times), 1.0)
    low, high = min(p.low for p in points), max(p.high for p in points)
    tall = max(high - low, 0.01)

    def place(time: float, score: float) -> tuple[float, float]:
        x = LEFT + (time - first) / seconds * (WIDE - LEFT - RIGHT)
        return x, TALL - BOTTOM - (score - low) / tall * (TALL - TOP - BOTTOM)

    parts = [*_grid(low, high, points), *_staircase(points, times, place)]
    for point, time in zip(points, times, strict=True):
        x, y = place(time, point.score)
        (_, y_low), (_, y_high) = place(time, point.low), place(time, point.high)
        told = escape(
            f"{point.generator} {point.version}, {point.received[:10]}: {100 * point.score:.1f}, "
            f"{100 * point.low:.1f} .. {100 * point.high:.1f}"
        )
        parts.append(
            f'<g><title>{told}</title><path class="reach" d="M{x:.1f} {y_low:.1f}V{y_high:.1f}"/>'
            f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{5 if point.best else 3.5:g}"/></g>'
        )
    parts += _names(points, times, place)
    last = [p for p in points if p.best][-1]
    label = escape(
        f"{len(points)} versions since {points[0].received[:10]}; the best is {last.generator} "
        f"{last.version} with {100 * last.score:.1f}"
    )
    return Markup(
        f'<svg class="mb-trend" viewBox="0 0 {WIDE:g} {TALL:g}" role="img" aria-label="{label}">'
        f"{''.join(parts)}</svg>"
    )


def _grid(low: float, high: float, points: Sequence[Point]) -> list[str]:
    found = []
    for share in (0.0, 0.5, 1.0):
        y = TALL - BOTTOM - share * (TALL - TOP - BOTTOM)
        value = 100 * (low + share * max(high - low, 0.01))
        found.append(f'<path class="ring" d="M{LEFT:g} {y:.1f}H{WIDE - RIGHT:g}"/>')
        found.append(f'<text x="{LEFT - 6:g}" y="{y + 4:.1f}" text-anchor="end">{value:.1f}</text>')
    for x, day, anchor in (
        (LEFT, points[0].received[:10], "start"),
        (WIDE - RIGHT, points[-1].received[:10], "end"),
    ):
        found.append(
            f'<text x="{x:g}" y="{TALL - 10:g}" text-anchor="{anchor}">{escape(day)}</text>'
        )
    return found


def _staircase(points: Sequence[Point], times: Sequence[float], place: object) -> list[str]:
    assert callable(place)
    steps = [place(t, p.score) for p, t in zip(points, times, strict=True) if p.best]
    path = "".join(f"H{x:.1f}V{y:.1f}" for x, y in steps[1:])
    x, y = steps[0]
    return [f'<path class="mb-best" fill="none" d="M{x:.1f} {y:.1f}{path}H{WIDE - RIGHT:g}"/>']


def _names(points: Sequence[Point], times: Sequence[float], place: object) -> list[str]:
    """The newest version of the best generators by name, from the top, none over another."""
    assert callable(place)
    newest = {p.generator: (p, t) for p, t in zip(points, times, strict=True)}
    best = sorted(newest.values(), key=lambda pt: -pt[0].score)[:MOST_NAMED]
    found, above = [], -math.inf
    for point, time in best:
        x, y = place(time, point.score)
        at = max(y, above + _NEAREST)
        if at > TALL - BOTTOM:
            break
        above = at
        found.append(
            f'<path class="ring" d="M{x + 6:.1f} {y:.1f}L{WIDE - RIGHT + 4:g} {at:.1f}"/>'
            f'<text x="{WIDE - RIGHT + 8:g}" y="{at + 4:.1f}">{escape(point.generator[:22])}</text>'
        )
    return found
