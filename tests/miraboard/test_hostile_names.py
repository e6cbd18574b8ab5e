"""Names that look like another, accounts that are none, and names that a maintainer moves."""

from __future__ import annotations

from typing import Any

import pytest
from hostile import refused

from miraboard.board import Board
from miraboard.guard import SubmissionRefused
from miraboard.names import plain_name, skeleton

ALIKE = ["Аlpha", "ΑLРНА", "Ａｌｐｈａ", "Alpha ", "Al pha", "ALPHA", "alpha", "A1pha", "AIpha",
         "Alрhа", "𝐀lpha", "Aⅼpha", "Al\u00a0pha"]  # fmt: skip
UNSEEN = ["Al\u200bpha", "\u3164", "Al\u034fpha", "\u2800", "A\ufe0flpha",
          "Al\u00adpha",
          "\u115f", "A\u202elpha", "\u2060Alpha", "Al\u200dpha", "a" + "\u0301" * 9,
          "\U000e0041lpha", " \t "]  # fmt: skip


@pytest.mark.parametrize("name", ALIKE)
def test_a_name_that_looks_like_anothers_is_refused(board: Board, kit: Any, name: str) -> None:
    tokens = [board.register(n, "10.0.0.1") for n in ("first", "second")]
    first, second = (board.sign_in(token, "10.0.0.1") for token in tokens)
    assert board.submit(kit.data(kit.report()), kit.card(), "10.0.0.1", account=first).accepted
    card = kit.card(generator=name, version="9")
    assert refused(board, kit.data(kit.report(2)), card, account=second) == {"name-taken"}


@pytest.mark.parametrize("name", UNSEEN)
def test_a_name_that_cannot_be_seen_is_refused(board: Board, kit: Any, name: str) -> None:
    codes = refused(board, kit.data(kit.report()), kit.card(generator=name))
    assert codes & {"card", "control-characters"}


@pytest.mark.parametrize("name", ["demo: renderer", "Demo:x", "DЕМО: best", "ｄｅｍｏ：x"])
def test_the_demonstrations_names_are_reserved(board: Board, kit: Any, name: str) -> None:
    assert refused(board, kit.data(kit.report()), kit.card(generator=name)) == {"reserved-name"}


@pytest.mark.parametrize(
    "name",
    ["हिन्दी वीडियो", "क्\u200dष मॉडल", "Мира 視頻", "한국어", "العربية", "ไทย", "Việt Nam", "தமிழ்"],
)
def test_names_of_every_script_are_taken_as_they_are(board: Board, kit: Any, name: str) -> None:
    answer = board.submit(kit.data(kit.report()), kit.card(generator=name), "10.0.0.1")
    assert answer.accepted, answer.reasons
    assert board.view("tiny").standings[0].generator == name == plain_name(name)


def test_names_that_differ_to_a_reader_differ() -> None:
    names = ["Alpha", "Beta", "Wan 2.1", "Wan 2.2", "é", "e", "日本", "中国"]
    assert len(set(map(skeleton, names))) == len(names)


@pytest.mark.parametrize("version", ["1.0", "1.O", "１.0", "1.0 "])
def test_the_same_version_again_is_refused(board: Board, kit: Any, version: str) -> None:
    assert board.submit(kit.data(kit.report()), kit.card(), "10.0.0.1").accepted
    card = kit.card(version=version)
    assert refused(board, kit.data(kit.report(2)), card) == {"same-version"}


def test_a_board_that_asks_for_accounts_takes_nothing_without(open_board: Any, kit: Any) -> None:
    board = open_board(accounts="required")
    assert refused(board, kit.data(kit.report()), kit.card()) == {"account"}
    account = board.sign_in(board.register("lab-1", "10.0.0.1"), "10.0.0.1")
    data = kit.data(kit.report())
    assert board.submit(data, kit.card(), "10.0.0.1", account=account).accepted


@pytest.mark.parametrize(
    "name",
    ["", "A", "a b", "-a", "a-", "x" * 40, "admin", "dem0", "hf/me", "ä", "lab", "1ab"],
)  # fmt: skip
def test_an_account_has_a_plain_name_of_its_own(board: Board, name: str) -> None:
    board.register("lab", "10.0.0.9")
    with pytest.raises(SubmissionRefused, match="account"):
        board.register(name, "10.0.0.1")


@pytest.mark.parametrize(
    "token",
    ["", ":", "lab", "lab:", "lab:x", "nobody:x", "é:é", "lab:\ud800", "x" * 10_000],
)  # fmt: skip
def test_a_wrong_token_is_nobody(board: Board, token: str) -> None:
    board.register("lab", "10.0.0.9")
    with pytest.raises(SubmissionRefused, match="token"):
        board.sign_in(token, "10.0.0.1")


def test_a_token_is_kept_nowhere(board: Board) -> None:
    token = board.register("lab", "10.0.0.1")
    assert board.sign_in(f" {token}\n", "10.0.0.1") == "lab"
    database = board.settings.database.removeprefix("sqlite:///")
    for suffix in ("", "-wal"):
        with open(database + suffix, "rb") as file:  # noqa: PTH123  # a name with a suffix
            assert token.partition(":")[2].encode() not in file.read()


def test_a_maintainer_moves_a_name(board: Board, kit: Any) -> None:
    for name in ("first", "second"):
        board.register(name, "10.0.0.1")
    assert board.submit(kit.data(kit.report()), kit.card(), "10.0.0.1", account="first").accepted
    board.move(board.settings.token, "Alpha", "second", "10.0.0.1")
    card, data = kit.card(version="2"), kit.data(kit.report(2))
    assert refused(board, data, card, account="first") == {"name-taken"}
    assert board.submit(data, card, "10.0.0.1", account="second").accepted
