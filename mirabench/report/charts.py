"""Small charts as inline SVG: pure functions from numbers to markup.

Positions are rounded to a tenth of a unit, so that equal numbers give equal bytes.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from markupsafe import Markup, escape
from numpy.typing import NDArray

Series = NDArray[np.float64]

MOST_POINTS = 300
"""Points drawn of a curve; longer ones keep the least and the greatest of each stretch."""
MOST_DOTS = 60
"""Clips drawn as dots; more are drawn as a histogram."""
BINS = 30
SAME = 1e-9
"""Values whose extent is a smaller share of their size are one value to an axis."""
TINY = 1e-300
"""A smaller size is 0 to an axis."""
GAP = 1.8
"""A step longer than this many usual steps is a gap: something was left out there."""


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


@dataclass(frozen=True, slots=True)
class Spoke:
    """One axis of a radar."""

    name: str
    place: float | None
    """0 at the centre to 1 at the rim; None when nothing was measured."""
    notes: tuple[str, ...]
    """Lines written beneath the name."""


def axis_for(values: Sequence[float], low: float | None, high: float | None) -> tuple[float, float]:
    """The ends of an axis that holds all values, and starts at the metric's own end if near it.

    A curve may leave its metric's range, which is that of the value for the whole clip.

    Example:
        >>> axis_for([0.2, 0.8], 0.0, 1.0)
        (0.0, 1.0)
    """
    least, greatest = min(values), max(values)
    size = max(abs(least), abs(greatest))
    extent = greatest - least
    if extent <= max(SAME * size, TINY):  # a last digit apart: no axis could be cut that finely
        extent = size if size > TINY else 1.0
    if low is not None and 0 <= least - low <= 2 * extent:
        least = low
    else:
        least -= 0.08 * extent
    if high is not None and 0 <= high - greatest <= extent:
        greatest = high
    else:
        greatest += 0.08 * extent
    return least, greatest


def ticks(duration: float, most: int = 10) -> list[float]:
    """Round moments of a clip to label: 0, 1, 2, 5 or their tens apart, `most` or fewer steps.

    Example:
        >>> ticks(10.0, 5)
        [0.0, 2.0, 4.0, 6.0, 8.0, 10.0]
    """
    if duration <= 0:
        return [0.0]
    power = 10.0 ** math.floor(math.log10(duration / most))
    step = next(power * s for s in (1, 2, 5, 10) if duration / (power * s) <= most + 1e-9)
    count = math.floor(duration / step + 1e-9)
    return [round(i * step, 9) for i in range(count + 1)]


def distribution(
    values: Sequence[float],
    mean: float | None,
    interval: tuple[float, float] | None,
    scale: Scale,
    band: tuple[float, float] | None = None,
) -> Markup:
    """The clips as dots (many: as a histogram), the interval as a bar, the mean as a line.

    `band`, between which most reference clips lie, is a shade behind them.
    """
    parts = []
    if band is not None:
        a, b = scale(band[0]), scale(band[1])
        width = max(1.5, round(b - a, 1))
        parts.append(f'<rect class="band" x="{a}" y="2" width="{width}" height="24"/>')
    if interval is not None:
        a, b = scale(interval[0]), scale(interval[1])
        width = max(1.5, round(b - a, 1))
        parts.append(f'<rect class="ci" x="{a}" y="9" width="{width}" height="10" rx="2"/>')
    parts.extend(_dots(values, scale) if len(values) <= MOST_DOTS else _bars(values, scale))
    if mean is not None:
        x = scale(mean)
        parts.append(f'<line class="mean" x1="{x}" x2="{x}" y1="4" y2="24"/>')
    width = scale.length
    return Markup(
        f'<svg class="strip" viewBox="-4 0 {width + 8:g} 28" aria-hidden="true">'
        f'<line class="axis" x1="0" x2="{width:g}" y1="14" y2="14"/>{"".join(parts)}</svg>'
    )


def _dots(values: Sequence[float], scale: Scale) -> Iterator[str]:
    step = 7 if len(values) < 3 else 5
    for i, value in enumerate(values):
        y = 14 + (i * step) % 9 - 4  # a fixed scatter, so that equal values do not hide each other
        yield f'<circle class="dot" cx="{scale(value)}" cy="{y}" r="2.4"/>'


def _bars(values: Sequence[float], scale: Scale) -> Iterator[str]:
    counts, _ = np.histogram(values, bins=BINS, range=(scale.low, scale.high))
    width = scale.length / BINS
    for i, count in enumerate(counts.tolist()):
        if count:
            height = round(20 * count / int(counts.max()), 1)
            yield (
                f'<rect class="bin" x="{i * width + 0.5:.1f}" y="{24 - height:g}" '
                f'width="{width - 1:.1f}" height="{height:g}"/>'
            )


def thinned(seconds: Series, values: Series, most: int = MOST_POINTS) -> tuple[Series, Series]:
    """At most `most` points, keeping the extremes of each stretch so that spikes survive."""
    if len(values) <= most:
        return seconds, values
    chosen: set[int] = {0, len(values) - 1}
    for stretch in np.array_split(np.arange(len(values)), max(1, most // 2 - 1)):
        chosen.add(int(stretch[np.argmin(values[stretch])]))
        chosen.add(int(stretch[np.argmax(values[stretch])]))
    kept = np.array(sorted(chosen))
    return seconds[kept], values[kept]


def gaps(seconds: Series) -> Series:
    """The moments at which a curve begins anew after a gap; a cut, for example, leaves one.

    Example:
        >>> gaps(np.array([0.0, 1, 2, 5, 6])).tolist()
        [5.0]
    """
    if len(seconds) < 3:
        return np.empty(0)
    steps = np.diff(seconds)
    return seconds[1:][steps > GAP * np.median(steps)]


def curve(
    seconds: Series,
    values: Series,
    duration: float,
    ends: tuple[float, float],
    worst: tuple[float, float],
    most: int = MOST_POINTS,
) -> Markup:
    """A value over the clip's time, broken where nothing was measured, its worst moment marked.

    The path is written in seconds and values, and a transform puts it into the box, so that page.js
    can read the numbers from it.

    Args:
        seconds: (N,) increasing, N >= 1.
        values: (N,)
        duration: Seconds that the box is wide.
        ends: Values at the box's bottom and top.
        worst: (seconds, value) to mark.
        most: Points kept.
    """
    width, height = 1000.0, 60.0
    low, high = ends
    x, y = width / max(duration, 1e-9), height / (high - low)
    few_s, few_v = thinned(seconds, values, most)
    breaks = np.searchsorted(few_s, gaps(seconds))
    parts = [
        (part_s, part_v)
        for part_s, part_v in zip(np.split(few_s, breaks), np.split(few_v, breaks), strict=True)
        if len(part_s)
    ]
    drawn = [_path(part_s, part_v, high - low) for part_s, part_v in parts]
    dots = [
        f"M{part_s[0] * x:.1f} {(high - part_v[0]) * y:.1f}h.01"
        for part_s, part_v in parts
        if len(part_s) == 1
    ]
    at = round(worst[0] * x, 1)
    return Markup(
        f'<svg class="curve" viewBox="0 -5 {width:g} {height + 10:g}" preserveAspectRatio="none" '
        f'aria-hidden="true">'
        f'<path class="line" transform="matrix({x:.6g} 0 0 {-y:.6g} 0 {high * y:.6g})" '
        f'd="{"".join(drawn)}"/><path class="point" d="{"".join(dots)}"/>'
        f'<path class="worst" d="M{at:g} -5V{height + 5:g}"/></svg>'
    )


def _path(seconds: Series, values: Series, extent: float) -> str:
    digits = min(12, max(0, 3 - math.floor(math.log10(extent))))
    numbers = [f"{s:.3f}".rstrip("0").rstrip(".") for s in seconds.tolist()]
    heights = [_short(v, digits) for v in values.tolist()]
    if len(numbers) == 1:
        return f"M{numbers[0]} {heights[0]}h0"  # no length: drawn as a dot of its own
    return "M" + "L".join(f"{s} {v}" for s, v in zip(numbers, heights, strict=True))


def _short(value: float, digits: int) -> str:
    text = f"{value:.{digits}f}"
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return "0" if text == "-0" else text


def radar(spokes: Sequence[Spoke], size: float = 340.0) -> Markup:
    """A polygon over named axes; axes without a place are dashed and left out of the polygon."""
    centre, rim = size / 2, size / 2 - 78
    lines, labels, points = [], [], []
    for i, spoke in enumerate(spokes):
        angle = -math.pi / 2 + 2 * math.pi * i / len(spokes)
        dx, dy = math.cos(angle), math.sin(angle)
        kind = "spoke" if spoke.place is not None else "spoke open"
        lines.append(
            f'<line class="{kind}" x1="{centre:g}" y1="{centre:g}" '
            f'x2="{centre + rim * dx:.1f}" y2="{centre + rim * dy:.1f}"/>'
        )
        labels.append(_label(spoke, centre + (rim + 12) * dx, centre + (rim + 22) * dy, dx))
        if spoke.place is not None:
            points.append((centre + rim * spoke.place * dx, centre + rim * spoke.place * dy))
    rings = "".join(
        f'<circle class="ring" cx="{centre:g}" cy="{centre:g}" r="{rim * share:.1f}"/>'
        for share in (0.5, 1.0)
    )
    shape = " ".join(f"{px:.1f},{py:.1f}" for px, py in points)
    dots = "".join(
        f'<circle class="corner" cx="{px:.1f}" cy="{py:.1f}" r="3"/>' for px, py in points
    )
    polygon = f'<polygon points="{shape}"/>' if len(points) > 2 else ""
    said = "; ".join(f"{s.name}: {' '.join(s.notes)}" for s in spokes)
    return Markup(
        f'<svg class="radar" viewBox="-80 20 {size + 160:g} {size - 50:g}" role="img" '
        f'aria-label="{escape(said)}">{rings}{"".join(lines)}'
        f"{polygon}{dots}{''.join(labels)}</svg>"
    )


def _label(spoke: Spoke, x: float, y: float, dx: float) -> str:
    anchor = "middle" if abs(dx) < 0.2 else "start" if dx > 0 else "end"
    lines = "".join(f'<tspan x="{x:.1f}" dy="12">{escape(note)}</tspan>' for note in spoke.notes)
    return (
        f'<text x="{x:.1f}" y="{y - 9:.1f}" text-anchor="{anchor}">'
        f'<tspan class="axisname">{escape(spoke.name)}</tspan>{lines}</text>'
    )
