"""What a reconstruction says of the views that it was made from."""

from __future__ import annotations

import numpy as np

from mirabench.shapes import Bool, Float64, Int

SAME_PLACE_DEGREES = 0.1
"""Between the directions from which two views see the same points, below which they are one view."""


def distinct_views(
    centres: Float64[np.ndarray, "V 3"],
    points: Float64[np.ndarray, "N 3"],
    owners: Int[np.ndarray, " N"],
) -> Bool[np.ndarray, " V"]:
    """Which views see their points from where no view before them saw them.

    A frame shown twice is in the model twice, and as evidence once: what counts is the median angle between the
    directions from which a view and an earlier one see the points of the view. A view without points is none.

    Args:
        centres: Where the views were taken from, in the order of time.
        points: For each observation, its point.
        owners: For each observation, the row of its view.

    Example:
        >>> centres = np.array([[0.0, 0, 0], [1.0, 0, 0], [0.0, 0, 0]])  # the third is the first again
        >>> points, owners = np.tile([[0.0, 0, 5]], (3, 1)), np.arange(3)
        >>> distinct_views(centres, points, owners).tolist()
        [True, True, False]
    """
    distinct = np.zeros(len(centres), dtype=bool)
    for view in range(len(centres)):
        mine = points[owners == view]
        if len(mine):
            angles = [
                _angle(centres[view], centres[other], mine) for other in np.flatnonzero(distinct)
            ]
            distinct[view] = min(angles, default=180.0) >= SAME_PLACE_DEGREES
    return distinct


def _angle(
    one: Float64[np.ndarray, 3], two: Float64[np.ndarray, 3], points: Float64[np.ndarray, "N 3"]
) -> float:
    """Median angle in degrees at the points between two places."""
    a, b = points - one, points - two
    crossed = np.linalg.norm(np.cross(a, b), axis=1)
    return float(np.degrees(np.median(np.arctan2(crossed, (a * b).sum(axis=1)))))


def truncated(errors: Float64[np.ndarray, " N"], count: int, worst: float) -> float:
    """Mean error over `count` keypoints; what is above `worst`, or has no error, counts as `worst`.

    A mean over what a model explains cannot grow by what it leaves out; this one does.

    Args:
        errors: Of the keypoints that have one, any unit, 0 and more.
        count: All keypoints, at least as many and above 0.
        worst: In the unit of the errors.

    Example:
        >>> truncated(np.array([1.0, 9.0]), count=4, worst=4.0)  # 1, 4, and two times 4
        3.25
    """
    return float((np.minimum(errors, worst).sum() + worst * (count - len(errors))) / count)
