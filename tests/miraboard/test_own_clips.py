"""The one exception from the rule against copied clips: a generator's own clips in another track."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from miraboard.board import Board
from miraboard.settings import Settings


@pytest.fixture
def two_tracks(tmp_path: Path, kit: Any) -> Iterator[Board]:
    """A board with the track `tiny` and `faster`, which is the same but for its floor of motion."""
    faster = replace(kit.track, name="faster", motion_floor=0.1)
    settings = Settings(
        database=f"sqlite:///{tmp_path / 'two.db'}",
        per_hour=1000,
        token="a-token-of-the-tests",
        accounts="optional",
    )
    board = Board(settings, {"tiny": kit.track, "faster": faster})
    yield board
    board.close()


def submitted(board: Board, kit: Any, **card: Any) -> Any:
    return board.submit(kit.data(kit.report(1)), kit.card(**card), "10.0.0.1")


def codes(outcome: Any) -> set[str]:
    return {reason.code for reason in outcome.reasons}


COPIED = {"copied-clip", "copied-scores", "near-copy"}


def test_a_generators_own_clips_may_enter_another_track(two_tracks: Board, kit: Any) -> None:
    first = submitted(two_tracks, kit)
    second = submitted(two_tracks, kit, track="faster")
    assert first.accepted and second.accepted
    assert first.id != second.id


def test_another_generators_clips_may_not(two_tracks: Board, kit: Any) -> None:
    assert submitted(two_tracks, kit).accepted
    assert codes(submitted(two_tracks, kit, track="faster", generator="Beta")) == COPIED


def test_nor_its_own_in_the_same_track(two_tracks: Board, kit: Any) -> None:
    assert submitted(two_tracks, kit).accepted
    assert codes(submitted(two_tracks, kit, version="2.0")) == COPIED


def test_its_own_in_both_tracks_do_not_open_the_second_one_to_others(
    two_tracks: Board, kit: Any
) -> None:
    assert submitted(two_tracks, kit).accepted
    assert submitted(two_tracks, kit, track="faster").accepted
    assert codes(submitted(two_tracks, kit, track="faster", version="2.0")) == COPIED


def test_a_withdrawn_submission_holds_no_clips(two_tracks: Board, kit: Any) -> None:
    first = submitted(two_tracks, kit)
    two_tracks.moderate("a-token-of-the-tests", first.id, "withdrawn", "a wrong version")
    assert submitted(two_tracks, kit, generator="Beta").accepted


def test_a_restored_one_holds_them_again(two_tracks: Board, kit: Any) -> None:
    first = submitted(two_tracks, kit)
    for kind in ("withdrawn", "restored"):
        two_tracks.moderate("a-token-of-the-tests", first.id, kind, "on second thoughts")
    assert codes(submitted(two_tracks, kit, generator="Beta")) == COPIED
