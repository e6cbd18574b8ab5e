"""What a page asks the database: the same few questions however many rows there are."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from starlette.testclient import TestClient

from miraboard.api import build_api
from miraboard.board import Board
from miraboard.callbacks import Callbacks
from miraboard.votes.booth import Booth
from miraboard.votes.opinions import Opinions
from miraboard.votes_tab import VoteCallbacks

FEW, MANY = 2, 9
MOST = 13
"""Questions that any page may ask; the most are those of what people say."""
FIRST = 1.0, 1.0, 1.0, 1.0, 1.0, 1.0


@contextmanager
def counted() -> Iterator[list[str]]:
    """Statements that reach any database meanwhile."""
    asked: list[str] = []

    def note(_c: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        if statement.startswith("SELECT"):
            asked.append(statement)

    sa.event.listen(sa.Engine, "before_cursor_execute", note)
    try:
        yield asked
    finally:
        sa.event.remove(sa.Engine, "before_cursor_execute", note)


class Films:
    """Of every submission on every prompt, without a picture in it."""

    def __init__(self, board: Board) -> None:
        self.board = board

    def watchable(self, track_digest: str) -> dict[str, frozenset[str]]:
        view = self.board.view("tiny")
        return dict.fromkeys((s.id for s in view.standings), frozenset(view.track.prompts))

    def film(self, track_digest: str, submission: str, prompt: str) -> bytes:
        return b""


def fill(board: Board, kit: Any, rows: int) -> list[str]:
    found = []
    for number in range(rows):
        name = "Generator " + "abcdefghjk"[number]
        answer = board.submit(
            kit.data(kit.report(number + 1)), kit.card(generator=name), f"10.0.0.{number}"
        )
        assert answer.accepted, answer.reasons
        found.append(answer.id)
    return found


def vote(booth: Booth, votes: int) -> None:
    for number in range(votes):
        address = f"10.2.0.{number % 6}"
        ballot = booth.next("tiny", "", address)
        said = ballot.answer or "left"
        booth.vote(
            ballot.id,
            dict.fromkeys(("overall", "motion", "consistency", "follows"), said),
            "",
            address,
        )


def questions(open_board: Callable[..., Board], kit: Any, url: str, rows: int) -> dict[str, int]:
    """Page -> statements, asked of a board that was just opened and keeps nothing yet."""

    def opened() -> tuple[Board, Opinions]:
        board = open_board(database=url, votes_per_hour=10_000)
        booth = Booth(board, Films(board), toss=random.Random(1), least_seconds=0)
        return board, Opinions(booth, fresh=0, patience=120)

    first, opinions = opened()
    ids = fill(first, kit, rows)
    vote(opinions.booth, 60)
    found = {}
    for name, ask in PAGES.items():
        board, opinions = opened()
        calls = Callbacks(board)
        with counted() as asked:
            ask(calls, opinions, ids)
        calls.close()
        found[name] = len(asked)
    return found


def _table(calls: Callbacks, *asked: Any) -> str:
    search, order, columns = asked
    return calls.table("tiny", search, order, columns, "", 1, "", *FIRST)


def _http(opinions: Opinions, address: str) -> None:
    assert TestClient(build_api(opinions.board, opinions)).get(address).status_code == 200


PAGES: dict[str, Callable[[Callbacks, Opinions, list[str]], Any]] = {
    "table": lambda c, _o, _i: _table(c, "", "score", []),
    "search": lambda c, _o, _i: _table(c, "alpha", "noise", ["noise"]),
    "compare": lambda c, _o, i: c.compare("tiny", i[:2]),
    "generator": lambda c, _o, i: c.generator("tiny", i[0]),
    "prompt": lambda c, _o, _i: c.prompt("tiny", "p0"),
    "trend": lambda c, _o, _i: c.trend("tiny"),
    "audit": lambda c, _o, _i: c.audit("all", None),
    "choices": lambda c, _o, _i: c.choices("tiny"),
    "people": lambda _c, o, _i: VoteCallbacks(o).people("tiny", "overall"),
    "ballot": lambda _c, o, _i: o.booth.next("tiny", "", "10.7.0.1"),
    "api table": lambda _c, o, _i: _http(o, "/tracks/tiny"),
    "api trend": lambda _c, o, _i: _http(o, "/tracks/tiny/trend"),
    "api people": lambda _c, o, _i: _http(o, "/tracks/tiny/people"),
    "api votes": lambda _c, o, _i: _http(o, "/tracks/tiny/votes.csv"),
}
"""Page -> what a visitor asks."""


def test_pages_ask_as_often_for_many_rows_as_for_few(
    open_board: Callable[..., Board], kit: Any, tmp_path: Path
) -> None:
    few, many = (
        questions(open_board, kit, f"sqlite:///{tmp_path / str(rows)}.db", rows)
        for rows in (FEW, MANY)
    )
    del (
        few["ballot"],
        many["ballot"],
    )  # a pair that was drawn is one statement more than one that is open
    assert few == many
    assert max(many.values()) <= MOST


def test_a_page_that_was_made_asks_only_whether_it_is_old(board: Board, kit: Any) -> None:
    fill(board, kit, 2)
    calls = Callbacks(board)
    for page in (
        lambda: _table(calls, "", "score", []),
        lambda: calls.compare("tiny", [s.id for s in board.view("tiny").standings]),
        lambda: calls.trend("tiny"),
    ):
        page()
        with counted() as asked:
            page()
        assert all("max(verdicts.id)" in statement for statement in asked), asked
        assert 0 < len(asked) <= 3
    calls.close()
