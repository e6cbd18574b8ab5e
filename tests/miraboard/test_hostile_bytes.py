"""Hostile reports: every one is answered in time with sentences, and the next honest one is taken."""

from __future__ import annotations

import contextlib
import gc
import json
import time
from collections.abc import Callable
from typing import Any

import pytest
from hostile import FAMILIES, NUMBERS, put, refused

from miraboard.board import Board
from miraboard.checking import Apart
from miraboard.guard import MAX_BYTES, SubmissionRefused, measure, parse_json


def seconds(data: bytes) -> float:
    """The least of a few tries: what the machine does besides only adds."""
    found = []
    gc.disable()  # what else the tests hold would be walked through in the middle
    try:
        for _ in range(3):
            started = time.process_time()
            with contextlib.suppress(SubmissionRefused):
                parse_json(data)
            found.append(time.process_time() - started)
    finally:
        gc.enable()
    return min(found)


@pytest.mark.parametrize("make", FAMILIES.values(), ids=list(FAMILIES))
def test_four_times_the_bytes_take_no_more_than_about_four_times_as_long(
    make: Callable[[int], bytes],
) -> None:
    small, large = seconds(make(100_000)), seconds(make(400_000))
    assert large < 8 * small + 0.05  # what is quadratic takes 16 times, and here seconds


@pytest.mark.parametrize("make", FAMILIES.values(), ids=list(FAMILIES))
def test_hostile_bytes_are_answered(board: Board, kit: Any, make: Callable[[int], bytes]) -> None:
    assert refused(board, make(50_000), kit.card())
    assert board.submit(kit.data(kit.report()), kit.card(), "10.0.0.1").accepted


def test_brackets_in_strings_and_after_escapes_are_no_nesting() -> None:
    assert measure(b'{"a\\\\": "[[[", "b\\"[": [1]}').depth == 2


@pytest.mark.parametrize(("place", "value"), NUMBERS.values(), ids=list(NUMBERS))
def test_a_number_that_is_none_is_refused(board: Board, kit: Any, place: str, value: Any) -> None:
    raw = kit.raw()
    put(raw, place, value)
    assert refused(board, kit.data(raw), kit.card()) - {"unreadable"}


@pytest.mark.parametrize(
    "changes",
    [{"ci_high": 1e14, "ci_low": -5.0}, {"mean_of_all": 1.0}, {"degenerate": 3}, {"clusters": 99}],
)
def test_a_distance_is_held_to_its_range_in_every_field(
    board: Board, kit: Any, changes: Any
) -> None:
    codes = refused(board, kit.data(kit.distance(**changes)), kit.card())
    assert codes & {"out-of-range", "forged-aggregate"}


def test_endless_provenance_is_refused(board: Board, kit: Any) -> None:
    raw = kit.raw()
    raw["provenance"]["x"] = list(range(100_000))
    assert refused(board, kit.data(raw), kit.card()) == {"provenance"}


def test_a_report_is_checked_apart_within_its_time_and_the_next_one_too(
    open_board: Any, kit: Any
) -> None:
    """A good one, a refused one, one that takes too long, and a good one again."""
    board: Board = open_board()
    board.checker = apart = Apart(board.tracks)
    try:
        assert board.submit(kit.data(kit.report(1)), kit.card(), "10.0.0.1").accepted
        assert refused(board, b"[" * 1000, kit.card()) == {"nested"}
        apart._seconds = 0.0
        card = kit.card(generator="Slow")
        assert refused(board, kit.data(kit.report(2)), card) == {"too-slow"}
        apart._seconds = 60.0
        assert board.submit(kit.data(kit.report(2)), card, "10.0.0.1").accepted
    finally:
        apart.close()


def test_what_goes_wrong_in_a_check_is_one_sentence(
    board: Board, kit: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from miraboard import checking

    def broken(*_: Any, **__: Any) -> Any:
        raise ZeroDivisionError

    monkeypatch.setattr(checking, "check", broken)
    assert refused(board, kit.data(kit.report()), kit.card()) == {"unreadable"}


def test_the_limit_of_bytes_is_looked_at_first() -> None:
    with pytest.raises(SubmissionRefused, match="too-large"):
        parse_json(b"\xff" * (MAX_BYTES + 1))


def test_a_report_is_plain_json_again(kit: Any) -> None:
    assert parse_json(kit.data(kit.report())) == json.loads(kit.data(kit.report()))
