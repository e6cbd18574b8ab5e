"""Reports made by hand for the board: small, valid, each clip its own; tests spoil them one thing at a time."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mirabench.identity import digest_of
from mirabench.inputs.prompts import Prompt
from mirabench.metrics.api import SetMeasured
from mirabench.report.build import summarise_clips, summarise_set
from mirabench.report.model import Report, ScoreRecord, SuiteRecord, VideoRecord
from mirabench.suites.api import load_suite
from miraboard.board import Board
from miraboard.protocols import canonical_description
from miraboard.recompute import is_partial
from miraboard.settings import Settings
from miraboard.tracks import Track

METRICS = ("warping_error", "flow_magnitude", "object_motion", "sharpness", "noise", "exposure")
DISTANCE = "handmade_frechet_distance"
TOKEN = "a-token-of-the-tests"

CARD: dict[str, Any] = {
    "generator": "Alpha",
    "version": "1.0",
    "track": "tiny",
    "licence": "Apache-2.0",
    "contact": "someone@example.org",
    "links": [],
}


def protocol(track: Track, metric: str) -> tuple[str, dict[str, Any]]:
    built = track.metrics[metric]
    description = canonical_description(built, track)
    key = f"{metric}@{built.spec.version}:{digest_of(description, 10)}"
    return key, json.loads(json.dumps(description))


def clip(track: Track, prompt: Prompt, seed: int, level: float) -> VideoRecord:
    """One row; `level` from 0 to 1 moves every score."""
    random = np.random.default_rng([seed, sum(map(ord, prompt.id))])
    scores = {}
    for name, spec in track.specs.items():
        if spec.scope == "clip":
            value = 0.2 + 0.5 * level + 0.05 * float(random.random())
            scores[name] = ScoreRecord(
                value=value, status="ok", protocol=protocol(track, name)[0], why=""
            )
    return VideoRecord(
        id=f"{prompt.id}-{seed}",
        path=f"clips/{prompt.id}-{seed}.mp4",
        prompt_id=prompt.id,
        prompt=prompt.text,
        sha256=hashlib.sha256(f"{seed} {prompt.id}".encode()).hexdigest(),
        width=320,
        height=180,
        fps=24.0,
        num_frames=48,
        duration_seconds=2.0,
        scores=scores,
    )


def report_of(track: Track, videos: list[VideoRecord]) -> Report:
    """The report that follows from the rows."""
    summary = {
        name: summarise_clips(metric, videos)
        for name, metric in track.metrics.items()
        if metric.spec.scope == "clip"
    }
    report = Report(
        suite=SuiteRecord(
            name=track.suite.name, version=track.suite.version, digest=track.suite_digest
        ),
        partial=False,
        summary=summary,
        skipped={n: "no reference" for n, s in track.specs.items() if s.scope == "set"},
        videos=videos,
        protocols=dict(
            sorted(protocol(track, n) for n, s in track.specs.items() if s.scope == "clip")
        ),
        provenance={"mirabench": "0.1.0"},
    )
    report.partial = is_partial(report)
    return report


_MADE: dict[tuple[int, float], Report] = {}


@dataclass(frozen=True)
class Kit:
    """What tests make submissions with."""

    track: Track

    def report(self, seed: int = 1, level: float = 0.5) -> Report:
        """The same report for the same seed and level, and a copy for each who asks."""
        key = (seed, level)
        if key not in _MADE:
            prompts = self.track.prompts.values()
            _MADE[key] = report_of(self.track, [clip(self.track, p, seed, level) for p in prompts])
        return _MADE[key].model_copy(deep=True)

    def raw(self, seed: int = 1, level: float = 0.5) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.report(seed, level).to_json())
        return found

    def distance(self, **changes: Any) -> dict[str, Any]:
        """A report with a distance between sets, told as `changes` say."""
        raw = self.raw()
        key, description = protocol(self.track, DISTANCE)
        raw["protocols"][key] = description
        empty = summarise_set(self.track.specs[DISTANCE], SetMeasured(2.0, 0.1, 8), 8, key)
        raw["summary"][DISTANCE] = {**empty.model_dump(), **changes}
        del raw["skipped"][DISTANCE]
        return raw

    def again(self, videos: list[VideoRecord]) -> Report:
        return report_of(self.track, videos)

    @staticmethod
    def data(report: Report | Mapping[str, Any]) -> bytes:
        if isinstance(report, Report):
            return report.to_json().encode()
        return json.dumps(report).encode()

    @staticmethod
    def card(**changes: Any) -> dict[str, Any]:
        return {**CARD, **changes}


@pytest.fixture(scope="session")
def track() -> Track:
    prompts = {f"p{i}": Prompt(f"p{i}", f"A ball rolls over table number {i}.") for i in range(8)}
    return Track(
        name="tiny",
        title="Tiny track",
        suite=load_suite("lite").only([*METRICS, DISTANCE]),
        prompts=prompts,
        motion_metric="flow_magnitude",
        motion_floor=0.05,
    )


@pytest.fixture(scope="session")
def kit(track: Track) -> Kit:
    return Kit(track)


@pytest.fixture
def open_board(tmp_path: Path, track: Track) -> Iterator[Callable[..., Board]]:
    """Opens boards over one database, and closes them."""
    opened: list[Board] = []

    def make(**settings: Any) -> Board:
        values = {
            "database": f"sqlite:///{tmp_path / 'board.db'}",
            "per_hour": 1000,
            "token": TOKEN,
            "accounts": "optional",
        }
        opened.append(Board(Settings(**{**values, **settings}), {track.name: track}))
        return opened[-1]

    yield make
    for board in opened:
        board.close()


@pytest.fixture
def board(open_board: Callable[..., Board]) -> Board:
    return open_board()
