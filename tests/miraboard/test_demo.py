"""The demonstration: submitted like anybody's reports, from what comes with the package or computed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from miraboard import demo
from miraboard.board import Board
from miraboard.settings import Settings


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
