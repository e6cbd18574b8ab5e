"""How far tracked points get."""

from __future__ import annotations

import numpy as np

from mirabench.errors import InputError, MetricError
from mirabench.functional.arrays import wrong
from mirabench.shapes import Bool, Float, Float64, Int


def track_displacement(
    tracks: Float[np.ndarray, "T N 2"],
    visible: Bool[np.ndarray, "T N"],
    seconds: Float64[np.ndarray, " T"],
    diagonal: float,
) -> float:
    """How far tracked points get in a second, as share of the picture's diagonal.

    Mean over points of the distance between where a point is first and last seen, divided by the time between.
    Net: a point that trembles in place has moved nowhere. The metric follows corners for a second at a time,
    seeds them afresh, and takes the mean over the seconds.

    Args:
        tracks: Where each point is in each frame, px.
        visible: In which frames it is seen.
        seconds: Of the frames, increasing.
        diagonal: Of the picture, px, above 0.

    Returns:
        0 and more, diagonals per second.

    Raises:
        MetricError: no point is seen in two frames.
        InputError: the arrays do not fit together.

    Example:
        >>> tracks = np.array([[[0.0, 0.0]], [[9.0, 9.0]], [[30.0, 40.0]]])  # 50 px in all
        >>> track_displacement(tracks, np.ones((3, 1), bool), np.array([0.0, 1.0, 2.0]), diagonal=100)
        0.25
    """
    if tracks.ndim != 3 or tracks.shape[2] != 2:
        raise wrong("tracks", "floats, px, x before y", tracks)
    if visible.shape != tracks.shape[:2] or seconds.shape != tracks.shape[:1] or diagonal <= 0:
        raise InputError(
            f"tracks {tracks.shape} need visible {tracks.shape[:2]}, seconds {tracks.shape[:1]} and a diagonal "
            f"above 0; got {visible.shape}, {seconds.shape} and {diagonal:g}"
        )
    seen = visible.any(axis=0)
    points = np.flatnonzero(seen)
    first = visible.argmax(axis=0)[points]
    last = len(visible) - 1 - visible[::-1].argmax(axis=0)[points]
    speeds = net_speed(tracks[first, points], tracks[last, points], seconds[last] - seconds[first])
    if not len(speeds):
        raise MetricError("no point is seen in two frames: nothing was tracked")
    return float(np.mean(speeds)) / diagonal


def net_speed(
    start: Float[np.ndarray, "N 2"],
    end: Float[np.ndarray, "N 2"],
    seconds: Float64[np.ndarray, " N"],
) -> Float64[np.ndarray, " M"]:
    """Distance from start to end divided by the time between, px/s; points that lived no time are left out.

    Args:
        start: Where each point was first seen, px.
        end: Where it was last seen, px.
        seconds: Between the two, 0 and more.

    Example:
        >>> net_speed(np.zeros((2, 2)), np.array([[3.0, 4.0], [1.0, 1.0]]), np.array([2.0, 0.0])).tolist()
        [2.5]
    """
    lived = seconds > 0
    paths = np.hypot(*(end - start).T)
    return np.asarray(paths[lived] / seconds[lived], np.float64)


def tracking_strength(
    tracks: Float[np.ndarray, "W L N 2"],
    first: Int[np.ndarray, " W"],
    length: Int[np.ndarray, " W"],
) -> float:
    """Mean distance in px from the first position, over the answers of all windows, each of all frames so far.

    CoTracker2 returns at every window the tracks of all frames so far, and MiraBench's public code puts all
    these answers one after the other (`evaluation/__init__.py:99-105`): frame t counts once for each window
    that had reached it, so early frames weigh most.

    Args:
        tracks: Each window's estimates for its L frames, px.
        first: The window's first frame; the first window begins at 0.
        length: How many of its L rows are frames.

    Raises:
        MetricError: there is no window.

    Example:
        >>> windows = np.array([[[[0.0, 0.0]], [[3.0, 4.0]]]])  # one window of two frames, 0 and 5 px away
        >>> tracking_strength(windows, np.array([0]), np.array([2]))
        2.5
    """
    if not len(tracks):
        raise MetricError("no window of points was tracked")
    origin = tracks[0, 0].astype(np.float64)  # (N, 2)
    per_frame = np.zeros(int((first + length).max()))
    total, rows = 0.0, 0
    for window, start, count in zip(tracks, first.tolist(), length.tolist(), strict=True):
        offset = window[:count].astype(np.float64) - origin
        per_frame[start : start + count] = np.hypot(offset[..., 0], offset[..., 1]).mean(axis=1)
        total += float(per_frame[: start + count].sum())
        rows += start + count
    return total / rows
