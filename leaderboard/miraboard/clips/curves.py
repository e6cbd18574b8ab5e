"""A metric's curve over a clip, small enough for a page: means over quarter seconds."""

from __future__ import annotations

import math

import numpy as np

from mirabench.metrics.api import Curve

BIN_SECONDS = 0.25
MOST_POINTS = 480
"""Of one curve: two minutes."""

Points = list[tuple[float, float]]
"""(seconds, value)."""


def thinned(curve: Curve) -> Points:
    """The mean of each quarter second that has points, at the mean of their times.

    Example:
        >>> thinned(Curve(np.array([0.0, 0.1, 0.3]), np.array([1.0, 3.0, 5.0])))
        [(0.05, 2.0), (0.3, 5.0)]
    """
    seconds, values = np.asarray(curve.seconds, float), np.asarray(curve.values, float)
    known = np.isfinite(seconds) & np.isfinite(values) & (seconds >= 0)
    bins = np.floor(seconds[known] / BIN_SECONDS).astype(np.int64)
    found: Points = []
    for number in np.unique(bins)[:MOST_POINTS]:
        inside = bins == number
        at = (float(seconds[known][inside].mean()), float(values[known][inside].mean()))
        found.append((round(at[0], 4), _short(at[1])))
    return found


def _short(value: float) -> float:
    return float(f"{value:.6g}") if math.isfinite(value) else 0.0
