"""Small charts as inline SVG: pure functions from numbers to markup.

Positions are rounded to a tenth of a unit, so that equal numbers give equal bytes.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from markupsafe import Markup, escape
from numpy.typing import NDArray

Series = NDArray[np.float64]

MOST_POINTS = 300
"""Points drawn of a curve; longer ones keep the least and the greatest of each stretch."""


@dataclass(frozen=True, slots=True)
class Scale:
    """Maps numbers to positions along an axis of a given length."""

    low: float
    high: float
    length: float

    def __call__(self, value: float) -> float:
        """The position of a value; the middle when the axis has no extent. An axis may run down."""
        if self.high == self.low:
            return self.length / 2
        return round((value - self.low) / (self.high - self.low) * self.length, 1)


def axis_for(values: Sequence[float], low: float | None, high: float | None) -> tuple[float, float]:
    """The ends of an axis that holds all values, and starts at the metric's own end if near it.

    Example:
        >>> axis_for([0.2, 0.8], 0.0, 1.0)
        (0.0, 1.0)
    """
    least, greatest = min(values), max(values)
    extent = (greatest - least) or abs(greatest) or 1.0
    if low is not None and least - low <= 2 * extent:
        least = low
    else:
        least -= 0.08 * extent
    if high is not None and high - greatest <= extent:
        greatest = high
    else:
        greatest += 0.08 * extent
    return least, greatest


def strip_plot(
    values: Sequence[float], mean: float | None, interval: tuple[float, float] | None, scale: Scale
) -> Markup:
    """One dot per clip, the interval as a bar, the mean as a line."""
    parts = []
    if interval is not None:
        a, b = scale(interval[0]), scale(interval[1])
        width = max(1.5, round(b - a, 1))
        parts.append(f'<rect class="ci" x="{a}" y="9" width="{width}" height="10" rx="2"/>')
    step = 7 if len(values) < 3 else 5
    for i, value in enumerate(values):
        y = 14 + (i * step) % 9 - 4  # a fixed scatter, so that equal values do not hide each other
        parts.append(f'<circle class="dot" cx="{scale(value)}" cy="{y}" r="2.4"/>')
    if mean is not None:
        x = scale(mean)
        parts.append(f'<line class="mean" x1="{x}" x2="{x}" y1="5" y2="23"/>')
    width = scale.length
    return Markup(
        f'<svg class="strip" viewBox="-4 0 {width + 8:g} 28" preserveAspectRatio="none" aria-hidden="true">'
        f'<line class="axis" x1="0" x2="{width:g}" y1="14" y2="14"/>{"".join(parts)}</svg>'
    )


def thinned(seconds: Series, values: Series) -> tuple[Series, Series]:
    """At most `MOST_POINTS` points, keeping the extremes of each stretch so that spikes survive."""
    if len(values) <= MOST_POINTS:
        return seconds, values
    chosen: set[int] = {0, len(values) - 1}
    for stretch in np.array_split(np.arange(len(values)), MOST_POINTS // 2 - 1):
        chosen.add(int(stretch[np.argmin(values[stretch])]))
        chosen.add(int(stretch[np.argmax(values[stretch])]))
    kept = np.array(sorted(chosen))
    return seconds[kept], values[kept]


def curve(
    seconds: Series, values: Series, duration: float, *, higher_is_better: bool, label: str
) -> Markup:
    """A value over the clip's time, its worst moment marked; hovering reads it out (page.js)."""
    width, height = 1000.0, 60.0
    worst = int(np.argmin(values) if higher_is_better else np.argmax(values))
    at, value = float(seconds[worst]), float(values[worst])
    few_s, few_v = thinned(seconds, values)
    x = Scale(0.0, max(duration, 1e-9), width)
    y = Scale(float(values.max()), min(0.0, float(values.min())), height)
    points = " ".join(
        f"{x(s):g},{y(v):g}" for s, v in zip(few_s.tolist(), few_v.tolist(), strict=True)
    )
    data = ";".join(f"{s:.3g},{v:.4g}" for s, v in zip(few_s.tolist(), few_v.tolist(), strict=True))
    name = escape(label)
    line = f'<polyline points="{points}"/>' if len(few_v) > 1 else ""
    return Markup(
        f'<svg class="curve" viewBox="0 -4 {width:g} {height + 8:g}" preserveAspectRatio="none" '
        f'role="img" aria-label="{name}, worst {value:.4g} at {at:.2f} s" '
        f'data-points="{data}" data-duration="{duration:.6g}">{line}'
        f'<line class="worst" x1="{x(at):g}" x2="{x(at):g}" y1="-4" y2="{height + 4:g}"/></svg>'
    )


def radar(axes: Sequence[tuple[str, float | None]], size: float = 300.0) -> Markup:
    """A polygon over named axes from 0 at the centre to 1 at the rim; unknown axes are left open."""
    centre, rim = size / 2, size / 2 - 58
    spokes, labels, points = [], [], []
    for i, (name, value) in enumerate(axes):
        angle = -math.pi / 2 + 2 * math.pi * i / len(axes)
        dx, dy = math.cos(angle), math.sin(angle)
        end = f'x2="{centre + rim * dx:.1f}" y2="{centre + rim * dy:.1f}"'
        kind = "spoke" if value is not None else "spoke open"
        spokes.append(f'<line class="{kind}" x1="{centre:g}" y1="{centre:g}" {end}/>')
        anchor = "middle" if abs(dx) < 0.2 else "start" if dx > 0 else "end"
        tx, ty = centre + (rim + 12) * dx, centre + (rim + 14) * dy + 3
        first, _, rest = name.partition(" ")
        text = f"{value:.0%}" if value is not None else "-"
        labels.append(
            f'<text x="{tx:.1f}" y="{ty - 6:.1f}" text-anchor="{anchor}">{escape(first)}'
            f'<tspan x="{tx:.1f}" dy="11">{escape(rest)}</tspan>'
            f'<tspan class="value" x="{tx:.1f}" dy="11">{text}</tspan></text>'
        )
        if value is not None:
            points.append((centre + rim * value * dx, centre + rim * value * dy))
    rings = "".join(
        f'<circle class="ring" cx="{centre:g}" cy="{centre:g}" r="{rim * share:.1f}"/>'
        for share in (0.5, 1.0)
    )
    shape = " ".join(f"{px:.1f},{py:.1f}" for px, py in points)
    dots = "".join(
        f'<circle class="corner" cx="{px:.1f}" cy="{py:.1f}" r="3"/>' for px, py in points
    )
    polygon = f'<polygon points="{shape}"/>' if len(points) > 2 else ""
    said = ", ".join(f"{n} {v:.0%}" if v is not None else f"{n} not measured" for n, v in axes)
    return Markup(
        f'<svg class="radar" viewBox="0 0 {size:g} {size:g}" role="img" aria-label="{escape(said)}">'
        f"{rings}{''.join(spokes)}{polygon}{dots}{''.join(labels)}</svg>"
    )
