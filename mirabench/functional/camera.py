"""The camera's motion between two frames, read off their flow, and what it leaves for objects.

A homography is fitted by RANSAC to the flow at a grid of points that both frames show and that have texture
to follow. It explains a camera that turns, zooms or moves before a plane; parallax of a deep scene counts
as objects.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import cv2
import numpy as np

from mirabench.functional.arrays import durations, flows, pairs
from mirabench.functional.epipolar import project
from mirabench.functional.flow import (
    FASTEST,
    diagonals_per_second,
    mean_of_largest,
    visible_in_both,
)
from mirabench.shapes import Bool, Float, Float32, Float64, UInt8

GRID_STEP = 8
"""Spacing in px of the flow vectors to which the camera is fitted."""
LEAST_SPREAD = 2.0
"""Standard deviation in levels around a grid point below which its flow is not believed."""
FEWEST_POINTS = 12
"""Grid points below which no camera is fitted."""
STILL_PX = 1e-3
"""Length of the longest vector below which nothing moves, the camera neither."""
INLIER_PX = 1.0


class Camera(NamedTuple):
    """A camera's motion between two frames, read off a homography at the picture's centre."""

    field: Float32[np.ndarray, "N 2"]
    """The motion in px that it explains at the grid points."""
    left: Float32[np.ndarray, " M"]
    """Length in px of what it leaves, at the grid points that were believed."""
    shift_x: float
    shift_y: float
    """px, to the right and down."""
    scale: float
    """1 is none, above it the picture grows."""
    rotation: float
    """rad, clockwise positive."""
    inliers: float
    """Share of grid points it explains within a pixel; 0 when no camera could be fitted."""

    @property
    def length(self) -> float:
        """Mean length in px of the motion that it explains."""
        return float(np.hypot(*self.field.T).mean(dtype=np.float64))

    @property
    def left_length(self) -> float:
        """Mean length in px of the longest twentieth of what it leaves; 0 where nothing was believed."""
        return mean_of_largest(self.left, FASTEST)


def camera_motion(
    frames: UInt8[np.ndarray, "T H W 3"] | UInt8[np.ndarray, "T H W"],
    forward: Float[np.ndarray, "N H W 2"],
    backward: Float[np.ndarray, "N H W 2"],
    seconds: float | Float64[np.ndarray, " N"],
) -> Float64[np.ndarray, " N"]:
    """How fast the picture moves as a whole, in diagonals of the picture per second.

    Mean length of H x - x over the grid, H the homography fitted to the flow, divided by diagonal and time. The
    metric is the mean of the pairs weighted by their `seconds`.

    Args:
        frames: uint8, RGB or luma.
        forward: Flow from each frame to the next, px.
        backward: Flow from each frame to the one before, px.
        seconds: Between the frames of a pair; one number for all, or one each.

    Returns:
        One value a pair; 0 for a pair to which no camera could be fitted.

    Raises:
        InputError: frames, flows or seconds have another shape or dtype.
    """
    return _speeds(frames, forward, backward, seconds, lambda camera: camera.length)


def object_motion(
    frames: UInt8[np.ndarray, "T H W 3"] | UInt8[np.ndarray, "T H W"],
    forward: Float[np.ndarray, "N H W 2"],
    backward: Float[np.ndarray, "N H W 2"],
    seconds: float | Float64[np.ndarray, " N"],
) -> Float64[np.ndarray, " N"]:
    """How fast the fastest twentieth moves against the camera's motion, in diagonals of the picture per second.

    Args:
        frames: uint8, RGB or luma.
        forward: Flow from each frame to the next, px.
        backward: Flow from each frame to the one before, px.
        seconds: Between the frames of a pair; one number for all, or one each.

    Returns:
        One value a pair; all of the motion for a pair to which no camera could be fitted.

    Raises:
        InputError: frames, flows or seconds have another shape or dtype.
    """
    return _speeds(frames, forward, backward, seconds, lambda camera: camera.left_length)


def _speeds(
    frames: UInt8[np.ndarray, "T H W 3"] | UInt8[np.ndarray, "T H W"],
    forward: Float[np.ndarray, "N H W 2"],
    backward: Float[np.ndarray, "N H W 2"],
    seconds: float | Float64[np.ndarray, " N"],
    length: Callable[[Camera], float],
) -> Float64[np.ndarray, " N"]:
    grey, onward, back = pairs(frames, forward, backward), flows(forward), flows(backward)
    px = [
        length(fit_camera(before, there, visible_in_both(there, again)))
        for before, there, again in zip(grey[:-1], onward, back, strict=True)
    ]
    diagonal = float(np.hypot(*grey.shape[1:]))
    return diagonals_per_second(np.asarray(px, np.float64), durations(seconds, len(px)), diagonal)


def fit_camera(
    before: UInt8[np.ndarray, "H W"],
    forward: Float32[np.ndarray, "H W 2"],
    visible: Bool[np.ndarray, "H W"],
) -> Camera:
    """The homography that explains most of the believed flow within 1 px (RANSAC, fixed seed).

    Args:
        before: Luma of the earlier frame.
        forward: Its flow, px.
        visible: Which of its pixels the later frame shows too.

    Returns:
        The camera; with `inliers` 0 and no motion when fewer than 12 points are believed, or nothing fits.
    """
    points, vectors = grid(*before.shape), at_grid(forward)
    return fit_to(points, vectors, at_grid(visible & is_textured(before)), before.shape)


def fit_to(
    points: Float32[np.ndarray, "N 2"],
    vectors: Float32[np.ndarray, "N 2"],
    believed: Bool[np.ndarray, " N"],
    shape: tuple[int, ...],
    within: float = INLIER_PX,
) -> Camera:
    """The homography that explains most of the believed vectors (RANSAC, fixed seed).

    Args:
        points: Where in the picture, px.
        vectors: Their motion, px.
        believed: Which of them to fit to.
        shape: Height and width of the picture.
        within: How far in px a vector may miss and count as explained.

    Returns:
        As `fit_camera`.
    """
    none = no_camera(vectors, believed)
    if believed.sum() < FEWEST_POINTS:
        return none
    if np.abs(vectors[believed]).max() < STILL_PX:
        return none._replace(inliers=1.0)
    start, end = points[believed], points[believed] + vectors[believed]
    homography, inliers = cv2.findHomography(start, end, cv2.RANSAC, within, None, 500, 0.995)
    if homography is None or not np.isfinite(homography).all():
        return none
    field = (project(homography, points.astype(np.float64)) - points).astype(np.float32)
    shift, jacobian = _at_centre(homography, shape)
    determinant = float(np.linalg.det(jacobian))
    if determinant <= 0 or not np.isfinite(field).all():
        return none
    return Camera(
        field,
        _lengths((vectors - field)[believed]),
        float(shift[0]),
        float(shift[1]),
        float(np.sqrt(determinant)),
        float(np.arctan2(jacobian[1, 0] - jacobian[0, 1], jacobian[0, 0] + jacobian[1, 1])),
        float(inliers.sum() / len(points)),
    )


def no_camera(vectors: Float32[np.ndarray, "N 2"], believed: Bool[np.ndarray, " N"]) -> Camera:
    """The camera of which nothing is known: it explains none of the vectors, px."""
    return Camera(np.zeros_like(vectors), _lengths(vectors[believed]), 0.0, 0.0, 1.0, 0.0, 0.0)


def _lengths(vectors: Float32[np.ndarray, "M 2"]) -> Float32[np.ndarray, " M"]:
    return np.asarray(np.hypot(vectors[:, 0], vectors[:, 1]))


def grid(height: int, width: int) -> Float32[np.ndarray, "N 2"]:
    """The grid's points in px, x before y, row by row."""
    x, y = _starts(height, width)
    points = np.meshgrid(np.arange(x, width, GRID_STEP), np.arange(y, height, GRID_STEP))
    return np.stack([axis.ravel() for axis in points], axis=1).astype(np.float32)


