"""Frames to a video file: for generators, examples and tests."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.video.frame import VideoFrame

from mirabench.errors import OutputError
from mirabench.files import replacing
from mirabench.video.frames import UInt8Array

REPEATABLE = {"x264-params": "cpu-independent=1:threads=1"}
"""With these x264 gives the same bytes for the same frames; its default differs from run to run."""


def write_video(
    path: str | Path,
    frames: UInt8Array | Iterable[UInt8Array],
    *,
    fps: float | Fraction = 24,
    codec: str = "libx264",
    pixel_format: str | None = None,
    options: dict[str, str] | None = None,
) -> Path:
    """Write uint8 RGB frames (T, H, W, 3), or an iterable of (H, W, 3), to a video file, atomically.

    The container follows the suffix. Odd sizes are written as 4:4:4, because 4:2:0 cannot hold
    them. `options` go to the codec (`{"crf": "18"}`).

    Raises:
        OutputError: the file cannot be written, or there is no frame.
    """
    path = Path(path)
    with replacing(path) as part:
        written = _encode(part, frames, fps, codec, pixel_format, options or {})
        if not written:
            raise OutputError(f"cannot write {path}: there are no frames")
    return path


def _encode(
    path: Path,
    frames: UInt8Array | Iterable[UInt8Array],
    fps: float | Fraction,
    codec: str,
    pixel_format: str | None,
    options: dict[str, str],
) -> bool:
    """Whether there was a frame to write."""
    rate = Fraction(fps).limit_denominator(1001)
    stream = None
    with av.open(f"file:{path}", "w") as container:
        for frame in frames:
            if stream is None:
                height, width = frame.shape[:2]
                stream = container.add_stream(codec, rate=rate)
                stream.width, stream.height = width, height
                odd = bool(width % 2 or height % 2)
                stream.pix_fmt = pixel_format or ("yuv444p" if odd else "yuv420p")
                stream.options = {**(REPEATABLE if codec == "libx264" else {}), **options}
                stream.codec_context.thread_count = 1
            picture = VideoFrame.from_ndarray(np.ascontiguousarray(frame), format="rgb24")
            container.mux(stream.encode(picture))
        if stream is not None:
            container.mux(stream.encode(None))
    return stream is not None
