"""Files that a folder of source videos may hold besides good videos; each made by its own small recipe."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from fractions import Fraction
from pathlib import Path
from typing import NamedTuple

import av
import numpy as np
from av.audio.frame import AudioFrame
from av.video.frame import VideoFrame
from clipkit import panning

from mirabench.video.encode import write_video

FRAMES = 24


def good(path: Path, **options: object) -> Path:
    return write_video(path, panning(FRAMES), fps=24, **options)  # type: ignore[arg-type]


def _empty(path: Path) -> None:
    path.write_bytes(b"")


def _text(path: Path) -> None:
    path.write_text("not a video at all\n" * 100)


def _truncated(path: Path) -> None:
    good(path)
    path.write_bytes(path.read_bytes()[:-2000])  # the index is at the end


def _cut_off(path: Path) -> None:
    """With the index in front, a file that lost its end still opens."""
    rewrapped = good(path.with_name("whole.mp4"))
    with (
        av.open(str(rewrapped)) as source,
        av.open(str(path), "w", options={"movflags": "faststart"}) as out,
    ):
        stream = out.add_stream_from_template(source.streams.video[0])
        for packet in source.demux(video=0):
            if packet.dts is not None:
                packet.stream = stream
                out.mux(packet)
    rewrapped.unlink()
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) * 2 // 3])


def _corrupt(path: Path) -> None:
    """The index is whole, the pictures are noise."""
    good(path)
    raw = bytearray(path.read_bytes())
    start = raw.index(b"mdat") + 4
    end = raw.index(b"moov")
    raw[start : end - 4] = np.random.default_rng(0).bytes(end - 4 - start)
    path.write_bytes(raw)


def _one_frame(path: Path) -> None:
    write_video(path, panning(1), fps=24)


def _sound(path: Path) -> None:
    with av.open(str(path), "w") as out:
        stream = out.add_stream("aac", rate=44100, layout="mono")
        for _ in range(20):
            frame = AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), "fltp", "mono")
            frame.rate = 44100
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))


def _subtitles(path: Path) -> None:
    text = path.with_suffix(".srt")
    text.write_text("1\n00:00:00,000 --> 00:00:01,000\nHello\n\n")
    with av.open(str(text)) as source, av.open(str(path), "w") as out:
        stream = out.add_stream_from_template(source.streams.subtitles[0])
        for packet in source.demux():
            if packet.dts is not None:
                packet.stream = stream
                out.mux(packet)
    text.unlink()


def _sparse(path: Path) -> None:
    """Four gigabytes, of which the first bytes were written."""
    good(path)
    with path.open("r+b") as file:
        file.truncate(4 * 2**30)


def _bomb(path: Path) -> None:
    huge_gif(path, 8000, 8000, frames=2)


UNUSABLE: dict[str, tuple[str, Callable[[Path], None]]] = {
    "empty": (".mp4", _empty),
    "not_video": (".mp4", _text),
    "truncated": (".mp4", _truncated),
    "truncated-faststart": (".mp4", _cut_off),
    "corrupt": (".mp4", _corrupt),
    "zero_duration": (".mp4", _one_frame),
    "no_video_stream": (".mp4", _sound),
    "no_video_stream-subtitles": (".mkv", _subtitles),
    "sparse": (".mp4", _sparse),
    "too_large": (".gif", _bomb),
}
"""Code of the reason (before any dash) -> suffix and recipe."""


def variable_rate(path: Path) -> Path:
    """Frames at 0, 1, 2, 6, 7, 8, 12, ... tenths of a second."""
    return _timed(path, [6 * (n // 3) + n % 3 for n in range(FRAMES)], Fraction(1, 10))


def _timed(path: Path, ticks: Iterable[int], base: Fraction) -> Path:
    with av.open(str(path), "w") as out:
        stream = out.add_stream("libx264", rate=10)
        stream.width, stream.height, stream.pix_fmt = 160, 96, "yuv420p"
        stream.codec_context.time_base = base
        for pts, rgb in zip(ticks, panning(FRAMES), strict=False):
            frame = VideoFrame.from_ndarray(np.ascontiguousarray(rgb), format="rgb24")
            frame.pts, frame.time_base = pts, base
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    return path


def rotated(path: Path) -> Path:
    """160x96 in the file, turned by a quarter for display."""
    with av.open(str(path), "w") as out:
        stream = out.add_stream("libx264", rate=24)
        stream.width, stream.height, stream.pix_fmt = 160, 96, "yuv420p"
        stream.set_display_rotation(90)
        for rgb in panning(FRAMES):
            out.mux(
                stream.encode(VideoFrame.from_ndarray(np.ascontiguousarray(rgb), format="rgb24"))
            )
        out.mux(stream.encode(None))
    return path


def ten_bits(path: Path) -> Path:
    return good(path, pixel_format="yuv420p10le")


def interlaced(path: Path) -> Path:
    return good(path, options={"x264-params": "interlaced=1:threads=1"})


def huge_gif(path: Path, width: int, height: int, frames: int) -> Path:
    """A file of some kilobytes that announces, and holds, frames of this size in one colour."""
    image = (
        b"\x2c" + bytes(4) + width.to_bytes(2, "little") + height.to_bytes(2, "little") + b"\0\x02"
    )
    data = _one_colour(width * height)
    blocks = [data[at : at + 255] for at in range(0, len(data), 255)]
    body = image + b"".join(bytes([len(block)]) + block for block in blocks) + b"\0"
    head = b"GIF89a" + width.to_bytes(2, "little") + height.to_bytes(2, "little")
    control = b"\x21\xf9\x04\0\x04\0\0\0"
    path.write_bytes(head + b"\x80\0\0" + bytes(3) + b"\xff" * 3 + (control + body) * frames + b";")
    return path


def _one_colour(pixels: int) -> bytes:
    """LZW codes of a run of zeros, as long as codes go; then the table begins anew."""
    bits, filled, out = 0, 0, bytearray()

    def put(code: int, size: int) -> None:
        nonlocal bits, filled
        bits, filled = bits | code << filled, filled + size
        while filled >= 8:
            out.append(bits & 255)
            bits, filled = bits >> 8, filled - 8

    left, size, following = pixels, 3, 6
    put(4, 3)
    put(0, 3)
    left -= 1
    while left > 0 and following < 4096:
        length = following - 4  # the next code stands for one zero more than the longest so far
        put(following if length <= left else 0, size)
        left -= length if length <= left else 1
        following += 1
        size += following == 1 << size and size < 12
    while left > 0:
        length = min(left, 4091)
        put(0 if length == 1 else length + 4, 12)
        left -= length
    put(5, size)
    put(0, 7)
    return bytes(out)


class Coding(NamedTuple):
    """How a film is encoded."""

    codec: str
    suffix: str
    options: Mapping[str, str]


CODINGS = {
    "h264": Coding("libx264", ".mp4", {"g": "24"}),
    "h264 without B frames": Coding("libx264", ".mkv", {"g": "24", "bf": "0"}),
    "mpeg4": Coding("mpeg4", ".mp4", {"g": "24"}),
    "vp9": Coding("libvpx-vp9", ".webm", {"g": "24"}),
    "transport stream": Coding("libx264", ".ts", {"g": "24"}),
}


def encoded(path: Path, frames: Iterable[np.ndarray], coding: Coding, first: int = 0) -> Path:
    """Frames at 24 a second, the times beginning at frame `first`."""
    with av.open(str(path), "w") as out:
        stream = None
        for number, rgb in enumerate(frames):
            if stream is None:
                stream = out.add_stream(coding.codec, rate=24)
                stream.height, stream.width = rgb.shape[:2]
                stream.pix_fmt, stream.options = "yuv420p", dict(coding.options)
                stream.codec_context.gop_size = 24
            frame = VideoFrame.from_ndarray(np.ascontiguousarray(rgb), format="rgb24")
            frame.pts = first + number
            out.mux(stream.encode(frame))
        assert stream is not None
        out.mux(stream.encode(None))
    return path


def with_noise(path: Path, target: Path, packets: Iterable[int]) -> Path:
    """A copy whose packets of these numbers are partly noise, where the container says that they lie."""
    with av.open(str(path)) as container:
        places = [(p.pos, p.size) for p in container.demux(video=0) if p.size]
    raw, random = bytearray(path.read_bytes()), np.random.default_rng(1)
    for number in packets:
        position, size = places[number]
        start, length = position + min(12, size // 3), max(4, min(size // 2, 200))
        raw[start : start + length] = random.bytes(length)
    target.write_bytes(raw)
    return target


def without_bytes(path: Path, target: Path, packets: Iterable[int]) -> Path:
    """A copy of a transport stream that lost the first 188 bytes of each of these packets."""
    with av.open(str(path)) as container:
        places = [(p.pos, p.size) for p in container.demux(video=0) if p.size]
    raw = path.read_bytes()
    gone = {places[number][0] // 188 for number in packets}
    target.write_bytes(
        b"".join(raw[k * 188 : (k + 1) * 188] for k in range(len(raw) // 188) if k not in gone)
    )
    return target
