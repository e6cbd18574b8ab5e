"""The hub's `.eval_results`, from a board that knows its address and from one that does not."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import pytest
import yaml

from miraboard import export
from miraboard.board import Board
from miraboard.callbacks import Callbacks


@pytest.fixture
def entered(board: Board, kit: Any) -> str:
    answer = board.submit(kit.data(kit.report()), kit.card(), "10.0.0.1")
    assert answer.accepted
    return answer.id


def entries(text: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = yaml.safe_load(text)
    return found


@pytest.mark.parametrize("url", ["", "https://board.example.org", 'https://x.org/"\n- evil: 1'])
def test_a_source_is_named_where_there_is_an_address(board: Board, entered: str, url: str) -> None:
    view = board.view("tiny")
    text = export.to_eval_results(view.standing(entered), view, "me/benchmark", url)
    found = entries(text)
    known = {"dataset", "value", "date", "source", "notes", "evaluation_framework"}
    tasks = {e["dataset"]["task_id"].removeprefix("tiny/") for e in found}
    assert len(found) == len(tasks) and set(view.track.ranked) <= tasks
    assert all(set(e) <= known for e in found)
    assert {e.get("source", {}).get("url", "") for e in found} == {url}
    assert all(e["dataset"]["id"] == "me/benchmark" for e in found)


@pytest.mark.parametrize(
    ("headers", "source"),
    [({}, ""), ({"origin": ""}, ""), ({"origin": "null"}, ""), ({"origin": "javascript:alert(1)"}, ""),
     ({"host": "localhost:7860"}, ""), ({"origin": "https://board.example.org"}, "https://board.example.org")],
)  # fmt: skip
def test_a_request_without_an_address_gives_none(
    board: Board, entered: str, headers: dict[str, str], source: str
) -> None:
    calls = Callbacks(board)
    request: Any = SimpleNamespace(headers=headers)
    path = calls.export("tiny", "Hub .eval_results YAML", entered, request)
    with open(path, encoding="utf-8") as file:  # noqa: PTH123  # gradio's own path
        text = file.read()
    assert "localhost" not in text
    assert {e.get("source", {}).get("url", "") for e in entries(text)} == {source}
    calls.close()


def test_a_submission_without_a_number_has_nothing_to_export(board: Board, entered: str) -> None:
    from dataclasses import replace

    view = board.view("tiny")
    standing = view.standing(entered)
    empty = replace(standing, values={}, conditioned={})
    from mirabench.errors import InputError

    with pytest.raises(InputError, match="no number to export"):
        export.to_eval_results(empty, view, "me/benchmark", "")
    assert json.dumps(standing.label)
