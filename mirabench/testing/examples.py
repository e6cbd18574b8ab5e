"""Three short clips with captions, to try things on: one good, one inconsistent, one that freezes."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from mirabench.files import write_text
from mirabench.inputs.prompts import ASPECTS
from mirabench.testing import degrade, films
from mirabench.video.encode import write_video
from mirabench.video.frames import UInt8Array

SIZE = (480, 270)
FRAMES = 96


@dataclass(frozen=True, slots=True, eq=False)
class Example:
    """A clip and what it was asked to show."""

    id: str
    frames: UInt8Array
    captions: Mapping[str, str]
    """Aspect -> caption."""


_ROOM = {
    "short": "A slow walk into a furnished room with crates, a bookcase and a window.",
    "dense": "The camera enters a quiet furnished room by day. Two crates, one of bare wood and one painted "
    "green, stand beside a rug, a bookcase lines one wall, pictures hang on another, "
    "and a window at the far end looks over green hills. Nothing in "
    "the room moves; only the viewpoint does, steadily towards the window, until only the far edge of "
    "the rug is in sight and the hills fill more of the view than at the beginning.",
    "main_object": "A crate of bare wood and one painted green, beside a patterned rug. They stay where they "
    "are while the camera comes closer, growing larger and drifting towards the edges of the picture.",
    "background": "Plastered walls, a floor of wooden planks, a bookcase, two framed pictures and a window "
    "with a view of hills under a clear sky. Everything is fixed and rigid.",
    "style": "A clean computer rendering with matte surfaces, warm daylight and soft shading.",
    "camera": "The camera dollies in at walking pace and pans slightly to the right, level all the way.",
}
_BALL = {
    "short": "A red and blue ball bounces across a paved yard in front of two brick houses.",
    "dense": "A red and blue beach ball rolls and hops over a paved yard from left to right. Two brick houses "
    "and a few crates stand behind it on a meadow, hills lie on the horizon, and the sky is clear. Each hop is "
    "a little lower than the one before. The camera turns after the ball so that it stays in the picture while "
    "houses and hills drift past behind it.",
    "main_object": "A beach ball in red and blue. It rolls to the right, bounces several times, spins as it "
    "goes and loses a little height with every bounce.",
    "background": "A yard of paving stones in a meadow, two houses, stacked crates, and low hills under a blue "
    "sky. Nothing there moves by itself.",
    "style": "A bright computer rendering in clear, saturated daylight colours.",
    "camera": "The camera stays on its spot and pans right, following the ball.",
}


def example_clips() -> list[Example]:
    """The three clips, 480x270, 24 frames per second, four seconds each."""
    room = films.room_dolly(FRAMES, SIZE)
    ball = films.ball_pan(FRAMES, SIZE)
    return [
        Example("room-dolly", room, _ROOM),
        Example("room-wobble", degrade.flicker(degrade.wobble(room)), _ROOM),
        Example("ball-freeze", degrade.freeze_tail(ball), _BALL),
    ]


def write_examples(folder: Path) -> Path:
    """Write the clips and `manifest.csv` with their captions; returns the manifest's path.

    Raises:
        OutputError: the folder cannot be written.
    """
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(["id", "video_path", *(f"{aspect}_caption" for aspect in ASPECTS)])
    for example in example_clips():
        path = folder / f"{example.id}.mp4"
        write_video(path, example.frames, fps=films.FPS, options={"crf": "16"})
        writer.writerow([example.id, path.name, *(example.captions[a] for a in ASPECTS)])
    manifest = folder / "manifest.csv"
    write_text(manifest, buffer.getvalue())
    return manifest
