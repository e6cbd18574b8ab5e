"""Distances under two-view models, and the criterion that chooses between them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Points = NDArray[np.float64]
Matrix = NDArray[np.float64]


def homogeneous(points: Points) -> Points:
    """(N, 2) -> (N, 3) with a last column of ones."""
    return np.column_stack([points, np.ones(len(points))])


def epipolar_distance(fundamental: Matrix, x1: Points, x2: Points) -> NDArray[np.float64]:
    """(N,) px: distance of x2 from the epipolar line F x1, in the second picture only.

    This one-sided distance is the reference's: |x2' F x1| / sqrt((F x1)_1^2 + (F x1)_2^2).

    Example:
        >>> horizontal = np.array([[0.0, 0, 0], [0, 0, -1], [0, 1, 0]])
        >>> epipolar_distance(horizontal, np.array([[5.0, 3.0]]), np.array([[9.0, 5.0]]))
        array([2.])
    """
    lines = homogeneous(x1) @ fundamental.T
    return np.asarray(np.abs((homogeneous(x2) * lines).sum(1)) / np.hypot(lines[:, 0], lines[:, 1]))


def sampson_squared(fundamental: Matrix, x1: Points, x2: Points) -> NDArray[np.float64]:
    """(N,) px^2: first-order squared distance to the manifold x2' F x1 = 0 (Hartley, Zisserman 11.9)."""
    h1, h2 = homogeneous(x1), homogeneous(x2)
    line2, line1 = h1 @ fundamental.T, h2 @ fundamental
    weight = (line2[:, :2] ** 2).sum(1) + (line1[:, :2] ** 2).sum(1)
    return np.asarray((h2 * line2).sum(1) ** 2 / np.maximum(weight, 1e-12))


def transfer_squared(homography: Matrix, x1: Points, x2: Points) -> NDArray[np.float64]:
    """(N,) px^2: half the symmetric squared transfer error, which approximates the distance to H."""
    forth = _project(homography, x1) - x2
    back = _project(np.asarray(np.linalg.inv(homography), np.float64), x2) - x1
    return np.asarray(((forth**2).sum(1) + (back**2).sum(1)) / 4)


def _project(homography: Matrix, points: Points) -> Points:
    moved = homogeneous(points) @ homography.T
    return np.asarray(moved[:, :2] / moved[:, 2:])


def gric(
    squared_errors: NDArray[np.float64], sigma: float, dimension: int, parameters: int
) -> float:
    """Torr's geometric robust information criterion (IJCV 50(1), 2002); the lower model is preferred.

    Args:
        squared_errors: (N,) px^2.
        sigma: Standard deviation of a keypoint's position in px.
        dimension: Of the model's manifold: 3 for F, 2 for H.
        parameters: 7 for F, 8 for H.
    """
    n, data_dimension = len(squared_errors), 4
    cap = 2.0 * (data_dimension - dimension)
    robust = np.minimum(squared_errors / sigma**2, cap).sum()
    structure = np.log(data_dimension) * dimension * n
    return float(robust + structure + np.log(data_dimension * n) * parameters)


def grics(
    fundamental: Matrix, homography: Matrix, x1: Points, x2: Points, sigma: float = 1.5
) -> tuple[float, float]:
    """GRIC of the fundamental matrix and of the homography on the same matches.

    The default sigma is that of SIFT positions in pictures enlarged to 1280x720.
    """
    for_f = gric(sampson_squared(fundamental, x1, x2), sigma, dimension=3, parameters=7)
    for_h = gric(transfer_squared(homography, x1, x2), sigma, dimension=2, parameters=8)
    return for_f, for_h
