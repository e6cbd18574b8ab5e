"""Distances of matched points under two-view models, and the criterion that chooses between the models.

`x1` and `x2` hold the same N scene points in two pictures, float64 (N, 2) in px, x before y. A fundamental
matrix F ties them by x2' F x1 = 0, a homography H by x2 = H x1.
"""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np

from mirabench.errors import InputError
from mirabench.shapes import Float64, Real


def epipolar_distance(
    fundamental: Float64[np.ndarray, "3 3"],
    x1: Float64[np.ndarray, "N 2"],
    x2: Float64[np.ndarray, "N 2"],
) -> Float64[np.ndarray, " N"]:
    """Distance of x2 from the epipolar line F x1 in px, in the second picture only.

    This one-sided distance is the reference's: |x2' F x1| / sqrt((F x1)_1^2 + (F x1)_2^2). Its mean over
    inliers is MiraBench's `mean_err`, the root of the mean of its square `rmse`.

    Args:
        fundamental: From the first picture to the second.
        x1: px in the first picture.
        x2: px in the second.

    Returns:
        One value a match, 0 and more; not finite for a match at the epipole, which has no line.

    Example:
        >>> horizontal = np.array([[0.0, 0, 0], [0, 0, -1], [0, 1, 0]])
        >>> epipolar_distance(horizontal, np.array([[5.0, 3.0]]), np.array([[9.0, 5.0]]))
        array([2.])
    """
    lines = homogeneous(x1) @ fundamental.T
    return np.asarray(np.abs((homogeneous(x2) * lines).sum(1)) / np.hypot(lines[:, 0], lines[:, 1]))


def keep_ratio(
    num_inliers: Real[np.ndarray, " N"], num_pts: Real[np.ndarray, " N"]
) -> Float64[np.ndarray, " N"]:
    """Share of the matches of each pair of frames that agree with one rigid scene; 0 without matches.

    Args:
        num_inliers: Matches that one fundamental matrix explains.
        num_pts: All matches.

    Example:
        >>> keep_ratio(np.array([30, 0]), np.array([40, 0])).tolist()
        [0.75, 0.0]
    """
    return np.asarray(num_inliers / np.maximum(num_pts, 1))


def sampson_squared(
    fundamental: Float64[np.ndarray, "3 3"],
    x1: Float64[np.ndarray, "N 2"],
    x2: Float64[np.ndarray, "N 2"],
) -> Float64[np.ndarray, " N"]:
    """First-order squared distance in px^2 to the matches that F allows (Hartley, Zisserman, 11.9).

    Example:
        >>> horizontal = np.array([[0.0, 0, 0], [0, 0, -1], [0, 1, 0]])
        >>> sampson_squared(horizontal, np.array([[5.0, 3.0]]), np.array([[9.0, 5.0]]))  # 1 px each
        array([2.])
    """
    h1, h2 = homogeneous(x1), homogeneous(x2)
    line2, line1 = h1 @ fundamental.T, h2 @ fundamental
    weight = (line2[:, :2] ** 2).sum(1) + (line1[:, :2] ** 2).sum(1)
    return np.asarray((h2 * line2).sum(1) ** 2 / np.maximum(weight, 1e-12))


def epipolar_agreement(
    fundamental: Float64[np.ndarray, "3 3"],
    x1: Float64[np.ndarray, "N 2"],
    x2: Float64[np.ndarray, "N 2"],
    sigma: float,
) -> Float64[np.ndarray, " N"]:
    """How far each match agrees with F: exp(-d^2 / 2 sigma^2), d its Sampson distance.

    Nothing is cut off: a match that F does not explain counts as 0 and stays in the mean, where a mean over
    inliers would forget it. Both pictures weigh alike, so exchanging them changes nothing.

    Args:
        fundamental: From the first picture to the second.
        x1: px in the first picture.
        x2: px in the second.
        sigma: px, above 0; the metrics take a thousandth of the picture's diagonal.

    Returns:
        0 to 1, one value a match.

    Example:
        >>> horizontal = np.array([[0.0, 0, 0], [0, 0, -1], [0, 1, 0]])
        >>> x1, x2 = np.array([[5.0, 3.0], [5.0, 3.0]]), np.array([[9.0, 3.0], [9.0, 5.0]])
        >>> epipolar_agreement(horizontal, x1, x2, sigma=1.0).round(3).tolist()  # on its line; 2 px off it
        [1.0, 0.368]
    """
    return np.asarray(np.exp(-sampson_squared(fundamental, x1, x2) / (2 * sigma**2)))


