"""The mean of scores and its 95 % interval, by a bootstrap over clusters."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

RESAMPLES = 10_000
SEED = 20240709
"""Part of every report; the day MiraData's paper appeared, so that nobody tuned it."""
CONFIDENCE = 0.95


@dataclass(frozen=True, slots=True)
class Interval:
    """A mean and where the mean of other clips of the kind would lie, 95 times of 100."""

    mean: float
    low: float | None
    high: float | None
    n: int
    clusters: int


def mean_interval(values: Sequence[float], clusters: Sequence[str]) -> Interval:
    """Mean over values; percentile bootstrap over clusters, expanded for small samples.

    Whole clusters are drawn, because clips of one prompt resemble each other. The percentile interval is
    too narrow for few clusters, as if the normal distribution stood for Student's t and the variance were
    divided by m and not m - 1; its level is adjusted for both (Hesterberg, The American Statistician 69(4),
    2015, "expanded percentile"). With one cluster there is no interval.

    Args:
        values: At least one.
        clusters: The cluster of each value.
    """
    array = np.asarray(values, dtype=np.float64)
    mean = float(array.mean())
    _, member = np.unique(np.asarray(clusters, dtype=object).astype(str), return_inverse=True)
    counts = np.bincount(member).astype(np.float64)
    if len(counts) < 2:
        return Interval(mean, None, None, len(array), len(counts))
    sums = np.bincount(member, weights=array)
    drawn = _bootstrap_means(sums, counts)
    tail = expanded_tail(len(counts))
    low, high = np.quantile(drawn, [tail, 1 - tail])
    return Interval(mean, min(float(low), mean), max(float(high), mean), len(array), len(counts))


def _bootstrap_means(sums: np.ndarray, counts: np.ndarray) -> np.ndarray:
    random = np.random.default_rng(SEED)
    groups = len(sums)
    means = np.empty(RESAMPLES)
    step = max(1, 2_000_000 // groups)
    for start in range(0, RESAMPLES, step):
        picks = random.integers(0, groups, (min(step, RESAMPLES - start), groups))
        means[start : start + step] = sums[picks].sum(axis=1) / counts[picks].sum(axis=1)
    return means


def expanded_tail(groups: int) -> float:
    """Probability to leave on each side of the bootstrap distribution of `groups` clusters.

    Example:
        >>> round(expanded_tail(1_000_000), 4)
        0.025
    """
    quantile = student_quantile(1 - (1 - CONFIDENCE) / 2, groups - 1)
    return NormalDist().cdf(-math.sqrt(groups / (groups - 1)) * quantile)


def student_quantile(probability: float, freedom: int) -> float:
    """The quantile of Student's t, by bisection on its distribution function.

    Example:
        >>> round(student_quantile(0.975, 10), 3)
        2.228
    """
    if freedom > 100_000:
        return NormalDist().inv_cdf(probability)
    low, high = 0.0, 1e4
    for _ in range(80):
        middle = (low + high) / 2
        low, high = (middle, high) if _student_cdf(middle, freedom) < probability else (low, middle)
    return (low + high) / 2


def _student_cdf(t: float, freedom: int) -> float:
    """Abramowitz and Stegun 26.7.3 and 26.7.4: a finite sum for a whole number of degrees."""
    angle = math.atan(t / math.sqrt(freedom))
    sine, cosine2 = math.sin(angle), math.cos(angle) ** 2
    term = math.cos(angle) if freedom % 2 else 1.0
    total = 0.0
    for k in range(1 + freedom % 2, freedom - 1 + 1, 2):
        total += term
        term *= cosine2 * k / (k + 1)
    if freedom % 2:
        return 0.5 + (angle + sine * total) / math.pi
    return 0.5 + sine * total / 2
