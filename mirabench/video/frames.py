"""The values that every part agrees on: `VideoInfo`, `FrameBatch`, and videos held as arrays."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from mirabench.errors import VideoError

UInt8Array = NDArray[np.uint8]
IntArray = NDArray[np.int64]
FloatArray = NDArray[np.float64]

CHUNK_BYTES = 32 * 2**20
"""Pixels that one batch may hold: small enough for a laptop, large enough to amortise a call."""


@dataclass(frozen=True, slots=True, eq=False)
class VideoInfo:
    """What is known of a video before its pixels are looked at.

    `width` and `height` are those of the upright picture, after rotation metadata.
    """

    path: str
    """Where it came from, for people; no part of its identity."""
    sha256: str
    """Identity: the digest of the file, of the frame files in order, or of the array."""
    width: int
    height: int
    fps: Fraction
    """Average frames per second."""
    time_base: Fraction
    """Seconds per tick."""
    ticks: IntArray
    """(T,) presentation times in ticks, strictly increasing, the first is 0."""
    decoder: str
    """The name of the road from file to RGB; part of every protocol id."""
    damage: tuple[str, ...] = ()
    """What the container itself shows of damage, in words; what decoding shows comes with the frames."""

    def __post_init__(self) -> None:
        if len(self.ticks) == 0:
            raise VideoError(f"{self.path} holds no frame")
        if np.any(np.diff(self.ticks) <= 0):
            raise VideoError(f"{self.path}: frame times do not increase")

    def __repr__(self) -> str:
        return (
            f"VideoInfo({self.path!r}, {self.width}x{self.height}, {self.num_frames} frames, "
            f"{float(self.fps):g} fps)"
        )

    @property
    def num_frames(self) -> int:
        """T, the number of frames that decode."""
        return len(self.ticks)

    @property
    def seconds(self) -> FloatArray:
        """(T,) presentation times in seconds, the first is 0."""
        return self.ticks.astype(np.float64) * float(self.time_base)

    @property
    def duration_seconds(self) -> float:
        """From the first frame to the end of the last, which is shown for one average interval."""
        return float(int(self.ticks[-1]) * self.time_base + 1 / self.fps)

    @property
    def diagonal(self) -> float:
        """Length of the picture's diagonal in px."""
        return float(np.hypot(self.width, self.height))


@dataclass(frozen=True, slots=True, eq=False)
class FrameBatch:
    """Some frames of one video in presentation order."""

    data: UInt8Array
    """(N, H, W, 3) RGB."""
    index: IntArray
    """(N,) positions in the video, 0-based, increasing."""
    seconds: FloatArray
    """(N,) presentation times in seconds."""
    damage: tuple[str, ...] = ()
    """With a file's last batch: what the decoder complained of, in words."""

    def __post_init__(self) -> None:
        if self.data.dtype != np.uint8 or self.data.ndim != 4 or self.data.shape[3] != 3:
            raise ValueError(
                f"frames must be uint8 (N, H, W, 3), got {self.data.dtype} {self.data.shape}"
            )
        if not len(self.data) == len(self.index) == len(self.seconds):
            raise ValueError("frames, positions and times must be equally many")

    def __len__(self) -> int:
        return len(self.data)

    def __repr__(self) -> str:
        n, h, w, _ = self.data.shape
        return f"FrameBatch({n} frames of {w}x{h})"

    def take(self, rows: IntArray) -> FrameBatch:
        """The frames at these rows of the batch."""
        return FrameBatch(self.data[rows], self.index[rows], self.seconds[rows], self.damage)


def batch_of(
    frames: list[UInt8Array], start: int, seconds: FloatArray, damage: tuple[str, ...] = ()
) -> FrameBatch:
    """Frames (H, W, 3) that follow each other from position `start` of a video with these times."""
    index = np.arange(start, start + len(frames), dtype=np.int64)
    return FrameBatch(np.stack(frames), index, seconds[index], damage)


@runtime_checkable
class Video(Protocol):
    """An opened video: facts first, pixels on demand."""

    @property
    def info(self) -> VideoInfo:
        """Facts about the video."""
        ...

    def frames(self, *, chunk_bytes: int = CHUNK_BYTES) -> Iterator[FrameBatch]:
        """Every frame in presentation order, a bounded number of bytes at a time."""
        ...


def frames_per_chunk(width: int, height: int, chunk_bytes: int) -> int:
    """How many RGB frames of this size fit the budget; at least one."""
    return max(1, chunk_bytes // (width * height * 3))


def regular_ticks(num_frames: int) -> IntArray:
    """(T,) ticks of a constant rate whose time base is one frame interval."""
    return np.arange(num_frames, dtype=np.int64)


class ArrayVideo:
    """A video held in memory.

    Args:
        data: uint8 RGB (T, H, W, 3), T >= 1.
        fps: Frames per second, > 0.
        name: For messages and reports.

    Raises:
        VideoError: the array has another shape or dtype, or `fps` is not positive.
    """

    def __init__(
        self, data: UInt8Array, *, fps: float | Fraction = 24, name: str = "array"
    ) -> None:
        if data.ndim != 4 or data.shape[3] != 3 or data.dtype != np.uint8 or 0 in data.shape:
            raise VideoError(
                f"{name}: a video array must be uint8 RGB (T, H, W, 3), "
                f"got {data.dtype} {tuple(data.shape)}"
            )
        if fps <= 0:
            raise VideoError(f"{name}: fps must be positive, got {fps}")
        self._data = data
        rate = Fraction(fps).limit_denominator(1001)
        digest = hashlib.sha256(f"array {data.shape} {rate}".encode())
        for frame in data:
            digest.update(np.ascontiguousarray(frame).data)
        self._info = VideoInfo(
            path=name,
            sha256=digest.hexdigest(),
            width=data.shape[2],
            height=data.shape[1],
            fps=rate,
            time_base=1 / rate,
            ticks=regular_ticks(len(data)),
            decoder="array",
        )

    @property
    def info(self) -> VideoInfo:
        """Facts about the video."""
        return self._info

    def frames(self, *, chunk_bytes: int = CHUNK_BYTES) -> Iterator[FrameBatch]:
        """Every frame in order, a bounded number of bytes at a time."""
        step = frames_per_chunk(self._info.width, self._info.height, chunk_bytes)
        seconds = self._info.seconds
        for start in range(0, len(self._data), step):
            index = np.arange(start, min(start + step, len(self._data)), dtype=np.int64)
            yield FrameBatch(self._data[index], index, seconds[index])
