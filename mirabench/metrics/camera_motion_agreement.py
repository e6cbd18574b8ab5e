"""Text alignment without weights: whether the camera does what its caption asks for.

What it measures: the caption's camera moves (see `mirabench.metrics.camera_caption`) against the motion
of a homography fitted to the optical flow. Formula, with the camera's velocity v(t) split into slow
motion (0.5 s moving mean) and tremor (the rest):

- a directed move (left, right, up, down, in, out): min(1, A / A0) * max(0, (A - B) / (A + B)), A the way
  gone in the asked direction, B the way gone against it; when both are asked, each counts alone;
- an undirected one (pan, tilt, zoom, roll): min(1, E / A0), E the distance between the two furthest places;
- tracking: min(1, way / A0), whatever the direction;
- static: 1 below 0.005 diagonals/s, falling to 0 at 0.05; handheld: min(1, tremor / 0.02 diagonals/s).

A0 is a tenth of the diagonal; for depth a change of scale by 5 %; for roll 5 degrees. The score is the
mean over the asked moves. Source: mirabench; MiraBench's camera_alignment asks the same by ViCLIP.

When not to trust it: a pan and a truck, a zoom and a dolly look alike to a homography; an object that
fills the picture is taken for the camera; order and speed of moves are not checked. A caption that asks
for no move gives no score.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from mirabench.errors import MetricError, NotApplicable
from mirabench.inputs.prompts import Prompt
from mirabench.metrics.api import ClipInputs, Curve, Measured, MetricSpec
from mirabench.metrics.camera_caption import asked_moves
from mirabench.metrics.health import PULSE
from mirabench.metrics.motion import diagonal
from mirabench.metrics.temporal import MOTION, pairs_within_shots

Series = NDArray[np.float64]

WAY = {"x": 0.1, "y": 0.1, "z": 0.05, "roll": np.deg2rad(5.0)}
"""How far along each axis the camera must go for a full score: diagonals, log scale, radians."""
_DIRECTED = {
    # the picture moves against the camera: a pan to the right shifts it to the left
    "left": ("x", 1.0),
    "right": ("x", -1.0),
    "up": ("y", 1.0),
    "down": ("y", -1.0),
    "in": ("z", 1.0),
    "out": ("z", -1.0),
}
_OPPOSITE = {"left": "right", "right": "left", "up": "down", "down": "up", "in": "out", "out": "in"}
_UNDIRECTED = {"horizontal": "x", "vertical": "y", "depth": "z", "roll": "roll"}
SLOW_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class CameraPath:
    """The camera's steps (N,) between frames: x, y in diagonals, z in log scale, roll in radians."""

    steps: dict[str, Series]
    dt: Series

    def slow(self, axis: str) -> Series:
        """Steps after a moving mean over half a second."""
        width = max(1, round(SLOW_SECONDS / float(np.median(self.dt))))
        return _moving_mean(self.steps[axis], width)

    def way(self, axis: str, sign: float) -> float:
        """The way gone along an axis in the direction of `sign`."""
        return float(np.maximum(sign * self.slow(axis), 0).sum())

    def excursion(self, axis: str) -> float:
        """Between the two furthest places along an axis; tremor goes nowhere, there and back counts."""
        places = np.concatenate([[0.0], np.cumsum(self.slow(axis))])
        return float(np.ptp(places))

    def speed(self) -> float:
        """Mean speed in diagonals per second."""
        return float(np.hypot(self.steps["x"], self.steps["y"]).sum() / self.dt.sum())

    def tremor(self) -> float:
        """Root mean square speed of what is left beside the slow motion, diagonals per second."""
        rest = [(self.steps[a] - self.slow(a)) / self.dt for a in ("x", "y")]
        return float(np.sqrt(np.mean(rest[0] ** 2 + rest[1] ** 2)))


