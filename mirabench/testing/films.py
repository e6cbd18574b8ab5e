"""Films of the rendered places, each with its answer known by construction.

Frames are uint8 RGB (T, H, W, 3). Everything is seeded and deterministic.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from mirabench.testing.cameras import Camera, rotation
from mirabench.testing.places import room, yard
from mirabench.testing.scenes import Scene, render
from mirabench.video.frames import UInt8Array

FPS = 24
Size = tuple[int, int]
"""Width, height."""
Path = Callable[[float], Camera]
"""Seconds -> the camera at that time."""

ROOM_LENS, YARD_LENS = 0.85, 0.9
"""Focal lengths in picture widths."""
ORBIT_CENTRE, ORBIT_RADIUS = (0.0, 0.1, 3.5), 4.0
"""Between the room's crates, at eye height; metres."""


def film(scene: Scene, path: Path, frames: int, fps: float = FPS) -> UInt8Array:
    """(T, H, W, 3): a scene seen by a moving camera."""
    return np.stack([render(scene, path(t / fps), t / fps).rgb for t in range(frames)])


def moving(
    size: Size,
    start: tuple[float, float, float],
    velocity: tuple[float, float, float] = (0.0, 0.0, 0.0),
    yaw: tuple[float, float] = (0.0, 0.0),
    pitch: tuple[float, float] = (0.0, 0.0),
    lens: float = ROOM_LENS,
) -> Path:
    """A camera at constant speed.

    Args:
        size: Width, height in pixels.
        start: Metres.
        velocity: Metres a second.
        yaw: Degrees to the right at the start, degrees a second.
        pitch: Degrees upwards, likewise.
        lens: Focal length in picture widths.
    """

    def path(time: float) -> Camera:
        turn = rotation(yaw=yaw[0] + yaw[1] * time, pitch=pitch[0] + pitch[1] * time)
        return Camera(lens * size[0], *size, turn, np.array(start) + time * np.array(velocity))

    return path


def dolly_path(size: Size, metres_per_second: float = 0.6) -> Path:
    """Forward into the room (or back, below zero) with a slight pan to the right."""
    # Far enough from the end wall that furniture at several depths stays in view: a wall alone is a plane.
    start = (0.25, 0.1, -1.8 if metres_per_second > 0 else 0.6)
    return moving(size, start, (0.0, 0.0, metres_per_second), yaw=(-4.0, 2.0))


def truck_path(size: Size, metres_per_second: float = 0.5) -> Path:
    """Sideways through the room without turning; to the right above zero."""
    start = -0.9 if metres_per_second > 0 else 0.9
    return moving(size, (start, 0.1, -0.4), (metres_per_second, 0.0, 0.0))


def orbit_path(size: Size, degrees_per_second: float = 12.0) -> Path:
    """Around `ORBIT_CENTRE` at a constant distance, looking at it; to the right above zero."""
    start = -math.copysign(10.0, degrees_per_second)

    def path(time: float) -> Camera:
        degrees = start + degrees_per_second * time
        angle = math.radians(degrees)
        away = ORBIT_RADIUS * np.array([math.sin(angle), 0.0, -math.cos(angle)])
        turn = rotation(yaw=-degrees)
        return Camera(ROOM_LENS * size[0], *size, turn, np.array(ORBIT_CENTRE) + away)

    return path


def pan_path(size: Size, degrees_per_second: float = 8.0) -> Path:
    """A turn on the spot in the room; to the right above zero."""
    start = -9.0 if degrees_per_second > 0 else 9.0
    return moving(size, (0.0, 0.1, -0.8), yaw=(start, degrees_per_second))


def room_dolly(
    frames: int = 48, size: Size = (320, 180), seed: int = 0, metres_per_second: float = 0.6
) -> UInt8Array:
    """A rigid room; the camera moves forward (or back, below zero) and pans slightly: much parallax."""
    return film(room(seed), dolly_path(size, metres_per_second), frames)


def room_truck(frames: int = 48, size: Size = (320, 180), seed: int = 0) -> UInt8Array:
    """A rigid room; the camera slides to the right without turning."""
    return film(room(seed), truck_path(size), frames)


def room_turn(frames: int = 48, size: Size = (320, 180), seed: int = 0) -> UInt8Array:
    """A rigid room; the camera only turns, to the right: no parallax, so no 3D to be seen."""
    return film(room(seed), pan_path(size), frames)


def ball_pan(frames: int = 96, size: Size = (480, 270), seed: int = 0) -> UInt8Array:
    """A ball bounces through a yard; the camera pans right after it."""
    path = moving(size, (0.0, 0.0, -1.2), yaw=(-14.0, 7.0), lens=YARD_LENS)
    return film(yard(seed), path, frames)