def at_grid(
    values: Float32[np.ndarray, "H W *C"] | Bool[np.ndarray, "H W"],
) -> Float32[np.ndarray, N * C] | Bool[np.ndarray, " N"]:
    """The values at the grid's points."""
    x, y = _starts(*values.shape[:2])
    return values[y::GRID_STEP, x::GRID_STEP].reshape(-1, *values.shape[2:])


def _starts(height: int, width: int) -> tuple[int, int]:
    return min(GRID_STEP, width) // 2, min(GRID_STEP, height) // 2


def is_textured(grey: UInt8[np.ndarray, "H W"]) -> Bool[np.ndarray, "H W"]:
    """Whether there is enough structure around a pixel for its flow to mean anything.

    A plain sky has no flow of its own and would hold a turning camera still.
    """
    window = (2 * GRID_STEP - 1, 2 * GRID_STEP - 1)
    mean = cv2.blur(grey.astype(np.float32), window)
    square = cv2.sqrBoxFilter(grey, cv2.CV_32F, window)
    return np.asarray(square - mean * mean >= LEAST_SPREAD**2)


def _at_centre(
    homography: Float64[np.ndarray, "3 3"], shape: tuple[int, ...]
) -> tuple[Float64[np.ndarray, 2], Float64[np.ndarray, "2 2"]]:
    """Shift in px and Jacobian of the homography at the middle of the picture."""
    height, width = shape
    x = np.array([width / 2, height / 2, 1.0])
    u = homography @ x
    image = u[:2] / u[2]
    jacobian = (homography[:2, :2] - np.outer(image, homography[2, :2])) / u[2]
    return image - x[:2], jacobian
