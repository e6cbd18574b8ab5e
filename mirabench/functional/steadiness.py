"""Whether a film goes on from picture to picture, or repeats itself, or jumps to and fro.

Read from a small signature of every frame (mean lumas of a grid), at the film's own rate: at a fixed rate of
a few frames per second repeated or exchanged frames would go unseen.
"""

from __future__ import annotations

import numpy as np

from mirabench.shapes import Bool, Float, Float32, Float64

SAME_LEVELS = 1.5
"""Two frames whose most different 1 % of (shrunken) pixels differ by less are the same picture."""
LOOP_LEVELS = 1.0
"""Root mean square difference between a film and itself one period later, for a loop."""
LOOP_FRAMES = 3600
"""Frames in which a loop is looked for; bounds time and memory on long films."""
LOOP_STILL = 0.1
"""Levels below which a difference between a film and itself is noise, and no return."""
LOOP_FAINT = 0.03
"""As above where a loop only costs and voids nothing: a film that hardly moves can loop too."""
LOOP_SHORTEST, LOOP_LONGEST = 4, 0.6
"""Frames, and share of the film, that a period has at least and at most."""
FEWEST_FRAMES = 12
"""Below which a loop is not looked for."""
UNDONE_NONE, UNDONE_ALL = 0.1, 0.5
"""Share of each change that the next one undoes: none counts up to the first, all from the second on."""
NOISE_LEVELS = 0.1
"""Change of the signature between frames that counts half, beside the noise of a still picture."""
LEAST_SPREAD = 2.0
"""Levels of contrast below which a frame's light is not evened out."""


def repeated_frames(
    change: Float[np.ndarray, " T"], signature: Float32[np.ndarray, "T D"]
) -> Bool[np.ndarray, " T"]:
    """Which frames show what was shown before: the frame before, or one period earlier in a loop.

    Args:
        change: From the frame before, levels (mean of the most different 1 % of pixels).
        signature: Mean lumas of a grid, levels.

    Returns:
        False for the first frame.

    Example:
        >>> grid = np.arange(4, dtype=np.float32)[:, None] * 20
        >>> repeated_frames(np.array([0.0, 9.0, 0.2, 9.0]), grid).tolist()
        [False, False, True, False]
    """
    found = np.asarray(change < SAME_LEVELS)
    found[:1] = False
    period = loop_period(signature)
    if period is not None:
        found[period:] = True
    return found


def loop_period(signature: Float32[np.ndarray, "T D"]) -> int | None:
    """After how many frames a film shows the same again, to its end; None where it does not.

    It must have moved away meanwhile, at least four times as far as the two showings differ.
    """
    gap = lagged_gap(signature[:LOOP_FRAMES].astype(np.float64))
    frames = len(gap)
    if frames < FEWEST_FRAMES:
        return None
    lags = np.arange(LOOP_SHORTEST, min(frames - 3, int(LOOP_LONGEST * frames) + 1))
    away = np.maximum.accumulate(gap)[lags]
    hits = lags[(gap[lags] < LOOP_LEVELS) & (away > 4 * np.maximum(gap[lags], LOOP_FAINT))]
    return int(hits[0]) if len(hits) else None


def lagged_gap(series: Float64[np.ndarray, "T D"]) -> Float64[np.ndarray, " T"]:
    """Root mean square difference between a series and itself each lag later.

    Example:
        >>> lagged_gap(np.array([[0.0], [3.0], [0.0], [3.0]])).round(6).tolist()
        [0.0, 3.0, 0.0, 3.0]
    """
    frames, places = series.shape
    centred = series - series.mean(axis=0)
    spectrum = np.fft.rfft(centred, n=2 * frames, axis=0)
    power = (spectrum * spectrum.conj()).real.sum(axis=1)
    correlation = np.fft.irfft(power, n=2 * frames)[:frames]
    energy = np.concatenate([[0.0], np.cumsum((centred**2).sum(axis=1))])
    lag = np.arange(frames)
    total = energy[frames - lag] + energy[frames] - energy[lag] - 2 * correlation
    return np.asarray(np.sqrt(np.maximum(total, 0) / ((frames - lag) * places)))


def undone_share(signature: Float32[np.ndarray, "T D"]) -> float:
    """Part of a film's change that is undone at once, 0 to 1: frames out of order, or a picture that trembles.

    Minus the correlation of each change of the signature with the next, from 0.1 (0) to 0.5 (1). Light that
    changes for the whole frame is taken out first.

    Example:
        >>> there_and_back = np.tile(np.float32([[0, 100, 50], [100, 0, 50]]), (8, 1))
        >>> undone_share(there_and_back) > 0.99
        True
        >>> undone_share(np.float32([[0, 90], [30, 60], [60, 30], [90, 0]]))
        0.0
    """
    if len(signature) < 3:
        return 0.0
    change = np.diff(without_light(signature), axis=0)
    power = float((change**2).mean())
    turn = float((change[1:] * change[:-1]).sum() / max(float((change**2).sum()), 1e-9))
    part = (-turn - UNDONE_NONE) / (UNDONE_ALL - UNDONE_NONE)
    return min(1.0, max(0.0, part)) * power / (power + NOISE_LEVELS**2)


def without_light(signature: Float32[np.ndarray, "T D"]) -> Float64[np.ndarray, "T D"]:
    """The signature with the mean and the spread of all frames alike: flicker is no motion."""
    series = signature.astype(np.float64)
    spread = series.std(axis=1, keepdims=True)
    centred = series - series.mean(axis=1, keepdims=True)
    return np.asarray(centred / np.maximum(spread, LEAST_SPREAD) * spread.mean())


def unsteady_share(unexplained: float, repeated: float, undone: float) -> float:
    """What is not explained, counting time that shows nothing new or goes to and fro as unexplained.

    1 - (1 - unexplained) (1 - repeated) (1 - undone): a still picture proves nothing, and so has the worst
    value.

    Example:
        >>> unsteady_share(0.0, 0.5, 0.0), unsteady_share(0.2, 0.5, 0.0), unsteady_share(0.0, 1.0, 0.0)
        (0.5, 0.6, 1.0)
    """
    return 1.0 - (1.0 - unexplained) * (1.0 - repeated) * (1.0 - undone)
