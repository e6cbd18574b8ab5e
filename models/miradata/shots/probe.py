"""Stage `probe`: what a file is, from its packets and its first frame, and whether it is of use.

A reason begins with one of these codes: `empty`, `unreadable`, `sparse` (mostly holes: a download
that was not completed), `not_video`, `no_video_stream` (audio or subtitles only), `too_large`
(frames above 8K, or of no known size), `truncated`, `zero_duration` (one frame at most), `corrupt` (not
one frame decodes), `no_times`, `duplicate`. A readable video under another container's suffix is taken,
with the note `extension`.
"""

from __future__ import annotations

import contextlib
import os
from array import array
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

import av
import numpy as np
from av.container import InputContainer
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from mirabench.errors import MirabenchError, VideoError
from mirabench.identity import digest_of
from mirabench.video.container import moving_pictures, open_container
from mirabench.video.decode import sha256_of
from mirabench.video.limits import MAX_PIXELS
from mirabench.work.item import Item, Outcome, Resources
from miradata.collect.sources import SourceVideo
from miradata.frames.clip_range import NS, opened
from miradata.setting import Setting
from miradata.stage import TableRow
from miradata.tables.schema import OK, REJECTED, SCHEMAS, video_id
from miradata.tables.store import Tables

LEAST_DATA = 0.5
"""Share of a file that must be data, not holes."""
VARIABLE = 0.1
"""Intervals between frames that differ from the usual one by this share of it make a rate variable."""
NO_TIME = -(2**63)
"""Stands for the time of a packet that has none."""
MISSING = 0.02
"""Share of the announced duration whose absence counts as truncation; at least one second."""

_CONTAINERS = {
    ".mp4": "mp4", ".m4v": "mp4", ".mov": "mov", ".mkv": "matroska", ".webm": "webm",
    ".avi": "avi", ".gif": "gif", ".mpg": "mpeg", ".mpeg": "mpeg", ".ts": "mpegts",
}  # fmt: skip
"""Suffix -> a word that FFmpeg's name of the container then has."""


class _Unusable(MirabenchError):  # noqa: N818  # a verdict: nothing went wrong
    """The file is of no use; the text is the reason, its code first."""


class _Times(NamedTuple):
    """What the packets of a video stream say."""

    frames: int
    duration_ns: int
    variable: bool


@dataclass(frozen=True, slots=True)
class Probe:
    """File in, one row of `videos` out."""

    sources: tuple[SourceVideo, ...]
    name: ClassVar[str] = "probe"
    version: ClassVar[int] = 1
    inputs: ClassVar[tuple[str, ...]] = ()
    outputs: ClassVar[tuple[str, ...]] = ("videos",)
    resources: ClassVar[Resources] = Resources(memory_mb=256)

    def __reduce__(self) -> tuple[type[Probe], tuple[tuple[SourceVideo, ...]]]:
        return Probe, ((),)  # a worker is sent an item, not the list of all sources

    def params(self) -> Mapping[str, Any]:
        """Nothing can be chosen."""
        return {}

    def items(self, tables: Tables) -> Sequence[Item]:
        """One per source; a file that was written to again is another."""
        del tables
        return [Item(s.name, _fingerprint(s), s) for s in self.sources]

    def work(self, item: Item) -> Outcome:
        """Read a file's packets and its first frame."""
        source: SourceVideo = item.payload
        row: dict[str, Any] = {**_blank(source), "video_id": video_id(item.content)}
        try:
            row.update(_facts(source.path))
        except _Unusable as verdict:
            row.update(status=REJECTED, reason=str(verdict))
            return Outcome({"videos": [row]}, REJECTED, str(verdict))
        row.update(video_id=video_id(row["sha256"]), status=OK)
        return Outcome({"videos": [row]})

    def failed(self, item: Item, reason: str) -> Mapping[str, Sequence[TableRow]]:
        """The row of a file that broke the probe."""
        row = {**_blank(item.payload), "video_id": video_id(item.content)}
        return {"videos": [{**row, "status": "failed", "reason": reason}]}


def prepare(setting: Setting) -> Probe:
    """The stage of a run."""
    return Probe(setting.sources)


def _fingerprint(source: SourceVideo) -> str:
    """Cheap evidence that a file is the same as before; its digest is taken by the work itself."""
    try:
        stat = source.path.stat()
    except OSError:
        return digest_of([source.name, "absent"])
    known = [source.name, source.source, source.url, stat.st_size, stat.st_mtime_ns]
    return digest_of(known, length=32)


def _blank(source: SourceVideo) -> dict[str, Any]:
    row: dict[str, Any] = dict.fromkeys(SCHEMAS["videos"].names)
    row.update(source=source.source, url=source.url, source_id="", path=source.name)
    row.update(sha256="", reason="")
    with contextlib.suppress(OSError):
        row["bytes"] = source.path.stat().st_size
    return row


def _facts(path: Path) -> dict[str, Any]:
    """Columns of `videos`.

    Raises:
        _Unusable: the file is of no use.
    """
    _refuse_holes(path)
    with _container(path) as container:
        stream = _video_stream(container)
        times = _times(container, stream)
        facts = {
            "container": container.format.name,
            "codec": stream.codec_context.name,
            "fps": float(stream.average_rate or stream.guessed_rate or 0),
            "num_frames": times.frames,
            "duration_ns": times.duration_ns,
            "variable_rate": times.variable,
            "reason": _note(path, container.format.name),
        }
    facts.update(_picture(path))
    facts["sha256"] = sha256_of(path)
    return facts


