"""Who is ahead, as far as the intervals can tell.

A beats B on a metric when A's 95 % interval lies wholly on the better side of B's; where intervals overlap, or
one of them is missing, it is a tie. Two intervals that do not overlap are a stricter test than one interval
of the difference: the table would rather call a tie; the page of comparisons, which has the pairs, is sharper.

    place on a metric     from 1 + (submissions that beat it) to n - (submissions that it beats)
    win rate              (wins + ties / 2) / (n - 1)
    its lower bound       wins / (n - 1): every tie lost
    its upper bound       1 - losses / (n - 1): every tie won
    win rate of a dimension, or of all dimensions: the mean, weighted by the viewer's weights

Leaving out does not help. A submission without a value for a metric loses it to everybody who has one. With
a value of some clips only (others failed, are degenerate or hardly move), the worse end of its interval is
what it would be if the missing clips had the worst such end in the table: it may tie where it seemed to win.
One exception: where most clips move and yet every number of the metric is degenerate (a camera that only
turns shows no depth), nothing is known, and it ties with everybody who has a value. With nobody to compare
with there is no win rate. There is no total but the one whose weights the viewer sees.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mirabench.metrics.api import MetricSpec
from miraboard.standing import Standing, Value

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Wins:
    """How each of n submissions does against the others on one metric."""

    wins: IntArray
    """(n,) submissions that it beats."""
    losses: IntArray
    """(n,) submissions that beat it."""

    @property
    def first(self) -> IntArray:
        """(n,) the best place that the intervals allow."""
        return 1 + self.losses

    @property
    def last(self) -> IntArray:
        """(n,) the worst place that the intervals allow."""
        return len(self.wins) - self.wins


@dataclass(frozen=True, slots=True, eq=False)
class Rate:
    """Win rates of n submissions, each between its bounds; NaN where there is nobody to beat."""

    rate: FloatArray
    low: FloatArray
    high: FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class Ranking:
    """Everything the table shows about places."""

    metrics: Mapping[str, Wins]
    dimensions: Mapping[str, Rate]
    overall: Rate
    """Of the dimensions, by the viewer's weights."""
    first: IntArray
    """(n,) best place overall that the bounds allow."""
    last: IntArray
    """(n,) worst place overall that the bounds allow."""


def compare_values(values: Sequence[Value | None], *, higher_is_better: bool) -> Wins:
    """Wins and losses of each value against the others.

    Example:
        >>> two = [Value(0.9, 0.8, 1.0), Value(0.5, 0.4, 0.6)]
        >>> compare_values(two, higher_is_better=True).wins.tolist()
        [1, 0]
    """
    sign = 1.0 if higher_is_better else -1.0
    low = np.full(len(values), -np.inf)
    high = np.full(len(values), -np.inf)
    unsure = np.zeros(len(values), bool)
    for i, value in enumerate(values):
        if value is None or (value.mean is None and not value.undefined):
            continue
        if value.mean is None or value.low is None or value.high is None:
            low[i], high[i], unsure[i] = -np.inf, np.inf, True
            continue
        low[i], high[i] = sorted((sign * value.low, sign * value.high))
    low = _with_missing_clips(low, values)
    wins = np.searchsorted(np.sort(high), low, side="left")
    losses = len(values) - np.searchsorted(np.sort(low), high, side="right")
    # without an interval it overlaps with everybody who has a value, and beats those who have none
    absent = int(np.isneginf(high).sum())
    wins[unsure] = absent
    losses[np.isneginf(high)] = len(values) - absent
    return Wins(wins.astype(np.int64), losses.astype(np.int64))


def _with_missing_clips(low: FloatArray, values: Sequence[Value | None]) -> FloatArray:
    """The worse ends, (n,), if each missing clip had the worst end of all."""
    known = np.isfinite(low)
    if not known.any():
        return low
    missing = np.array([1 - v.n / v.of if v and v.of else 0.0 for v in values])[known]
    found: FloatArray = low.copy()
    found[known] += missing * (low[known].min() - low[known])
    return found


def rate_of(wins: Wins) -> Rate:
    """Win rate and its bounds."""
    others = len(wins.wins) - 1
    if others < 1:
        nothing = np.full(len(wins.wins), np.nan)
        return Rate(nothing, nothing, nothing)
    low, high = wins.wins / others, 1 - wins.losses / others
    return Rate((low + high) / 2, low, high)


def weighted(rates: Mapping[str, Rate], weights: Mapping[str, float], n: int) -> Rate:
    """The weighted mean of win rates; weights are relative, 1 when not given, never below 0.

    NaN everywhere when all weights are 0.
    """
    shares = np.array([max(0.0, weights.get(name, 1.0)) for name in rates])
    if not len(shares) or shares.sum() == 0:
        nothing = np.full(n, np.nan)
        return Rate(nothing, nothing, nothing)
    shares = shares / shares.sum()

    def mean(part: str) -> FloatArray:
        stacked = np.stack([getattr(rate, part) for rate in rates.values()])
        return np.asarray(np.tensordot(shares, stacked, axes=1))

    return Rate(mean("rate"), mean("low"), mean("high"))


def rank(
    standings: Sequence[Standing],
    specs: Mapping[str, MetricSpec],
    weights: Mapping[str, float] | None = None,
) -> Ranking:
    """Rank the submissions of one track.

    Args:
        standings: Of one track; the caller keeps tracks apart.
        specs: Of the track's metrics.
        weights: Of metrics (within their dimension) and of dimensions; 1 where absent.
    """
    chosen = weights or {}
    metrics = {
        name: compare_values(
            [s.ranked(name) for s in standings], higher_is_better=spec.higher_is_better
        )
        for name, spec in specs.items()
        if any((v := s.ranked(name)) is not None and v.mean is not None for s in standings)
    }
    by_dimension: dict[str, dict[str, Rate]] = {}
    for name, wins in metrics.items():
        by_dimension.setdefault(specs[name].dimension, {})[name] = rate_of(wins)
    n = len(standings)
    dimensions = {d: weighted(rates, chosen, n) for d, rates in by_dimension.items()}
    known = {d: r for d, r in dimensions.items() if n < 2 or not np.isnan(r.rate).any()}
    overall = weighted(known, chosen, n)
    first, last = places(overall)
    return Ranking(metrics, dimensions, overall, first, last)


def places(rate: Rate) -> tuple[IntArray, IntArray]:
    """Best and worst place that the bounds of win rates allow; equal for nobody but the sure."""
    bounds = [
        Value(float(r), float(low), float(high)) if not np.isnan(r) else Value(0.0)
        for r, low, high in zip(rate.rate, rate.low, rate.high, strict=True)
    ]
    wins = compare_values(bounds, higher_is_better=True)
    return wins.first, wins.last
