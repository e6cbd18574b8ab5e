"""Real clips and their real report, small, for tests of boards that score clips."""

from __future__ import annotations

import json
import pickle
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import clipkit

from mirabench.inputs.prompts import Prompt
from mirabench.inputs.samples import Sample
from mirabench.run.evaluate import run
from mirabench.run.plan import make_plan
from mirabench.run.prepare import Job
from mirabench.run.score import Options
from mirabench.suites.api import Suite
from mirabench.video.encode import REPEATABLE, write_video
from miraboard.clips import child
from miraboard.clips.apart import Seen, read_answer
from miraboard.clips.confine import Limits
from miraboard.tracks import Track


@dataclass(frozen=True)
class Made:
    """One generator's clips and report."""

    folder: Path
    report: Any
    track: Track

    @property
    def data(self) -> bytes:
        return bytes(self.report.to_json().encode())

    def path(self, clip: str) -> Path:
        return self.folder / f"{clip}.mp4"

    def lie(self, clip: str, kit: Any, metric: str = "sharpness", by: float = 0.05) -> bytes:
        """A report that is whole and not true of one clip."""
        report = self.report.model_copy(deep=True)
        for video in report.videos:
            if video.id == clip:
                video.scores[metric].value = min(1.0, video.scores[metric].value + by)
        return bytes(kit.data(kit.again(report.videos)))


def make(
    folder: Path, track: Track, seed: int = 0, size: tuple[int, int] = (96, 64), frames: int = 14
) -> Made:
    folder.mkdir(parents=True, exist_ok=True)
    for i, prompt in enumerate(track.prompts):
        film = clipkit.panning(frames=frames, dx=1 + 0.3 * i, size=size, seed=100 * seed + i)
        write_video(folder / f"{prompt}.mp4", film, options=REPEATABLE)
    plan = make_plan(track.suite, with_prompts=True, with_reference=False, pictures=False)
    samples = [Sample(key, folder / f"{key}.mp4", p) for key, p in track.prompts.items()]
    report = run(Job(track.suite, plan, samples, []), None, Options())
    for video in report.videos:
        video.path = f"clips/{Path(video.path).name}"
    return Made(folder, report, track)


def score_here(suite: Suite, prompt: Prompt, clip: str, path: Path, limits: Limits) -> Seen:
    """As `score_apart`, in this process: the clips are our own."""
    with tempfile.TemporaryDirectory() as folder:
        job = child.Job(pickle.dumps(suite), pickle.dumps(prompt), clip, str(path), folder, limits)
        return read_answer(json.dumps(child.found(job)).encode(), clip, Path(folder))
