"""Lawful video files that look odd: none of them is damaged, and none may be called so."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from fractions import Fraction
from functools import partial
from pathlib import Path

import av
import numpy as np
from av.audio.frame import AudioFrame
from av.video.frame import VideoFrame
from clipkit import panning

FRAMES = 30
WIDTH, HEIGHT = 96, 64
X264 = {"x264-params": "threads=1:keyint=10:min-keyint=10:scenecut=0:bframes=2"}
OPEN_GOP = {
    "x264-params": "threads=1:keyint=10:min-keyint=5:scenecut=0:bframes=3:open-gop=1:b-adapt=0"
}
X265 = {"x265-params": "log-level=none:pools=none:keyint=10:min-keyint=10:bframes=3"}
VPX = {"deadline": "realtime", "cpu-used": "8", "g": "10"}
ALT_REF = {"deadline": "good", "cpu-used": "5", "auto-alt-ref": "1", "lag-in-frames": "16", "g": "15",
           "b": "150k"}  # fmt: skip
Options = Mapping[str, str]


class Pipe(io.RawIOBase):
    """A file that only goes forwards, as a browser's recorder or a pipe writes it."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("wb")

    def writable(self) -> bool:
        return True

    def write(self, data: bytes) -> int:  # type: ignore[override]  # FFmpeg hands bytes
        return self._file.write(data)

    def close(self) -> None:
        self._file.close()


def film(frames: int = FRAMES, width: int = WIDTH, height: int = HEIGHT) -> np.ndarray:
    return panning(frames, dx=1.5, dy=0.5, size=(width, height))


def write(
    path: Path,
    *,
    codec: str = "libx264",
    pixels: str = "yuv420p",
    options: Options = X264,
    container: Options | None = None,
    form: str | None = None,
    rate: Fraction | int = 24,
    ticks: Iterable[int] | None = None,
    base: Fraction | None = None,
    size: tuple[int, int] = (WIDTH, HEIGHT),
    frames: int = FRAMES,
    piped: bool = False,
    sound: float = 0.0,
    sound_codec: str = "aac",
    flags: int = 0,
    interlaced: bool = False,
    turn: int = 0,
) -> None:
    """A film; `ticks` of `base` are its frames' times, `sound` seconds of silence lie beside it."""
    target: object = Pipe(path) if piped else str(path)
    with av.open(target, "w", format=form, options=dict(container or {})) as out:  # type: ignore[call-overload]
        stream = out.add_stream(codec, rate=rate)
        stream.width, stream.height = size
        stream.pix_fmt, stream.options = pixels, dict(options)
        stream.codec_context.thread_count = 1
        stream.codec_context.flags |= flags
        if base is not None:
            stream.codec_context.time_base = base
        if turn:
            stream.set_display_rotation(turn)
        audio = out.add_stream(sound_codec, rate=48_000, layout="mono") if sound else None
        if audio is not None:
            out.mux(list(_silence(audio, sound)))
        times = list(ticks) if ticks is not None else None
        for number, rgb in enumerate(film(frames, *size)):
            picture = VideoFrame.from_ndarray(np.ascontiguousarray(rgb), format="rgb24")
            if times is not None and base is not None:
                picture.pts, picture.time_base = times[number], base
            out.mux(stream.encode(picture))
        out.mux(stream.encode(None))


def _silence(stream: av.AudioStream, seconds: float) -> Iterator[av.Packet]:
    form = stream.codec_context.format.name
    size = stream.codec_context.frame_size or 960
    for number in range(int(seconds * 48_000 / size)):
        kind = np.int16 if form.startswith("s16") else np.float32
        frame = AudioFrame.from_ndarray(np.zeros((1, size), kind), form, "mono")
        frame.rate, frame.pts = 48_000, number * size
        frame.time_base = Fraction(1, 48_000)
        yield from stream.encode(frame)
    yield from stream.encode(None)


