"""What the public functions ask of their arrays, and how they refuse others."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np

from mirabench.errors import InputError, MetricError
from mirabench.shapes import Float, Float32, Float64, Real, UInt8

DIMENSIONS = {
    "frames": "(T, H, W, 3) RGB or (T, H, W) luma",
    "colour frames": "(T, H, W, 3) RGB",
    "flow": "(N, H, W, 2)",
    "vectors": "(N, D)",
    "tracks": "(T, N, 2)",
}


def luma(
    frames: UInt8[np.ndarray, "T H W 3"] | UInt8[np.ndarray, "T H W"],
) -> UInt8[np.ndarray, "T H W"]:
    """Luma (T, H, W) of RGB frames, uint8: 0.299 R + 0.587 G + 0.114 B, rounded (ITU-R BT.601).

    Frames that are luma already come back as they are.

    Raises:
        InputError: the frames are not uint8, or have another number of dimensions.

    Example:
        >>> luma(np.array([[[[255, 0, 0], [0, 255, 0], [0, 0, 255]]]], np.uint8)).tolist()
        [[[76, 150, 29]]]
    """
    if frames.dtype != np.uint8 or not _is_clip(frames.shape):
        raise wrong("frames", "uint8 0 to 255", frames)
    if frames.ndim == 3:
        return frames
    grey = [cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY) for frame in frames]
    return np.stack(grey) if grey else np.zeros(frames.shape[:3], np.uint8)


def _is_clip(shape: tuple[int, ...]) -> bool:
    return 0 not in shape[1:] and (len(shape) == 3 or (len(shape) == 4 and shape[3] == 3))


def rgb(frames: UInt8[np.ndarray, "T H W 3"]) -> UInt8[np.ndarray, "T H W 3"]:
    """The frames, known to be colour.

    Raises:
        InputError: they are not uint8 (T, H, W, 3).
    """
    if frames.dtype != np.uint8 or frames.ndim != 4 or not _is_clip(frames.shape):
        raise wrong("colour frames", "uint8 0 to 255", frames)
    return frames


def flows(flow: Float[np.ndarray, "N H W 2"]) -> Float32[np.ndarray, "N H W 2"]:
    """The flow as float32, in which OpenCV looks pixels up.

    Raises:
        InputError: it is not a (N, H, W, 2) of floats.
    """
    if flow.ndim != 4 or flow.shape[3] != 2 or 0 in flow.shape[1:] or flow.dtype.kind != "f":
        raise wrong("flow", "float, px from a frame to the next, x before y", flow)
    return flow.astype(np.float32, copy=False)


def vectors(rows: Real[np.ndarray, "N D"]) -> Float64[np.ndarray, "N D"]:
    """The vectors in float64.

    Raises:
        InputError: they are no (N, D) of numbers.
        MetricError: a number is not finite.
    """
    if rows.ndim != 2 or 0 in rows.shape or rows.dtype.kind not in "fiu":
        raise wrong("vectors", "numbers", rows)
    if not np.isfinite(rows).all():
        raise MetricError(
            "a vector holds a value that is not finite: nothing can be measured by it"
        )
    return rows.astype(np.float64)


def durations(seconds: float | Float64[np.ndarray, " N"], count: int) -> Float64[np.ndarray, " N"]:
    """Seconds between the frames of each of `count` pairs; one number serves for all.

    Raises:
        InputError: they are not as many as the pairs, or not positive.
    """
    each = np.asarray(seconds, np.float64)
    if each.ndim == 0:
        each = np.full(count, each)
    if each.shape != (count,):
        raise InputError(f"{count} pairs of frames need {count} durations, got {each.shape}")
    if not (each > 0).all():
        raise InputError(
            "a duration is not positive: give the seconds between the frames of a pair"
        )
    return each


def pairs(
    frames: UInt8[np.ndarray, "T H W 3"] | UInt8[np.ndarray, "T H W"],
    *fields: Float[np.ndarray, "N H W 2"],
) -> UInt8[np.ndarray, "T H W"]:
    """Luma of the frames, whose T - 1 pairs of neighbours the flow fields belong to.

    Raises:
        InputError: a field is not (T - 1, H, W, 2).
    """
    grey = luma(frames)
    wanted = (len(grey) - 1, *grey.shape[1:], 2)
    for field in fields:
        if field.shape != wanted:
            raise InputError(
                f"{len(grey)} frames of {grey.shape[2]}x{grey.shape[1]} need flow {wanted}, "
                f"one field for each pair of neighbours; got {field.shape}"
            )
    return grey


def length(x: Float32[np.ndarray, "*S"], y: Float32[np.ndarray, "*S"]) -> Float32[np.ndarray, "*S"]:
    """Lengths of the vectors (x, y)."""
    # not cv2.magnitude: its last bit depends on where in memory the array lies
    return np.asarray(np.sqrt(x * x + y * y))


def sobel(
    picture: Float32[np.ndarray, "H W"],
) -> tuple[Float32[np.ndarray, "H W"], Float32[np.ndarray, "H W"]]:
    """The Sobel derivatives along x and y, in levels times 8."""
    return cv2.Sobel(picture, cv2.CV_32F, 1, 0), cv2.Sobel(picture, cv2.CV_32F, 0, 1)


def wrong(what: str, values: str, got: Any) -> InputError:
    """The refusal of an array of another shape or dtype."""
    return InputError(f"{what} must be {values}, {DIMENSIONS[what]}; got {got.dtype} {got.shape}")
