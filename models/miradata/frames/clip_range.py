"""Parts of a source video, decoded by time: nothing is cut to files to be measured.

Times are nanoseconds from the stream's start. A picture "at" a time is the one on the screen then:
the last frame that begins at or before it. So a variable frame rate changes nothing, and a seek
gives the same pictures as a decode from the beginning.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.container import InputContainer
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from mirabench.errors import VideoError
from mirabench.identity import digest_of
from mirabench.video.container import moving_pictures, open_container
from mirabench.video.decode import upright_rgb
from mirabench.video.frames import (
    CHUNK_BYTES,
    FrameBatch,
    UInt8Array,
    VideoInfo,
    frames_per_chunk,
    regular_ticks,
)

NS = 1_000_000_000
SEEK_NS = 4 * NS
"""Times further ahead than this are reached by a seek: about as far as key frames lie apart."""
BACK_NS = (0, 2 * NS, 15 * NS, 10**18)
"""How much earlier to seek when a container's index led past the wanted time."""


@dataclass(frozen=True, slots=True)
class VideoFile:
    """An open video file."""

    path: Path
    container: InputContainer
    stream: VideoStream

    def time_ns(self, pts: int) -> int:
        """Nanoseconds from the stream's start."""
        base = self.stream.time_base or Fraction(1, 90_000)
        return round((pts - (self.stream.start_time or 0)) * base * NS)

    def frame_ns(self, frame: VideoFrame) -> int:
        """When a frame begins.

        Raises:
            VideoError: the file carries no times; such a file cannot be cut by time.
        """
        if frame.pts is None:
            raise VideoError(f"{self.path}: frames carry no times: put it into a container first")
        return self.time_ns(frame.pts)

    def frames(self) -> Iterator[VideoFrame]:
        """Frames from where the file stands, in presentation order; packets that do not decode are passed over.

        What they damage is in no clip: `miradata.frames.damage` knows where it is.

        Raises:
            VideoError: the container cannot be read on.
        """
        try:
            for packet in self.container.demux(self.stream):
                try:
                    frames = packet.decode()
                except av.InvalidDataError:
                    continue
                yield from frames
        except (av.FFmpegError, OSError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            raise VideoError(f"{self.path}: reading breaks off: {reason}") from error

    def frames_from(self, time_ns: int) -> Iterator[VideoFrame]:
        """Frames from a key frame on that begins at or before a time, if there is one."""
        base = self.stream.time_base or Fraction(1, 90_000)
        frame = None
        for back in BACK_NS:
            target = max(0, time_ns - back)
            pts = int(Fraction(target, NS) / base) + (self.stream.start_time or 0)
            try:
                self.container.seek(pts, stream=self.stream, backward=True)
            except (av.FFmpegError, OSError):
                continue
            frames = self.frames()
            frame = next(frames, None)
            if frame is not None and (self.frame_ns(frame) <= time_ns or target == 0):
                yield frame
                yield from frames
                return
        raise VideoError(f"{self.path} cannot be read from {time_ns / NS:g} s on")


@contextmanager
def opened(path: Path) -> Iterator[VideoFile]:
    """A video file, open.

    Raises:
        VideoError: it is not a video, or has no video stream.
    """
    try:
        container = open_container(path)
    except (av.FFmpegError, OSError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise VideoError(f"{path} is not a readable video: {reason}") from error
    with container:
        stream = moving_pictures(container)
        if stream is None:
            raise VideoError(f"{path} has no video stream")
        stream.thread_type = "AUTO"
        yield VideoFile(path, container, stream)


def on_screen(video: VideoFile, times_ns: Sequence[int]) -> Iterator[VideoFrame]:
    """The frame on the screen at each of these increasing times.

    A time before the first frame gives the first, one after the last gives the last.

    Raises:
        VideoError: the file cannot be read there.
    """
    frames: Iterator[VideoFrame] = iter(())
    shown: VideoFrame | None = None
    ahead: VideoFrame | None = None
    reached: int | None = None
    for time in times_ns:
        if reached is None or time - reached > SEEK_NS:
            frames, shown, ahead = video.frames_from(time), None, None
        while (ahead := ahead or next(frames, None)) and video.frame_ns(ahead) <= time:
            shown, ahead = ahead, None
        picture = shown or ahead
        if picture is None:
            raise VideoError(f"{video.path}: no frame at {time / NS:g} s")
        yield picture
        reached = time


def frames_at(path: Path, times_ns: Sequence[int]) -> list[UInt8Array]:
    """The pictures on the screen at these increasing times: uint8 RGB (H, W, 3), upright.

    Raises:
        VideoError: the file cannot be read there.
    """
    with opened(path) as video:
        return [upright_rgb(frame) for frame in on_screen(video, times_ns)]


@dataclass(frozen=True, slots=True)
class ClipRange:
    """A clip: part of a source video."""

    path: Path
    sha256: str
    """Of the source file."""
    t0_ns: int
    t1_ns: int
    width: int
    """Of the upright picture."""
    height: int
    fps: float
    """Of the source."""

    @property
    def seconds(self) -> float:
        """Length."""
        return (self.t1_ns - self.t0_ns) / NS

    def at_rate(self, rate: float) -> ClipVideo:
        """The clip seen `rate` times per second, but not more often than it has frames."""
        rate = min(rate, self.fps) if self.fps > 0 else rate
        return self.evenly(max(1, int(self.seconds * rate)))

    def evenly(self, count: int) -> ClipVideo:
        """The clip seen in the middles of `count` equal parts."""
        return ClipVideo(self, count)


class ClipVideo:
    """A few pictures of a clip as a `mirabench.video.Video`, as any feature takes it."""

    def __init__(self, clip_range: ClipRange, count: int) -> None:
        length = clip_range.t1_ns - clip_range.t0_ns
        self._path = clip_range.path
        self._times = [clip_range.t0_ns + (2 * k + 1) * length // (2 * count) for k in range(count)]
        interval = Fraction(length, NS * count)
        self._info = VideoInfo(
            path=f"{clip_range.path}[{clip_range.t0_ns / NS:g}-{clip_range.t1_ns / NS:g} s]",
            # "span" is part of what names cached features: another word would compute them all again
            sha256=digest_of(
                ["span", clip_range.sha256, clip_range.t0_ns, clip_range.t1_ns, count], length=64
            ),
            width=clip_range.width,
            height=clip_range.height,
            fps=1 / interval,
            time_base=interval,
            ticks=regular_ticks(count),
            decoder="pyav-rgb24-on-screen",
        )

    @property
    def info(self) -> VideoInfo:
        """Facts about the pictures; times count from the first."""
        return self._info

    def frames(self, *, chunk_bytes: int = CHUNK_BYTES) -> Iterator[FrameBatch]:
        """Every picture in order, a bounded number of bytes at a time.

        Raises:
            VideoError: the file cannot be read, or changes its picture's size.
        """
        step = frames_per_chunk(self._info.width, self._info.height, chunk_bytes)
        seconds = self._info.seconds
        with opened(self._path) as video:
            pictures = on_screen(video, self._times)
            for start in range(0, len(self._times), step):
                index = np.arange(start, min(start + step, len(self._times)), dtype=np.int64)
                data = [self._checked(upright_rgb(next(pictures))) for _ in index]
                yield FrameBatch(np.stack(data), index, seconds[index])

    def _checked(self, picture: UInt8Array) -> UInt8Array:
        if picture.shape[:2] != (self._info.height, self._info.width):
            raise VideoError(f"{self._path}: the picture size changes")
        return picture
