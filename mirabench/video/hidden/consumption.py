"""Whether a decoder comes to the end of each picture's data at the end of the picture.

After a wrong byte an entropy decoder reads symbols that nobody wrote. It makes a picture of them, but it ends
too early or reads on beyond the picture's data, and FFmpeg does not say where it stopped. Two experiments do:

    beyond      bytes are appended to the data of every picture; a sound film stays as it is
    unread      the last bytes of one picture's data are altered; a sound picture changes

The first costs one more decoding. The second decodes from the last key frame up to the picture in question, so
it is made for the most suspicious pictures first, those that change most against their neighbours, until a
budget of pixels is spent. Short clips are looked at whole.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import partial
from pathlib import Path

import av
import cv2
import numpy as np
from av.packet import Packet
from av.video.codeccontext import VideoCodecContext
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from mirabench.video.complaints import ERROR
from mirabench.video.frames import FloatArray
from mirabench.video.hidden.units import Layout
from mirabench.video.limits import decoder_limit
from mirabench.video.messages import listening
from mirabench.video.planes import digest_of, samples
from mirabench.video.reading import open_stream

REPLAYED_PIXELS = 2 * 10**8
"""Decoded again for the second experiment: about a second's work, 480 frames of 480p."""
GROUP_BYTES = 32 * 2**20
"""Packets from a key frame on that are kept for it; later pictures of the group are not looked at."""
HABIT, HABIT_FEWEST = 0.9, 8
"""If so large a share of the pictures leave data unread, and so many were tried, their writer fills them up."""
THUMBNAIL = (16, 9)


@dataclass(frozen=True, slots=True)
class _Coded:
    """What is fed to a decoder."""

    data: bytes
    pts: int | None
    dts: int | None
    is_keyframe: bool


class _Decoder:
    """A decoder of one thread, apart from any file."""

    def __init__(self, stream: VideoStream, max_pixels: int) -> None:
        context = av.CodecContext.create(stream.codec_context.name, "r")
        assert isinstance(context, VideoCodecContext)  # its name is that of a film's codec
        context.extradata = stream.codec_context.extradata
        context.thread_count = 1
        context.options = {"max_pixels": decoder_limit(max_pixels)}
        self._context = context
        self._time_base = stream.time_base or Fraction(1, 1000)
        self.refused = False
        """Whether it has complained; where it did, it may have put another picture in place of its own."""

    def decode(self, coded: _Coded | None) -> list[VideoFrame]:
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


@dataclass(slots=True)
class _Film:
    """What the first experiment leaves behind."""

    digests: dict[int, int] = field(default_factory=dict)
    """Presentation time -> digest of the picture."""
    beyond: list[int] = field(default_factory=list)
    """Times of pictures that changed though only bytes beyond their data did."""
    times: list[int] = field(default_factory=list)
    """In the order of decoding."""
    thumbnails: list[FloatArray] = field(default_factory=list)
    costs: dict[int, int] = field(default_factory=dict)
    """Time -> pixels to decode for the second experiment; absent where it is not made."""


def consumption_damage(path: Path, max_pixels: int) -> tuple[str, ...]:
    """What both experiments show, in words.

    Raises:
        VideoError: the file cannot be opened.
        av.FFmpegError: it cannot be read to its end.
    """
    film = _with_appended(path, max_pixels)
    unread, tried = _with_altered_ends(path, max_pixels, film)
    if tried >= HABIT_FEWEST and len(unread) > HABIT * tried and not film.beyond:
        unread = []
    container, stream = open_stream(path, max_pixels)
    with container:
        second = float(stream.time_base or 1)
    start = min(film.digests, default=0)
    found = []
    for times, what in ((film.beyond, "reads on beyond"), (unread, "leaves unread the end of")):
        if times:
            first = (min(times) - start) * second
            found.append(f"the decoder {what} the data of a picture (first at {first:.2f} s)")
    return tuple(found)


def _packets(path: Path, max_pixels: int) -> Iterator[tuple[VideoStream, _Coded]]:
    container, stream = open_stream(path, max_pixels)
    with container:
        for p in container.demux(stream):
            if p.size:
                yield stream, _Coded(bytes(p), p.pts, p.dts, p.is_keyframe)


