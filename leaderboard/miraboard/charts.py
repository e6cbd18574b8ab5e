"""The radar of several generators as inline SVG: distinguished by dash and mark, not by colour alone."""

from __future__ import annotations

import math
from collections.abc import Sequence

from markupsafe import Markup, escape

SIZE = 420.0
MARGIN = 34.0
"""Cut off above and below, where no label is."""
_DASHES = ("none", "7 4", "2 4", "10 3 2 3")
_MARKS = ("circle", "square", "triangle", "diamond")


def radar(axes: Sequence[str], series: Sequence[tuple[str, Sequence[float | None]]]) -> Markup:
    """Polygons over named axes, 0 at the centre, 1 at the rim; an axis without a value is skipped.

    Args:
        axes: Names, at least one.
        series: Up to four labels with one value an axis.
    """
    centre, rim = SIZE / 2, SIZE / 2 - 78
    spokes = [_direction(i, len(axes)) for i in range(len(axes))]
    parts = [
        f'<circle class="ring" cx="{centre:g}" cy="{centre:g}" r="{rim * share:.1f}"/>'
        for share in (0.25, 0.5, 0.75, 1.0)
    ]
    for name, (dx, dy) in zip(axes, spokes, strict=True):
        end = f'x2="{centre + rim * dx:.1f}" y2="{centre + rim * dy:.1f}"'
        parts.append(f'<line class="ring" x1="{centre:g}" y1="{centre:g}" {end}/>')
        parts.append(_axis_label(name, centre + (rim + 14) * dx, centre + (rim + 14) * dy, dx))
    for i, (_, values) in enumerate(series):
        corners = [
            (centre + rim * value * dx, centre + rim * value * dy)
            for value, (dx, dy) in zip(values, spokes, strict=True)
            if value is not None
        ]
        parts.append(_polygon(i, corners))
    told = "; ".join(_told(label, axes, values) for label, values in series)
    return Markup(
        f'<svg class="mb-radar" viewBox="0 {MARGIN:g} {SIZE:g} {SIZE - 2 * MARGIN:g}" role="img" '
        f'aria-label="{escape(told)}">{"".join(parts)}</svg>'
    )


def _direction(i: int, n: int) -> tuple[float, float]:
    angle = -math.pi / 2 + 2 * math.pi * i / n
    return math.cos(angle), math.sin(angle)


def _axis_label(name: str, x: float, y: float, dx: float) -> str:
    anchor = "middle" if abs(dx) < 0.2 else "start" if dx > 0 else "end"
    first, _, rest = name.partition(" ")
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(first)}'
        f'<tspan x="{x:.1f}" dy="14">{escape(rest)}</tspan></text>'
    )


def _polygon(i: int, corners: Sequence[tuple[float, float]]) -> str:
    points = " ".join(f"{x:.1f},{y:.1f}" for x, y in corners)
    marks = "".join(mark(i, x, y) for x, y in corners)
    return f'<g class="mb-s{i}"><polygon points="{points}" stroke-dasharray="{_DASHES[i]}"/>{marks}</g>'


def mark(i: int, x: float, y: float) -> str:
    """The mark of the i-th series at a place."""
    kind = _MARKS[i]
    if kind == "circle":
        return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4.5"/>'
    if kind == "square":
        return f'<rect x="{x - 4:.1f}" y="{y - 4:.1f}" width="8" height="8"/>'
    if kind == "triangle":
        return f'<path d="M{x:.1f} {y - 5.5:.1f}l5.5 9.5h-11z"/>'
    return f'<path d="M{x:.1f} {y - 6:.1f}l6 6l-6 6l-6 -6z"/>'


def legend(labels: Sequence[str]) -> Markup:
    """Mark, dash and label of each series."""
    items = "".join(
        f'<li><svg class="mb-s{i}" width="46" height="14" aria-hidden="true">'
        f'<polygon points="2,7 44,7" stroke-dasharray="{_DASHES[i]}"/>{mark(i, 23, 7)}</svg> '
        f"{escape(label)}</li>"
        for i, label in enumerate(labels)
    )
    return Markup(f'<ul class="mb-legend">{items}</ul>')


def _told(label: str, axes: Sequence[str], values: Sequence[float | None]) -> str:
    known = ", ".join(
        f"{axis} {value:.0%}" for axis, value in zip(axes, values, strict=True) if value is not None
    )
    return f"{label}: {known}"
