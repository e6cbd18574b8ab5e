"""The clean clips: rendered ones, or people's own files, cut and shrunk to what an attack can hold."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from mirabench.attacks.api import Footage
from mirabench.errors import InputError, VideoError
from mirabench.inputs.prompts import Prompt
from mirabench.inputs.remote import at_hand
from mirabench.inputs.samples import Sample, collect
from mirabench.testing import clips
from mirabench.testing.clips import SyntheticClip
from mirabench.video.decode import open_video
from mirabench.video.frames import UInt8Array
from mirabench.video.resize import Resize

SIZE = (160, 96)
FRAMES = 48
MOST_SECONDS = 2.0
MOST_SHORT_SIDE = 240
"""Of a file, this much is attacked: forty degraded copies of it are made and scored."""

_Make = Callable[..., SyntheticClip]
ATTACKED: dict[str, tuple[_Make, dict[str, Any]]] = {
    "dolly": (clips.dolly, {}),
    "orbit": (clips.orbit, {}),
    "ball": (clips.ball, {}),
    "ball-pan": (clips.ball, {"yaw": 7.0}),
}
"""A camera that moves forward, one that circles, an object that moves, and both at once."""
YARDSTICK: dict[str, tuple[_Make, dict[str, Any]]] = {
    "truck": (clips.truck, {"metres_per_second": -0.5}),
    "turn": (clips.turn, {}),
    "handheld": (clips.handheld, {}),
    "dolly-back": (clips.dolly, {"metres_per_second": -1.2}),
    "painting-pan": (clips.pan, {"seed": 3}),
    "painting-zoom": (clips.zoom, {"seed": 4}),
}
"""More clean clips, never attacked: they only tell how far clean clips lie apart."""


def rendered(
    names: Sequence[str], frames: int = FRAMES, size: tuple[int, int] = SIZE
) -> list[Footage]:
    """Rendered clips of `ATTACKED` or `YARDSTICK`, 24 frames per second, with true captions."""
    found = []
    for name in names:
        make, options = (ATTACKED | YARDSTICK)[name]
        clip = make(frames, size, **options)
        prompt = Prompt(name, clip.captions["short"], clip.captions, text_is_told=False)
        found.append(Footage(name, clip.frames, clip.fps, prompt, rendered=True))
    return found


class Read(NamedTuple):
    """Clips that could be read, and why the others could not."""

    clips: list[Footage]
    unread: dict[str, str]


def from_files(inputs: Sequence[str], fps: float | None = None) -> Read:
    """The first `MOST_SECONDS` of people's clips, shrunk to `MOST_SHORT_SIDE`, at their average rate.

    Args:
        inputs: Files, frame folders, folders, globs or manifests, as for `mirabench evaluate`.
        fps: Frames per second of frame folders.

    Raises:
        InputError: an input matches nothing, or no clip can be read.
    """
    clips_found: list[Footage] = []
    unread: dict[str, str] = {}
    for sample in collect(inputs):
        try:
            clips_found.append(_read(sample, fps))
        except VideoError as error:
            unread[sample.id] = str(error)
    if not clips_found:
        name, why = next(iter(unread.items()))
        raise InputError(f"none of {len(unread)} clips can be read; {name}: {why}")
    return Read(clips_found, unread)


def _read(sample: Sample, fps: float | None) -> Footage:
    shrink = Resize(max_short_side=MOST_SHORT_SIDE)
    frames: list[UInt8Array] = []
    with at_hand(sample.source) as source:
        video = open_video(source, fps=fps)
        for batch in video.frames():
            wanted = batch.seconds < MOST_SECONDS
            frames.append(shrink(batch.data[wanted]))
            if not wanted.all():
                break
    return Footage(sample.id, _even(np.concatenate(frames)), float(video.info.fps), sample.prompt)


def _even(frames: UInt8Array) -> UInt8Array:
    """Without the last row or column where there is an odd number: codecs of the attacks want pairs."""
    height, width = frames.shape[1:3]
    return frames[:, : max(1, height - height % 2), : max(1, width - width % 2)]
