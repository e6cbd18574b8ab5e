"""Whether a camera made the moves that were asked of it.

Its steps between frames are split into slow motion (a moving mean over half a second) and tremor (the
rest). A directed move scores min(1, A / A0) * max(0, (A - B) / (A + B)), A the way gone in the asked
direction and B the way gone against it; when both were asked, each counts alone. An undirected one scores
min(1, E / A0), E the distance between the two furthest places. A0 is a tenth of the diagonal, a change of
scale by 5 %, or 5 degrees.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np

from mirabench.errors import InputError, UnknownNameError
from mirabench.shapes import Float64

WAY = {"x": 0.1, "y": 0.1, "z": 0.05, "roll": np.deg2rad(5.0)}
"""How far along each axis the camera must go for a full score: diagonals, log scale, radians."""
DIRECTED = {
    # the picture moves against the camera: a pan to the right shifts it to the left
    "left": ("x", 1.0),
    "right": ("x", -1.0),
    "up": ("y", 1.0),
    "down": ("y", -1.0),
    "in": ("z", 1.0),
    "out": ("z", -1.0),
}
OPPOSITE = {"left": "right", "right": "left", "up": "down", "down": "up", "in": "out", "out": "in"}
UNDIRECTED = {"horizontal": "x", "vertical": "y", "depth": "z", "roll": "roll"}
WITHOUT_AXIS = ("moving", "static", "handheld")
SLOW_SECONDS = 0.5
STILL, MOVING = 0.005, 0.05
"""Diagonals per second: up to the first a camera is static, from the second on it is not."""
TREMBLING = 0.02
"""Diagonals per second of tremor in a hand-held shot."""
STOPPED, LEAST_LASTING = 0.1, 0.5
"""Share of a move's usual speed below which it has stopped, and of the clip that moves must go on for."""


@dataclass(frozen=True, slots=True, eq=False)
class CameraPath:
    """The steps of the picture between frames, which are those of the camera with the sign turned.

    Raises:
        InputError: there is no step, they are not equally many, or a duration is not positive.
    """

    x: Float64[np.ndarray, " N"]
    """To the right, in diagonals of the picture."""
    y: Float64[np.ndarray, " N"]
    """Down, in diagonals."""
    z: Float64[np.ndarray, " N"]
    """Growth, the logarithm of the scale."""
    roll: Float64[np.ndarray, " N"]
    """Clockwise, in radians."""
    seconds: Float64[np.ndarray, " N"]
    """Between the frames of each step."""

    def __post_init__(self) -> None:
        sizes = {len(steps) for steps in (self.x, self.y, self.z, self.roll, self.seconds)}
        if len(sizes) != 1 or not len(self.seconds) or not (self.seconds > 0).all():
            raise InputError(
                f"a camera path needs equally many steps along each axis, each of more than 0 s; got {sizes}"
            )

    def along(self, axis: str) -> Float64[np.ndarray, " N"]:
        """The steps along x, y, z or roll."""
        steps: Float64[np.ndarray, " N"] = getattr(self, axis)
        return steps

    def slow(self, axis: str) -> Float64[np.ndarray, " N"]:
        """Steps after a moving mean over half a second."""
        width = max(1, round(SLOW_SECONDS / float(np.median(self.seconds))))
        return _moving_mean(self.along(axis), width)

    def way(self, axis: str, sign: float) -> float:
        """The way gone along an axis in the direction of `sign`."""
        return float(np.maximum(sign * self.slow(axis), 0).sum())

    def excursion(self, axis: str) -> float:
        """Between the two furthest places along an axis; tremor goes nowhere, there and back counts."""
        places = np.concatenate([[0.0], np.cumsum(self.slow(axis))])
        return float(np.ptp(places))

    def length(self) -> float:
        """All of the way, in diagonals."""
        return self.speed() * float(self.seconds.sum())

    def speed(self) -> float:
        """Mean speed in diagonals per second."""
        return float(np.hypot(self.x, self.y).sum() / self.seconds.sum())

    def tremor(self) -> float:
        """Root mean square speed of what is left beside the slow motion, diagonals per second."""
        x, y = ((self.along(axis) - self.slow(axis)) / self.seconds for axis in ("x", "y"))
        return float(np.sqrt(np.mean(x**2 + y**2)))


