"""Paired differences with clusters: how large, how sure, and how many prompts would settle it.

Clips of one prompt resemble each other, so prompts are what is drawn, flipped and counted; clips are not.
The interval is the one of every report (`mirabench.report.interval`).

The null hypothesis of the p value: over the population of prompts, the expected difference is zero. Its
distribution may be anything with a mean. p is the larger one of two tests. Sign flips are exact where each
difference could as well have the other sign, which two runs of one generator make true; under skewed
differences of mean zero they alone err far more often than they say. Student's t, corrected by Hall's
transformation for the skewness that speaks most against the difference among those that the sample allows,
holds there. Both are measured in docs/compare.md.

Sign flips are scipy's, Holm's correction and the power of the t test are statsmodels', from the extra `stats`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mirabench.errors import InputError
from mirabench.extras import needs_extra
from mirabench.maths.clustered import Clusters
from mirabench.maths.student import student_tail
from mirabench.report.interval import SEED, mean_interval

LEVEL = 0.05
"""The chance of a false alarm that is accepted, for all metrics of a comparison together."""
POWER = 0.8
"""How often a real difference is to be seen."""
FLIPS = 9_999
"""Random sign patterns, where there are too many to try them all."""
FEWEST_PROMPTS = 6
"""Below, even the rarest of the 2^n sign patterns is no rarer than 2 in 32, which is above `LEVEL`."""
_ALWAYS_NORMAL = 10_000
_SURELY_SEEN = 5.0
"""Standard errors beyond which the power is far above `POWER`, and its computation loses its digits."""
MOST_PROMPTS = 1_000_000
"""Beyond this many, how many are needed is no question any more."""
SKEWNESS_FACTOR = 1.5
"""The skewness of a small sample of skewed numbers falls short of theirs by about a third."""
SKEWNESS_ERRORS = 1.28
"""Standard errors sqrt(6 / n) that are added to it: the upper end of a one-sided 90 % interval."""


@dataclass(frozen=True, slots=True)
class PairedDifference:
    """What paired differences say, and how far to trust it."""

    mean: float
    """Over clips, in the metric's unit."""
    low: float | None
    """95 % confidence interval of the expected difference; None below 5 clusters."""
    high: float | None
    p: float | None
    """Two-sided, over clusters, for this metric alone: see the module; None with one cluster."""
    effect_size: float | None
    """Cohen's d_z over clusters: the mean over the standard deviation of the clusters' differences.
    None with one cluster, or where all clusters differ by exactly the same."""
    needed_prompts: int | None
    """Prompts that would show a difference of this size 4 times of 5 at a level of 0.05;
    None with one cluster, or without a difference."""
    n: int
    """Pairs of clips."""
    clusters: int
    """Prompts behind them."""


def paired_difference(
    differences: Sequence[float] | NDArray[np.float64], clusters: Sequence[str]
) -> PairedDifference:
    """The mean difference of pairs, with interval, p, effect size and needed prompts.

    Clusters of several pairs weigh by their pairs, as in a report's mean; the standard deviation behind the
    effect size is that of `mirabench.maths.clustered`.

    Args:
        differences: (n,) finite, at least one, this run minus the other.
        clusters: (n,) the prompt of each.

    Raises:
        InputError: nothing to compare, or a difference that is not finite.
        MissingExtraError: the extra `stats` is not installed.

    Example:
        >>> found = paired_difference([2.0, 2.1, 1.9, 2.0, 1.9, 2.1], list("abcdef"))
        >>> found.mean, found.p
        (2.0, 0.03125)
    """
    array = np.asarray(differences, dtype=np.float64)
    if array.ndim != 1 or not len(array) or len(array) != len(clusters):
        raise InputError(
            f"paired differences need one cluster each, found {array.shape} and {len(clusters)}"
        )
    if not np.isfinite(array).all():
        raise InputError("a difference is not finite: leave out pairs without two finite scores")
    found = mean_interval(array.tolist(), clusters)
    groups = Clusters.of(array, clusters)
    if len(groups) < 2:
        return PairedDifference(found.mean, None, None, None, None, None, found.n, found.clusters)
    effect = found.mean / groups.spread if groups.spread else None
    least = FEWEST_PROMPTS if found.mean else None
    return PairedDifference(
        found.mean,
        found.low,
        found.high,
        max(sign_flip(groups.sums), skewed_p(groups)),
        effect,
        least if effect is None else needed_prompts(effect),
        found.n,
        found.clusters,
    )


def sign_flip(sums: Sequence[float] | NDArray[np.float64]) -> float:
    """The chance of a total so far from 0, if each cluster could as well have the other sign.

    Two-sided and exact up to 13 clusters; beyond, over `FLIPS` random patterns with a fixed seed, the
    observed one counted, so that p is never 0.

    Args:
        sums: (clusters,) the sum of differences in each.

    Raises:
        MissingExtraError: the extra `stats` is not installed.

    Example:
        >>> sign_flip([1.0, 1.0, 1.0])
        0.25
    """
    with _stats():
        from scipy.stats import permutation_test  # extra `stats`

    found = permutation_test(
        (np.asarray(sums, dtype=np.float64),),
        _distance,
        permutation_type="samples",
        alternative="greater",
        n_resamples=FLIPS,
        vectorized=True,
        random_state=np.random.default_rng(SEED),
    )
    return float(found.pvalue)


