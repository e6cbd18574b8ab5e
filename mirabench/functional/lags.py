"""How alike a film stays over time: likeness of its moments as a function of the seconds between them.

Moments are rows of an embedding with their true times. What is asked is in seconds, so the frame rate does not
enter; a film that drifts loses likeness with the lag, a film that loops gets it back.
"""

from __future__ import annotations

from itertools import accumulate
from typing import NamedTuple

import numpy as np

from mirabench.errors import InputError, NotApplicable
from mirabench.functional.arrays import vectors
from mirabench.shapes import Float64, Real

SHORTEST_LAG, LONGEST_LAG = 0.25, 64.0
"""Seconds: the ends of the ladder of lags, each twice the one before."""
SLACK = 1.02
"""By how much two lags may exceed the clip: a clip of 2 s may end a frame early."""
ROUNDING = 1e-6
"""Seconds by which a lag may exceed the last moment, or a moment the middle between two."""
RETURN_SECONDS = 1.0
"""Shortest period of a loop: what swings faster is motion."""
RETURN_DROP = 0.02
"""Likeness that a film loses on its way at least, for anything to come back."""


def octave_lags(duration: float, longest: float = LONGEST_LAG) -> Float64[np.ndarray, " K"]:
    """Lags of 1/4, 1/2, 1, 2 ... s up to half the clip, so that each is seen over half of it.

    Args:
        duration: Of the clip in seconds.
        longest: Of the lags in seconds, whatever the clip allows.

    Example:
        >>> octave_lags(5.0).tolist()
        [0.25, 0.5, 1.0, 2.0]
    """
    steps = int(np.floor(np.log2(longest / SHORTEST_LAG))) + 1
    ladder = np.asarray(list(accumulate([SHORTEST_LAG] + [2.0] * (steps - 1), lambda a, b: a * b)))
    return ladder[ladder <= duration * SLACK / 2]


def similarity_over_lag(
    embeddings: Real[np.ndarray, "T D"],
    seconds: Float64[np.ndarray, " N"],
    lags: Float64[np.ndarray, " K"],
) -> Float64[np.ndarray, " K"]:
    """Mean cosine of all moments with those a lag later: S(L) = mean_t cos(z_t, z_{t+L}).

    The moment a lag later is the row whose time is nearest, if it misses by no more than half the lag.

    Args:
        embeddings: One row per moment, none of length 0.
        seconds: Of the moments, increasing.
        lags: Seconds, > 0.

    Returns:
        -1 to 1, one value per lag. Equal rows give 1.

    Raises:
        InputError: rows and times are not equally many.
        MetricError: a number is not finite.
        NotApplicable: no two moments lie a lag apart.

    Example:
        >>> turning = np.array([[1.0, 0.0], [0.0, 2.0], [-3.0, 0.0]])  # a quarter turn every second
        >>> similarity_over_lag(turning, np.arange(3.0), np.array([1.0, 2.0])).tolist()
        [0.0, -1.0]
    """
    z = _directions(embeddings)
    if seconds.shape != (len(z),):
        raise InputError(f"{len(z)} embeddings need {len(z)} times, got {seconds.shape}")
    return np.asarray([_similarity(z, seconds, lag) for lag in lags.tolist()], np.float64)


def _directions(embeddings: Real[np.ndarray, "T D"]) -> Float64[np.ndarray, "T D"]:
    """The rows at length 1; a row of length 0 stays, and is like nothing."""
    z = vectors(embeddings)
    return np.asarray(z / np.maximum(np.linalg.norm(z, axis=1, keepdims=True), 1e-12))


def _similarity(
    z: Float64[np.ndarray, "T D"], seconds: Float64[np.ndarray, " T"], lag: float
) -> float:
    wanted = seconds + lag - ROUNDING
    later = np.searchsorted((seconds[1:] + seconds[:-1]) / 2, wanted)
    near = (wanted <= seconds[-1]) & (np.abs(seconds[later] - seconds - lag) <= lag / 2)
    if not near.any():
        raise NotApplicable(f"no two frames lie {lag:g} s apart: the clip is too short")
    here = np.flatnonzero(near)
    return float((z[here] * z[later[here]]).sum(axis=1).mean())