def _moving_mean(values: Series, width: int) -> Series:
    width = min(width | 1, len(values) - 1 + len(values) % 2) or 1
    padded = np.pad(values, width // 2, mode="edge")
    return np.convolve(padded, np.full(width, 1 / width), mode="valid")


@dataclass(frozen=True, slots=True)
class CameraMotionAgreement:
    """`camera_motion_agreement`."""

    spec: ClassVar[MetricSpec] = MetricSpec(
        name="camera_motion_agreement",
        version=1,
        dimension="text alignment",
        summary="Whether the camera does what its caption asks for",
        unit="",
        range=(0.0, 1.0),
        higher_is_better=True,
        needs={"motion": MOTION, "pulse": PULSE},
        degenerate_when=("too-short", "black", "textureless"),
        needs_prompt=True,
        source="mirabench: caption vocabulary against a homography fitted to DIS flow",
        resolution_invariant=True,
        fps_invariant=True,
        worsened_by=("freeze_tail", 0.9),
    )

    def compute(self, clip: ClipInputs) -> Measured:
        """Mean over the asked moves of how far the camera made them, 0 to 1."""
        moves = asked_moves(caption_of(clip.prompt))
        if not moves:
            raise NotApplicable("the caption asks for no camera move")
        path = camera_path(clip)
        parts = {move: agreement(path, move, moves) for move in moves}
        worst = min(parts, key=lambda move: parts[move])
        axis = _DIRECTED.get(worst, (_UNDIRECTED.get(worst, "x"), 1.0))[0]
        motion = clip["motion"]
        curve = Curve(motion["seconds"], _steps(clip)[axis] / motion["dt"])
        return Measured(float(np.mean(list(parts.values()))), curve=curve)


def caption_of(prompt: Prompt | None) -> str:
    """The text in which the camera's moves are looked for: its own caption, else the prompt.

    Raises:
        NotApplicable: there is no prompt, or its camera caption is empty.
    """
    if prompt is None:
        raise NotApplicable("the clip has no prompt")
    camera = prompt.caption("camera")
    if camera == "":
        raise NotApplicable("the camera caption is empty, so nothing is asked of the camera")
    return camera if camera is not None else prompt.text


def _steps(clip: ClipInputs) -> dict[str, Series]:
    motion = clip["motion"]
    length = diagonal(motion)
    return {
        "x": motion["shift_x"] / length,
        "y": motion["shift_y"] / length,
        "z": np.log(motion["scale"]),
        "roll": motion["rotation"],
    }


def camera_path(clip: ClipInputs) -> CameraPath:
    """The camera's steps where it could be estimated.

    Raises:
        MetricError: it could not be for half of the clip or more.
    """
    motion = clip["motion"]
    kept = pairs_within_shots(motion, clip["pulse"]) & (motion["camera_inliers"] >= 0.3)
    if 2 * kept.sum() < len(kept):
        raise MetricError(
            f"the camera's motion can be estimated for only {kept.sum()} of {len(kept)} pairs of frames"
        )
    return CameraPath({k: v[kept] for k, v in _steps(clip).items()}, motion["dt"][kept])


def agreement(path: CameraPath, move: str, moves: list[str]) -> float:
    """How far the camera made one asked move, 0 to 1; `moves` are all that were asked."""
    if move in _DIRECTED:
        axis, sign = _DIRECTED[move]
        with_it, against = path.way(axis, sign), path.way(axis, -sign)
        pure = 1.0
        if _OPPOSITE[move] not in moves and with_it + against > 0:
            pure = max(0.0, (with_it - against) / (with_it + against))
        return float(min(1.0, with_it / WAY[axis])) * pure
    if move in _UNDIRECTED:
        axis = _UNDIRECTED[move]
        return float(min(1.0, path.excursion(axis) / WAY[axis]))
    if move == "static":
        return float(np.clip((0.05 - path.speed()) / (0.05 - 0.005), 0.0, 1.0))
    if move == "handheld":
        return min(1.0, path.tremor() / 0.02)
    return float(min(1.0, path.speed() * float(path.dt.sum()) / WAY["x"]))
