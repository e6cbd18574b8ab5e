"""Random damages: nothing crashes or hangs, and a number that changed does not pass for sound."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import faults
import mutants
import numpy as np
import pytest

import mirabench
from mirabench.report.model import VideoRecord

METRIC = "flow_magnitude"


def scored(path: Path) -> VideoRecord:
    return mirabench.evaluate([path], metrics=[METRIC], cache=False).videos[0]


@dataclass(frozen=True)
class Whole:
    raw: bytes
    record: VideoRecord


@pytest.fixture(scope="module")
def wholes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Whole]:
    folder, frames = tmp_path_factory.mktemp("wholes"), mutants.film()
    found = {}
    for name, kind in mutants.KINDS.items():
        path = kind.write(folder / f"{name}{kind.suffix}", frames)
        found[name] = Whole(path.read_bytes(), scored(path))
    return found


def change_of(now: VideoRecord, before: VideoRecord) -> float:
    """The largest change, of length, frames and flow, relative to the whole clip."""
    pairs = (
        (now.duration_seconds, before.duration_seconds),
        (now.num_frames, before.num_frames),
        (now.scores[METRIC].value, before.scores[METRIC].value),
    )
    return max(abs((a or 0) / (b or 1) - 1) for a, b in pairs)


def outcome(now: VideoRecord, before: VideoRecord) -> str:
    if METRIC in now.not_applicable:  # too few frames are left
        return "degenerate" if "damaged" in now.health else "silent"
    if METRIC not in now.scores:
        assert now.error or now.failures, "a clip without a score says why"
        return "failed"
    if now.scores[METRIC].status != "ok":
        return "degenerate"
    return "silent" if change_of(now, before) > 0.05 else "ok"


def test_whole_films_are_sound(wholes: dict[str, Whole]) -> None:
    for name, whole in wholes.items():
        assert whole.record.scores[METRIC].status == "ok", name
        assert "damaged" not in whole.record.health, name


QUARTERS = [(first, first + 500) for first in range(0, 2000, 500)]


@pytest.mark.parametrize(
    ("first", "end"),
    [(0, 200), *(faults.whole_case(*quarter, id=f"from {quarter[0]}") for quarter in QUARTERS)],
)
def test_mutants_neither_crash_nor_pass_for_sound(
    wholes: dict[str, Whole], tmp_path: Path, first: int, end: int
) -> None:
    kinds, changes = list(mutants.KINDS), list(mutants.CHANGES)
    outcomes: Counter[str] = Counter()
    silent = []
    for number in range(first, end):
        name = kinds[number % len(kinds)]
        change = changes[number // len(kinds) % len(changes)]
        whole = wholes[name]
        path = tmp_path / f"mutant{mutants.KINDS[name].suffix}"
        path.write_bytes(mutants.CHANGES[change](whole.raw, np.random.default_rng([7, number])))
        found = outcome(scored(path), whole.record)
        outcomes[found] += 1
        if found == "silent":
            silent.append((name, change, number))
    told = f"{dict(outcomes)}; silent: {silent}"
    print(told)  # noqa: T201  # with -s, the counts of docs/health.md
    assert not silent, told
    assert outcomes["degenerate"] + outcomes["failed"] > 0.7 * (end - first), told
