"""Writes the reference that ships with the package: what 24 rendered clips give with `lite`.

They are films of made-up rooms, yards and pictures by `mirabench.testing.clips`, three seconds each,
320x180 at 24 frames a second: no camera saw them. They show how `--reference` works and what flawless
footage of simple scenes scores; they are no stand-in for real video.

Run `python benchmarks/embedded_reference.py` after a metric or feature of `lite` changed its version.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

from mirabench.run.build_reference import build_reference, prepare_reference
from mirabench.run.reference import write_statistics
from mirabench.run.score import Options
from mirabench.testing import clips
from mirabench.testing.clips import SyntheticClip
from mirabench.video.frames import ArrayVideo

FRAMES = 72
WHERE = Path(__file__).parents[1] / "mirabench" / "run" / "embedded.npz"

Make = Callable[..., SyntheticClip]
FILMS: dict[str, Make] = {
    "dolly-in": clips.dolly,
    "dolly-fast": partial(clips.dolly, seed=1, metres_per_second=0.9),
    "dolly-out": partial(clips.dolly, seed=2, metres_per_second=-0.6),
    "orbit-right": clips.orbit,
    "orbit-left": partial(clips.orbit, seed=1, degrees_per_second=-9.0),
    "truck-right": clips.truck,
    "truck-left": partial(clips.truck, seed=1, metres_per_second=-0.4),
    "turn-right": clips.turn,
    "turn-left": partial(clips.turn, seed=1, yaw=-6.0),
    "tilt": partial(clips.turn, seed=2, yaw=2.0, pitch=4.0),
    "handheld": clips.handheld,
    "handheld-strong": partial(clips.handheld, seed=1, degrees=1.0),
    "ball": clips.ball,
    "ball-pan": partial(clips.ball, seed=1, yaw=6.0),
    "ball-pan-left": partial(clips.ball, seed=2, yaw=-4.0),
    "ball-still": partial(clips.ball, seed=3),
    "picture-pan": partial(clips.pan, seed=3),
    "picture-pan-up": partial(clips.pan, seed=4, pixels=(0.5, -1.0)),
    "picture-pan-slow": partial(clips.pan, seed=5, pixels=(-1.0, 0.5)),
    "picture-zoom": partial(clips.zoom, seed=6, factor=1.004),
    "picture-zoom-out": partial(clips.zoom, seed=7, factor=0.996),
    "picture-roll": partial(clips.roll, seed=8, degrees=0.4),
    "picture-roll-back": partial(clips.roll, seed=9, degrees=-0.25),
    "picture-zoom-fast": partial(clips.zoom, seed=10, factor=1.008),
}


def main() -> None:
    """Render, measure, write."""
    films = [
        ArrayVideo(make(FRAMES).frames, fps=clips.FPS, name=name) for name, make in FILMS.items()
    ]
    found = build_reference(prepare_reference(films), Options())
    made = {**found.made, "of": f"{len(films)} clips rendered by mirabench.testing.clips"}
    del made["date"]  # the same clips and metrics give the same bytes on any day
    write_statistics(WHERE, replace(found, made=made))


if __name__ == "__main__":
    main()
