"""The frame stream: a file or a folder of frames in, batches of RGB out, in bounded memory.

This is the only module that knows PyAV. Frames come in presentation order with the container's
exact timestamps; rotation metadata is applied; the conversion to RGB honours the stream's colour
matrix and its limited or full range (swscale does both from the frame's own tags).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from mirabench.errors import VideoError
from mirabench.video.container import moving_pictures, open_container
from mirabench.video.frames import (
    CHUNK_BYTES,
    ArrayVideo,
    FrameBatch,
    IntArray,
    UInt8Array,
    Video,
    VideoInfo,
    frames_per_chunk,
    regular_ticks,
)
from mirabench.video.paths import frame_files

FOLDER_FPS = Fraction(24)
"""A folder of pictures has no frame rate; 24 is assumed unless the user says another."""


class FrameCountError(VideoError):
    """The container announced another number of frames than it decodes to."""


def open_video(
    source: str | Path | UInt8Array | Video,
    *,
    fps: float | Fraction | None = None,
    exact: bool = False,
) -> Video:
    """Open a video file, a folder of numbered frames, or an array.

    Args:
        source: A path, a uint8 RGB array (T, H, W, 3), or an opened video, which is returned.
        fps: Frames a second for arrays and frame folders, which carry none (default 24).
        exact: Count frames by decoding instead of trusting the container's packet list.

    Raises:
        VideoError: the source cannot be read as video; the text says why.
    """
    if isinstance(source, np.ndarray):
        return ArrayVideo(source, fps=fps or FOLDER_FPS)
    if not isinstance(source, str | Path):
        return source
    path = Path(source)
    if path.is_dir():
        return FrameFolder(path, fps=Fraction(fps or FOLDER_FPS).limit_denominator(1001))
    return VideoFile(path, exact=exact)


def sha256_of(path: Path) -> str:
    """The sha256 of a file's bytes, as hex.

    Raises:
        VideoError: the file is missing or may not be read.
    """
    digest = hashlib.sha256()
    try:
        with path.open("rb") as file:
            while block := file.read(2**20):
                digest.update(block)
    except OSError as error:
        raise VideoError(f"cannot read {path}: {error.strerror or error}") from error
    return digest.hexdigest()


class VideoFile:
    """A video file opened with PyAV (FFmpeg)."""

    def __init__(self, path: Path, *, exact: bool = False) -> None:
        self._path = path
        self._sha256 = sha256_of(path)
        if path.stat().st_size == 0:
            raise VideoError(f"{path} is empty (0 bytes): write or download it again")
        self._index = _decoded_index(path) if exact else _packet_index(path)
        self._info = VideoInfo(
            path=str(path),
            sha256=self._sha256,
            width=self._index.width,
            height=self._index.height,
            fps=self._index.fps,
            time_base=self._index.time_base,
            ticks=self._index.ticks,
            decoder="pyav-rgb24",
        )

    @property
    def info(self) -> VideoInfo:
        """Facts about the video."""
        return self._info

    def frames(self, *, chunk_bytes: int = CHUNK_BYTES) -> Iterator[FrameBatch]:
        """Every frame in presentation order, a bounded number of bytes at a time.

        Raises:
            VideoError: decoding breaks off.
            FrameCountError: more or fewer frames came than the container announced.
        """
        info = self._info
        step = frames_per_chunk(info.width, info.height, chunk_bytes)
        seconds = info.seconds
        pending: list[UInt8Array] = []
        done = 0
        for frame in _decoded(self._path):
            pending.append(upright_rgb(frame))
            if pending[-1].shape[:2] != (info.height, info.width):
                raise VideoError(f"{self._path}: the picture size changes at frame {done}")
            if done + len(pending) > info.num_frames:
                raise FrameCountError(f"{self._path}: more frames than announced")
            if len(pending) == step:
                yield _batch(pending, done, seconds)
                done, pending = done + len(pending), []
        if pending:
            yield _batch(pending, done, seconds)
        if done + len(pending) != info.num_frames:
            raise FrameCountError(f"{self._path}: fewer frames than announced")


def _batch(frames: list[UInt8Array], start: int, seconds: np.ndarray) -> FrameBatch:
    index = np.arange(start, start + len(frames), dtype=np.int64)
    return FrameBatch(np.stack(frames), index, seconds[index])


def upright_rgb(frame: VideoFrame) -> UInt8Array:
    """A decoded frame as uint8 RGB (H, W, 3), turned upright by its rotation metadata."""
    rgb = frame.to_ndarray(format="rgb24").astype(np.uint8, copy=False)
    quarter_turns = round(frame.rotation / 90) % 4
    return np.ascontiguousarray(np.rot90(rgb, quarter_turns)) if quarter_turns else rgb


@dataclass(frozen=True, slots=True)
class _Index:
    """What a container says of its video stream."""

    width: int
    height: int
    fps: Fraction
    time_base: Fraction
    ticks: IntArray


def _open(path: Path) -> tuple[av.container.InputContainer, VideoStream]:
    try:
        container = open_container(path)
    except (av.FFmpegError, OSError) as error:
        raise VideoError(f"{path} is not a readable video: {_ffmpeg_reason(error)}") from error
    stream = moving_pictures(container)
    if stream is None:
        container.close()
        raise VideoError(f"{path} has no video stream (audio only?)")
    stream.thread_type = "AUTO"
    return container, stream


def _ffmpeg_reason(error: Exception) -> str:
    text = getattr(error, "strerror", None) or str(error)
    return f"{text}; it is damaged, truncated or no video at all"


def _decoded(path: Path) -> Iterator[VideoFrame]:
    container, stream = _open(path)
    count = 0
    with container:
        try:
            for frame in container.decode(stream):
                yield frame
                count += 1
        except (av.FFmpegError, OSError) as error:
            raise VideoError(
                f"{path}: decoding stops after {count} frames: {_ffmpeg_reason(error)}"
            ) from error


def _first_frame(path: Path) -> VideoFrame:
    for frame in _decoded(path):
        return frame
    raise VideoError(f"{path}: not one frame can be decoded; it is damaged or truncated")


def _packet_index(path: Path) -> _Index:
    """The index from packets alone: fast, and right for every well-formed file."""
    container, stream = _open(path)
    with container:
        try:
            packets = [packet for packet in container.demux(stream) if packet.size]
        except (av.FFmpegError, OSError) as error:
            raise VideoError(
                f"{path} cannot be read to its end: {_ffmpeg_reason(error)}"
            ) from error
        _refuse_truncated(path, stream, len(packets))
        pts = [packet.pts for packet in packets if not packet.is_discard]
        rate, time_base = _nominal_rate(stream), stream.time_base or Fraction(1, 90_000)
    return _index(_first_frame(path), pts, rate, time_base)


def _decoded_index(path: Path) -> _Index:
    """The index from a full decode: slower, for containers that miscount."""
    container, stream = _open(path)
    rate, time_base = _nominal_rate(stream), stream.time_base or Fraction(1, 90_000)
    container.close()
    pts = [frame.pts for frame in _decoded(path)]
    return _index(_first_frame(path), pts, rate, time_base)


def _refuse_truncated(path: Path, stream: VideoStream, found: int) -> None:
    if found < stream.frames:
        raise VideoError(
            f"{path} is truncated: its header announces {stream.frames} frames, {found} are there"
        )


def _nominal_rate(stream: VideoStream) -> Fraction:
    rate = stream.average_rate or stream.guessed_rate or stream.base_rate
    return Fraction(rate) if rate else FOLDER_FPS


def _index(
    first: VideoFrame, pts: list[int | None], nominal: Fraction, time_base: Fraction
) -> _Index:
    height, width = first.height, first.width
    if round(first.rotation / 90) % 2:
        height, width = width, height
    known = sorted(p for p in pts if p is not None)
    ticks = np.asarray(known, dtype=np.int64)
    if len(known) < len(pts) or len(pts) == 0 or np.any(np.diff(ticks) <= 0):
        # raw streams and some old containers carry no usable times: assume the nominal rate
        return _Index(width, height, nominal, 1 / nominal, regular_ticks(len(pts)))
    ticks -= ticks[0]
    return _Index(width, height, _average_rate(ticks, time_base, nominal), time_base, ticks)


def _average_rate(ticks: IntArray, time_base: Fraction, nominal: Fraction) -> Fraction:
    if len(ticks) < 2:
        return nominal
    measured = Fraction(len(ticks) - 1) / (int(ticks[-1]) * time_base)
    # millisecond containers round each time, so 24 fps measures 23.98: keep the stated rate then
    tolerance = max(Fraction(1, 500), 2 / Fraction(len(ticks)) * Fraction(1, 20))
    return nominal if abs(measured / nominal - 1) < tolerance else measured


class FrameFolder:
    """A folder of numbered frames (png, jpg, webp, bmp, tif), in natural order.

    Raises:
        VideoError: no frames, a gap in the numbers, a frame that does not read or differs in size.
    """

    def __init__(self, path: Path, *, fps: Fraction = FOLDER_FPS) -> None:
        self._files = frame_files(path)
        first = read_picture(self._files[0])
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
            yield _batch(pictures, start, info.seconds)

    def _read(self, file: Path) -> UInt8Array:
        picture = read_picture(file)
        if picture.shape[:2] != (self._info.height, self._info.width):
            raise VideoError(
                f"{file} is {picture.shape[1]}x{picture.shape[0]}, the first frame is "
                f"{self._info.width}x{self._info.height}: frames of one clip share one size"
            )
        return picture


def read_picture(path: Path) -> UInt8Array:
    """A picture file as uint8 RGB (H, W, 3).

    Raises:
        VideoError: the file is not a picture.
    """
    try:
        raw = np.frombuffer(path.read_bytes(), dtype=np.uint8)
    except OSError as error:
        raise VideoError(f"cannot read {path}: {error.strerror or error}") from error
    bgr = cv2.imdecode(raw, cv2.IMREAD_COLOR) if len(raw) else None
    if bgr is None:
        raise VideoError(f"{path} is not a readable picture: write it again or remove it")
    return np.ascontiguousarray(bgr[..., ::-1])
