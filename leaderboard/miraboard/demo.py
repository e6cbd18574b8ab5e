"""A board to look at: real runs of `mirabench evaluate` on clips that a tiny renderer made.

Four ways to render the prompts of the track `smoke`, degraded on purpose in known ways, are scored and
submitted like anybody's clips. The numbers are measured; the generators are toys, and the board says so.
"""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np

from mirabench.errors import InputError
from mirabench.inputs.prompts import Prompt
from mirabench.inputs.samples import Sample
from mirabench.run.evaluate import run
from mirabench.run.plan import make_plan
from mirabench.run.prepare import Job
from mirabench.run.score import Options
from mirabench.testing import degrade
from mirabench.testing.render_prompt import render_prompt
from mirabench.video.encode import REPEATABLE, write_video
from mirabench.video.frames import UInt8Array
from miraboard.board import DEMO, Board
from miraboard.strips import make_strips, to_file
from miraboard.tracks import Track

log = logging.getLogger(__name__)

TRACK = "smoke"
SIZE, FRAMES, FPS = (256, 144), 48, 24


def _slow(frames: UInt8Array) -> UInt8Array:
    """The first frame, and then one of four: far less motion, all of it smooth."""
    return np.repeat(frames[: len(frames) // 4], 4, axis=0)


def _still(frames: UInt8Array) -> UInt8Array:
    return np.repeat(frames[:1], len(frames), axis=0)


GENERATORS: dict[tuple[str, str], tuple[int, Callable[[UInt8Array], UInt8Array]]] = {
    (f"{DEMO}renderer", "1"): (0, lambda frames: frames),
    (f"{DEMO}renderer", "2 (other seed)"): (1, lambda frames: frames),
    (f"{DEMO}renderer with flicker", "1"): (2, degrade.flicker),
    (f"{DEMO}renderer with wobble", "1"): (3, degrade.wobble),
    (f"{DEMO}slow renderer", "1"): (4, _slow),
    (f"{DEMO}one picture", "1"): (5, _still),
}
"""Generator and version -> seed of the renderer, and what is done to its frames."""


def fill(board: Board, say: Callable[[str], None] = log.info) -> int:
    """Render, score and submit; returns how many submissions the board took.

    Raises:
        InputError: the board has no track `smoke`.
    """
    if TRACK not in board.tracks:
        raise InputError(f"the demonstration needs the track {TRACK!r}")
    track = board.tracks[TRACK]
    taken = 0
    for (name, version), (seed, degrade_frames) in GENERATORS.items():
        data, strips = _run(track, seed, degrade_frames)
        card = {
            "generator": name, "version": version, "track": TRACK, "licence": "Apache-2.0",
            "contact": "the mirabench developers", "links": [],
        }  # fmt: skip
        answer = board.submit(data, card, f"demo {seed}", strips=strips)
        taken += answer.accepted
        say(f"{name} {version}: {answer.id or '; '.join(map(str, answer.reasons))}")
    return taken


def _run(
    track: Track, seed: int, degrade_frames: Callable[[UInt8Array], UInt8Array]
) -> tuple[bytes, bytes]:
    """The bytes of `report.json` and of `strips.json`."""
    with tempfile.TemporaryDirectory() as folder:
        samples = [
            Sample(p.id, _clip(Path(folder), p, seed, degrade_frames), p)
            for p in track.prompts.values()
        ]
        plan = make_plan(track.suite, with_prompts=True, with_reference=False, pictures=False)
        report = run(Job(track.suite, plan, samples, []), None, Options())
        strips = to_file(make_strips(report))
    for video in report.videos:
        video.path = Path(video.path).name  # the folder was ours, and is gone
    return report.to_json().encode(), strips.encode()


def _clip(
    folder: Path, prompt: Prompt, seed: int, degrade_frames: Callable[[UInt8Array], UInt8Array]
) -> Path:
    frames = np.stack(list(render_prompt(prompt.text, seed=seed, frames=FRAMES, size=SIZE)))
    path = folder / f"{prompt.id.replace('/', '_')}.mp4"
    return write_video(path, degrade_frames(frames), fps=FPS, options=REPEATABLE)