def signed_parallax(
    fundamental: Float64[np.ndarray, "3 3"],
    x1: Float64[np.ndarray, "N 2"],
    x2: Float64[np.ndarray, "N 2"],
    intrinsics: Float64[np.ndarray, "3 3"],
    weights: Float64[np.ndarray, " N"],
) -> Float64[np.ndarray, " N"]:
    """How far each point moved against the horizon, px along its epipolar line; below 0 it is behind.

    A scene point before both cameras leaves the place where an infinitely far one would be in the direction in
    which the camera's move pushes it. A mirror image that slides against the scene lies on the right lines but
    goes the other way. Of the four poses that an essential matrix allows (Hartley, Zisserman, 9.6.2), the one
    that has most of the weight in front is taken.

    Args:
        fundamental: From the first picture to the second.
        x1: px in the first picture.
        x2: px in the second.
        intrinsics: Of both cameras; a rough focal length will do, as only the sign counts.
        weights: How far each match is believed, 0 and more.
    """
    essential = intrinsics.T @ fundamental @ intrinsics
    rotations = cv2.decomposeEssentialMat(essential)[:2]
    move = intrinsics @ cv2.decomposeEssentialMat(essential)[2].ravel()
    best = np.zeros(len(x1))
    most = -np.inf
    for rotation in rotations:
        infinite = homogeneous(x1) @ (intrinsics @ rotation @ np.linalg.inv(intrinsics)).T
        ahead = infinite[:, 2] > 0
        far = infinite[:, :2] / np.where(ahead, infinite[:, 2], np.inf)[:, None]
        push = move[:2] - far * move[2]
        along = ((x2 - far) * push).sum(1) / np.maximum(np.hypot(push[:, 0], push[:, 1]), 1e-12)
        along = np.where(ahead, along, -np.inf)
        for parallax in (along, np.where(ahead, -along, -np.inf)):
            before = float((weights * (parallax > 0)).sum())
            if before > most:
                best, most = parallax, before
    return np.asarray(best)


def transfer_squared(
    homography: Float64[np.ndarray, "3 3"],
    x1: Float64[np.ndarray, "N 2"],
    x2: Float64[np.ndarray, "N 2"],
) -> Float64[np.ndarray, " N"]:
    """Half the symmetric squared transfer error in px^2, which approximates the squared distance to H.

    Example:
        >>> transfer_squared(np.eye(3), np.array([[1.0, 1.0]]), np.array([[4.0, 5.0]]))  # (25 + 25) / 4
        array([12.5])
    """
    forth = project(homography, x1) - x2
    back = project(np.asarray(np.linalg.inv(homography), np.float64), x2) - x1
    return np.asarray(((forth**2).sum(1) + (back**2).sum(1)) / 4)


def homogeneous(points: Float64[np.ndarray, "N 2"]) -> Float64[np.ndarray, "N 3"]:
    """The points with a last column of ones."""
    return np.column_stack([points, np.ones(len(points))])


def project(
    homography: Float64[np.ndarray, "3 3"], points: Float64[np.ndarray, "N 2"]
) -> Float64[np.ndarray, "N 2"]:
    """Where a homography takes points."""
    moved = points @ homography[:, :2].T + homography[:, 2]
    return np.asarray(moved[:, :2] / moved[:, 2:])


def gric(
    squared_errors: Float64[np.ndarray, " N"], sigma: float, dimension: int, parameters: int
) -> float:
    """Torr's geometric robust information criterion (IJCV 50(1), 2002); the lower model is preferred.

    sum min(e^2 / sigma^2, 2 (r - d)) + log(r) d N + log(r N) k, with r = 4 coordinates of a match.

    Args:
        squared_errors: px^2.
        sigma: Standard deviation of a keypoint's position in px.
        dimension: d, of the model's manifold: 3 for F, 2 for H.
        parameters: k: 7 for F, 8 for H.

    Raises:
        InputError: there is no match.
    """
    if not len(squared_errors):
        raise InputError("no match to judge a model by: give at least one")
    n, data_dimension = len(squared_errors), 4
    cap = 2.0 * (data_dimension - dimension)
    robust = np.minimum(squared_errors / sigma**2, cap).sum()
    structure = np.log(data_dimension) * dimension * n
    return float(robust + structure + np.log(data_dimension * n) * parameters)


class Grics(NamedTuple):
    """The criterion of both models on the same matches; the lower one is preferred."""

    fundamental: float
    homography: float


def grics(
    fundamental: Float64[np.ndarray, "3 3"],
    homography: Float64[np.ndarray, "3 3"],
    x1: Float64[np.ndarray, "N 2"],
    x2: Float64[np.ndarray, "N 2"],
    sigma: float = 1.5,
) -> Grics:
    """GRIC of the fundamental matrix and of the homography on the same matches.

    The default sigma is that of SIFT positions in pictures enlarged to 1280x720.
    """
    for_f = gric(sampson_squared(fundamental, x1, x2), sigma, dimension=3, parameters=7)
    for_h = gric(transfer_squared(homography, x1, x2), sigma, dimension=2, parameters=8)
    return Grics(for_f, for_h)
