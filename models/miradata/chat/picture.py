"""Pictures as chat endpoints take them."""

from __future__ import annotations

import base64

import cv2
import numpy as np

from mirabench.errors import VideoError
from mirabench.video.frames import UInt8Array

JPEG_QUALITY = 90


def jpeg(picture: UInt8Array, quality: int = JPEG_QUALITY) -> bytes:
    """A uint8 RGB picture (H, W, 3) as JPEG bytes.

    Raises:
        VideoError: OpenCV cannot write it.
    """
    written, data = cv2.imencode(
        ".jpg", np.ascontiguousarray(picture[..., ::-1]), [cv2.IMWRITE_JPEG_QUALITY, quality]
    )
    if not written:
        raise VideoError("the picture cannot be written as JPEG")
    return bytes(data.tobytes())


def data_url(data: bytes) -> str:
    """JPEG bytes as the address that chat endpoints take."""
    return f"data:image/jpeg;base64,{base64.b64encode(data).decode()}"