def smallest_p(clusters: int) -> float:
    """The least that `sign_flip` can give, whatever the differences.

    Example:
        >>> smallest_p(6), smallest_p(1000)
        (0.03125, 0.0001)
    """
    return 2 / 2**clusters if 2**clusters <= FLIPS else 1 / (FLIPS + 1)


def _distance(values: NDArray[np.float64], axis: int) -> Any:
    return np.abs(values.sum(axis=axis))


def skewed_p(groups: Clusters) -> float:
    """The chance of a mean so far from 0, if the expected difference is 0 and its distribution skewed.

    With skewness towards the other side, few prompts without its rare large differences look like a sure
    difference. The t statistic is therefore moved back by Hall's monotone transformation (Journal of the Royal
    Statistical Society B 54(1), 1992), with the skewness within `allowed_skewness` that makes p largest.
    Two-sided; 1 without a difference, 0 where all clusters differ by exactly the same.

    Example:
        >>> steady = Clusters.of([0.9, 1.0, 1.1, 1.0, 0.8, 1.2], list("abcdef"))
        >>> misses_a_tail = Clusters.of([0.1, 1.0, 1.1, 1.0, 1.2, 1.2], list("abcdef"))
        >>> skewed_p(steady) < 0.01, skewed_p(misses_a_tail) > 0.05
        (True, True)
    """
    if not groups.mean:
        return 1.0
    if not groups.spread:
        return 0.0
    count = len(groups)
    size = groups.mean / groups.spread
    skewness = allowed_skewness(-groups.skewness if size > 0 else groups.skewness, count)
    moved = transformed(abs(size), skewness, count)
    return min(1.0, 2 * student_tail(moved * math.sqrt(count), count - 1))


def allowed_skewness(skewness: float, count: int) -> float:
    """The largest skewness, at least 0, of a population of which a sample has this one.

    Example:
        >>> allowed_skewness(0.0, 24), allowed_skewness(-9.0, 24)
        (0.64, 0.0)
    """
    return max(0.0, SKEWNESS_FACTOR * skewness + SKEWNESS_ERRORS * math.sqrt(6 / count))


def transformed(size: float, skewness: float, count: int) -> float:
    """Hall's transformation of mean over standard deviation, away from which the skewness points.

    s - g s^2 / 3 + g^2 s^3 / 27 - g / (6 n), the least over all g from 0 to `skewness`: the cubic falls until
    g = 9 / (2 s) and rises beyond.

    Example:
        >>> transformed(0.5, 0.0, 20)
        0.5
    """
    g = min(skewness, 4.5 / size)
    return size - g * size**2 / 3 + g**2 * size**3 / 27 - g / (6 * count)


def holm(p_values: Sequence[float | None]) -> list[float | None]:
    """Holm's correction over the tests that were made, so that all of them together err at `LEVEL`.

    Raises:
        MissingExtraError: the extra `stats` is not installed.

    Example:
        >>> holm([0.01, None, 0.04])
        [0.02, None, 0.04]
    """
    tested = [(i, p) for i, p in enumerate(p_values) if p is not None]
    found: list[float | None] = [None] * len(p_values)
    if tested:
        with _stats():
            from statsmodels.stats.multitest import multipletests  # extra `stats`

        corrected = multipletests([p for _, p in tested], alpha=LEVEL, method="holm")[1]
        for (i, _), p in zip(tested, corrected, strict=True):
            found[i] = float(p)
    return found


def needed_prompts(effect_size: float) -> int | None:
    """Prompts that would show an effect `POWER` of the time at `LEVEL`, for one metric, two-sided.

    The power of the paired t test at the effect that `transformed` leaves of symmetric differences; at
    least `FEWEST_PROMPTS`. The effect is taken for the true one, which an effect seen in few prompts is not:
    read it as an order of magnitude.

    Raises:
        MissingExtraError: the extra `stats` is not installed.

    Example:
        >>> needed_prompts(0.5)
        40
    """
    size = abs(effect_size)
    if size == 0 or not math.isfinite(size):
        return FEWEST_PROMPTS if size else None
    low, high = FEWEST_PROMPTS - 1, MOST_PROMPTS + 1
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if _power(size, middle) >= POWER else (middle, high)
    return high


def _power(size: float, prompts: int) -> float:
    left = transformed(size, allowed_skewness(0.0, prompts), prompts)
    if prompts > _ALWAYS_NORMAL:
        bell = NormalDist()
        return bell.cdf(left * math.sqrt(prompts) - bell.inv_cdf(1 - LEVEL / 2))
    if left * math.sqrt(prompts) > _SURELY_SEEN:
        return 1.0
    with _stats():
        from statsmodels.stats.power import TTestPower  # extra `stats`

    return float(TTestPower().power(effect_size=left, nobs=prompts, alpha=LEVEL))


def _stats() -> AbstractContextManager[None]:
    return needs_extra("stats", "comparisons need more packages")
