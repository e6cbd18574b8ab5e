"""A folder of numbered pictures, read as a video."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np

from mirabench.errors import VideoError
from mirabench.video.digest import sha256_of
from mirabench.video.frames import (
    CHUNK_BYTES,
    FrameBatch,
    UInt8Array,
    VideoInfo,
    batch_of,
    frames_per_chunk,
    regular_ticks,
)
from mirabench.video.limits import MAX_PIXELS, refuse_larger
from mirabench.video.paths import frame_files
from mirabench.video.picture_size import picture_size

FOLDER_FPS = Fraction(24)
"""A folder of pictures has no frame rate; 24 is assumed unless the user says another."""


class FrameFolder:
    """A folder of numbered frames (png, jpg, webp, bmp, tif), in natural order.

    Raises:
        VideoError: no frames, a gap in the numbers, a frame that does not read or differs in size.
    """

    def __init__(
        self, path: Path, *, fps: Fraction = FOLDER_FPS, max_pixels: int = MAX_PIXELS
    ) -> None:
        self._files, self._max_pixels = frame_files(path), max_pixels
        first = read_picture(self._files[0], max_pixels=max_pixels)
        digest = hashlib.sha256(f"frames {fps}".encode())
        for file in self._files:
            digest.update(bytes.fromhex(sha256_of(file)))
        self._info = VideoInfo(
            path=str(path),
            sha256=digest.hexdigest(),
            width=first.shape[1],
            height=first.shape[0],
            fps=fps,
            time_base=1 / fps,
            ticks=regular_ticks(len(self._files)),
            decoder="opencv-pictures",
        )

    @property
    def info(self) -> VideoInfo:
        """Facts about the video."""
        return self._info

    def frames(self, *, chunk_bytes: int = CHUNK_BYTES) -> Iterator[FrameBatch]:
        """Every frame in natural order, a bounded number of bytes at a time."""
        info = self._info
        step = frames_per_chunk(info.width, info.height, chunk_bytes)
        for start in range(0, len(self._files), step):
            pictures = [self._read(file) for file in self._files[start : start + step]]
            yield batch_of(pictures, start, info.seconds)

    def _read(self, file: Path) -> UInt8Array:
        picture = read_picture(file, max_pixels=self._max_pixels)
        if picture.shape[:2] != (self._info.height, self._info.width):
            raise VideoError(
                f"{file} is {picture.shape[1]}x{picture.shape[0]}, the first frame is "
                f"{self._info.width}x{self._info.height}: frames of one clip share one size"
            )
        return picture


def read_picture(path: Path, *, max_pixels: int = MAX_PIXELS) -> UInt8Array:
    """A picture file as uint8 RGB (H, W, 3).

    Raises:
        VideoError: the file is not a picture, or has more than `max_pixels`.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise VideoError(f"cannot read {path}: {error.strerror or error}") from error
    if (size := picture_size(data)) is not None:
        refuse_larger(path, *size, max_pixels)
    raw = np.frombuffer(data, dtype=np.uint8)
    bgr = cv2.imdecode(raw, cv2.IMREAD_COLOR) if len(raw) else None
    if bgr is None:
        raise VideoError(f"{path} is not a readable picture: write it again or remove it")
    return np.ascontiguousarray(bgr[..., ::-1])