def rewrap(
    path: Path,
    make: Callable[[Path], None],
    *,
    container: Options | None = None,
    form: str | None = None,
    skip: int = 0,
    shift: Fraction = Fraction(0),
    source: str = ".mkv",
) -> None:
    """The packets of another file, without the first `skip` key frames' groups, `shift`ed by seconds."""
    whole = path.with_name(f"whole{source}")
    make(whole)
    with av.open(str(whole)) as old, av.open(
        str(path), "w", format=form, options=dict(container or {})
    ) as out:  # fmt: skip
        stream = out.add_stream_from_template(old.streams.video[0])
        keys, began = -1, False
        for packet in old.demux(video=0):
            keys += packet.is_keyframe and packet.size > 0
            began = began or keys >= skip
            if not packet.size or not began or packet.time_base is None:
                continue
            ticks = int(shift / packet.time_base)
            packet.pts = None if packet.pts is None else packet.pts + ticks
            packet.dts = None if packet.dts is None else packet.dts + ticks
            packet.stream = stream
            out.mux(packet)
    whole.unlink()


def edited(path: Path, make: Callable[[Path], None], change: Callable[[bytes], bytes]) -> None:
    """A file whose bytes are changed without breaking a rule."""
    make(path)
    path.write_bytes(change(path.read_bytes()))


def _box(kind: bytes, body: bytes) -> bytes:
    return (len(body) + 8).to_bytes(4, "big") + kind + body


def _open_ended_mdat(raw: bytes) -> bytes:
    """With the index in front, the last box may say 0: it goes on to the end of the file."""
    at = raw.rindex(b"mdat") - 4
    assert at + int.from_bytes(raw[at : at + 4], "big") == len(raw)
    return raw[:at] + bytes(4) + raw[at + 4 :]


def with_edits(raw: bytes, edits: Sequence[tuple[float, float]]) -> bytes:
    """An mp4 whose index lies behind its pictures, with these parts alone shown: (start, length) in seconds."""
    second, tick = (_number(raw, raw.index(kind) + 16) for kind in (b"mvhd", b"mdhd"))
    begin = raw.index(b"elst") - 4
    old, first = _number(raw, begin), _number(raw, begin + 20)  # the film begins at `first`
    body = bytes(4) + len(edits).to_bytes(4, "big")
    for start, length in edits:
        body += round(length * second).to_bytes(4, "big")
        body += (first + round(start * tick)).to_bytes(4, "big") + bytes([0, 1, 0, 0])
    new = _box(b"elst", body)
    out = bytearray(raw[:begin] + new + raw[begin + old :])
    for kind in (b"moov", b"trak", b"edts"):
        at = raw.rindex(kind) - 4
        out[at : at + 4] = (_number(raw, at) + len(new) - old).to_bytes(4, "big")
    total = sum(round(length * second) for _, length in edits).to_bytes(4, "big")
    for at in (raw.index(b"mvhd") + 20, raw.index(b"tkhd") + 24):
        out[at : at + 4] = total
    return bytes(out)


def _number(raw: bytes, at: int) -> int:
    return int.from_bytes(raw[at : at + 4], "big")


def _cover(path: Path, form: str | None = None) -> None:
    with av.open(str(path), "w", format=form) as out:
        film_stream = out.add_stream("libx264", rate=24)
        film_stream.width, film_stream.height, film_stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        cover = out.add_stream("mjpeg", rate=1)
        cover.width, cover.height, cover.pix_fmt = 32, 32, "yuvj420p"
        cover.disposition = av.stream.Disposition.attached_pic
        picture = VideoFrame.from_ndarray(np.zeros((32, 32, 3), np.uint8), format="rgb24")
        out.mux(cover.encode(picture))
        out.mux(cover.encode(None))
        for rgb in film():
            out.mux(film_stream.encode(VideoFrame.from_ndarray(rgb, format="rgb24")))
        out.mux(film_stream.encode(None))


def _subtitled(path: Path) -> None:
    text = path.with_suffix(".srt")
    text.write_text("1\n00:00:00,000 --> 00:00:09,000\nlonger than the film\n\n")
    whole = path.with_name("whole.mkv")
    write(whole)
    with av.open(str(whole)) as old, av.open(str(text)) as lines, av.open(str(path), "w") as out:
        pictures = out.add_stream_from_template(old.streams.video[0])
        words = out.add_stream_from_template(lines.streams.subtitles[0])
        for source, target in ((lines, words), (old, pictures)):
            for packet in source.demux():
                if packet.size:
                    packet.stream = target
                    out.mux(packet)
    text.unlink()
    whole.unlink()


