"""How far frames are from what their neighbours predict."""

from __future__ import annotations

import numpy as np

from mirabench.errors import InputError
from mirabench.functional.arrays import rgb
from mirabench.shapes import Float64, UInt8

FULL_SCALE = 255.0


def interpolation_error(
    predicted: UInt8[np.ndarray, "T H W 3"], frames: UInt8[np.ndarray, "T H W 3"]
) -> Float64[np.ndarray, " T"]:
    """Mean absolute difference between predicted and real frames, in 8-bit levels.

    Args:
        predicted: uint8 RGB, what an interpolator makes of the neighbours of each frame.
        frames: uint8 RGB, the frames themselves.

    Returns:
        One value a frame, 0 to 255.

    Raises:
        InputError: the two are not uint8 (T, H, W, 3) of one shape.

    Example:
        >>> grey = np.full((1, 2, 2, 3), 100, np.uint8)
        >>> interpolation_error(grey, grey + 5).tolist()
        [5.0]
    """
    made, real = rgb(predicted), rgb(frames)
    if made.shape != real.shape:
        raise InputError(f"{made.shape} predicted frames do not go with {real.shape} real ones")
    difference = np.abs(made.astype(np.int16) - real.astype(np.int16))
    return np.asarray(difference.mean(axis=(1, 2, 3), dtype=np.float64))


def motion_smoothness(error: Float64[np.ndarray, " T"]) -> Float64[np.ndarray, " T"]:
    """1 minus the interpolation error as share of full scale: 1 is predicted exactly.

    MiraData, arXiv 2407.06358; public code `evaluation/motion_smoothness.py:102-158`. The mean is the metric.

    Args:
        error: 8-bit levels, one value a predicted frame.

    Example:
        >>> motion_smoothness(np.array([0.0, 51.0])).tolist()
        [1.0, 0.8]
    """
    return 1.0 - error / FULL_SCALE


def percent_of_full_scale(levels: Float64[np.ndarray, " T"]) -> Float64[np.ndarray, " T"]:
    """8-bit levels as % of full scale.

    Example:
        >>> percent_of_full_scale(np.array([51.0])).tolist()
        [20.0]
    """
    return 100.0 * levels / FULL_SCALE
