"""How far tracked points move, and which of them move by themselves.

Each frame counts once, and a point only while it is seen. The camera is the homography that most points of a
step agree with; what a point does beyond it is its own motion. Points that move by themselves over the whole
window are the subject, the others the background.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from mirabench.errors import InputError
from mirabench.functional.camera import fit_to
from mirabench.shapes import Bool, Float, Float64

OWN_SPEED = 0.03
"""Diagonals per second beyond the camera's above which a point moves by itself: the parallax of a slow walk
and the tremor of a tracker stay below."""
FEWEST_STEPS = 3
"""In which a point of the subject is seen: one that leaves the picture at once trembles on its way."""
SCALE = 367.0
"""px of the diagonal of 320x180, in which the camera's tolerance of 1 px is meant."""
_SHAPE = (180, 320)


class PointMotion(NamedTuple):
    """Of the points of one window, in diagonals of the picture per second."""

    points: int
    """Seen in two frames that follow each other."""
    motion: float
    """Mean over points of the mean length of their steps; 0 without points."""
    subject: float
    """The same of what the points of the subject do beyond the camera; 0 without a subject."""
    subject_share: float
    """Share of the points that are the subject."""


def point_motion(
    tracks: Float[np.ndarray, "T N 2"],
    visible: Bool[np.ndarray, "T N"],
    seconds: Float64[np.ndarray, " T"],
) -> PointMotion:
    """How points move, all of them and those that move by themselves.

    m = mean over points of (1 / T_p) sum |x_{t+1} - x_t| / dt over the steps in which the point is seen; the
    subject's is of its motion less the camera's, as vectors: a subject that the camera follows moves too.

    Args:
        tracks: Where each point is in each frame, as shares of the picture's diagonal.
        visible: In which frames it is seen.
        seconds: Of the frames, increasing.

    Raises:
        InputError: the times do not increase.

    Example:
        >>> x = np.array([0.0, 0.1, 0.1])
        >>> tracks = np.stack([x, 0 * x], axis=-1)[:, None]  # one point: a step, then a rest
        >>> point_motion(tracks, np.ones((3, 1), bool), np.array([0.0, 0.5, 1.0])).motion
        0.1
    """
    if (np.diff(seconds) <= 0).any():
        raise InputError(f"the times of frames must increase; got {seconds.tolist()}")
    dt = np.diff(seconds)[:, None]
    seen = visible[1:] & visible[:-1]  # (T - 1, N)
    steps = np.diff(tracks, axis=0)
    overall = _mean_speed(np.hypot(*np.moveaxis(steps, -1, 0)) / dt, seen)
    own = _mean_speed(_beyond_the_camera(tracks[:-1], steps, seen) / dt, seen)
    known = seen.any(axis=0)
    subject = (seen.sum(axis=0) >= FEWEST_STEPS) & (own > OWN_SPEED)
    return PointMotion(
        int(known.sum()),
        float(overall[known].mean()) if known.any() else 0.0,
        float(own[subject].mean()) if subject.any() else 0.0,
        float(subject.sum() / known.sum()) if known.any() else 0.0,
    )


def _beyond_the_camera(
    starts: Float[np.ndarray, "S N 2"],
    steps: Float[np.ndarray, "S N 2"],
    seen: Bool[np.ndarray, "S N"],
) -> Float64[np.ndarray, "S N"]:
    """Length of what each point does beyond the camera in each step; 0 where it is not seen."""
    left = np.zeros(seen.shape)
    for row, (start, step, here) in enumerate(zip(starts, steps, seen, strict=True)):
        points, vectors = (np.float32(array[here] * SCALE) for array in (start, step))
        left[row, here] = fit_to(points, vectors, np.ones(len(points), bool), _SHAPE).left / SCALE
    return left


def _mean_speed(
    speeds: Float64[np.ndarray, "S N"], seen: Bool[np.ndarray, "S N"]
) -> Float64[np.ndarray, " N"]:
    """Each point's mean over the steps in which it is seen; 0 where it never is."""
    total = np.where(seen, speeds, 0.0).sum(axis=0)
    return np.asarray(total / np.maximum(seen.sum(axis=0), 1), np.float64)
