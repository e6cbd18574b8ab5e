"""Whether a decoder comes to the end of each picture's data at the end of the picture.

After a wrong byte an entropy decoder reads symbols that nobody wrote. It makes a picture of them, but it ends
too early or reads on beyond the picture's data, and FFmpeg does not say where it stopped. Three experiments do:

    beyond      bytes are appended to the data of every picture; a sound film stays as it is
    unread      the last bytes of one picture's data are altered; a sound picture changes
    lower       the data of a VP8 picture, read as one number, are made smaller by one; a sound picture changes

The third is the sharpest: of all numbers that stand for a picture a writer of VP8 takes the lowest; a decoder
that lost its way comes to rest anywhere between the lowest and the highest.

The first costs one more decoding. The others decode from the last key frame up to the picture in question, so
they are made for the most suspicious pictures first, those that change most against their neighbours, until a
budget of pixels is spent. Short clips are looked at whole.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from mirabench.video.frames import FloatArray
from mirabench.video.hidden.decoder import Coded, Decoder, coded_packets
from mirabench.video.hidden.units import Layout
from mirabench.video.planes import digest_of, samples
from mirabench.video.reading import open_stream

REPLAYED_PIXELS = 2 * 10**8
"""Decoded again for the other experiments: some seconds' work, 480 frames of 480p."""
GROUP_BYTES = 32 * 2**20
"""Packets from a key frame on that are kept for it; later pictures of the group are not looked at."""
HABIT, HABIT_FEWEST = 0.9, 8
"""If so large a share of the pictures leave data unread, and so many were tried, their writer fills them up."""
EXACT = 0.5
"""If so large a share, or fewer pictures, end anywhere, their writer does not take the lowest number."""
THUMBNAIL = (16, 9)


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
    """Time -> pixels to decode for the other experiments; absent where they are not made."""


@dataclass(slots=True)
class _Ends:
    """What one kind of trial of the pictures' ends shows."""

    tried: int = 0
    unread: list[int] = field(default_factory=list)
    """Times of the pictures that did not change."""


class _Trials(NamedTuple):
    altered: _Ends
    lowered: _Ends


def consumption_damage(path: Path, max_pixels: int) -> tuple[str, ...]:
    """What the experiments show, in words.

    Raises:
        VideoError: the file cannot be opened.
        av.FFmpegError: it cannot be read to its end.
    """
    film = _with_appended(path, max_pixels)
    unread = _unread(_with_other_ends(path, max_pixels, film), film)
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


def _with_appended(path: Path, max_pixels: int) -> _Film:
    """The first experiment."""
    film, pending = _Film(), dict[int, int]()
    plain = altered = layout = None
    pixels = kept = cost = 0
    for stream, coded in coded_packets(path, max_pixels):
        if plain is None or altered is None or layout is None:
            plain, altered = Decoder(stream, max_pixels), Decoder(stream, max_pixels)
            layout = Layout.of(stream.codec_context.name, stream.codec_context.extradata)
            pixels = stream.codec_context.width * stream.codec_context.height
        kept, cost = (0, 0) if coded.is_keyframe else (kept, cost)
        kept, cost = kept + len(coded.data), cost + pixels
        if coded.pts is not None and kept <= GROUP_BYTES:
            # each slice of a picture is a trial of its own
            film.costs[coded.pts] = cost * max(1, layout.trials(coded.data))
        longer = Coded(layout.lengthened(coded.data), coded.pts, coded.dts, coded.is_keyframe)
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


def _unread(trials: _Trials, film: _Film) -> list[int]:
    """Times of pictures whose decoder does not come to the end, apart from what their writer does always."""
    altered, lowered = trials
    habit = altered.tried >= HABIT_FEWEST and len(altered.unread) > HABIT * altered.tried
    found = [] if habit and not film.beyond else altered.unread
    exact = lowered.tried >= HABIT_FEWEST and len(lowered.unread) < EXACT * lowered.tried
    return found + lowered.unread if exact else found


def _with_other_ends(path: Path, max_pixels: int, film: _Film) -> _Trials:
    """The second and the third experiment."""
    chosen, trials = _most_suspicious(film), _Trials(_Ends(), _Ends())
    for stream, group in _groups(path, max_pixels, film):
        layout = Layout.of(stream.codec_context.name, stream.codec_context.extradata)
        for at, coded in enumerate(group):
            if coded.pts is None or coded.pts not in chosen:
                continue
            for trial in layout.spoiled(coded.data):
                ends = trials.lowered if trial.lowered else trials.altered
                ends.tried += 1
                replay = partial(_replayed, stream, max_pixels, group[: at + 1], trial.reveals)
                sound = replay(trial.original) if trial.reveals else [film.digests[coded.pts]]
                if all(replay(end) == sound for end in trial.ends):
                    ends.unread.append(coded.pts)
    return trials


def _groups(path: Path, max_pixels: int, film: _Film) -> Iterator[tuple[VideoStream, list[Coded]]]:
    """Packets from a key frame up to the next, as far as they are kept."""
    group: list[Coded] = []
    stream = None
    for stream, coded in coded_packets(path, max_pixels):
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
    group: Sequence[Coded],
    reveals: Sequence[bytes],
    data: bytes,
) -> list[int] | None:
    """Digests of the last picture of a group, or of what `reveals` shows, if its packet's data are these.

    None if the decoder refuses them.
    """
    decoder, last = Decoder(stream, max_pixels), group[-1]
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
