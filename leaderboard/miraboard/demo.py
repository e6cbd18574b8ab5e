"""A board to look at: real runs of `mirabench evaluate` on clips that a tiny renderer made.

Four ways to render the prompts of the track `smoke`, degraded on purpose in known ways, are scored and
submitted like anybody's clips. The numbers are measured; the generators are toys, and the board says so.

The scores come with the package where they were written for the suite as it is, and are computed again
otherwise. `python -m miraboard.demo` writes them, with a film strip of one clip of each.
"""

from __future__ import annotations

import json
import logging
import lzma
import tempfile
from collections.abc import Callable
from importlib.resources import files
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
from miraboard import accounts
from miraboard.board import DEMO, Board
from miraboard.strips import make_strips, to_file
from miraboard.tracks import Track, load_tracks

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
    """Submit the demonstration's scores; returns how many submissions the board took.

    Raises:
        InputError: the board has no track `smoke`.
    """
    if TRACK not in board.tracks:
        raise InputError(f"the demonstration needs the track {TRACK!r}")
    track = board.tracks[TRACK]
    known = shipped(track)
    if not known:
        say("the scores that come with the package are of another suite: computing them again")
    taken = 0
    for number, (name, version) in enumerate(GENERATORS):
        data, strips = known[number] if known else compute(track, number)
        card = {
            "generator": name, "version": version, "track": TRACK, "licence": "Apache-2.0",
            "contact": "the mirabench developers", "links": [],
        }  # fmt: skip
        answer = board.submit(data, card, f"demo {number}", strips=strips, account=accounts.DEMO)
        taken += answer.accepted
        say(f"{name} {version}: {answer.id or '; '.join(map(str, answer.reasons))}")
    return taken


def shipped(track: Track) -> list[tuple[bytes, bytes]]:
    """`report.json` and `strips.json` of each generator, as shipped; empty if they are out of date."""
    file = files("miraboard") / "demo_scores.json.xz"
    if not file.is_file():
        return []
    found = json.loads(lzma.decompress(file.read_bytes()))
    if found["suite"] != track.suite_digest or len(found["runs"]) != len(GENERATORS):
        return []
    return [(run["report"].encode(), run["strips"].encode()) for run in found["runs"]]


def write_shipped(path: Path, track: Track) -> None:
    """Compute the scores and write the file that comes with the package."""
    runs = []
    for number in range(len(GENERATORS)):
        data, strips = compute(track, number)
        (clip, strip), *_ = json.loads(strips).items()
        report = json.dumps(json.loads(data), ensure_ascii=False, separators=(",", ":"))
        runs.append({"report": report, "strips": json.dumps({clip: strip})})
        log.info("%d of %d generators scored", number + 1, len(GENERATORS))
    text = json.dumps({"suite": track.suite_digest, "runs": runs}, ensure_ascii=False)
    path.write_bytes(lzma.compress(text.encode(), preset=9))


def compute(track: Track, number: int) -> tuple[bytes, bytes]:
    """The bytes of `report.json` and of `strips.json` of one generator, rendered and scored."""
    seed, degrade_frames = list(GENERATORS.values())[number]
    return _run(track, seed, degrade_frames)


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


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO)
    write_shipped(Path(__file__).with_name("demo_scores.json.xz"), load_tracks()[TRACK])
