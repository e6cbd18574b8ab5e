"""Opening a video: a file, a folder of frames or an array in, batches of RGB out, in bounded memory.

Frames come in presentation order with the container's exact timestamps; rotation metadata is applied;
the conversion to RGB honours the stream's colour matrix and its limited or full range (swscale does
both from the frame's own tags).
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import numpy as np
from av.video.frame import VideoFrame

from mirabench.errors import VideoError
from mirabench.video.complaints import Complaints
from mirabench.video.digest import sha256_of as sha256_of
from mirabench.video.frames import (
    CHUNK_BYTES,
    ArrayVideo,
    FrameBatch,
    UInt8Array,
    Video,
    VideoInfo,
    batch_of,
    frames_per_chunk,
)
from mirabench.video.index import decoded_index, packet_index
from mirabench.video.limits import MAX_PIXELS
from mirabench.video.pictures import FOLDER_FPS, FrameFolder
from mirabench.video.reading import decoded

FILE_DECODER = "pyav-rgb24"
"""The name of the road from a file to RGB."""


class FrameCountError(VideoError):
    """The container announced another number of frames than it decodes to."""


def open_video(
    source: str | Path | UInt8Array | Video,
    *,
    fps: float | Fraction | None = None,
    exact: bool = False,
    max_pixels: int = MAX_PIXELS,
) -> Video:
    """Open a video file, a folder of numbered frames, or an array.

    Args:
        source: A path, a uint8 RGB array (T, H, W, 3), or an opened video, which is returned.
        fps: Frames per second for arrays and frame folders, which carry none (default 24).
        exact: Count frames by decoding instead of trusting the container's packet list.
        max_pixels: Width times height of the largest frame that is decoded; 8K by default.

    Raises:
        VideoError: the source cannot be read as video; the text says why.
    """
    if isinstance(source, np.ndarray):
        return ArrayVideo(source, fps=fps or FOLDER_FPS)
    if not isinstance(source, str | Path):
        return source
    path = Path(source)
    if path.is_dir():
        rate = Fraction(fps or FOLDER_FPS).limit_denominator(1001)
        return FrameFolder(path, fps=rate, max_pixels=max_pixels)
    return VideoFile(path, exact=exact, max_pixels=max_pixels)


class VideoFile:
    """A video file opened with PyAV (FFmpeg)."""

    def __init__(self, path: Path, *, exact: bool = False, max_pixels: int = MAX_PIXELS) -> None:
        self._path, self._max_pixels = path, max_pixels
        sha256 = sha256_of(path)
        if path.stat().st_size == 0:
            raise VideoError(f"{path} is empty (0 bytes): write or download it again")
        find = decoded_index if exact else packet_index
        index = find(path, max_pixels=max_pixels)
        self._info = VideoInfo(
            path=str(path),
            sha256=sha256,
            width=index.width,
            height=index.height,
            fps=index.fps,
            time_base=index.time_base,
            ticks=index.ticks,
            decoder=FILE_DECODER,
            damage=index.damage,
        )

    @property
    def info(self) -> VideoInfo:
        """Facts about the video."""
        return self._info

    def frames(self, *, chunk_bytes: int = CHUNK_BYTES) -> Iterator[FrameBatch]:
        """Every frame in presentation order, a bounded number of bytes at a time.

        The last batch says what the decoder complained of.

        Raises:
            VideoError: decoding breaks off.
            FrameCountError: more or fewer frames came than the container announced.
        """
        info, complaints = self._info, Complaints()
        step = frames_per_chunk(info.width, info.height, chunk_bytes)
        pending: list[UInt8Array] = []
        done = 0
        for frame in decoded(self._path, complaints, max_pixels=self._max_pixels):
            if len(pending) == step:
                yield batch_of(pending, done, info.seconds)
                done, pending = done + len(pending), []
            pending.append(upright_rgb(frame))
            if pending[-1].shape[:2] != (info.height, info.width):
                raise VideoError(f"{self._path}: the picture size changes at frame {done}")
            if done + len(pending) > info.num_frames:
                raise FrameCountError(f"{self._path}: more frames than announced")
        if done + len(pending) != info.num_frames:
            raise FrameCountError(f"{self._path}: fewer frames than announced")
        yield batch_of(pending, done, info.seconds, complaints.sentences())


def upright_rgb(frame: VideoFrame) -> UInt8Array:
    """A decoded frame as uint8 RGB (H, W, 3), turned upright by its rotation metadata."""
    rgb = frame.to_ndarray(format="rgb24").astype(np.uint8, copy=False)
    quarter_turns = round(frame.rotation / 90) % 4
    return np.ascontiguousarray(np.rot90(rgb, quarter_turns)) if quarter_turns else rgb
