"""Text alignment without weights: whether the camera does what its caption asks for.

What it measures: the caption's camera moves (see `mirabench.metrics.camera_caption`) against the motion of
a homography fitted to the optical flow. Formula: the mean over the asked moves of
`mirabench.functional.camera_agreement`:

- a directed move (left, right, up, down, in, out): min(1, A / A0) * max(0, (A - B) / (A + B)), A the way
  gone in the asked direction, B the way gone against it; when both are asked, each counts alone;
- an undirected one (pan, tilt, zoom, roll): min(1, E / A0), E the distance between the two furthest places;
- tracking: min(1, way / A0), whatever the direction;
- static: 1 below 0.005 diagonals/s, falling to 0 at 0.05; handheld: min(1, tremor / 0.02 diagonals/s).

The camera's steps, twelve a second (`mirabench.features.speeds`), are split into slow motion (0.5 s moving
mean) and tremor (the rest). A0 is a tenth of the diagonal; for depth a change of scale by 5 %; for roll 5
degrees. A move that goes on for less than half of the clip, shared among the moves asked for, counts by that
part (`lasting`). The score is the mean over the asked moves.

Source: mirabench; MiraBench's camera_alignment asks the same by ViCLIP.

A clip is judged by what its prompt's text asks for: by the camera caption where the text contains it, else by
the sentences of the text that are about the camera. Where a table has captions and no text, the caption counts.

When not to trust it: a pan and a truck, a zoom and a dolly look alike to a homography; an object that
fills the picture is taken for the camera; order and speed of moves are not checked. A caption that asks
for no move gives no score.
"""

from __future__ import annotations

import numpy as np

from mirabench.errors import NotApplicable
from mirabench.functional.camera_path import (
    DIRECTED,
    UNDIRECTED,
    CameraPath,
    camera_agreement,
    lasting,
)
from mirabench.inputs.prompts import Prompt
from mirabench.metrics.api import ClipFormula, ClipInputs, Curve, Measured, MetricSpec
from mirabench.metrics.camera_caption import asked_moves, sentences_of_the_camera
from mirabench.metrics.health import PULSE
from mirabench.metrics.motion import SPEEDS, within_shots
from mirabench.shapes import Bool

FEWEST_INLIERS = 0.3
"""Share of grid points that a fitted camera explains, below which it is not believed."""


def agreement(clip: ClipInputs) -> Measured:
    """Mean over the asked moves of how far the camera made them, 0 to 1.

    Raises:
        NotApplicable: the caption asks for no move.
    """
    moves = asked_moves(caption_of(clip.prompt))
    if not moves:
        raise NotApplicable("the prompt asks for no camera move")
    believed = _believed(clip)
    if 2 * believed.sum() < len(believed):
        # nothing shows that the camera did what was asked, nor that it did not: no failure of the run
        why = f"the camera's motion can be told for only {believed.sum()} of {len(believed)} pairs of frames"
        return Measured(0.0, "degenerate", why)
    path = camera_path(clip, believed)
    parts = {
        move: camera_agreement(path, move, moves) * lasting(path, move, moves) for move in moves
    }
    worst = min(parts, key=lambda move: parts[move])
    axis = DIRECTED.get(worst, (UNDIRECTED.get(worst, "x"), 1.0))[0]
    whole = camera_path(clip, np.ones(len(clip["speeds"]["dt"]), dtype=bool))
    curve = Curve(clip["speeds"]["seconds"], whole.along(axis) / whole.seconds)
    return Measured(float(np.mean(list(parts.values()))), curve=curve)


def caption_of(prompt: Prompt | None) -> str:
    """The text in which the camera's moves are looked for: what the generator was asked.

    Its camera caption, if the prompt's text contains it or is not told; else the text's sentences about the
    camera, which may be none.

    Raises:
        NotApplicable: there is no prompt, or its camera caption is empty.
    """
    if prompt is None:
        raise NotApplicable("the clip has no prompt")
    camera = prompt.caption("camera")
    if camera == "":
        raise NotApplicable("the camera caption is empty, so nothing is asked of the camera")
    if camera is not None and prompt.asks_for("camera"):
        return camera
    return sentences_of_the_camera(prompt.text)


def camera_path(clip: ClipInputs, kept: Bool[np.ndarray, " N"]) -> CameraPath:
    """The picture's steps between the frames of some pairs."""
    steps = clip["speeds"]
    return CameraPath(
        x=steps["shift_x"][kept],
        y=steps["shift_y"][kept],
        z=np.log(steps["scale"][kept]),
        roll=steps["rotation"][kept],
        seconds=steps["dt"][kept],
    )


def _believed(clip: ClipInputs) -> Bool[np.ndarray, " N"]:
    """Which pairs of frames the camera's motion is known for."""
    steps = clip["speeds"]
    return within_shots(steps, clip["pulse"]) & (steps["camera_inliers"] >= FEWEST_INLIERS)


CAMERA_MOTION_AGREEMENT = ClipFormula(
    MetricSpec(
        name="camera_motion_agreement",
        version=2,
        dimension="text alignment",
        summary="Whether the camera does what the prompt asks for",
        unit="",
        range=(0.0, 1.0),
        higher_is_better=True,
        needs={"speeds": SPEEDS, "pulse": PULSE},
        degenerate_when=("too-short", "black", "textureless"),
        needs_prompt=True,
        source="mirabench: caption vocabulary against a homography fitted to DIS flow",
        resolution_invariant=True,
        fps_invariant=True,
        worsened_by=("freeze_tail", 0.9),
    ),
    agreement,
)
