"""Frames out of a file, one by one, and whether the decoder was content with what it read.

The decoder works in the thread that asks for frames: what FFmpeg logs can then be distinguished from
what it logs for other files, and no thread of a decoder waits for Python while it is being closed.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import av
from av.container import InputContainer
from av.packet import Packet
from av.video.codeccontext import VideoCodecContext
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from mirabench.errors import VideoError
from mirabench.video.complaints import Complaints
from mirabench.video.container import moving_pictures, open_container
from mirabench.video.limits import MAX_PIXELS, decoder_limit, refuse_larger
from mirabench.video.messages import listening
from mirabench.video.planes import digest_of

SECOND_DECODERS = {"vp9": "libvpx-vp9"}
"""Codec -> a decoder that notices damage which FFmpeg's own, the one whose pictures are used, does not."""


def open_stream(path: Path, max_pixels: int = MAX_PIXELS) -> tuple[InputContainer, VideoStream]:
    """A file and its film.

    Raises:
        VideoError: it is not a video, has no video stream, or its pictures have more than `max_pixels`.
    """
    try:
        container = open_container(path, max_pixels=max_pixels)
    except (av.FFmpegError, OSError) as error:
        raise VideoError(f"{path} is not a readable video: {ffmpeg_reason(error)}") from error
    stream = moving_pictures(container)
    if stream is None:
        container.close()
        raise VideoError(f"{path} has no video stream (audio only?)")
    refuse_larger(path, stream.codec_context.width, stream.codec_context.height, max_pixels)
    # sizes may also grow on the way
    stream.codec_context.options = {"max_pixels": decoder_limit(max_pixels)}
    return container, stream


def ffmpeg_reason(error: Exception) -> str:
    """FFmpeg's reason, and what it means to a user."""
    text = getattr(error, "strerror", None) or str(error)
    return f"{text}; it is damaged, truncated or no video at all"


def decoded(
    path: Path, complaints: Complaints | None = None, *, max_pixels: int = MAX_PIXELS
) -> Iterator[VideoFrame]:
    """Every frame in presentation order; what the decoder disliked goes to `complaints`.

    Raises:
        VideoError: decoding breaks off, or the pictures have more than `max_pixels`.
    """
    complaints = Complaints() if complaints is None else complaints
    container, stream = open_stream(path, max_pixels)
    stream.codec_context.thread_count = 1
    count = 0
    with container:
        second = SecondDecoder.of(stream)
        try:
            for packet in _packets(container, stream, complaints):
                with listening() as messages:
                    frames = packet.decode()
                complaints.heard_decoding(messages)
                if second is not None and not second.agrees(packet, frames, complaints):
                    second = None
                for frame in frames:
                    complaints.corrupt_frames += frame.is_corrupt
                    yield frame
                    count += 1
        except (av.FFmpegError, OSError) as error:
            raise VideoError(
                f"{path}: decoding stops after {count} frames: {ffmpeg_reason(error)}"
            ) from error


def _packets(
    container: InputContainer, stream: VideoStream, complaints: Complaints
) -> Iterator[Packet[VideoStream]]:
    packets = container.demux(stream)
    while True:
        with listening() as messages:
            packet = next(packets, None)
        complaints.heard_reading(messages)
        if packet is None:
            return
        complaints.corrupt_packets += packet.is_corrupt
        complaints.groups += packet.is_keyframe and packet.size > 0
        yield packet


class SecondDecoder:
    """Another decoder of the same stream: it must refuse no packet and give the same pictures."""

    def __init__(self, name: str, extradata: bytes | None) -> None:
        context = av.CodecContext.create(name, "r")
        assert isinstance(context, VideoCodecContext)  # its name is one of ours
        context.extradata = extradata
        self._context = context
        self._waiting: tuple[dict[int, int], dict[int, int]] = ({}, {})
        """Of both decoders: time -> digest of a picture that the other one has not given yet."""

    @classmethod
    def of(cls, stream: VideoStream) -> SecondDecoder | None:
        """That for a stream, or None where there is none."""
        name = SECOND_DECODERS.get(stream.codec_context.name)
        if name not in av.codecs_available:
            return None
        return cls(name, stream.codec_context.extradata)

    def agrees(
        self, packet: Packet[VideoStream], first: list[VideoFrame], complaints: Complaints
    ) -> bool:
        """Whether it takes a packet, and gives the pictures that the first decoder gave."""
        try:
            second = self._context.decode(packet if packet.size else None)
        except av.FFmpegError as error:
            complaints.refused(self._context.name, error.strerror or "invalid data")
            return False
        for waiting, frames in zip(self._waiting, (first, second), strict=True):
            waiting |= {f.pts: digest_of(f) for f in frames if f.pts is not None}
        ours, theirs = self._waiting
        if any(ours.pop(pts) != theirs.pop(pts) for pts in ours.keys() & theirs.keys()):
            complaints.refused(self._context.name, "it decodes another picture")
            return False
        return True


def first_frame(path: Path, *, max_pixels: int = MAX_PIXELS) -> VideoFrame:
    """The first frame.

    Raises:
        VideoError: not one frame can be decoded.
    """
    for frame in decoded(path, max_pixels=max_pixels):
        return frame
    raise VideoError(f"{path}: not one frame can be decoded; it is damaged or truncated")
