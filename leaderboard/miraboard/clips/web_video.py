"""A clip drawn anew for browsers: small, at a constant rate, without sound or metadata; and its poster.

Strangers' bytes are never served: what a page plays is H.264 that this server encoded from the pixels. A
key frame twice a second and no frames that wait for later ones make scrubbing and stepping quick.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image

from mirabench.video.decode import open_video
from mirabench.video.encode import write_video
from mirabench.video.frames import UInt8Array, Video
from mirabench.video.resize import Resize

LONG_SIDE = 480
FASTEST = 30
"""Frames per second."""
LONGEST = 60.0
"""Seconds that are shown of a clip."""
POSTER_SIDE = 320


@dataclass(frozen=True, slots=True)
class WebVideo:
    """What was drawn."""

    width: int
    height: int
    fps: float
    frames: int
    """So many of 1/fps seconds each."""

    @property
    def seconds(self) -> float:
        """How long it plays."""
        return self.frames / self.fps


def draw(clip: Path, video: Path, poster: Path) -> WebVideo:
    """Draw a clip anew, and its middle frame as a JPEG.

    Raises:
        VideoError: the clip cannot be read.
    """
    source = open_video(clip, exact=True)
    rate = min(source.info.fps, Fraction(FASTEST)).limit_denominator(1001)
    length = min(source.info.duration_seconds, LONGEST)
    count = max(1, round(length * rate))
    width, height = _size(source)
    middle = _Middle(count // 2)
    options = {"crf": "27", "preset": "veryfast", "profile": "main", "bf": "0",
               "g": str(max(1, round(rate / 2)))}  # fmt: skip
    write_video(video, middle.passing(_at_rate(source, rate, count, (width, height))), fps=rate,
                options=options)  # fmt: skip
    assert middle.frame is not None  # there is a frame, or writing fails
    poster.write_bytes(_jpeg(middle.frame))
    return WebVideo(width, height, float(rate), count)


def _size(source: Video) -> tuple[int, int]:
    """Even sides, which every decoder of a browser takes."""
    width, height = Resize(long_side=LONG_SIDE).target(source.info.width, source.info.height)
    return max(2, width - width % 2), max(2, height - height % 2)


def _at_rate(
    source: Video, rate: Fraction, count: int, size: tuple[int, int]
) -> Iterator[UInt8Array]:
    """`count` frames: the last one that has begun at the middle of each tick."""
    middles = (np.arange(count) + 0.5) / float(rate)
    chosen = np.searchsorted(source.info.seconds, middles, side="right") - 1
    wanted = np.bincount(np.maximum(chosen, 0), minlength=source.info.num_frames)
    resize, at = Resize(size=size), 0
    for batch in source.frames():
        for frame in batch.data:
            times = int(wanted[at]) if at < len(wanted) else 0
            at += 1
            if times:
                small = resize(frame[None])[0]
                yield from (small for _ in range(times))


class _Middle:
    """Looks at frames that pass, and keeps one."""

    def __init__(self, position: int) -> None:
        self.position, self.frame = position, None  # type: int, UInt8Array | None

    def passing(self, frames: Iterator[UInt8Array]) -> Iterator[UInt8Array]:
        for number, frame in enumerate(frames):
            if number <= self.position:
                self.frame = frame
            yield frame


def _jpeg(frame: UInt8Array) -> bytes:
    small = Resize(long_side=POSTER_SIDE)(frame[None])[0]
    held = BytesIO()
    Image.fromarray(small).save(held, "JPEG", quality=72, optimize=True)
    return held.getvalue()
