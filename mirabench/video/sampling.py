"""Which frames a feature looks at: pure functions of the frame times."""

from __future__ import annotations

import numpy as np

from mirabench.errors import InputError
from mirabench.video.frames import IntArray, VideoInfo

ROUNDING = 1e-6
"""Seconds by which a frame's time may miss a tick, or the middle between two ticks, and count as on it."""


def every_frame(video: VideoInfo) -> IntArray:
    """(T,) all positions."""
    return np.arange(video.num_frames, dtype=np.int64)


def at_rate(video: VideoInfo, fps: float) -> IntArray:
    """(N,) for each tick of a clock of `fps`, the first frame at or after it.

    A video slower than the clock gives all its frames. The choice depends on time alone, so the
    same film at 24 and at 60 frames per second is looked at at the same moments (to half a frame).
    """
    seconds = video.seconds
    clock = np.arange(0.0, seconds[-1] + 0.5 / fps, 1.0 / fps)
    chosen = np.searchsorted(seconds, clock - ROUNDING, side="left")
    return np.unique(np.minimum(chosen, video.num_frames - 1)).astype(np.int64)


def at_times(video: VideoInfo, rate: float) -> IntArray:
    """(N,) the frame nearest to each tick k / `rate` seconds, the earlier one of two that are equally near.

    The ticks run to half a frame beyond the last one. The choice depends on time alone, so a film at 12, 24,
    30 or 60 frames per second, or at a rate that varies, is looked at within half a frame of the same
    moments; where its frames are further apart than ticks, each of them is chosen. What divides by time takes
    the true times of the frames, not the ticks.

    Args:
        video: At least one frame.
        rate: Ticks a second, > 0.

    Raises:
        InputError: `rate` is not positive and finite.

    Example:
        >>> from mirabench.video.frames import ArrayVideo
        >>> film = ArrayVideo(np.zeros((13, 4, 4, 3), np.uint8), fps=12)
        >>> at_times(film.info, rate=8).tolist()  # 0.125 s lies between frames 1 and 2
        [0, 1, 3, 4, 6, 7, 9, 10, 12]
    """
    if not 0 < rate < float("inf"):
        raise InputError(
            f"a rate of {rate} frames per second looks at nothing: give a positive one"
        )
    seconds = video.seconds
    if len(seconds) == 1:
        return every_frame(video)
    middles = (seconds[1:] + seconds[:-1]) / 2
    until = np.append(
        middles, 2 * seconds[-1] - middles[-1]
    )  # up to there no other frame is nearer
    ticks_until = np.floor((until + ROUNDING) * rate)
    return np.flatnonzero(np.diff(ticks_until, prepend=-1.0)).astype(np.int64)


def evenly(video: VideoInfo, count: int) -> IntArray:
    """(N <= count,) the middle frames of `count` equal intervals of the clip."""
    middles = (np.arange(count) + 0.5) * video.num_frames / count
    return np.unique(middles.astype(np.int64))


def linspace(video: VideoInfo, count: int) -> IntArray:
    """(N <= count,) positions int(linspace(0, T-1, count)), without repeats; all when T <= count."""
    if video.num_frames <= count:
        return every_frame(video)
    return np.unique(np.linspace(0, video.num_frames - 1, count).astype(np.int64))


def lexical_linspace(video: VideoInfo, count: int) -> IntArray:
    """(N <= count,) increasing: `count` evenly spaced entries of the list of frame files as text.

    The reference sorts frames_1.png, frames_2.png, ... as text (frames_10 before frames_2) before it
    takes every so-manieth; the choice is uneven in time, and kept for comparability.
    """
    if video.num_frames <= count:
        return every_frame(video)
    order = sorted(range(video.num_frames), key=lambda i: f"frames_{i + 1}.png")
    rows = np.linspace(0, video.num_frames - 1, count).astype(np.int64)
    return np.unique(np.asarray(order, dtype=np.int64)[rows])
