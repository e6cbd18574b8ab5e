"""A frame at a glance: which light and colours are where, whatever its exposure, contrast and detail."""

from __future__ import annotations

import cv2
import numpy as np

from mirabench.functional.active_picture import active_picture
from mirabench.functional.arrays import rgb as colour
from mirabench.shapes import Float32, UInt8

PLACES = (16, 9)
"""Columns and rows."""
LEAST_LENGTH = 20.0
"""Levels: a frame with less contrast over its places has a shorter vector, and is hardly like anything."""


def thumbnail(frame: UInt8[np.ndarray, "H W 3"]) -> Float32[np.ndarray, " D"]:
    """The frame as a vector whose cosine with another's tells whether both show the same.

    Means of luma, red minus luma and blue minus luma over 16x9 places between black bars; each of the three
    less its mean over the frame; all divided by their common length. Twice the contrast, or another exposure,
    gives the same vector.

    Args:
        frame: uint8 RGB.

    Returns:
        (432,), of length 1; of length 0 for a frame of one colour.

    Raises:
        InputError: the frame is not uint8 (H, W, 3).

    Example:
        >>> ramp = np.repeat(np.tile(np.arange(0, 192, 3, dtype=np.uint8), (36, 1))[..., None], 3, axis=2)
        >>> one, two = thumbnail(ramp), thumbnail(ramp // 2 + 40)
        >>> one.shape, round(float(one @ two), 3), round(float(one @ thumbnail(ramp[:, ::-1])), 3)
        ((432,), 1.0, -1.0)
    """
    picture = active_picture(colour(frame[None])[0]).of(frame)
    small = cv2.resize(picture.astype(np.float32), PLACES, interpolation=cv2.INTER_AREA)
    luma = small @ np.array([0.299, 0.587, 0.114], np.float32)
    planes = np.stack([luma, small[..., 0] - luma, small[..., 2] - luma])
    centred = (planes - planes.mean(axis=(1, 2), keepdims=True)).ravel()
    length = float(np.linalg.norm(centred))
    if length < LEAST_LENGTH:
        return np.zeros_like(centred)
    return np.asarray(centred / length, np.float32)
