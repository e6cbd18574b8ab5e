"""A long film minute by minute: means of each minute, and whether the end differs from the beginning."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from mirabench.errors import InputError
from mirabench.maths.student import student_quantile
from mirabench.shapes import Bool, Float, Float64

MINUTE = 60.0
"""Seconds."""
PART = 1 / 3
"""Of the film that is early, and that is late."""
BLOCK_SECONDS = 5.0
"""Values within this time resemble each other: their mean counts as one."""
FEWEST_BLOCKS = 4
"""In each part, below which there is no interval: a film of a minute has four."""
CONFIDENCE = 0.95
ROUNDING = 1e-6
"""Seconds."""


class Drift(NamedTuple):
    """How a value at the end of a film differs from that at its beginning."""

    difference: float
    """Late minus early."""
    low: float | None
    """Lower end of the 95 % interval; None for too short a film."""
    high: float | None


def minute_means(
    seconds: Float64[np.ndarray, " N"], values: Float[np.ndarray, " N"]
) -> Float64[np.ndarray, " M"]:
    """The mean over each minute of a film that holds a value, in order; the last minute may be shorter.

    Args:
        seconds: Of the values, from the start of the film.
        values: Finite.

    Example:
        >>> minute_means(np.array([0.0, 30.0, 60.0, 130.0]), np.array([1.0, 3.0, 5.0, 7.0])).tolist()
        [2.0, 5.0, 7.0]
    """
    minute = np.floor(seconds / MINUTE + 1e-9).astype(np.int64)
    held, member = np.unique(minute, return_inverse=True)
    total = np.bincount(member, weights=values.astype(np.float64), minlength=len(held))
    return np.asarray(total / np.bincount(member, minlength=len(held)))


def late_minus_early(
    seconds: Float64[np.ndarray, " N"],
    values: Float[np.ndarray, " N"],
    duration: float,
) -> Drift:
    """The mean over the last third of a film minus that over its first third, with a 95 % interval.

    Neighbouring values resemble each other, so each third is cut into blocks of 5 s, and the interval is that
    of Welch for two samples of block means. It covers what varies from block to block, and not a film that
    varies over longer times: a change of scene is a drift to it.

    Args:
        seconds: Of the values, from the start of the film.
        values: Finite.
        duration: Of the film in seconds.

    Returns:
        No interval where a third holds fewer than four blocks.

    Raises:
        InputError: a third holds no value.

    Example:
        >>> seconds = np.arange(0.0, 60.0, 0.5)
        >>> late_minus_early(seconds, np.where(seconds < 30, 1.0, 3.0), 60.0)
        Drift(difference=2.0, low=2.0, high=2.0)
    """
    early = _block_means(seconds, values, seconds < duration * PART - ROUNDING)
    late = _block_means(seconds, values, seconds >= duration * (1 - PART) - ROUNDING)
    if not len(early) or not len(late):
        raise InputError(
            f"the first or the last third of {duration:g} s holds no value: give values of the whole film"
        )
    difference = float(late.mean() - early.mean())
    if min(len(early), len(late)) < FEWEST_BLOCKS:
        return Drift(difference, None, None)
    half = _welch_half(early, late)
    return Drift(difference, difference - half, difference + half)


def _block_means(
    seconds: Float64[np.ndarray, " N"],
    values: Float[np.ndarray, " N"],
    inside: Bool[np.ndarray, " N"],
) -> Float64[np.ndarray, " B"]:
    if not inside.any():
        return np.zeros(0)
    block = np.floor((seconds[inside] - seconds[inside][0]) / BLOCK_SECONDS + 1e-9)
    held, member = np.unique(block, return_inverse=True)
    total = np.bincount(member, weights=values[inside].astype(np.float64), minlength=len(held))
    return np.asarray(total / np.bincount(member, minlength=len(held)))


def _welch_half(one: Float64[np.ndarray, " N"], two: Float64[np.ndarray, " M"]) -> float:
    """Half the width of Welch's interval for the difference of two means."""
    first, second = one.var(ddof=1) / len(one), two.var(ddof=1) / len(two)
    total = float(first + second)
    if total == 0:
        return 0.0
    freedom = total**2 / float(first**2 / (len(one) - 1) + second**2 / (len(two) - 1))
    return math.sqrt(total) * student_quantile(1 - (1 - CONFIDENCE) / 2, freedom)
