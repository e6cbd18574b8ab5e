"""Film strips and curves of a clip, made to fit: with many clips each gets the fewer bytes.

The budgets follow from the number of clips alone, so the same report gives the same bytes.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from mirabench.features.film_strip import StripPicture, shrunk
from mirabench.metrics.api import Curve
from mirabench.report.charts import MOST_POINTS, gaps, thinned

ALL_PICTURES = 7_500_000
"""Characters that the film strips of all clips share."""
ALL_CURVES = 9_500_000
"""Characters that the curves of all clips share."""
LEAST_PICTURES = 1_000
"""Characters of pictures that a clip gets however many clips there are: one small picture."""
LEAST_CURVES = 1_900
"""Characters of curves that a clip gets however many clips there are."""
CURVE_FACTS = 55
"""Characters that a curve takes beside its points: its axis, its worst moment."""
FEWEST_POINTS = 8
_STEPS = 4095
_DIGITS = np.frombuffer(
    b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/", np.uint8
)


class Budget(NamedTuple):
    """Characters that one clip may take in the data beside the page."""

    pictures: int
    curves: int

    @classmethod
    def of(cls, clips: int) -> Budget:
        """The share of one of `clips` clips."""
        return cls(
            max(LEAST_PICTURES, ALL_PICTURES // clips), max(LEAST_CURVES, ALL_CURVES // clips)
        )


class Still(NamedTuple):
    """A picture as a page holds it."""

    seconds: float
    data: str
    """The JPEG file in base64."""


def fitted(strip: Sequence[StripPicture], budget: int) -> list[Still]:
    """The pictures as they are when they fit, else as many small ones as do.

    Fewer pictures are the middles of equal intervals. Data that is no picture is left out.
    """
    whole = [Still(p.seconds, _base64(p.jpeg)) for p in strip]
    if sum(len(still.data) for still in whole) <= budget:
        return whole
    count = min(len(strip), max(1, budget // LEAST_PICTURES))
    kept = [strip[int((i + 0.5) * len(strip) / count)] for i in range(count)]
    small = [(p.seconds, shrunk(p.jpeg, LEAST_PICTURES * 3 // 4)) for p in kept]
    return [Still(seconds, _base64(file)) for seconds, file in small if file]


def points_for(curves: int, budget: int) -> int:
    """Points that each of a clip's curves may keep; four characters hold one."""
    return min(MOST_POINTS, max(FEWEST_POINTS, (budget // max(1, curves) - CURVE_FACTS) // 4))


class Packed(NamedTuple):
    """A curve in few characters."""

    points: str
    """Four digits a point, base 64: two for the time, 0 to `duration`, and two for the value, low to high."""
    low: float
    high: float
    starts: list[int]
    """Points at which the curve begins anew after a gap."""


def packed(curve: Curve, duration: float, most: int) -> Packed:
    """A curve thinned to at most `most` points, which keep its extremes.

    Example:
        >>> packed(Curve(np.array([0.0, 2.0]), np.array([3.0, 5.0])), 2.0, 8)
        Packed(points='AAAA////', low=3.0, high=5.0, starts=[])
    """
    seconds, values = thinned(curve.seconds, curve.values, most)
    low, high = float(values.min()), float(values.max())
    starts = np.searchsorted(seconds, gaps(curve.seconds)).tolist()
    times = np.clip(seconds / max(duration, 1e-9), 0.0, 1.0)
    heights = (values - low) / ((high - low) or 1.0)
    steps = np.floor(np.column_stack([times, heights]) * _STEPS + 0.5).astype(np.int64)
    points = _DIGITS[np.stack([steps // 64, steps % 64], axis=-1)].tobytes().decode()
    kept = sorted({at for at in starts if 0 < at < len(seconds)})
    return Packed(points, low, high, kept)


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()
