"""The first visitor of a server waits for nothing that could be done before the port opens."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import sqlalchemy as sa
from gradio import utils as gradio_utils

from miraboard.board import Board
from miraboard.callbacks import Callbacks
from miraboard.warm import warm


def test_the_first_table_is_made_before_anybody_asks(board: Board, kit: Any) -> None:
    assert board.submit(kit.data(kit.report(1)), kit.card(generator="Alpha"), "10.0.0.1").accepted
    calls = Callbacks(board)
    warm(calls)
    asked: list[str] = []

    def note(_c: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        if statement.startswith("SELECT"):
            asked.append(statement)

    sa.event.listen(sa.Engine, "before_cursor_execute", note)
    try:
        table = calls.table("tiny", "", "score", [], "", 1, "", *[1.0] * 6)
    finally:
        sa.event.remove(sa.Engine, "before_cursor_execute", note)
    assert "Alpha" in table
    assert len(asked) == 1 and "max(verdicts.id)" in asked[0]  # whether it is old
    calls.close()


def test_what_gradio_does_around_a_callback_imports_nothing_any_more(
    open_board: Callable[..., Board],
) -> None:
    calls = Callbacks(open_board())
    warm(calls)
    loaded = set(sys.modules)
    with gradio_utils.MatplotlibBackendMananger():
        pass
    assert set(sys.modules) == loaded
    calls.close()
