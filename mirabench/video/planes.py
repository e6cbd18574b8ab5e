"""The samples of a decoded picture before any conversion: two decoders must agree on them to the last bit."""

from __future__ import annotations

import zlib

import numpy as np
from av.video.frame import VideoFrame
from numpy.typing import NDArray


def samples(frame: VideoFrame, number: int) -> NDArray[np.uint8] | NDArray[np.uint16]:
    """(H, W) the samples of one plane, without what lies beside its lines."""
    plane = frame.planes[number]
    kind = np.uint16 if frame.format.components[number].bits > 8 else np.uint8
    lines = np.frombuffer(memoryview(plane), np.uint8).reshape(-1, plane.line_size)[: plane.height]
    return np.ascontiguousarray(lines).view(kind)[:, : plane.width]


def digest_of(frame: VideoFrame) -> int:
    """A checksum of all samples."""
    found = 0
    for number in range(len(frame.planes)):
        found = zlib.crc32(np.ascontiguousarray(samples(frame, number)).data, found)
    return found
