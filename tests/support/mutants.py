"""Whole films in many containers and codecs, and random damages of their files."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import av
import numpy as np
from av.video.frame import VideoFrame
from clipkit import panning

SIZE = (160, 96)
FRAMES = 36


@dataclass(frozen=True)
class Kind:
    """A container, a codec, and how a film is written with them."""

    suffix: str
    codec: str
    pixel_format: str = "yuv420p"
    codec_options: Mapping[str, str] = field(default_factory=dict)
    container_options: Mapping[str, str] = field(default_factory=dict)
    container: str | None = None

    def write(self, path: Path, frames: np.ndarray, fps: int = 24) -> Path:
        with av.open(
            str(path), "w", format=self.container, options=dict(self.container_options)
        ) as out:
            stream = out.add_stream(self.codec, rate=fps)
            stream.height, stream.width = frames.shape[1:3]
            stream.pix_fmt, stream.options = self.pixel_format, dict(self.codec_options)
            stream.codec_context.thread_count = 1
            for rgb in frames:
                picture = VideoFrame.from_ndarray(np.ascontiguousarray(rgb), format="rgb24")
                out.mux(stream.encode(picture))
            out.mux(stream.encode(None))
        return path


FRAGMENTS = {"movflags": "frag_keyframe+empty_moov+default_base_moof"}
X264 = {"x264-params": "cpu-independent=1:threads=1:keyint=12", "g": "12"}
VP9 = {"g": "12", "b": "200k", "cpu-used": "8", "deadline": "realtime"}

KINDS: dict[str, Kind] = {
    "mp4-h264": Kind(".mp4", "libx264", codec_options=X264),
    "mp4-h264-faststart": Kind(
        ".mp4", "libx264", codec_options=X264, container_options={"movflags": "faststart"}
    ),
    "fmp4-h264": Kind(".mp4", "libx264", codec_options=X264, container_options=FRAGMENTS),
    "mp4-mpeg4": Kind(".mp4", "mpeg4", codec_options={"b": "400k"}),
    "mp4-hevc": Kind(".mp4", "libx265", codec_options={"x265-params": "log-level=none"}),
    "mov-mjpeg": Kind(".mov", "mjpeg", "yuvj420p", {"q": "4"}),
    "mov-prores": Kind(".mov", "prores_ks", "yuv422p10le"),
    "mkv-h264": Kind(".mkv", "libx264", codec_options=X264),
    "mkv-ffv1": Kind(".mkv", "ffv1", "bgr0"),
    "mkv-vp9": Kind(".mkv", "libvpx-vp9", codec_options=VP9),
    "webm-vp9": Kind(".webm", "libvpx-vp9", codec_options=VP9),
    "webm-vp8": Kind(".webm", "libvpx", codec_options={"g": "12", "b": "400k"}),
    "webm-vp9-live": Kind(
        ".webm", "libvpx-vp9", codec_options=VP9, container_options={"live": "1"}
    ),
    "ts-h264": Kind(".ts", "libx264", codec_options=X264),
    "ts-mpeg2": Kind(".ts", "mpeg2video", codec_options={"b": "800k"}),
    "gif": Kind(".gif", "gif", "rgb8"),
    "avi-mpeg4": Kind(".avi", "mpeg4", codec_options={"b": "400k"}),
    "avi-mjpeg": Kind(".avi", "mjpeg", "yuvj420p", {"q": "4"}),
    "avi-ffv1": Kind(".avi", "ffv1", "bgr0"),
    "mpg-mpeg1": Kind(".mpg", "mpeg1video", codec_options={"b": "800k"}),
}

Change = Callable[[bytes, np.random.Generator], bytes]


def _place(raw: bytes, random: np.random.Generator) -> int:
    return int(random.integers(len(raw)))


def flipped_bytes(raw: bytes, random: np.random.Generator, count: int = 4) -> bytes:
    out = bytearray(raw)
    for at in random.integers(len(raw), size=count):
        out[at] ^= int(random.integers(1, 256))
    return bytes(out)


def flipped_bit(raw: bytes, random: np.random.Generator) -> bytes:
    out = bytearray(raw)
    out[_place(raw, random)] ^= 1 << int(random.integers(8))
    return bytes(out)


def many_bytes(raw: bytes, random: np.random.Generator) -> bytes:
    return flipped_bytes(raw, random, max(5, len(raw) // 500))


def cut_short(raw: bytes, random: np.random.Generator) -> bytes:
    return raw[: int(len(raw) * random.uniform(0.3, 0.98))]


def chunk_lost(raw: bytes, random: np.random.Generator) -> bytes:
    at, size = _place(raw, random), int(random.integers(1, max(2, len(raw) // 8)))
    return raw[:at] + raw[at + size :]


def chunk_doubled(raw: bytes, random: np.random.Generator) -> bytes:
    at, size = _place(raw, random), int(random.integers(1, max(2, len(raw) // 8)))
    return raw[: at + size] + raw[at:]


def chunk_zeroed(raw: bytes, random: np.random.Generator) -> bytes:
    at, size = _place(raw, random), int(random.integers(1, max(2, len(raw) // 8)))
    middle = bytes(len(raw[at : at + size]))
    return raw[:at] + middle + raw[at + size :]


def chunk_moved(raw: bytes, random: np.random.Generator) -> bytes:
    at, size = _place(raw, random), int(random.integers(1, max(2, len(raw) // 8)))
    rest, chunk = raw[:at] + raw[at + size :], raw[at : at + size]
    to = int(random.integers(len(rest) + 1))
    return rest[:to] + chunk + rest[to:]


CHANGES: dict[str, Change] = {
    "four bytes": flipped_bytes,
    "a bit": flipped_bit,
    "many bytes": many_bytes,
    "cut short": cut_short,
    "chunk lost": chunk_lost,
    "chunk doubled": chunk_doubled,
    "chunk zeroed": chunk_zeroed,
    "chunk moved": chunk_moved,
}


def film(seed: int = 0) -> np.ndarray:
    """(T, H, W, 3) a pan over a texture: its flow is known, and large."""
    return panning(FRAMES, dx=2.0, dy=0.7, size=SIZE, seed=seed)
