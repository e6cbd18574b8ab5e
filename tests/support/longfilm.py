"""A long video whose shots, fades, still, dark and repeated parts are known: what curation must find.

160x96 at 24 frames a second; times are in seconds of the film.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from clipkit import panning, still, texture

from mirabench.video.encode import write_video

FPS = 24
SECONDS = 3
FRAMES = SECONDS * FPS
FADE = 12
"""Frames from full light to black, and as many back."""


class Part(NamedTuple):
    """A shot of the film: its name and frames (T, H, W, 3)."""

    name: str
    frames: np.ndarray


def shot(seed: int, frames: int = FRAMES) -> np.ndarray:
    """A camera pans over a texture."""
    return panning(frames, dx=1.0, dy=0.25, seed=seed)


def grained(frames: int, seed: int, grain: int) -> np.ndarray:
    """A still scene under fine grain: another grain is a cut to the eye, yet the scene is the same."""
    base = np.repeat(np.repeat(texture(24, 40, seed), 4, axis=0), 4, axis=1).astype(np.int16)
    pattern = np.random.default_rng(grain).choice([-70, 70], size=(96, 160, 1))
    lit = np.clip(base // 2 + 64 + pattern, 0, 255).astype(np.uint8)
    return np.repeat(lit[None], frames, axis=0)


def faded(frames: np.ndarray, *, out: bool) -> np.ndarray:
    """The clip with its end (or start) fading to (or from) black."""
    gain = np.ones(len(frames))
    ramp = np.linspace(1, 0, FADE)
    if out:
        gain[-FADE:] = ramp
    else:
        gain[:FADE] = ramp[::-1]
    return (frames * gain[:, None, None, None]).astype(np.uint8)


def parts() -> list[Part]:
    """The shots in order."""
    dark = (shot(5) // 24 + 4).astype(np.uint8)
    return [
        Part("first", shot(1)),
        Part("fading", faded(shot(2), out=True)),
        Part("risen", faded(shot(3), out=False)),
        Part("still", still(FRAMES, seed=4)),
        Part("dark", dark),
        Part("scene", grained(FRAMES, 6, 1)),
        Part("same scene", grained(FRAMES, 6, 2)),
        Part("again", shot(1)),
        Part("brief", shot(8, FPS)),
    ]


def write_film(path: Path, shots: Sequence[np.ndarray]) -> Path:
    """Shots one after the other as a video file with a key frame a second."""
    frames = (frame for frames in shots for frame in frames)
    return write_video(
        path, frames, fps=FPS, options={"crf": "14", "g": "24", "preset": "ultrafast"}
    )
