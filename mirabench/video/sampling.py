"""Which frames a feature looks at: pure functions of the frame times."""

from __future__ import annotations

import numpy as np

from mirabench.video.frames import IntArray, VideoInfo


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
    tolerance = 1e-6  # a frame at exactly the clock's tick, but for rounding, is at the tick
    chosen = np.searchsorted(seconds, clock - tolerance, side="left")
    return np.unique(np.minimum(chosen, video.num_frames - 1)).astype(np.int64)


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
