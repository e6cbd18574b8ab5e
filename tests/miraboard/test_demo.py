"""The demonstration: submitted like anybody's reports, from what comes with the package or computed."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from miraboard import demo
from miraboard.board import Board
from miraboard.settings import Settings
from miraboard.tracks import load_tracks


@pytest.fixture
def board(tmp_path: Path, track: Any) -> Iterator[Board]:
    settings = Settings(database=f"sqlite:///{tmp_path / 'demo.db'}")
    found = Board(settings, {demo.TRACK: replace(track, name=demo.TRACK)})
    yield found
    found.close()


def test_its_generators_enter_a_board_that_asks_for_accounts(
    board: Board, kit: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(demo, "compute", lambda _, k: (kit.data(kit.report(k + 1)), b""))
    said: list[str] = []
    assert demo.fill(board, said.append) == len(demo.GENERATORS)
    assert "computing them again" in said[0]
    view = board.view(demo.TRACK)
    assert all(s.generator.startswith("demo: ") for s in view.standings)
    assert len(view.standings) + len(view.history) == len(demo.GENERATORS)
    assert "demonstration" in board.notice(demo.TRACK)


def test_what_was_written_is_what_is_submitted(
    board: Board, kit: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    strips = b'{"p1-1": "a strip", "p2-1": "another"}'
    monkeypatch.setattr(demo, "compute", lambda _, k: (kit.data(kit.report(k + 1)), strips))
    track = board.tracks[demo.TRACK]
    demo.write_shipped(tmp_path / "demo_scores.json.xz", track)
    monkeypatch.setattr(demo, "files", lambda _: tmp_path)
    found = demo.shipped(track)
    assert [data for data, _ in found] != [] and found[0][1] == b'{"p1-1": "a strip"}'
    assert json.loads(found[0][0]) == kit.raw(1)
    other = replace(track, suite=replace(track.suite, version=99))
    assert demo.shipped(other) == []


def test_the_shipped_scores_are_of_the_suite_as_it_is() -> None:
    """`python -m miraboard.demo` writes them."""
    assert len(demo.shipped(load_tracks()[demo.TRACK])) == len(demo.GENERATORS)


def test_a_demonstration_is_there_within_twenty_seconds(tmp_path: Path) -> None:
    """From the command to the end; the processor's time, since a busy machine is not the command's doing."""
    command = [sys.executable, "-m", "mirabench", "leaderboard", "demo"]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(
        [*command, "--database", f"sqlite:///{tmp_path / 'demo.db'}"],
        capture_output=True,
        text=True,
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert done.stdout.splitlines()[-1] == f"{len(demo.GENERATORS)} submissions accepted", (
        done.stderr
    )
    assert after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime < 20
