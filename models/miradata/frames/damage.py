"""Where a film is damaged: a film is decoded past bad packets, and what they may have damaged is known.

A packet is bad when it cannot be read or decoded, or when the reader or the decoder complains of it. What is
decoded after it builds on it, up to the next key frame that is sound. Damage of which a decoder says nothing
is not found here.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import NamedTuple

import av
from av.packet import Packet
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from mirabench.errors import VideoError
from mirabench.video.complaints import DEMUXER_WARNINGS, ERROR, Complaints
from mirabench.video.messages import listening
from miradata.frames.clip_range import VideoFile

LATE = ("reference picture missing", "missing reference picture", "mmco:", "could not find ref")
"""How a decoder says that something before was not what it should have been; lower case."""
READING = (*DEMUXER_WARNINGS, "Invalid timestamps")
"""What a reader only warns of, though bytes were lost."""
ENDLESS = 2**63 - 1
"""Nanoseconds; the end of a range that no sound key frame ends."""


class TimeRange(NamedTuple):
    """Nanoseconds from the stream's start, half-open."""

    t0_ns: int
    t1_ns: int


@dataclass(slots=True)
class Damage:
    """The damaged ranges of a film, gathered packet by packet in decoding order."""

    _closed: list[TimeRange] = field(default_factory=list)
    _start: int | None = None
    _last: int = 0
    _key: int = 0
    """The last sound key frame."""

    def packet(self, time_ns: int | None, *, key: bool, bad: bool, late: bool = False) -> None:
        """Take a packet.

        Args:
            time_ns: When its frame begins; None where it says nothing.
            key: Its frame can be decoded by itself.
            bad: Something is wrong with it,
            late: or with one before it, since the last key frame.
        """
        time = self._last if time_ns is None else time_ns
        self._last = time
        self._key = time if key and not bad else self._key
        if self._start is not None and key and not bad:
            self._closed.append(TimeRange(self._start, max(time, self._start + 1)))
            self._start = None
        elif self._start is not None:
            # shown earlier, decoded later: it may build on what is bad
            self._start = min(self._start, time, self._key if late else time)
        elif bad:
            self._start = min(time, self._key) if late else time

    def frame(self, time_ns: int) -> None:
        """Take a frame that the decoder marks as corrupt."""
        self._closed.append(TimeRange(time_ns, time_ns + 1))

    @property
    def ranges(self) -> list[TimeRange]:
        """In order of time; they may overlap."""
        open_ = [] if self._start is None else [TimeRange(self._start, ENDLESS)]
        return sorted([*self._closed, *open_])


def frames_despite(video: VideoFile, damage: Damage) -> Iterator[VideoFrame]:
    """Every frame that can be decoded, from the start; what is wrong with the film goes to `damage`.

    The decoder works without threads of its own: what it complains of can then be told of which packet.

    Raises:
        VideoError: the container cannot be read on, or frames carry no times.
    """
    video.stream.thread_type = "NONE"
    complaints = Complaints()
    packets = video.container.demux(video.stream)
    while (found := _read(video, packets, complaints)) is not None:
        packet, bad = found
        frames: list[VideoFrame] | None = None
        before = complaints.decoder
        with listening() as messages, suppress(av.FFmpegError):
            frames = list(packet.decode())
        complaints.heard_decoding(messages)
        damaged = bad or frames is None or complaints.decoder > before
        if packet.size or damaged:
            pts = packet.pts if packet.pts is not None else packet.dts
            time = None if pts is None else video.time_ns(pts)
            late = any(message.text.lower().startswith(LATE) for message in messages)
            damage.packet(time, key=packet.is_keyframe, bad=damaged, late=late)
        for frame in frames or ():
            if frame.is_corrupt:
                damage.frame(video.frame_ns(frame))
            yield frame


def _read(
    video: VideoFile, packets: Iterator[Packet[VideoStream]], complaints: Complaints
) -> tuple[Packet[VideoStream], bool] | None:
    """The next packet and whether its reading went wrong; None at the end."""
    try:
        with listening() as messages:
            packet = next(packets, None)
    except (av.FFmpegError, OSError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise VideoError(f"{video.path}: reading breaks off: {reason}") from error
    if packet is None:
        return None
    complaints.groups += packet.is_keyframe and packet.size > 0
    lost = any(m.level <= ERROR or m.text.startswith(READING) for m in messages)
    return packet, packet.is_corrupt or lost