HOLDS = [n + 60 * (n // 10) for n in range(FRAMES)]
"""A recorder that writes nothing while the screen does not change."""
UNEVEN = [6 * (n // 3) + n % 3 for n in range(FRAMES)]
LONG_HOLD = [n if n < 15 else n + 240 for n in range(FRAMES)]
MS, TENTHS, F24 = Fraction(1, 1000), Fraction(1, 10), Fraction(1, 24)
FRAGMENTS = {"movflags": "frag_keyframe+empty_moov+default_base_moof"}
Recipe = Callable[[Path], None]
w = partial

ODDITIES: dict[str, tuple[str, Recipe]] = {
    "plain mp4": (".mp4", write),
    "index in front": (".mp4", w(write, container={"movflags": "faststart"})),
    "fragments": (".mp4", w(write, container=FRAGMENTS)),
    "a fragment for each frame": (
        ".mp4", w(write, container={"movflags": "frag_every_frame+empty_moov"})),
    "fragments of a stream": (".mp4", w(write, container={"movflags": "dash+frag_keyframe"})),
    "fragments through a pipe": (".mp4", w(write, container=FRAGMENTS, form="mp4", piped=True)),
    "variable rate mp4": (".mp4", w(write, rate=10, ticks=UNEVEN, base=TENTHS)),
    "variable rate mkv": (".mkv", w(write, rate=10, ticks=UNEVEN, base=TENTHS)),
    "variable rate webm": (
        ".webm", w(write, codec="libvpx", options=VPX, rate=10, ticks=UNEVEN, base=TENTHS)),
    "variable rate fragments": (
        ".mp4", w(write, rate=10, ticks=UNEVEN, base=TENTHS, container=FRAGMENTS)),
    "variable rate gif": (
        ".gif", w(write, codec="gif", pixels="rgb8", options={}, rate=10, ticks=UNEVEN, base=TENTHS)),
    "holds of seconds": (".mp4", w(write, ticks=HOLDS, base=F24)),
    "holds of seconds mkv": (".mkv", w(write, ticks=HOLDS, base=F24)),
    "holds of seconds webm": (".webm", w(write, codec="libvpx-vp9", options=VPX, ticks=HOLDS, base=F24)),
    "one hold of ten seconds": (".mkv", w(write, ticks=LONG_HOLD, base=F24)),
    "starts at five seconds mp4": (".mp4", w(rewrap, make=write, shift=Fraction(5))),
    "starts at five seconds mkv": (".mkv", w(rewrap, make=write, shift=Fraction(5))),
    "starts at an hour ts": (".ts", w(rewrap, make=write, shift=Fraction(3600))),
    "edit list cuts the start": (".mp4", w(rewrap, make=write, shift=Fraction(-1, 4))),
    "edit list cuts a variable rate": (
        ".mp4", w(rewrap, make=w(write, rate=10, ticks=UNEVEN, base=TENTHS), shift=Fraction(-3, 2))),
    "edit list cuts the end": (".mp4", w(edited, make=write, change=w(with_edits, edits=((0, 0.8),)))),
    "edit list of two parts": (
        ".mp4", w(edited, make=write, change=w(with_edits, edits=((0, 0.5), (0.75, 0.5))))),
    "edit list of holds": (
        ".mp4", w(edited, make=w(write, ticks=HOLDS, base=F24), change=w(with_edits, edits=((0.2, 4),)))),
    "negative times": (
        ".mkv", w(rewrap, make=write, shift=Fraction(-1, 2), container={"avoid_negative_ts": "disabled"})),
    "no edit list": (".mp4", w(write, container={"use_editlist": "0"})),
    "negative composition offsets": (
        ".mp4", w(write, container={"movflags": "negative_cts_offsets"})),
    "open groups": (".mp4", w(write, options=OPEN_GOP)),
    "open groups ts": (".ts", w(write, options=OPEN_GOP)),
    "starts with an open group ts": (
        ".ts", w(rewrap, make=w(write, options=OPEN_GOP), skip=1, source=".ts")),
    "starts with an open group mkv": (
        ".mkv", w(rewrap, make=w(write, options=OPEN_GOP), skip=1)),
    "starts with an open group mp4": (
        ".mp4", w(rewrap, make=w(write, options=OPEN_GOP), skip=1)),
    "open groups hevc": (".mp4", w(write, codec="libx265", options=X265)),
    "starts with an open group hevc": (
        ".mkv", w(rewrap, make=w(write, codec="libx265", options=X265), skip=1)),
    "hevc ts": (".ts", w(write, codec="libx265", options=X265)),
    "many b-frames": (
        ".mp4", w(write, options={"x264-params": "threads=1:bframes=8:b-pyramid=normal:b-adapt=0"})),
    "no b-frames, cavlc": (
        ".mp4", w(write, options={"x264-params": "threads=1:bframes=0:cabac=0"})),
    "intra refresh": (
        ".mp4", w(write, options={"x264-params": "threads=1:intra-refresh=1:keyint=10:bframes=0"})),
    "slices": (".mp4", w(write, options={"x264-params": "threads=1:slices=4:keyint=10"})),
    "lossless": (".mp4", w(write, pixels="yuv444p", options={"x264-params": "threads=1:qp=0"})),
    "webm of a browser": (
        ".webm", w(write, codec="libvpx", options=VPX, container={"live": "1"}, form="webm", piped=True)),
    "webm of a browser vp9": (
        ".webm", w(write, codec="libvpx-vp9", options=VPX, container={"live": "1"}, form="webm", piped=True)),
    "webm of a browser with sound": (
        ".webm", w(write, codec="libvpx", options=VPX, container={"live": "1"}, form="webm", piped=True,
                   sound=3.0, sound_codec="libopus")),
    "mkv of a browser": (".mkv", w(write, container={"live": "1"}, form="matroska", piped=True)),
    "mkv through a pipe": (".mkv", w(write, form="matroska", piped=True)),
    "mkv with its index in front": (
        ".mkv", w(write, container={"reserve_index_space": "4096", "cluster_time_limit": "200"})),
    "mkv cues to front": (".mkv", w(write, container={"cues_to_front": "1"})),
    "vp8 with hidden frames": (".webm", w(write, codec="libvpx", options=ALT_REF, frames=45)),
    "vp9 with hidden frames": (".webm", w(write, codec="libvpx-vp9", options=ALT_REF, frames=45)),
    "hevc ten bits": (".mp4", w(write, codec="libx265", pixels="yuv420p10le", options=X265)),
    "vp9 lossless": (".webm", w(write, codec="libvpx-vp9", options={**VPX, "lossless": "1"})),
    "vp9 in mp4": (".mp4", w(write, codec="libvpx-vp9", options=VPX)),
    "odd size": (".mp4", w(write, pixels="yuv444p", size=(95, 63))),
    "odd size vp9": (".webm", w(write, codec="libvpx-vp9", options=VPX, size=(95, 63))),
    "rotated": (".mov", w(write, turn=90)),
    "interlaced": (
        ".mp4", w(write, options={"x264-params": "threads=1:interlaced=1:keyint=10"})),
    "interlaced ts": (
        ".ts", w(write, options={"x264-params": "threads=1:interlaced=1:keyint=10"})),
    "interlaced mpeg2": (
        ".mpg", w(write, codec="mpeg2video", options={"b": "800k", "flags": "+ilme+ildct"}, rate=25)),
    "mpeg2 ts": (".ts", w(write, codec="mpeg2video", options={"b": "800k", "bf": "2"}, rate=25)),
    "mpeg1": (".mpg", w(write, codec="mpeg1video", options={"b": "800k"}, rate=25)),
    "blu-ray packets": (".ts", w(write, container={"mpegts_m2ts_mode": "1"})),
    "ts with sound": (".ts", w(write, sound=2.0)),
    "sound longer than the film": (".mp4", w(write, sound=4.0)),
    "film longer than the sound": (".mp4", w(write, sound=0.3)),
    "sound longer than the film mkv": (".mkv", w(write, sound=4.0)),
    "sound longer than the film webm": (
        ".webm", w(write, codec="libvpx", options=VPX, sound=4.0, sound_codec="libopus")),
    "sound longer than the film avi": (
        ".avi", w(write, codec="mpeg4", options={}, sound=4.0, sound_codec="pcm_s16le")),
    "wmv": (".wmv", w(write, codec="wmv2", options={})),
    "wmv in large pieces": (".wmv", w(write, codec="wmv1", options={"b": "8M"}, sound=3.0)),
    "wmv of a recorder": (".wmv", w(write, codec="wmv2", options={}, sound=3.0, form="asf", piped=True)),
    "wmv with small packets": (".wmv", w(write, codec="wmv2", options={}, container={"packet_size": "800"})),
    "wmv of h264": (".asf", w(write, sound=2.0)),
    "fragments with sound": (".mp4", w(write, sound=3.0, container=FRAGMENTS)),
    "subtitles longer than the film": (".mkv", _subtitled),
    "cover art": (".mp4", _cover),
    "cover art mkv": (".mkv", _cover),
    "avi with b-frames": (".avi", w(write, codec="mpeg4", options={"bf": "2", "b": "400k"})),
    "avi h264": (".avi", w(write, options={"x264-params": "threads=1:bframes=0"})),
    "avi mjpeg": (".avi", w(write, codec="mjpeg", pixels="yuvj420p", options={})),
    "avi huffyuv": (".avi", w(write, codec="huffyuv", pixels="yuv422p", options={})),
    "avi raw": (".avi", w(write, codec="rawvideo", pixels="bgr24", options={})),
    "mpeg4 with packets of video": (
        ".mp4", w(write, codec="mpeg4", options={"ps": "200", "data_partitioning": "0", "b": "400k"})),
    "mov prores": (".mov", w(write, codec="prores_ks", pixels="yuv422p10le", options={})),
    "mov png": (".mov", w(write, codec="png", pixels="rgb24", options={})),
    "mov qtrle": (".mov", w(write, codec="qtrle", pixels="rgb24", options={})),
    "ffv1 checked": (".mkv", w(write, codec="ffv1", pixels="bgr0", options={"level": "3", "slicecrc": "1"})),
    "ffv1 old": (".mkv", w(write, codec="ffv1", pixels="yuv420p", options={"level": "1"})),
    "ten bits": (".mp4", w(write, pixels="yuv420p10le")),
    "grey": (".mp4", w(write, pixels="gray")),
    "gif": (".gif", w(write, codec="gif", pixels="rgb8", options={})),
    "gif of whole frames": (
        ".gif", w(write, codec="gif", pixels="rgb8", options={"gifflags": "-offsetting-transdiff"})),
    "gif without a loop": (
        ".gif", w(write, codec="gif", pixels="rgb8", options={}, container={"loop": "-1"})),
    "gif with a last frame of five seconds": (
        ".gif", w(write, codec="gif", pixels="rgb8", options={}, container={"final_delay": "500"})),
    "one frame": (".mp4", w(write, frames=1)),
    "one frame gif": (".gif", w(write, codec="gif", pixels="rgb8", options={}, frames=1)),
    "two frames": (".webm", w(write, codec="libvpx-vp9", options=VPX, frames=2)),
    "one frame a second": (".mp4", w(write, rate=1)),
    "240 frames a second": (".mp4", w(write, rate=240)),
    "29.97 frames a second": (".mkv", w(write, rate=Fraction(30_000, 1001))),
    "milliseconds": (".mp4", w(write, ticks=[41 * n for n in range(FRAMES)], base=MS, rate=1000)),
    "a free box at the end": (
        ".mp4", w(edited, make=write, change=lambda raw: raw + _box(b"free", bytes(100)))),
    "a box of a maker": (
        ".mp4", w(edited, make=write, change=lambda raw: raw + _box(b"uuid", bytes(range(48))))),
    "a last box without a size": (
        ".mp4", w(edited, make=w(write, container={"movflags": "faststart"}), change=_open_ended_mdat)),
    "gif with a comment": (
        ".gif", w(edited, make=w(write, codec="gif", pixels="rgb8", options={}),
                  change=lambda raw: raw[:-1] + b"\x21\xfe\x05hello\x00;")),
}  # fmt: skip
"""Name -> suffix and recipe."""
