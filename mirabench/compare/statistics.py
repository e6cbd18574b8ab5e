"""Paired differences with clusters: how large, how sure, and how many prompts would settle it.

Clips of one prompt resemble each other, so prompts are what is drawn, flipped and counted; clips are not.
The interval is the one of every report (`mirabench.report.interval`); the tests are scipy's and
statsmodels', from the extra `stats`.
"""

from __future__ import annotations

import importlib
import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from statistics import NormalDist
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mirabench.errors import InputError, MissingExtraError
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


@dataclass(frozen=True, slots=True)
class PairedDifference:
    """What paired differences say, and how far to trust it."""

    mean: float
    """Over clips, in the metric's unit."""
    low: float | None
    """95 % interval of the mean, bootstrap over clusters; None with one cluster."""
    high: float | None
    p: float | None
    """Two-sided sign-flip test over clusters, for this metric alone; None with one cluster."""
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

    Clusters of several pairs weigh by their pairs, as in a report's mean. The standard deviation behind the
    effect size is that of the clusters' sums around their expected sums, per average cluster size
    (the linearised ratio, Cochran, Sampling Techniques, 1977, 6.3); with equally many pairs in each
    cluster this is the standard deviation of the clusters' means.

    Args:
        differences: (n,) finite, at least one, this run minus the other.
        clusters: (n,) the prompt of each.

    Raises:
        InputError: nothing to compare, or a difference that is not finite.
        MissingExtraError: the extra `stats` is not installed.

    Example:
        >>> found = paired_difference([1.0, 2.0, 3.0, 2.0, 1.0, 3.0], list("abcdef"))
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
    _, member = np.unique(np.asarray(clusters, dtype=str), return_inverse=True)
    sums = np.asarray(np.bincount(member, weights=array), dtype=np.float64)
    counts = np.asarray(np.bincount(member), dtype=np.float64)
    if found.clusters < 2:
        return PairedDifference(found.mean, None, None, None, None, None, found.n, found.clusters)
    spread = _spread(sums, counts, found.mean)
    # sums of equal numbers differ in the last digits, which is not a spread
    steady = spread <= 1e-12 * abs(found.mean)
    effect = None if steady else found.mean / spread
    least = FEWEST_PROMPTS if found.mean else None
    return PairedDifference(
        found.mean,
        found.low,
        found.high,
        sign_flip(sums),
        effect,
        least if effect is None else needed_prompts(effect),
        found.n,
        found.clusters,
    )


def _spread(sums: NDArray[np.float64], counts: NDArray[np.float64], mean: float) -> float:
    """The standard deviation of the clusters' differences, as if all had the average size."""
    around = (sums - counts * mean) / counts.mean()
    return math.sqrt(float((around**2).sum()) / (len(sums) - 1))


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
    found = _library("scipy.stats").permutation_test(
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
        corrected = _library("statsmodels.stats.multitest").multipletests(
            [p for _, p in tested], alpha=LEVEL, method="holm"
        )[1]
        for (i, _), p in zip(tested, corrected, strict=True):
            found[i] = float(p)
    return found


def needed_prompts(effect_size: float) -> int | None:
    """Prompts that would show an effect `POWER` of the time at `LEVEL`, for one metric, two-sided.

    The power of the paired t test, which that of the sign-flip test follows closely; at least
    `FEWEST_PROMPTS`. The effect is taken for the true one, which an effect seen in few prompts is not:
    read it as an order of magnitude.

    Raises:
        MissingExtraError: the extra `stats` is not installed.

    Example:
        >>> needed_prompts(0.5)
        34
    """
    size = abs(effect_size)
    if size == 0 or not math.isfinite(size):
        return FEWEST_PROMPTS if size else None
    bell = NormalDist()
    # six prompts are enough only where all of them have the same sign
    least = FEWEST_PROMPTS + (bell.cdf(size) ** FEWEST_PROMPTS < POWER)
    normal = ((bell.inv_cdf(1 - LEVEL / 2) + bell.inv_cdf(POWER)) / size) ** 2
    if normal >= _ALWAYS_NORMAL:  # Student's t makes no difference any more
        return math.ceil(normal)
    if normal < 1:  # solve_power looks for two prompts at least
        return least
    power = _library("statsmodels.stats.power").TTestPower()
    found = power.solve_power(effect_size=size, alpha=LEVEL, power=POWER)
    return max(least, math.ceil(float(found)))


@cache
def _library(name: str) -> ModuleType:
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise MissingExtraError("stats", f"comparisons need {name.split('.')[0]}") from error