def _moving_mean(values: Float64[np.ndarray, " N"], width: int) -> Float64[np.ndarray, " N"]:
    """Over an odd number of steps, `width` or one more, and no more than there are; ends are repeated."""
    width = min(width | 1, len(values) - 1 + len(values) % 2) or 1
    padded = np.pad(values, width // 2, mode="edge")
    return np.convolve(padded, np.full(width, 1 / width), mode="valid")


def camera_agreement(path: CameraPath, move: str, asked: Collection[str]) -> float:
    """How far the camera made one asked move, 0 to 1.

    Args:
        path: Of the picture: a camera that pans right shifts it to the left.
        move: left, right, up, down, in or out; horizontal, vertical, depth or roll, whatever the direction;
            moving, static or handheld.
        asked: All moves that were asked for: if both left and right were, neither counts against the other.

    Raises:
        UnknownNameError: there is no such move.

    Example:
        >>> still, left = np.zeros(10), np.full(10, -0.02)  # the picture goes left by a fifth of its diagonal
        >>> path = CameraPath(left, still, still, still, seconds=np.full(10, 0.5))
        >>> camera_agreement(path, "right", ["right"]), camera_agreement(path, "left", ["left"])
        (1.0, 0.0)
    """
    if move in DIRECTED:
        return _directed(path, move, asked)
    if move in UNDIRECTED:
        axis = UNDIRECTED[move]
        return float(min(1.0, path.excursion(axis) / WAY[axis]))
    if move == "static":
        return float(np.clip((MOVING - path.speed()) / (MOVING - STILL), 0.0, 1.0))
    if move == "handheld":
        return min(1.0, path.tremor() / TREMBLING)
    if move != "moving":
        raise UnknownNameError("move", move, [*DIRECTED, *UNDIRECTED, *WITHOUT_AXIS])
    return float(min(1.0, path.length() / WAY["x"]))


def _directed(path: CameraPath, move: str, asked: Collection[str]) -> float:
    axis, sign = DIRECTED[move]
    with_it, against = path.way(axis, sign), path.way(axis, -sign)
    pure = 1.0
    if OPPOSITE[move] not in asked and with_it + against > 0:
        pure = max(0.0, (with_it - against) / (with_it + against))
    return float(min(1.0, with_it / WAY[axis])) * pure


def lasting(path: CameraPath, move: str, asked: Collection[str]) -> float:
    """Whether an asked move goes on for its part of the clip: half of it, shared among the moves asked for.

    A step counts while its slow motion in the asked direction is at least a tenth of the usual fast one (the
    90th percentile of those that go that way). 1 where standing still or trembling is asked.

    Args:
        path: Of the picture.
        move: As for `camera_agreement`.
        asked: All moves that were asked for.

    Example:
        >>> none, part = np.zeros(10), np.repeat([-0.02, 0.0], [1, 9])  # a tenth of the time
        >>> path = CameraPath(part, none, none, none, seconds=np.full(10, 1.0))
        >>> lasting(path, "right", ["right"]), lasting(path, "right", ["right", "up"])
        (0.2, 0.4)
    """
    if move in ("static", "handheld"):
        return 1.0
    along = _asked_speed(path, move)
    moving = along[along > 0]
    usual = float(np.percentile(moving, 90)) if len(moving) else 0.0
    share = float(path.seconds[(along > 0) & (along >= STOPPED * usual)].sum())
    return min(1.0, share / float(path.seconds.sum()) * len(set(asked)) / LEAST_LASTING)


def _asked_speed(path: CameraPath, move: str) -> Float64[np.ndarray, " N"]:
    """Speed of each step in the asked direction, below 0 against it."""
    if move in DIRECTED:
        axis, sign = DIRECTED[move]
        return np.asarray(sign * path.slow(axis) / path.seconds)
    if move in UNDIRECTED:
        return np.asarray(np.abs(path.slow(UNDIRECTED[move])) / path.seconds)
    return np.asarray(np.hypot(path.slow("x"), path.slow("y")) / path.seconds)
