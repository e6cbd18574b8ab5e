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

ROUNDING = 0.03
"""Part of its length by which a film may differ from what its header announces."""


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


class _Packet(NamedTuple):
    """Of a packet only its times: the packets of a long film do not fit the memory."""

    pts: int | None
    duration: int
    is_discard: bool


def packet_index(path: Path, *, max_pixels: int = MAX_PIXELS) -> FilmIndex:
    """The index from packets alone: fast, and right for every well-formed file.

    Raises:
        VideoError: it is not a video, it cannot be read to its end, or its header announces more frames.
    """
    container, stream = open_stream(path, max_pixels)
    with container:
        packets = _packets(path, container, stream)
        if len(packets) < stream.frames:
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


def _packets(path: Path, container: InputContainer, stream: VideoStream) -> list[_Packet]:
    try:
        return [
            _Packet(p.pts, p.duration or 0, p.is_discard) for p in container.demux(stream) if p.size
        ]
    except (av.FFmpegError, OSError) as error:
        raise VideoError(f"{path} cannot be read to its end: {ffmpeg_reason(error)}") from error


def _damage(
    path: Path, container: InputContainer, stream: VideoStream, packets: list[_Packet]
) -> tuple[str, ...]:
    """What the container shows of damage, in words."""
    found = [structural_damage(path, container.format.name), _missing(container, stream, packets)]
    return tuple(filter(None, found))


def _missing(container: InputContainer, stream: VideoStream, packets: list[_Packet]) -> str:
    """Whether the film is as long as its header announces; the last frame's time on screen is uncertain."""
    shown_ones = [p for p in packets if not p.is_discard]  # an edit list may cut the start off
    pts = np.sort(np.asarray([p.pts for p in shown_ones if p.pts is not None], np.int64))
    announced = _announced_seconds(container, stream)
    if announced is None or len(pts) < 2 or stream.time_base is None:
        return ""
    # Matroska's duration ends with the last frame, the others' is counted from the first frame on
    begin = 0 if stream.duration is None else int(pts[0])
    shown = float((int(pts[-1]) - begin) * stream.time_base)
    last = max(p.duration for p in packets if p.pts == pts[-1]) * float(stream.time_base)
    slack = max(ROUNDING * announced, 3 * float(np.median(np.diff(pts)) * stream.time_base))
    if announced - slack <= shown + last and shown <= announced + slack:
        return ""
    return f"its header announces {announced:.2f} s, {shown + last:.2f} s are there"


def _announced_seconds(container: InputContainer, stream: VideoStream) -> float | None:
    """How long the header says the film is; None where there is no such header."""
    form = container.format.name.split(",")[0]
    if form in ("mov", "avi") and stream.duration and stream.time_base is not None:
        return float(stream.duration * stream.time_base)
    if form == "matroska" and container.duration and len(container.streams) == 1:
        return container.duration / av.time_base
    return None


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
