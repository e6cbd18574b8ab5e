"""The smallest difference of interest: what a difference must reach to be called better or worse.

By default the larger one of two: the metric's own relative error times the mean of the scores, which is how
far another encoding that looks the same moves it (`MetricSpec.relative_error`, and `absolute_error` near 0);
and a fifth of the spread of scores among clips, Cohen's bound of a small effect. The spread is the distance
between the quartiles over 1.349, the standard deviation of normal scores with these, so that a few extreme
clips do not widen it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from mirabench.errors import InputError, MirabenchError, UnknownNameError
from mirabench.suites.api import MetricChoice

SHARE_OF_SPREAD = 0.2
"""Cohen, Statistical Power Analysis, 1988: 0.2 standard deviations are a small effect."""
RELATIVE_ERROR = 0.02
"""Of a metric that declares none."""
_NORMAL_RANGE = 1.349
"""Between the quartiles of the standard normal distribution."""


@dataclass(frozen=True, slots=True)
class Interest:
    """From what on a difference matters."""

    margin: float
    """The smallest difference of interest, in the metric's unit."""
    origin: Literal["given", "error", "spread"]


def interest_of(
    name: str, scores: NDArray[np.float64], given: Mapping[str, float] | None = None
) -> Interest:
    """The smallest difference of interest of a metric.

    Args:
        name: The metric's.
        scores: (n, 2) of both runs' paired clips.
        given: Metric -> what the user chose.
    """
    if given and name in given:
        return Interest(given[name], "given")
    error = error_of(name, float(np.abs(scores).mean()))
    spread = SHARE_OF_SPREAD * float(np.mean([spread_of(run) for run in scores.T]))
    return Interest(error, "error") if error >= spread else Interest(spread, "spread")


def spread_of(scores: NDArray[np.float64]) -> float:
    """The spread (n,) -> 1 of scores among clips, that of a normal distribution with their quartiles.

    Example:
        >>> round(spread_of(np.array([1.0, 2.0, 3.0, 4.0, 1000.0])), 3)
        1.483
    """
    lower, upper = np.quantile(scores, [0.25, 0.75])
    return float(upper - lower) / _NORMAL_RANGE or float(scores.std())


def error_of(name: str, mean: float) -> float:
    """How far an encoding that looks the same moves scores of this mean, as the metric's spec declares it."""
    try:
        spec = MetricChoice(name).build().spec
    except MirabenchError:  # not installed here
        return RELATIVE_ERROR * mean
    share = RELATIVE_ERROR if spec.relative_error is None else spec.relative_error
    return max(share * mean, spec.absolute_error)


def require_margins(given: Mapping[str, float], known: set[str]) -> None:
    """Refuse smallest differences that cannot be.

    Raises:
        UnknownNameError: a metric that is in none of the reports.
        InputError: a negative or infinite one.
    """
    for name, value in given.items():
        if name not in known:
            raise UnknownNameError("metric", name, known)
        if not (math.isfinite(value) and value >= 0):
            raise InputError(
                f"the smallest difference of interest of {name} is {value}: give a number from 0 on, "
                "in the metric's unit"
            )
