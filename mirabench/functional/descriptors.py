"""Hand-made descriptions of motion and appearance, which distances between sets of clips compare."""

from __future__ import annotations

import cv2
import numpy as np

from mirabench.functional.arrays import length, rgb, sobel
from mirabench.shapes import Float, Float64, UInt8

DIRECTIONS = 8
"""Of motion around the circle, and of edges around half of it."""
QUANTILES = (0.25, 0.5, 0.75, 0.95)
LAYOUT = (3, 3)
"""Columns and rows of the mean lightness."""


def motion_descriptor(velocity: Float[np.ndarray, "N 2"]) -> Float64[np.ndarray, 12]:
    """How the points of a picture move: mean speed along 8 directions, then 4 quantiles of speed.

    The first direction is from left (180 degrees) to upper left, the others follow clockwise on the screen, 45
    degrees each. The quantiles are 25, 50, 75 and 95 %.

    Args:
        velocity: Of the points, x before y, in any unit: the descriptor has the same.

    Example:
        >>> to_the_right = np.array([[1.0, 0.0], [3.0, 0.0]])
        >>> motion_descriptor(to_the_right).tolist()  # 4 / 2 to the right; quantiles between 1 and 3
        [0.0, 0.0, 0.0, 0.0, 2.0, 0.0, 0.0, 0.0, 1.5, 2.0, 2.5, 2.9]
    """
    speed = np.hypot(velocity[:, 0], velocity[:, 1]).astype(np.float64)
    angle = np.arctan2(velocity[:, 1], velocity[:, 0])
    direction = np.floor((angle + np.pi) / (2 * np.pi) * DIRECTIONS).astype(np.int64) % DIRECTIONS
    along = np.bincount(direction, weights=speed, minlength=DIRECTIONS) / max(1, len(speed))
    return np.concatenate([along, np.quantile(speed, QUANTILES)])


def appearance_descriptor(frames: UInt8[np.ndarray, "T H W 3"]) -> Float64[np.ndarray, "T 20"]:
    """What frames look like: 3x3 mean lightness, spread of the three CIELAB channels, 8 edge directions.

    OpenCV's 8-bit CIELAB; lightness divided by 64, spreads by 32, 16 and 16, edge energy a pixel by 16, so that
    natural pictures vary by roughly one in each place.

    Args:
        frames: uint8 RGB.

    Returns:
        One row per frame.

    Raises:
        InputError: the frames are not uint8 (T, H, W, 3).

    Example:
        >>> appearance_descriptor(np.full((1, 6, 6, 3), 255, np.uint8))[0, :10].tolist()  # 255 / 64
        [3.984375, 3.984375, 3.984375, 3.984375, 3.984375, 3.984375, 3.984375, 3.984375, 3.984375, 0.0]
    """
    rows = [_appearance(frame) for frame in rgb(frames)]
    return np.asarray(rows, np.float64).reshape(len(rows), 12 + DIRECTIONS)


def _appearance(frame: UInt8[np.ndarray, "H W 3"]) -> Float64[np.ndarray, 20]:
    lab = cv2.cvtColor(frame, cv2.COLOR_RGB2LAB).astype(np.float32)
    layout = cv2.resize(lab[..., 0], LAYOUT, interpolation=cv2.INTER_AREA).ravel() / 64
    spread = lab.reshape(-1, 3).std(axis=0, dtype=np.float64) / (32, 16, 16)
    dx, dy = sobel(lab[..., 0])
    part = (np.arctan2(dy, dx) % np.pi) / np.pi  # an edge has no sign
    bins = (np.floor(part * DIRECTIONS).astype(np.int64) % DIRECTIONS).ravel()
    edges = np.bincount(bins, weights=length(dx, dy).ravel(), minlength=DIRECTIONS)
    return np.concatenate([layout, spread, edges / bins.size / 16])
