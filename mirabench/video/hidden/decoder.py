"""A decoder of packets that come from anywhere, and the packets of a film."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
from av.packet import Packet
from av.video.codeccontext import VideoCodecContext
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from mirabench.video.complaints import ERROR
from mirabench.video.limits import decoder_limit
from mirabench.video.messages import listening
from mirabench.video.reading import open_stream


@dataclass(frozen=True, slots=True)
class Coded:
    """What is fed to a decoder."""

    data: bytes
    pts: int | None
    dts: int | None
    is_keyframe: bool


COPIED = ("width", "height", "bits_per_coded_sample", "codec_tag")
"""What some formats leave to their container."""


class Decoder:
    """A decoder of one thread, apart from any file."""

    def __init__(self, stream: VideoStream, max_pixels: int) -> None:
        context = av.CodecContext.create(stream.codec_context.name, "r")
        assert isinstance(context, VideoCodecContext)  # its name is that of a film's codec
        context.extradata = stream.codec_context.extradata
        for name in COPIED:
            setattr(context, name, getattr(stream.codec_context, name))
        context.thread_count = 1
        context.options = {"max_pixels": decoder_limit(max_pixels)}
        self._context = context
        self._time_base = stream.time_base or Fraction(1, 1000)
        self.refused = False
        """Whether it has complained; where it did, it may have put another picture in place of its own."""

    def decode(self, coded: Coded | None) -> list[VideoFrame]:
        """The pictures that come out when one goes in, or the rest for None; none after an error."""
        packet = None
        if coded is not None:
            packet = Packet(coded.data)
            packet.pts, packet.dts, packet.time_base = coded.pts, coded.dts, self._time_base
        with listening() as messages:
            try:
                found = self._context.decode(packet)
            except av.FFmpegError:
                self.refused, found = True, []
        self.refused |= any(message.level <= ERROR for message in messages)
        return found


def coded_packets(path: Path, max_pixels: int) -> Iterator[tuple[VideoStream, Coded]]:
    """Each packet of the film that holds data, with the film's stream, which is open meanwhile."""
    container, stream = open_stream(path, max_pixels)
    with container:
        for p in container.demux(stream):
            if p.size:
                yield stream, Coded(bytes(p), p.pts, p.dts, p.is_keyframe)
