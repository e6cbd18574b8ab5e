"""Sound films that look damaged for a moment, and the encoders that write them: none may be called damaged."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import cv2
import numpy as np
from clipkit import panning, still, texture
from mutants import VP9, Kind

SIZE = (160, 96)
FRAMES = 30


def _pan(seed: int) -> np.ndarray:
    return panning(FRAMES, dx=1.5, dy=0.5, size=SIZE, seed=seed)


def flash(seed: int) -> np.ndarray:
    """One frame much brighter."""
    film = _pan(seed)
    film[13] = np.clip(film[13].astype(int) + 90, 0, 255)
    return film


def rolling_flash(seed: int) -> np.ndarray:
    """A flash that a sensor read line by line saw in the lower part of one frame only."""
    film = _pan(seed)
    film[13, 40:] = np.clip(film[13, 40:].astype(int) + 60, 0, 255)
    return film


def cuts(seed: int) -> np.ndarray:
    """Four shots."""
    return np.concatenate([_pan(seed + 100 * n)[: FRAMES // 4 + 1] for n in range(4)])[:FRAMES]


def fade(seed: int) -> np.ndarray:
    """From black and back."""
    light = np.sin(np.linspace(0, np.pi, FRAMES))[:, None, None, None]
    return (_pan(seed) * light).astype(np.uint8)


def subtitle(seed: int) -> np.ndarray:
    """Words that come and go within a frame."""
    film = _pan(seed)
    for frame in film[10:20]:
        frame[70:90, 8:152] = 0
        cv2.putText(frame, "What was that?", (12, 86), cv2.FONT_HERSHEY_SIMPLEX, 0.5, (255,) * 3)
    return film


def glitch(seed: int) -> np.ndarray:
    """Blocks of another picture on the grid of the codec, for two frames."""
    film, other = _pan(seed), texture(SIZE[1], SIZE[0], seed + 7)
    film[12:14, 32:80, 48:128] = other[32:80, 48:128]
    return film


def mosaic(seed: int) -> np.ndarray:
    """A part is shown in squares from some frame on."""
    film = _pan(seed)
    for frame in film[15:]:
        small = cv2.resize(frame[16:80, 32:128], (6, 4), interpolation=cv2.INTER_AREA)
        frame[16:80, 32:128] = cv2.resize(small, (96, 64), interpolation=cv2.INTER_NEAREST)
    return film


def snow(seed: int) -> np.ndarray:
    """Noise without any order."""
    return np.random.default_rng(seed).integers(0, 256, (FRAMES, SIZE[1], SIZE[0], 3), np.uint8)


def dark(seed: int) -> np.ndarray:
    """Nothing but black, and one small light."""
    film = np.zeros((FRAMES, SIZE[1], SIZE[0], 3), np.uint8)
    film[:, 40:44, 20 + seed : 24 + seed] = 250
    return film


def slides(seed: int) -> np.ndarray:
    """Stills, each for ten frames."""
    return np.concatenate([still(10, SIZE, seed + n) for n in range(FRAMES // 10)])


CONTENTS: Mapping[str, Callable[[int], np.ndarray]] = {
    "pan": _pan,
    "flash": flash,
    "rolling flash": rolling_flash,
    "cuts": cuts,
    "fade": fade,
    "subtitle": subtitle,
    "glitch": glitch,
    "mosaic": mosaic,
    "snow": snow,
    "dark": dark,
    "still": lambda seed: still(FRAMES, SIZE, seed),
    "slides": slides,
}


def _x264(**more: str | int) -> dict[str, str]:
    given = {"threads": 1, **more}
    return {"x264-params": ":".join(f"{k.replace('_', '-')}={v}" for k, v in given.items())}


def _x265(**more: str | int) -> dict[str, str]:
    given = {"log-level": "none", "pools": "none", **more}
    return {"x265-params": ":".join(f"{k.replace('_', '-')}={v}" for k, v in given.items())}


ENCODERS: Mapping[str, Kind] = {
    "h264": Kind(".mp4", "libx264", codec_options=_x264()),
    "h264 crf 40": Kind(".mp4", "libx264", codec_options=_x264(crf=40)),
    "h264 crf 5": Kind(".mp4", "libx264", codec_options=_x264(crf=5, keyint=10)),
    "h264 cavlc slices": Kind(".mp4", "libx264", codec_options=_x264(cabac=0, slices=3, crf=30)),
    "h264 slices ts": Kind(".ts", "libx264", codec_options=_x264(slices=4, keyint=8)),
    "h264 interlaced": Kind(".mkv", "libx264", codec_options=_x264(interlaced=1)),
    "h264 constant rate": Kind(
        ".ts", "libx264", codec_options=_x264(nal_hrd="cbr", bitrate=500, vbv_maxrate=500, vbv_bufsize=500)
    ),
    "h264 refresh": Kind(".mp4", "libx264", codec_options=_x264(intra_refresh=1, bframes=0)),
    "h264 lossless": Kind(".mkv", "libx264", "yuv444p", _x264(qp=0)),
    "hevc": Kind(".mp4", "libx265", codec_options=_x265()),
    "hevc crf 45": Kind(".mp4", "libx265", codec_options=_x265(crf=45, keyint=10)),
    "hevc slices": Kind(".mkv", "libx265", codec_options={"x265-params": "log-level=none:slices=3:ctu=16"}),
    "hevc checked": Kind(".mkv", "libx265", codec_options=_x265(hash=1)),
    "hevc wavefronts": Kind(".ts", "libx265", codec_options=_x265(wpp=1, ctu=16)),
    "hevc small units": Kind(".mp4", "libx265", "yuv420p10le", _x265(ctu=16, keyint=6)),
    "vp8": Kind(".webm", "libvpx", codec_options={"b": "300k"}),
    "vp8 parts": Kind(".webm", "libvpx", codec_options={"b": "800k", "slices": "4", "g": "10"}),
    "vp8 hidden": Kind(
        ".webm", "libvpx", codec_options={"auto-alt-ref": "1", "lag-in-frames": "16", "b": "150k"}
    ),
    "vp8 resilient": Kind(".webm", "libvpx", codec_options={"error-resilient": "1", "b": "60k"}),
    "vp9": Kind(".webm", "libvpx-vp9", codec_options=VP9),
    "vp9 hidden": Kind(
        ".webm", "libvpx-vp9",
        codec_options={"auto-alt-ref": "1", "lag-in-frames": "16", "b": "80k", "cpu-used": "6"},
    ),
    "vp9 lossless": Kind(".mkv", "libvpx-vp9", "yuv444p", {**VP9, "lossless": "1"}),
    "huffyuv": Kind(".avi", "huffyuv", "yuv422p"),
    "huffyuv rgb": Kind(".avi", "huffyuv", "rgb24"),
    "ffvhuff": Kind(".avi", "ffvhuff", "yuv420p", {"context": "1"}),
    "ffvhuff planes": Kind(".avi", "ffvhuff", "gbrp", {"pred": "plane"}),
    "huffyuv median": Kind(".avi", "huffyuv", "yuv422p", {"pred": "median"}),
    "wmv1": Kind(".wmv", "wmv1", codec_options={"b": "300k"}),
    "wmv2": Kind(".wmv", "wmv2", codec_options={"q": "2", "g": "5"}),
    "wmv2 coarse": Kind(".avi", "wmv2", codec_options={"b": "80k"}),
    "mjpeg": Kind(".avi", "mjpeg", "yuvj420p", {"q": "4"}),
    "mjpeg coarse": Kind(".mov", "mjpeg", "yuvj422p", {"q": "20", "huffman": "default"}),
    "mjpeg fine": Kind(".mkv", "mjpeg", "yuvj444p", {"q": "1", "huffman": "optimal"}),
}  # fmt: skip
