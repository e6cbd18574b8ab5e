"""The halves of the board's scales are what rendered clips give."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

from mirabench import toml
from miraboard.tracks import load_tracks
from miraboard.utility import bundled


@pytest.fixture(scope="module")
def scales() -> ModuleType:
    path = Path(__file__).resolve().parents[2] / "leaderboard" / "scales.py"
    spec = importlib.util.spec_from_file_location("scales", path)
    assert spec and spec.loader
    found = importlib.util.module_from_spec(spec)
    sys.modules["scales"] = found
    spec.loader.exec_module(found)
    return found


@pytest.fixture(scope="module")
def medians(scales: ModuleType) -> dict[str, float]:
    found: dict[str, float] = scales.medians()
    return found


def test_every_half_is_measured_or_marked_as_chosen(
    scales: ModuleType, medians: dict[str, float]
) -> None:
    text = scales.FILE.read_text(encoding="utf-8")
    measured = set(medians)
    for name, scale in bundled().items():
        line = text.partition(f"[{name}]\n")[2].partition("\n")[0]
        assert name in measured or "half" not in scale or "chosen" in line, name


def test_the_halves_are_the_medians_to_a_factor_of_two(medians: dict[str, float]) -> None:
    """A metric's new version moves its median; `python leaderboard/scales.py --write` follows."""
    assert {"flow_magnitude", "noise", "blockiness"} <= set(medians)
    for name, median in medians.items():
        assert 0.5 <= bundled()[name]["half"] / median <= 2, (name, median)


def test_writing_changes_halves_and_nothing_else(scales: ModuleType) -> None:
    text = scales.FILE.read_text(encoding="utf-8")
    same = {n: s["half"] for n, s in bundled().items() if "half" in s}
    assert toml.loads(scales.with_halves(text, same)) == bundled()
    other = scales.with_halves(text, {"noise": 12.5})
    assert [line for line in other.splitlines() if line not in text.splitlines()] == [
        "half = 12.5        # 8-bit levels"
    ]


def test_every_track_has_a_scale_for_what_it_ranks() -> None:
    for track in load_tracks().values():
        assert set(track.utilities) == set(track.ranked)
