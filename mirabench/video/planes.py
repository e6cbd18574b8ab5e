"""The samples of a decoded picture before any conversion: two decoders must agree on them to the last bit."""

from __future__ import annotations

import zlib

import numpy as np
from av.video.frame import VideoFrame
from numpy.typing import NDArray


def samples(frame: VideoFrame, number: int) -> NDArray[np.uint8] | NDArray[np.uint16]:
    """(H, W) the samples of a plane, without what lies beside its lines; W counts all its components."""
    plane = frame.planes[number]
    kind = np.uint16 if frame.format.components[0].bits > 8 else np.uint8
    lines = np.frombuffer(memoryview(plane), np.uint8).reshape(-1, plane.line_size)[: plane.height]
    return np.ascontiguousarray(lines[:, : _line_bytes(frame, number)]).view(kind)


def _line_bytes(frame: VideoFrame, number: int) -> int:
    """Of one line of a plane, what belongs to the picture."""
    form, width = frame.format, frame.planes[number].width
    if len(frame.planes) == 1:
        return -(-width * form.padded_bits_per_pixel // 8)
    together = [c for c in form.components if c.plane == number]
    return width * sum(2 if component.bits > 8 else 1 for component in together)


def digest_of(frame: VideoFrame) -> int:
    """A checksum of all samples."""
    found = 0
    for number, plane in enumerate(frame.planes):
        # a palette has no lines
        data = samples(frame, number).data if plane.line_size else memoryview(plane)
        found = zlib.crc32(np.ascontiguousarray(data).data, found)
    return found