def _with_appended(path: Path, max_pixels: int) -> _Film:
    """The first experiment."""
    film, pending = _Film(), dict[int, int]()
    plain = altered = layout = None
    pixels = kept = cost = 0
    for stream, coded in _packets(path, max_pixels):
        if plain is None or altered is None or layout is None:
            plain, altered = _Decoder(stream, max_pixels), _Decoder(stream, max_pixels)
            layout = Layout.of(stream.codec_context.name, stream.codec_context.extradata)
            pixels = stream.codec_context.width * stream.codec_context.height
        kept, cost = (0, 0) if coded.is_keyframe else (kept, cost)
        kept, cost = kept + len(coded.data), cost + pixels
        if coded.pts is not None and kept <= GROUP_BYTES:
            film.costs[coded.pts] = cost
        longer = _Coded(layout.lengthened(coded.data), coded.pts, coded.dts, coded.is_keyframe)
        _note(film, pending, plain.decode(coded), altered.decode(longer))
    if plain is not None and altered is not None:
        _note(film, pending, plain.decode(None), altered.decode(None))
    return film


def _note(
    film: _Film, pending: dict[int, int], plain: Sequence[VideoFrame], altered: Sequence[VideoFrame]
) -> None:
    """Take pictures of both decoders, which may come out at different packets."""
    for frame in plain:
        if frame.pts is not None:
            film.digests[frame.pts] = pending[frame.pts] = digest_of(frame)
            film.times.append(frame.pts)
            film.thumbnails.append(_thumbnail(frame))
    for frame in altered:
        if frame.pts in pending and pending.pop(frame.pts) != digest_of(frame):
            film.beyond.append(frame.pts)


def _thumbnail(frame: VideoFrame) -> FloatArray:
    luma = samples(frame, 0).astype(np.float32)
    return np.asarray(cv2.resize(luma, THUMBNAIL, interpolation=cv2.INTER_AREA), np.float64)


def _with_altered_ends(path: Path, max_pixels: int, film: _Film) -> tuple[list[int], int]:
    """The second experiment: the times of pictures that did not change, and how many were tried."""
    chosen = _most_suspicious(film)
    unread, tried = list[int](), 0
    for stream, group in _groups(path, max_pixels, film):
        layout = Layout.of(stream.codec_context.name, stream.codec_context.extradata)
        for at, coded in enumerate(group):
            if coded.pts is None or coded.pts not in chosen:
                continue
            for trial in layout.spoiled(coded.data):
                tried += 1
                replay = partial(_replayed, stream, max_pixels, group[: at + 1], trial.reveals)
                sound = replay(trial.original) if trial.reveals else [film.digests[coded.pts]]
                if all(replay(end) == sound for end in trial.ends):
                    unread.append(coded.pts)
    return unread, tried


def _groups(path: Path, max_pixels: int, film: _Film) -> Iterator[tuple[VideoStream, list[_Coded]]]:
    """Packets from a key frame up to the next, as far as they are kept."""
    group: list[_Coded] = []
    stream = None
    for stream, coded in _packets(path, max_pixels):
        if coded.is_keyframe and group:
            yield stream, group
            group = []
        if coded.pts in film.costs:
            group.append(coded)
    if stream is not None and group:
        yield stream, group


def _most_suspicious(film: _Film) -> set[int]:
    """Times of the pictures that the budget allows, those first that change most for their neighbourhood."""
    ranked = [(-jump, time) for time, jump in zip(film.times, _jumps(film), strict=True)]
    heapq.heapify(ranked)
    chosen, left = set[int](), REPLAYED_PIXELS
    while ranked:
        _, time = heapq.heappop(ranked)
        cost = film.costs.get(time)
        if cost is not None and cost <= left:
            chosen.add(time)
            left -= cost
    return chosen


def _jumps(film: _Film) -> FloatArray:
    """(T,) change of each picture against the one before, over the usual change around it."""
    if len(film.thumbnails) < 2:
        return np.zeros(len(film.thumbnails))
    change = np.abs(np.diff(np.stack(film.thumbnails), axis=0)).mean(axis=(1, 2))
    change = np.concatenate([change[:1], change])
    around = [float(np.median(change[max(0, t - 8) : t + 9])) for t in range(len(change))]
    return np.asarray(change / (np.asarray(around) + 0.1))


def _replayed(
    stream: VideoStream,
    max_pixels: int,
    group: Sequence[_Coded],
    reveals: Sequence[bytes],
    data: bytes,
) -> list[int] | None:
    """Digests of the last picture of a group, or of what `reveals` shows, if its packet's data are these.

    None if the decoder refuses them.
    """
    decoder, last = _Decoder(stream, max_pixels), group[-1]
    frames = [frame for before in group[:-1] for frame in decoder.decode(before)]
    decoder.refused = False
    frames += decoder.decode(replace(last, data=data))
    if not reveals:
        frames += decoder.decode(None)
        found = [digest_of(frame) for frame in frames if frame.pts == last.pts]
    else:
        coded = (replace(last, data=reveal) for reveal in reveals)
        found = [digest_of(frame) for each in coded for frame in decoder.decode(each)]
    return None if decoder.refused or not found else found