def _refuse_holes(path: Path) -> None:
    """Before anything is read: a sparse file of 4 GB must not cost the reading of 4 GB."""
    try:
        size = path.stat().st_size
        if size == 0:
            raise _Unusable("empty: the file has 0 bytes")
        data = _data_bytes(path, size)
    except OSError as error:
        raise _Unusable(f"unreadable: {error.strerror or error}") from error
    if data < LEAST_DATA * size:
        raise _Unusable(f"sparse: {data} of {size} bytes were written; the rest are holes")


def _data_bytes(path: Path, size: int) -> int:
    """Bytes that are not in holes; all where the file system does not tell."""
    if not hasattr(os, "SEEK_DATA"):
        return size
    total = position = 0
    with path.open("rb") as file:
        while position < size:
            try:
                start = os.lseek(file.fileno(), position, os.SEEK_DATA)
            except OSError:  # ENXIO: only a hole is left; others: not supported
                return total
            position = os.lseek(file.fileno(), start, os.SEEK_HOLE)
            total += position - start
    return total


@contextlib.contextmanager
def _container(path: Path) -> Iterator[InputContainer]:
    try:
        container = open_container(path)
    except (av.FFmpegError, OSError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        code = "truncated" if _is_cut_short(path) else "not_video"
        raise _Unusable(f"{code}: {reason}") from error
    with container:
        yield container


def _is_cut_short(path: Path) -> bool:
    """Whether a file begins as an MP4 does: then what it lacks is its end, with the index."""
    with path.open("rb") as file:
        return file.read(12)[4:8] == b"ftyp"


def _video_stream(container: InputContainer) -> VideoStream:
    stream = moving_pictures(container)
    if stream is not None:
        width, height = stream.codec_context.width, stream.codec_context.height
        if not 0 < width * height <= MAX_PIXELS:  # a stream above the limit may state no size
            raise _Unusable(f"too_large: frames of {width}x{height}; {MAX_PIXELS} pixels at most")
        return stream
    kinds = ", ".join(sorted({stream.type for stream in container.streams})) or "nothing"
    raise _Unusable(f"no_video_stream: there is only {kinds}")


def _times(container: InputContainer, stream: VideoStream) -> _Times:
    """Count frames and read their times; no picture is decoded.

    Raises:
        _Unusable: packets are missing at the end, there are none, or they carry no times.
    """
    promised = _promised_seconds(container, stream)
    base = stream.time_base or Fraction(1, 90_000)
    pts, last = _packet_times(container, stream)
    if len(pts) < stream.frames:
        raise _Unusable(f"truncated: {stream.frames} frames were announced, {len(pts)} are there")
    if len(pts) <= 1:
        raise _Unusable(f"zero_duration: {len(pts)} frame")
    ticks = np.sort(np.frombuffer(pts, dtype=np.int64))
    if ticks[0] == NO_TIME:
        raise _Unusable("no_times: frames carry no times; put the stream into a container first")
    steps = np.diff(ticks)
    usual = int(np.median(steps))
    duration = (int(ticks[-1] - ticks[0]) + (last or usual)) * base
    if duration <= 0:
        raise _Unusable("zero_duration: all frames have the same time")
    if float(duration) < promised - max(1.0, MISSING * promised):
        raise _Unusable(
            f"truncated: {promised:.1f} s were announced, {float(duration):.1f} s are there"
        )
    variable = bool(np.any(np.abs(steps - usual) > max(1, VARIABLE * usual)))
    return _Times(len(pts), round(duration * NS), variable)


def _promised_seconds(container: InputContainer, stream: VideoStream) -> float:
    """The duration that the header announces; 0 when it does not."""
    if stream.duration is not None and stream.time_base is not None:
        return float(stream.duration * stream.time_base)
    only_video = len(container.streams) == 1
    return container.duration / av.time_base if container.duration and only_video else 0.0


def _packet_times(container: InputContainer, stream: VideoStream) -> tuple[array[int], int]:
    """Presentation times of all packets that show (8 bytes each), and how long the last shows."""
    pts = array("q")
    latest, last = -1, 0
    try:
        for packet in container.demux(stream):
            if not packet.size or packet.is_discard:
                continue
            pts.append(NO_TIME if packet.pts is None else packet.pts)
            if pts[-1] > latest:
                latest, last = pts[-1], packet.duration or 0
    except (av.FFmpegError, OSError) as error:
        raise _Unusable(f"truncated: packets end after {len(pts)} frames: {error}") from error
    return pts, last


def _picture(path: Path) -> dict[str, Any]:
    """What only a decoded frame tells.

    Raises:
        _Unusable: not one frame decodes.
    """
    frame = _first_frame(path)
    turned = round(frame.rotation / 90) % 2
    width, height = (frame.height, frame.width) if turned else (frame.width, frame.height)
    return {
        "width": width,
        "height": height,
        "pixel_format": frame.format.name,
        "bit_depth": frame.format.components[0].bits,
        "rotation": int(frame.rotation),
        "interlaced": bool(frame.interlaced_frame),
    }


def _first_frame(path: Path) -> VideoFrame:
    try:
        with opened(path) as video:
            for frame in video.frames():
                return frame
    except VideoError as error:
        raise _Unusable(f"corrupt: {error}") from error
    raise _Unusable("corrupt: not one frame decodes")


def _note(path: Path, container: str) -> str:
    word = _CONTAINERS.get(path.suffix.lower(), "")
    if word in container:
        return ""
    return f"extension: the file is {container}, its name ends in {path.suffix}"
