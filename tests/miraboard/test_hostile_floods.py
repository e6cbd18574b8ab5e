"""Quotas, and a log that can be neither pushed out nor changed unseen."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from hostile import refused

from miraboard import audit, schema
from miraboard.board import NEW_ACCOUNTS, WRONG_TOKENS, Board
from miraboard.guard import SubmissionRefused


def test_wrong_tokens_are_limited_and_the_log_is_not_pushed_out(board: Board) -> None:
    for _ in range(WRONG_TOKENS + 30):
        with pytest.raises(SubmissionRefused):
            board.moderate("wrong", "x", "withdrawn", "because", "10.0.0.1")
    kinds = [e.kind for e in board.store.log()]
    assert (kinds.count("denied"), kinds.count("limited")) == (WRONG_TOKENS, 1)
    with pytest.raises(SubmissionRefused, match="wrong tokens within an hour"):
        board.require_token(board.settings.token, "10.0.0.1")
    board.require_token(board.settings.token, "10.0.0.2")


def test_accounts_are_limited_by_address(board: Board) -> None:
    for k in range(NEW_ACCOUNTS):
        board.register(f"lab-{k}x", "10.0.0.1")
    with pytest.raises(SubmissionRefused, match="accounts a day"):
        board.register("one-more", "10.0.0.1")
    assert board.register("elsewhere", "10.0.0.2")


def test_an_account_is_limited_over_all_its_addresses(open_board: Any, kit: Any) -> None:
    board = open_board(per_hour=3)
    codes = [
        {r.code for r in board.submit(b"{}", kit.card(), f"10.0.0.{k}", account="lab").reasons}
        for k in range(5)
    ]
    assert codes == [{"schema-version"}] * 3 + [{"rate-limit"}] * 2


def test_what_an_account_keeps_is_limited(open_board: Any, kit: Any) -> None:
    board = open_board(megabytes=0)
    assert refused(board, kit.data(kit.report()), kit.card()) == {"storage"}


@pytest.fixture
def logged(board: Board, kit: Any) -> Iterator[Board]:
    assert board.submit(kit.data(kit.report()), kit.card(), "10.0.0.1").accepted
    for _ in range(3):
        board.submit(b"{}", kit.card(), "10.0.0.1")
    yield board


def test_a_whole_log_is_whole_and_knows_its_old_heads(logged: Board) -> None:
    head = logged.store.head()
    logged.submit(b"[]", {}, "10.0.0.1")
    found = logged.store.audit(head)
    assert (found.problems, found.lines, found.head) == ((), 5, logged.store.head())


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE events SET detail = 'nothing' WHERE id = 2",
        "UPDATE events SET actor = 'x' WHERE id = 1",
        "DELETE FROM events WHERE id = 2",
        "UPDATE events SET hash = NULL, detail = 'x' WHERE id = 2",
        "INSERT INTO events (at, kind, actor, detail, account) VALUES ('2026', 'x', 'y', 'z', '')",
        "UPDATE submissions SET report = x'7b7d'",
        "DELETE FROM submissions",
    ],
)
def test_a_log_that_was_tampered_with_says_so(logged: Board, statement: str) -> None:
    import sqlite3

    with sqlite3.connect(logged.settings.database.removeprefix("sqlite:///")) as connection:
        for table in ("events", "submissions"):
            for verb in ("update", "delete"):
                connection.execute(f"DROP TRIGGER {table}_no_{verb}")
        connection.execute(statement)
    connection.close()
    if statement.startswith("INSERT"):
        logged.submit(b"[]", {}, "10.0.0.1")  # the next line follows the forged one
        assert logged.store.audit().lines == 6
        return
    assert logged.store.audit().problems


def test_a_log_cut_off_at_its_end_has_lost_its_head(logged: Board) -> None:
    import sqlite3

    head = logged.store.head()
    with sqlite3.connect(logged.settings.database.removeprefix("sqlite:///")) as connection:
        connection.execute("DROP TRIGGER events_no_delete")
        connection.execute("DELETE FROM events WHERE id = (SELECT max(id) FROM events)")
    connection.close()
    assert logged.store.audit().problems == ()
    (problem,) = logged.store.audit(head).problems
    assert head in problem


def test_a_lines_hash_is_over_all_it_says() -> None:
    line = {"at": "1", "kind": "k", "submission": None, "actor": "a", "detail": "d", "account": ""}
    hashes = {audit.link(audit.FIRST, {**line, key: "other"}) for key in line}
    assert len(hashes | {audit.link(audit.FIRST, line), audit.link("1" * 64, line)}) == 8
    assert set(line) <= set(schema.events.c.keys())
