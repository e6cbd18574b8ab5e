"""Films of the rendered places, and ways to spoil them; each with its answer known by construction.

Frames are uint8 RGB (T, H, W, 3). Everything is seeded and deterministic.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import cv2
import numpy as np

from mirabench.testing.cameras import Camera, rotation
from mirabench.testing.places import room, yard
from mirabench.testing.scenes import Scene, render
from mirabench.video.frames import UInt8Array

FPS = 24
Path = Callable[[float], Camera]
"""Seconds -> the camera at that time."""


def film(scene: Scene, path: Path, frames: int, fps: float = FPS) -> UInt8Array:
    """(T, H, W, 3): a scene seen by a moving camera."""
    return np.stack([render(scene, path(t / fps), t / fps).rgb for t in range(frames)])


def room_dolly(
    frames: int = 48,
    size: tuple[int, int] = (320, 180),
    seed: int = 0,
    metres_per_second: float = 0.6,
) -> UInt8Array:
    """A rigid room; the camera moves forward (or back, below zero) and pans slightly: much parallax."""

    def path(time: float) -> Camera:
        z = metres_per_second * time + (0.0 if metres_per_second > 0 else 1.6)
        turn = rotation(yaw=-4.0 + 1.5 * time)
        return Camera(0.85 * size[0], *size, turn, np.array([0.25, 0.1, z - 1.0]))

    return film(room(seed), path, frames)


def room_truck(frames: int = 48, size: tuple[int, int] = (320, 180), seed: int = 0) -> UInt8Array:
    """A rigid room; the camera slides to the right without turning."""

    def path(time: float) -> Camera:
        return Camera(0.85 * size[0], *size, np.eye(3), np.array([-0.9 + 0.5 * time, 0.1, -0.4]))

    return film(room(seed), path, frames)


def room_turn(frames: int = 48, size: tuple[int, int] = (320, 180), seed: int = 0) -> UInt8Array:
    """A rigid room; the camera only turns, to the right: no parallax, so no 3D to be seen."""

    def path(time: float) -> Camera:
        turn = rotation(yaw=-9.0 + 8.0 * time)
        return Camera(0.85 * size[0], *size, turn, np.array([0.0, 0.1, -0.8]))

    return film(room(seed), path, frames)


def ball_pan(frames: int = 96, size: tuple[int, int] = (480, 270), seed: int = 0) -> UInt8Array:
    """A ball bounces through a yard; the camera pans right after it."""

    def path(time: float) -> Camera:
        turn = rotation(yaw=-14.0 + 7.0 * time)
        return Camera(0.9 * size[0], *size, turn, np.array([0.0, 0.0, -1.2]))

    return film(yard(seed), path, frames)


def wobble(clip: UInt8Array, amplitude: float = 6.0, fps: float = FPS) -> UInt8Array:
    """Bend every frame by waves that travel: no rigid scene moves so. `amplitude` in px."""
    height, width = clip.shape[1:3]
    x, y = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
    bent = []
    for t, frame in enumerate(clip):
        phase = 2 * math.pi * t / fps
        dx = amplitude * np.sin(y / height * 7 + 1.3 * phase) * np.cos(x / width * 5 - 0.7 * phase)
        dy = amplitude * np.sin(x / width * 8 - 1.1 * phase)
        bent.append(
            cv2.remap(
                frame, x + dx.astype(np.float32), y + dy.astype(np.float32), cv2.INTER_LINEAR,
                borderMode=cv2.BORDER_REFLECT_101,
            )
        )  # fmt: skip
    return np.stack(bent)


def flicker(clip: UInt8Array, amplitude: float = 0.04, seed: int = 0) -> UInt8Array:
    """Random gain per frame, of `amplitude` standard deviation."""
    gains = 1 + amplitude * np.random.default_rng(seed).standard_normal(len(clip))
    lit = clip.astype(np.float32) * gains[:, None, None, None].astype(np.float32)
    levels: UInt8Array = np.clip(lit, 0, 255).astype(np.uint8)
    return levels


def freeze_tail(clip: UInt8Array, share: float = 1 / 3) -> UInt8Array:
    """The last `share` of the frames repeat the frame before them."""
    frozen = clip.copy()
    start = int(len(clip) * (1 - share))
    frozen[start:] = clip[start - 1]
    chosen: UInt8Array = frozen
    return chosen


def looped(clip: UInt8Array, period: int) -> UInt8Array:
    """The first `period` frames, there and back, again and again, as long as the clip."""
    there = np.arange(period)
    cycle = np.concatenate([there, there[-2:0:-1]])
    return np.take(clip, cycle[np.arange(len(clip)) % len(cycle)], axis=0)


def doubled(clip: UInt8Array) -> UInt8Array:
    """Every frame twice, as long as the clip."""
    return np.take(clip, np.arange(len(clip)) // 2, axis=0)
