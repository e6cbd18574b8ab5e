"""A tiny generator to try things on: a rendered place, filmed the way the prompt's camera words say.

Of a prompt it understands the camera alone ("pans left", "zooms in", "handheld"), through the same
vocabulary that the metric `camera_motion_agreement` reads; the rest of the text and the seed only
choose the place and its colours. Runs as a program, for the generator `command`:

    python -m mirabench.testing.render_prompt --prompt "The camera pans left." --seed 0 --output a.mp4
"""

from __future__ import annotations

import argparse
import hashlib
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mirabench.metrics.camera_caption import asked_moves, sentences_of_the_camera
from mirabench.testing.cameras import Camera, rotation
from mirabench.testing.places import room, yard
from mirabench.testing.scenes import render
from mirabench.video.encode import write_video
from mirabench.video.frames import UInt8Array

FPS = 24
TREMOR_DEGREES = 0.35


@dataclass(frozen=True, slots=True)
class _View:
    """Where the camera looks, as sums of what the moves add."""

    yaw: float = 0.0
    """Degrees to the right."""
    pitch: float = 0.0
    """Degrees up."""
    roll: float = 0.0
    """Degrees clockwise."""
    aside: float = 0.0
    """Metres to the right."""
    lift: float = 0.0
    """Metres up."""
    ahead: float = 0.0
    """Metres forwards."""

    def plus(self, other: _View, share: float) -> _View:
        """This view after a share of a move."""
        return _View(*(getattr(self, n) + share * getattr(other, n) for n in self.__slots__))


_MOVES = {
    "left": _View(yaw=-13, aside=-0.4),
    "right": _View(yaw=13, aside=0.4),
    "up": _View(pitch=10, lift=0.3),
    "down": _View(pitch=-10, lift=-0.3),
    "in": _View(ahead=1.6),
    "out": _View(ahead=-1.6),
    "roll": _View(roll=14),
    "horizontal": _View(yaw=13, aside=0.4),
    "vertical": _View(pitch=10, lift=0.3),
    "depth": _View(ahead=1.6),
    "moving": _View(aside=0.8),
    "static": _View(),
}
"""What a whole move adds. Pan and truck come together, tilt and pedestal too, and a zoom is a dolly:
a camera that only turns shows nothing of the scene's depth. `handheld` shakes all of the clip."""


def render_prompt(
    prompt: str, *, seed: int = 0, frames: int = 72, size: tuple[int, int] = (320, 180)
) -> Iterator[UInt8Array]:
    """Frames (H, W, 3) of a clip whose camera makes the prompt's moves, one after the other.

    The same prompt, seed and size give the same frames. A prompt without camera words gives a
    camera that stands still before a rolling ball.
    """
    camera = (
        prompt.rpartition("Camera: ")[2]
        if "Camera: " in prompt
        else sentences_of_the_camera(prompt)
    )
    asked = asked_moves(camera)
    moves = [_MOVES[move] for move in asked if move in _MOVES]
    number = int(hashlib.sha256(f"{seed} {prompt}".encode()).hexdigest()[:8], 16)
    scene = room(number) if moves and number % 2 else yard(number)
    for frame in range(frames):
        time = frame / FPS
        view = _view(moves, frame / max(1, frames - 1))
        if "handheld" in asked:
            view = view.plus(_tremor(time), 1.0)
        yield render(scene, _camera(view, size), time).rgb


def _view(moves: Sequence[_View], progress: float) -> _View:
    """Where the camera looks after a share of the clip, 0 to 1."""
    view = _View()
    for number, move in enumerate(moves):
        view = view.plus(move, min(1.0, max(0.0, progress * len(moves) - number)))
    return view


def _tremor(time: float) -> _View:
    return _View(
        yaw=TREMOR_DEGREES * math.sin(2 * math.pi * 4.1 * time),
        pitch=TREMOR_DEGREES * math.sin(2 * math.pi * 5.3 * time + 1),
    )


def _camera(view: _View, size: tuple[int, int]) -> Camera:
    width, height = size
    position = np.array([view.aside, -view.lift, view.ahead])
    turn = rotation(view.yaw, view.pitch, view.roll)
    return Camera(0.8 * width, width, height, turn, position)


def main(arguments: Sequence[str] | None = None) -> None:
    """Render one prompt to a file."""
    parser = argparse.ArgumentParser(description="Render a place with the prompt's camera moves.")
    parser.add_argument("--prompt", required=True)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--frames", type=int, default=72)
    parser.add_argument("--size", default="320x180", help="width x height in pixels")
    given = parser.parse_args(arguments)
    width, _, height = given.size.partition("x")
    frames = render_prompt(
        given.prompt, seed=given.seed, frames=given.frames, size=(int(width), int(height))
    )
    write_video(given.output, frames, fps=FPS)


if __name__ == "__main__":
    main()
