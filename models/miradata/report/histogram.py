"""Histograms as inline SVG: all clips, those that are published, and where the thresholds lie."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from markupsafe import Markup, escape
from numpy.typing import NDArray

from mirabench.report.charts import Scale

BINS = 40
WIDTH, HEIGHT = 480.0, 90.0


class Mark(NamedTuple):
    """A threshold to draw."""

    label: str
    value: float


def histogram(
    values: NDArray[np.float64], kept: NDArray[np.bool_], marks: Sequence[Mark], label: str
) -> Markup:
    """Bars of (N,) finite values, the published part filled, with thresholds as lines.

    The axis holds all values and all thresholds. Without values there is nothing to draw.
    """
    if not len(values):
        return Markup("")
    ends = [*values.tolist(), *(mark.value for mark in marks)]
    low, high = min(ends), max(ends)
    if low == high:
        low, high = low - 0.5, high + 0.5
    whole, edges = np.histogram(values, BINS, (low, high))
    part, _ = np.histogram(values[kept], BINS, (low, high))
    x, y = Scale(low, high, WIDTH), Scale(0, float(whole.max()), HEIGHT)
    bars = "".join(
        _bar("all", x(a), x(b), y(float(n))) + _bar("kept", x(a), x(b), y(float(k)))
        for a, b, n, k in zip(edges[:-1], edges[1:], whole, part, strict=True)
    )
    said = ", ".join(f"{mark.label} {mark.value:.4g}" for mark in marks) or "none"
    return Markup(
        f'<svg class="histogram" viewBox="0 -18 {WIDTH:g} {HEIGHT + 36:g}" role="img" '
        f'aria-label="{escape(label)}: {len(values)} clips from {values.min():.4g} to '
        f'{values.max():.4g}; thresholds: {escape(said)}">{bars}'
        f'<line class="axis" x1="0" x2="{WIDTH:g}" y1="{HEIGHT:g}" y2="{HEIGHT:g}"/>'
        f"{''.join(_mark(x(mark.value), mark) for mark in marks)}"
        f'<text class="end" x="0" y="{HEIGHT + 15:g}">{low:.4g}</text>'
        f'<text class="end" x="{WIDTH:g}" y="{HEIGHT + 15:g}" text-anchor="end">{high:.4g}</text></svg>'
    )


def _bar(kind: str, left: float, right: float, tall: float) -> str:
    if tall <= 0:
        return ""
    wide = max(1.0, round(right - left - 1, 1))
    return (
        f'<rect class="{kind}" x="{left:g}" y="{HEIGHT - tall:.1f}" width="{wide:g}" '
        f'height="{tall:.1f}"/>'
    )


def _mark(at: float, mark: Mark) -> str:
    anchor = "end" if at > WIDTH * 0.7 else "start"
    beside = -4 if anchor == "end" else 4
    return (
        f'<line class="mark" x1="{at:g}" x2="{at:g}" y1="-16" y2="{HEIGHT:g}"/>'
        f'<text class="mark" x="{at + beside:g}" y="-4" text-anchor="{anchor}">'
        f"{escape(mark.label)} {mark.value:.4g}</text>"
    )
