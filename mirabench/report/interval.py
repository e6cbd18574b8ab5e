"""The mean of scores and its 95 % interval: the wider of Student's t and the bootstrap-t over prompts.

What it is: a confidence interval for the expected score over the population of prompts that these stand
for, for this generator and these seeds. It is not where the mean of a new sample will lie: that mean has an
error of its own and falls outside more often than 5 times of 100.

How: prompts are the sample, and the error of the mean is that of a ratio (`mirabench.maths.clustered`). On
each side the bound is the farther of two: Student's t, which holds for symmetric and for heavy-tailed scores,
and the studentised bootstrap, which knows of skewness (Hall, Annals of Statistics 16(3), 1988). Two constants
were chosen by simulation, so that few prompts of log-normal scores are covered as often as is asked of normal
ones: the bootstrap leaves 0.025 (1 - 1.5 / sqrt(G)) on each side for G prompts, and reaches at most three
times as far as Student's t. The coverage that was measured is in docs/intervals.md.

When not to trust it: where there are rare extreme scores that no prompt of the sample shows. No method knows
of them.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from mirabench.maths.clustered import Clusters
from mirabench.maths.student import student_quantile

SEED = 20240709
"""Part of every report; the day MiraData's paper appeared, so that nobody tuned it."""
CONFIDENCE = 0.95
FEWEST_CLUSTERS = 5
"""Prompts below which there is no interval: four numbers cannot tell a tail from a centre."""
METHOD = "the wider of Student's t and bootstrap-t over prompts"
RESAMPLES = 5_000
"""At most, and fewer where `MOST_PICKS` says so."""
FEWEST_RESAMPLES = 1_000
NARROWING = 1.5
"""How much less than its share the bootstrap-t leaves on each side, over the root of the number of prompts."""
FARTHEST = 3.0
"""Times Student's quantile: a resample of few prompts may have next to no spread, and its t no bound."""
MOST_PICKS = 2_000_000
"""Prompts that are drawn for one interval: with many prompts few resamples are enough, because both
bounds are then nearly the same."""


@dataclass(frozen=True, slots=True)
class Interval:
    """A mean with a 95 % confidence interval for the expected score over the prompts' population."""

    mean: float
    low: float | None
    """None below `FEWEST_CLUSTERS`."""
    high: float | None
    n: int
    clusters: int

    def within(self, lowest: float, highest: float) -> Interval:
        """The interval without what the metric cannot be.

        The expected score lies in the metric's range, so cutting off the rest loses no coverage.

        Example:
            >>> Interval(0.9, 0.7, 1.1, 5, 5).within(0.0, 1.0).high
            1.0
        """
        if self.low is None or self.high is None or not lowest <= self.mean <= highest:
            return self
        return replace(self, low=max(self.low, lowest), high=min(self.high, highest))


def mean_interval(values: Sequence[float], clusters: Sequence[str]) -> Interval:
    """The mean over values, and its interval over clusters.

    Whole clusters are drawn, because clips of one prompt resemble each other. Equal values give an interval
    of no width: they show no spread, which is not proof that there is none.

    Args:
        values: At least one.
        clusters: The cluster of each value.

    Example:
        >>> found = mean_interval([1.0, 2.0, 3.0, 4.0, 5.0], list("abcde"))
        >>> found.mean, found.low < 1.04, found.high > 4.96  # Student's t: 3 -+ 2.776 sqrt(2.5 / 5)
        (3.0, True, True)
    """
    mean = float(np.asarray(values, dtype=np.float64).mean())
    groups = Clusters.of(values, clusters)
    low, high = bounds(groups)
    if low is not None and high is not None:
        low, high = min(low, mean), max(high, mean)
    return Interval(mean, low, high, len(values), len(groups))


def bounds(groups: Clusters) -> tuple[float | None, float | None]:
    """Both ends of the interval of a mean over clusters; None below `FEWEST_CLUSTERS`."""
    count, mean, error = len(groups), groups.mean, groups.standard_error
    if count < FEWEST_CLUSTERS:
        return None, None
    if not error:
        return mean, mean
    student = student_quantile(1 - (1 - CONFIDENCE) / 2, count - 1)
    drawn = _bootstrap_t(groups)
    tail = bootstrap_tail(count)
    below, above = np.quantile(drawn, [tail, 1 - tail]) if len(drawn) else (0.0, 0.0)
    down, up = np.clip([above, -below], student, FARTHEST * student).tolist()
    return mean - error * down, mean + error * up


def why_no_interval(clusters: int) -> str:
    """Why a mean over so few prompts has no interval; empty where it has one.

    Example:
        >>> why_no_interval(3)
        'intervals need at least 5 prompts (clips without a prompt count as one each), and there are 3'
    """
    if clusters >= FEWEST_CLUSTERS:
        return ""
    return (
        f"intervals need at least {FEWEST_CLUSTERS} prompts (clips without a prompt count as one each), "
        f"and there {'is' if clusters == 1 else 'are'} {clusters}"
    )


def bootstrap_tail(groups: int) -> float:
    """Probability that the bootstrap-t leaves on each side, for so many clusters.

    Example:
        >>> round(bootstrap_tail(25), 4), round(bootstrap_tail(1_000_000), 4)
        (0.0175, 0.025)
    """
    return (1 - CONFIDENCE) / 2 * (1 - NARROWING / math.sqrt(groups))


def _bootstrap_t(groups: Clusters) -> NDArray[np.float64]:
    """Studentised errors of the means of resampled clusters; resamples without any spread are left out."""
    random = np.random.default_rng(SEED)
    count = len(groups)
    resamples = min(RESAMPLES, max(FEWEST_RESAMPLES, MOST_PICKS // count))
    step = max(1, MOST_PICKS // count)
    found = [
        _studentised(groups, random.integers(0, count, (min(step, resamples - start), count)))
        for start in range(0, resamples, step)
    ]
    return np.concatenate(found)


def _studentised(groups: Clusters, picks: NDArray[np.int64]) -> NDArray[np.float64]:
    """(B,) the error of each resample's mean over its own standard error; picks (B, G)."""
    count = len(groups)
    residuals = groups.residuals / groups.spread
    sizes = groups.sizes / groups.sizes.mean()
    total = residuals[picks].sum(axis=1)
    squares = (residuals**2)[picks].sum(axis=1)
    if (sizes == 1).all():
        weight, mixed, weights = np.float64(count), total, np.float64(count)
    else:
        weight = sizes[picks].sum(axis=1)
        mixed = (residuals * sizes)[picks].sum(axis=1)
        weights = (sizes**2)[picks].sum(axis=1)
    mean = total / weight
    around = squares - 2 * mean * mixed + mean**2 * weights
    spread = around > 1e-12 * squares
    error = np.sqrt(np.where(spread, around, 1.0) * count / (count - 1)) / weight
    return np.asarray((mean / error)[spread])


def expanded_tail(groups: int) -> float:
    """Probability to leave on each side of a percentile bootstrap of `groups` clusters.

    For what has no standard error, such as a rank correlation. The percentile interval of few clusters is
    too narrow, as if the normal distribution stood for Student's t and the variance were divided by m and
    not m - 1; its level is adjusted for both (Hesterberg, The American Statistician 69(4), 2015, "expanded
    percentile").

    Example:
        >>> round(expanded_tail(1_000_000), 4)
        0.025
    """
    quantile = student_quantile(1 - (1 - CONFIDENCE) / 2, groups - 1)
    return NormalDist().cdf(-math.sqrt(groups / (groups - 1)) * quantile)
