"""What a container says of its film before a picture is decoded: size, rate and the frames' times."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import NamedTuple

import av
import numpy as np
from av.container import InputContainer
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from mirabench.errors import VideoError
from mirabench.video.frames import IntArray, regular_ticks
from mirabench.video.limits import MAX_PIXELS
from mirabench.video.pictures import FOLDER_FPS
from mirabench.video.reading import decoded, ffmpeg_reason, first_frame, open_stream
from mirabench.video.structure import structural_damage
from mirabench.video.structure.edits import edit_damage, edited_lengths
from mirabench.video.timeline import TimedPacket, hole_in_time, missing_time


@dataclass(frozen=True, slots=True)
class FilmIndex:
    """What a container says of its video stream."""

    width: int
    height: int
    fps: Fraction
    time_base: Fraction
    ticks: IntArray
    damage: tuple[str, ...]
    """What the container shows of damage, in words."""


class _Times(NamedTuple):
    rate: Fraction
    time_base: Fraction


def packet_index(path: Path, *, max_pixels: int = MAX_PIXELS) -> FilmIndex:
    """The index from packets alone: fast, and right for every well-formed file.

    Raises:
        VideoError: it is not a video, it cannot be read to its end, or its header announces more frames.
    """
    container, stream = open_stream(path, max_pixels)
    with container:
        packets = _packets(path, container, stream)
        if len(packets) < stream.frames and not _cut_by_edits(path, container):
            raise VideoError(
                f"{path} is truncated: its header announces {stream.frames} frames, "
                f"{len(packets)} are there"
            )
        times = _times(stream)
        damage = _damage(path, container, stream, packets)
    pts = [packet.pts for packet in packets if not packet.is_discard]
    return _index(first_frame(path, max_pixels=max_pixels), pts, times, damage)


def decoded_index(path: Path, *, max_pixels: int = MAX_PIXELS) -> FilmIndex:
    """The index from a full decode: slower, for containers that miscount.

    Raises:
        VideoError: it is not a video, or decoding breaks off.
    """
    container, stream = open_stream(path, max_pixels)
    with container:
        times = _times(stream)
        damage = _damage(path, container, stream, _packets(path, container, stream))
    pts = [frame.pts for frame in decoded(path, max_pixels=max_pixels)]
    return _index(first_frame(path, max_pixels=max_pixels), pts, times, damage)


def _packets(path: Path, container: InputContainer, stream: VideoStream) -> list[TimedPacket]:
    try:
        return [
            TimedPacket(p.pts, p.duration or 0, p.is_discard)
            for p in container.demux(stream)
            if p.size
        ]
    except (av.FFmpegError, OSError) as error:
        raise VideoError(f"{path} cannot be read to its end: {ffmpeg_reason(error)}") from error


def _damage(
    path: Path, container: InputContainer, stream: VideoStream, packets: list[TimedPacket]
) -> tuple[str, ...]:
    """What the container shows of damage, in words."""
    found = [
        structural_damage(path, container.format.name),
        missing_time(container, stream, packets),
        hole_in_time(container, stream, packets),
    ]
    hidden = any(packet.is_discard for packet in packets) or len(packets) < stream.frames
    if hidden and _is_mp4(container):
        found.append(edit_damage(path))
    return tuple(filter(None, found))


def _cut_by_edits(path: Path, container: InputContainer) -> bool:
    """Whether an edit list is why there are fewer packets than pictures."""
    return _is_mp4(container) and any(e.agree and e.hides for e in edited_lengths(path))


def _is_mp4(container: InputContainer) -> bool:
    return container.format.name.startswith("mov")


def _times(stream: VideoStream) -> _Times:
    return _Times(_nominal_rate(stream), stream.time_base or Fraction(1, 90_000))


def _nominal_rate(stream: VideoStream) -> Fraction:
    rate = stream.average_rate or stream.guessed_rate or stream.base_rate
    return Fraction(rate) if rate else FOLDER_FPS


def _index(
    first: VideoFrame, pts: list[int | None], times: _Times, damage: tuple[str, ...]
) -> FilmIndex:
    nominal, time_base = times
    height, width = first.height, first.width
    if round(first.rotation / 90) % 2:
        height, width = width, height
    known = sorted(p for p in pts if p is not None)
    ticks = np.asarray(known, dtype=np.int64)
    if len(known) < len(pts) or len(pts) == 0 or np.any(np.diff(ticks) <= 0):
        # raw streams and some old containers carry no usable times: assume the nominal rate
        return FilmIndex(width, height, nominal, 1 / nominal, regular_ticks(len(pts)), damage)
    ticks -= ticks[0]
    rate = _average_rate(ticks, time_base, nominal)
    return FilmIndex(width, height, rate, time_base, ticks, damage)


def _average_rate(ticks: IntArray, time_base: Fraction, nominal: Fraction) -> Fraction:
    if len(ticks) < 2:
        return nominal
    measured = Fraction(len(ticks) - 1) / (int(ticks[-1]) * time_base)
    # millisecond containers round each time, so 24 fps measures 23.98: keep the stated rate then
    tolerance = max(Fraction(1, 500), 2 / Fraction(len(ticks)) * Fraction(1, 20))
    return nominal if abs(measured / nominal - 1) < tolerance else measured
