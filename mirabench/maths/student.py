"""Student's t distribution for any number of degrees of freedom, without scipy."""

from __future__ import annotations

import math
from functools import lru_cache
from statistics import NormalDist

ALWAYS_NORMAL = 100_000
"""Degrees of freedom from which on the normal distribution stands in: quantiles differ by 1e-5."""
_MOST_TERMS = 10_000
_TINY = 1e-300


def student_quantile(probability: float, freedom: float) -> float:
    """The quantile of Student's t, by bisection on its distribution function.

    Args:
        probability: Between 0 and 1, exclusive.
        freedom: Degrees of freedom, above 0; not necessarily whole.

    Example:
        >>> round(student_quantile(0.975, 10), 3)
        2.228
    """
    if freedom > ALWAYS_NORMAL:
        return NormalDist().inv_cdf(probability)
    if probability < 0.5:
        return -student_quantile(1 - probability, freedom)
    return _upper_quantile(probability, freedom)


@lru_cache(maxsize=256)
def _upper_quantile(probability: float, freedom: float) -> float:
    low, high = 0.0, 1.0
    while student_tail(high, freedom) > 1 - probability:
        high *= 2
    for _ in range(80):
        middle = (low + high) / 2
        far = student_tail(middle, freedom) <= 1 - probability
        low, high = (low, middle) if far else (middle, high)
    return (low + high) / 2


def student_tail(t: float, freedom: float) -> float:
    """The chance of a value of at least `t`.

    Half the regularised incomplete beta function I_x(freedom / 2, 1 / 2) at x = freedom / (freedom + t^2)
    (Abramowitz and Stegun, 26.7.1 and 26.5.27), so that far tails keep their digits.

    Example:
        >>> round(student_tail(1.0, 1), 6)  # 1/2 - arctan(1) / pi
        0.25
    """
    if t < 0:
        return 1 - student_tail(-t, freedom)
    if freedom > ALWAYS_NORMAL:
        return NormalDist().cdf(-t)
    return 0.5 * _incomplete_beta(freedom / (freedom + t * t), freedom / 2, 0.5)


def _incomplete_beta(x: float, a: float, b: float) -> float:
    """I_x(a, b), by its continued fraction on the side where that converges fast."""
    if x in (0.0, 1.0):
        return x
    log_front = math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b)
    front = math.exp(log_front + a * math.log(x) + b * math.log1p(-x))
    if x < (a + 1) / (a + b + 2):
        return front * _continued_fraction(x, a, b) / a
    return 1 - front * _continued_fraction(1 - x, b, a) / b


def _continued_fraction(x: float, a: float, b: float) -> float:
    """Abramowitz and Stegun 26.5.8, by Lentz's method."""
    c, d = 1.0, 1 / ((1 - (a + b) * x / (a + 1)) or _TINY)
    found = d
    for m in range(1, _MOST_TERMS):
        even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        for term in (even, odd):
            d = 1 / ((1 + term * d) or _TINY)
            c = (1 + term / c) or _TINY
            found *= c * d
        if abs(c * d - 1) < 1e-15:
            break
    return found