def mean_over_octaves(values: Float64[np.ndarray, " K"], lags: Float64[np.ndarray, " K"]) -> float:
    """Mean of a function of lag over log lag, by trapezoids over log2: each octave weighs the same.

    Example:
        >>> mean_over_octaves(np.array([1.0, 0.5, 0.0]), np.array([0.25, 0.5, 1.0]))
        0.5
    """
    if len(values) == 1:
        return float(values[0])
    octaves = np.log2(lags)
    parts = (values[1:] + values[:-1]) / 2 * np.diff(octaves)
    return float(parts.sum() / (octaves[-1] - octaves[0]))


def slope_per_octave(values: Float64[np.ndarray, " K"], lags: Float64[np.ndarray, " K"]) -> float:
    """By how much a function of lag changes each time the lag doubles: least squares over log2.

    Raises:
        NotApplicable: there are fewer than two lags.

    Example:
        >>> slope_per_octave(np.array([0.9, 0.8, 0.7]), np.array([0.25, 0.5, 1.0]))
        -0.1
    """
    if len(values) < 2:
        raise NotApplicable("a slope needs two lags: the clip is shorter than a second")
    octaves = np.log2(lags) - np.log2(lags).mean()
    return round(float((octaves * values).sum() / (octaves**2).sum()), 12)


def lagged_similarity(embeddings: Real[np.ndarray, "T D"]) -> Float64[np.ndarray, " T"]:
    """Mean cosine of rows with those k later, for every k: S at each step of a regular clock.

    Args:
        embeddings: One row per tick.

    Returns:
        -1 to 1; the first is 1, of rows with themselves.

    Example:
        >>> lagged_similarity(np.array([[1.0, 0.0], [0.0, 1.0], [1.0, 0.0]])).round(9).tolist()
        [1.0, 0.0, 1.0]
    """
    z = _directions(embeddings)
    frames = len(z)
    power = np.zeros(frames + 1)
    for start in range(0, z.shape[1], 64):  # a few columns at a time: the spectrum is large
        spectrum = np.fft.rfft(z[:, start : start + 64], n=2 * frames, axis=0)
        power += (spectrum * spectrum.conj()).real.sum(axis=1)
    found = np.fft.irfft(power, n=2 * frames)[:frames] / np.arange(frames, 0, -1)
    return np.asarray(np.clip(found, -1.0, 1.0))


class Return(NamedTuple):
    """Where a film is like it was before."""

    seconds: float
    """Lag; 0 where nothing comes back."""
    height: float
    """Share of the likeness lost on the way that is regained there, 0 to 1."""


def strongest_return(similarity: Float64[np.ndarray, " T"], seconds_per_step: float) -> Return:
    """The local peak of S, a second or more away, at which most of the likeness lost on the way is back.

    Of equal peaks the nearest. A film that loses less than 0.02 on the way has nothing to regain.

    Args:
        similarity: S at each step of a regular clock, from lag 0; what `lagged_similarity` gives, up to half
            the clip so that each is a mean over half of it.
        seconds_per_step: Between two of them.

    Example:
        >>> steps = np.arange(64)
        >>> strongest_return(np.cos(2 * np.pi * steps / 16), seconds_per_step=0.125)
        Return(seconds=2.0, height=1.0)
        >>> strongest_return(1 - steps / 100, seconds_per_step=0.125)
        Return(seconds=0.0, height=0.0)
    """
    lowest = np.minimum.accumulate(similarity)
    lost = 1 - lowest
    height = np.where(lost >= RETURN_DROP, (similarity - lowest) / np.maximum(lost, RETURN_DROP), 0)
    height[np.arange(len(height)) * seconds_per_step < RETURN_SECONDS - ROUNDING] = 0.0
    first = int(np.argmax(height.round(6))) if len(height) else 0
    if not len(height) or height[first] <= 0:
        return Return(0.0, 0.0)
    return Return(first * seconds_per_step, min(1.0, float(height[first])))
