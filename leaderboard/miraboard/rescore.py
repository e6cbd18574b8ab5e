"""A maintainer scores a sample of a submission's clips again and compares.

Clips are found by the digest of their file, never by a path that the report names.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from mirabench.errors import InputError
from mirabench.file_digest import sha256_of
from mirabench.inputs.samples import Sample
from mirabench.report.model import Report, ScoreRecord, VideoRecord
from mirabench.run.evaluate import run
from mirabench.run.plan import make_plan
from mirabench.run.prepare import Job
from mirabench.run.score import Options
from mirabench.video.paths import is_video_file
from miraboard.board import Board
from miraboard.guard import SubmissionRefused
from miraboard.submission import read_report
from miraboard.tracks import Track

SAMPLE = 8


@dataclass(frozen=True, slots=True)
class Rescored:
    """What a recomputation found."""

    clips: int
    compared: int
    """Scores that were compared."""
    worst: float
    """Largest relative difference."""
    differing: tuple[str, ...]
    """Scores beyond the tolerance, `clip metric: theirs, ours`."""
    tolerance: float

    @property
    def passed(self) -> bool:
        """Whether every score agrees."""
        return not self.differing

    def __str__(self) -> str:
        head = (
            f"{self.compared} scores of {self.clips} clips computed again, largest relative "
            f"difference {self.worst:.2g}, tolerance {self.tolerance:g}"
        )
        more = f"; {len(self.differing)} differ: {'; '.join(self.differing[:3])}"
        return head + (more if self.differing else "")


def rescore(
    text: str, track: Track, folder: Path, *, sample: int = SAMPLE, seed: int = 0
) -> Rescored:
    """Score a random sample of a report's clips again.

    Args:
        text: The report as it was submitted.
        track: Its track.
        folder: Holds the clips' files, under any name.
        sample: Clips to score.
        seed: Of the choice; a submitter should not know it.

    Raises:
        InputError: none of the clips is in the folder, or the report cannot be read.
    """
    try:
        report = read_report(text.encode())
    except SubmissionRefused as error:
        raise InputError(f"the stored report cannot be read: {error}") from error
    found = _files(report, folder)
    if not found:
        raise InputError(f"{folder} holds no file with the digest of a clip of this submission")
    chosen = sorted(random.Random(seed).sample(sorted(found), min(sample, len(found))))
    videos = [v for v in report.videos if v.id in chosen]
    again = _evaluate(videos, found, track)
    return compare(videos, again.videos, track.rescore_tolerance)


def rescore_submission(
    board: Board, identity: str, folder: Path, *, sample: int = SAMPLE, seed: int = 0
) -> Rescored:
    """Score a sample again and keep the verdict; whoever reaches the database is a maintainer.

    Raises:
        InputError: no such submission, or none of its clips is in the folder.
    """
    text = board.store.report(identity)
    track = board.tracks.get(board.store.track_of(identity))
    if track is None:
        raise InputError(f"the track of the submission {identity} is not on this board any more")
    found = rescore(text, track, folder, sample=sample, seed=seed)
    board.store.verdict(identity, "rescored", str(found), "maintainer", passed=found.passed)
    return found


def _files(report: Report, folder: Path) -> dict[str, Path]:
    wanted = {v.sha256: v.id for v in report.videos if v.sha256}
    found = {}
    for path in sorted(folder.rglob("*")):
        if path.is_file() and is_video_file(path) and not path.name.startswith("."):
            key = wanted.get(sha256_of(path))
            if key is not None:
                found[key] = path
    return found


def _evaluate(videos: list[VideoRecord], files: dict[str, Path], track: Track) -> Report:
    plan = make_plan(track.suite, with_prompts=True, with_reference=False, pictures=False)
    samples = [Sample(v.id, files[v.id], track.prompts[str(v.prompt_id)]) for v in videos]
    return run(Job(track.suite, plan, samples, []), None, Options())


def compare(
    videos: Sequence[VideoRecord], again: Sequence[VideoRecord], tolerance: float
) -> Rescored:
    """How far two records of the same clips agree: the reported ones and ours."""
    worst, compared, differing = 0.0, 0, []
    for theirs, ours in zip(videos, again, strict=True):
        for name in sorted(theirs.scores.keys() | ours.scores.keys()):
            compared += 1
            a, b = theirs.scores.get(name), ours.scores.get(name)
            if a is None or b is None or a.status != b.status:
                differing.append(f"{theirs.id} {name}: {_told(a)}, {_told(b)}")
                continue
            # against the larger of the two, so that a number near 0 is not held to nothing
            gap = abs(a.value - b.value) / max(abs(a.value), abs(b.value), 1e-6)
            worst = max(worst, gap)
            if gap > tolerance:
                differing.append(f"{theirs.id} {name}: {a.value:.6g}, {b.value:.6g}")
    return Rescored(len(videos), compared, worst, tuple(differing), tolerance)


def _told(score: ScoreRecord | None) -> str:
    return "no score" if score is None else f"{score.value:.6g} ({score.status})"
