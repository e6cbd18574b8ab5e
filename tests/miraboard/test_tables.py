"""The table for people, its pages and exports."""

from __future__ import annotations

import csv
import io
import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
import yaml

from miraboard import export, pages
from miraboard.board import Board
from miraboard.tables import Request, Table, build_table, parse_weights, weights_text

LEVELS = {"Alpha": 0.9, "Beta": 0.5, "Gamma": 0.1}


@pytest.fixture
def filled(board: Board, kit: Any) -> Board:
    for seed, (name, level) in enumerate(LEVELS.items(), start=1):
        outcome = board.submit(
            kit.data(kit.report(seed, level)), kit.card(generator=name), "10.0.0.1"
        )
        assert outcome.accepted, outcome.reasons
    return board


def table(board: Board, request: Request | None = None, **weights: float) -> Table:
    return build_table(board.view("tiny"), board.ranking("tiny", weights), request or Request())


def labels(found: Table) -> list[str]:
    return [row.label.removesuffix(" 1.0") for row in found.rows]


def test_every_column_can_order_the_table_in_its_own_direction(filled: Board) -> None:
    assert labels(table(filled, Request(order="motion strength"))) == ["Alpha", "Beta", "Gamma"]
    assert labels(table(filled, Request(order="sharpness", columns=("sharpness",))))[0] == "Alpha"
    assert labels(table(filled, Request(order="noise", columns=("noise",))))[0] == "Gamma"


def test_an_order_that_is_no_column_is_the_score(filled: Board) -> None:
    assert table(filled, Request(order="sharpness")).order == "score"


@pytest.mark.parametrize(
    ("search", "found"),
    [("beta", {"Beta"}), ("APACHE", set(LEVELS)), ("beta apache", {"Beta"}), ("delta", set()), ("%", set())],
)  # fmt: skip
def test_search_needs_every_word(filled: Board, search: str, found: set[str]) -> None:
    assert set(labels(table(filled, Request(search=search)))) == found


def test_filters_by_badge(filled: Board) -> None:
    identity = filled.view("tiny").standings[0].id
    filled.store.verdict(identity, "rescored", "agrees", "maintainer", passed=True)
    assert labels(table(filled, Request(badge="rescored"))) == ["Alpha"]
    filled.store.verdict(identity, "rescored", "differs", "maintainer", passed=False)
    assert labels(table(filled, Request(badge="rescored"))) == []
    assert labels(table(filled, Request(badge="disputed"))) == ["Alpha"]


def test_only_the_newest_version_has_a_row_and_the_older_one_a_page(
    filled: Board, kit: Any
) -> None:
    card = kit.card(generator="Beta", version="2.0")
    assert filled.submit(kit.data(kit.report(9)), card, "10.0.0.1").accepted
    assert {row.label for row in table(filled).rows} == {"Alpha 1.0", "Beta 2.0", "Gamma 1.0"}
    view, (older,) = filled.view("tiny"), filled.view("tiny").history
    report = filled.store.report(older.id)
    page = pages.generator_page(view, filled.ranking("tiny"), older, report, [], pages.app_link)
    assert "An older version" in page and "Beta 1.0" in checked(page)


def test_the_first_column_is_the_rank_and_says_who_is_alike(filled: Board) -> None:
    found = {row.label: (row.rank, row.alike) for row in table(filled).rows}
    # eight prompts are few: all three ranges overlap
    assert found["Gamma 1.0"] == ("1-3", "cannot be told from 2 others")
    page = pages.table_page(filled.view("tiny"), table(filled), "", "", pages.app_link)
    assert str(page).index(">Rank<") < str(page).index(">Generator<")


def test_consistency_has_two_columns_and_one_ranks(filled: Board) -> None:
    found = table(filled, Request(columns=("warping_error",)))
    moving, raw = found.columns[-2:]
    assert (moving.key, raw.key) == ("warping_error", "warping_error raw")
    for row in found.rows:
        assert "rank" in row.cells[-2].note
        assert "rank" not in row.cells[-1].note


def test_a_page_beyond_the_last_is_the_last(filled: Board) -> None:
    assert (table(filled, Request(page=99)).page, table(filled, Request(page=-1)).page) == (1, 1)


def test_the_weights_are_said_beside_the_table(filled: Board) -> None:
    weights = {"motion strength": 0.0}
    text = weights_text(weights, list(filled.ranking("tiny", weights).dimensions))
    assert text == "temporal consistency 50 %, motion strength 0 %, visual quality 50 %"
    view = filled.view("tiny")
    page = pages.table_page(view, table(filled, **weights), text, "", pages.app_link)
    assert text in page


@pytest.mark.parametrize(
    ("text", "weights"),
    [("noise=0, sharpness = 2.5", {"noise": 0.0, "sharpness": 2.5}), ("beauty=3", {}), ("noise=-1", {}),
     ("noise=nan", {}), ("noise=1e9", {}), ("", {}), ("=,=,noise", {})],
)  # fmt: skip
def test_weights_that_cannot_be_read_are_left_out(track: Any, text: str, weights: Any) -> None:
    assert parse_weights(text, track.specs) == weights


class Strict(HTMLParser):
    """Collects tags, and notices when they do not close."""

    VOID = frozenset(
        ("br", "wbr", "img", "meta", "link", "input", "circle", "rect", "line", "path", "polygon")
    )

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: set[str] = set()

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.seen.add(tag)
        assert not any(name.startswith("on") for name, _ in attrs)
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in self.VOID:
            assert self.open.pop() == tag


def checked(page: str) -> str:
    parser = Strict()
    parser.feed(page)
    parser.close()
    assert parser.open == []
    assert "script" not in parser.seen
    return page


def test_all_pages_are_whole_and_without_script(filled: Board, kit: Any) -> None:
    view, ranking = filled.view("tiny"), filled.ranking("tiny")
    first, second, third = view.standings
    rows = {s.id: filled.store.rows_of(s.id) for s in view.standings}
    link = pages.app_link
    report = filled.store.report(first.id)
    generator = checked(pages.generator_page(view, ranking, first, report, [], link))
    assert "Alpha 1.0" in generator and "recomputed" in generator
    compared = checked(pages.compare_page(view, [first, second, third], rows, link))
    assert compared.count("against") >= 2 and "<polygon" in compared
    prompt = checked(
        pages.prompt_page(
            view, "p3", filled.store.rows_for(kit.track.digest, "p3", list(rows)), {}, link
        )
    )
    assert "table number 3" in prompt and prompt.count("<tr>") == 4
    assert "sharpness" in checked(pages.about_page(kit.track, "http://board"))
    assert "accepted" in checked(pages.audit_page(filled.store.log(), filled.store.head()))
    assert "Choose two" in checked(pages.compare_page(view, [first], rows, link))


def test_text_that_slipped_through_would_still_be_escaped(filled: Board) -> None:
    outcome = filled.submit(b"<script>alert(1)</script>", {"generator": "<b>"}, "10.0.0.1")
    assert "alert" not in checked(pages.answer_page(outcome))
    view = filled.view("tiny")
    page = pages.table_page(view, table(filled), "", "<script>alert(1)</script>", pages.app_link)
    assert "&lt;script&gt;" in checked(page)


def test_an_empty_track_says_so(board: Board) -> None:
    page = pages.table_page(board.view("tiny"), table(board), "", "", pages.app_link)
    assert "No submission yet" in page


# -- exports ----------------------------------------------------------------------------------


def test_csv_has_every_number(filled: Board) -> None:
    rows = list(
        csv.DictReader(io.StringIO(export.to_csv(filled.view("tiny"), filled.ranking("tiny"))))
    )
    assert len(rows) == 3 * (6 + 1)  # six metrics, consistency twice
    (sharp,) = [r for r in rows if r["generator"] == "Alpha" and r["metric"] == "sharpness"]
    value = filled.view("tiny").standings[0].values["sharpness"]
    assert float(sharp["mean"]) == value.mean
    assert (sharp["rank_first"], sharp["badge"]) == ("1", "recomputed")
    raw = [r for r in rows if r["metric"] == "warping_error" and r["basis"] == "raw"]
    assert all(r["rank_first"] == "" for r in raw)


def test_json_is_json_and_names_the_weights(filled: Board) -> None:
    weights = {"motion strength": 2.0}
    found = json.loads(
        export.to_json(filled.view("tiny"), filled.ranking("tiny", weights), weights)
    )
    assert found["weights"] == weights
    assert [s["generator"] for s in found["submissions"]] == list(LEVELS)
    assert found["submissions"][0]["ranks"]["sharpness"] == [1, 2]
    assert found["submissions"][2]["cannot_be_told_from"] == 2
    assert "contact" not in json.dumps(found)


def test_an_export_without_weights_has_null_and_not_nan(board: Board, kit: Any) -> None:
    board.submit(kit.data(kit.report()), kit.card(), "10.0.0.1")
    nothing = dict.fromkeys(board.tracks["tiny"].dimensions, 0.0)
    found = json.loads(export.to_json(board.view("tiny"), board.ranking("tiny", nothing)))
    assert found["submissions"][0]["score"]["value"] is None


def test_eval_results_are_what_the_hub_reads(filled: Board) -> None:
    view = filled.view("tiny")
    text = export.to_eval_results(view.standings[0], view, "owner/set", "https://board.example")
    entries = yaml.safe_load(text)
    assert len(entries) == 7
    score = float(filled.ranking("tiny").overall.value[0])
    assert entries[-1]["dataset"]["task_id"] == "tiny/score"
    assert entries[-1]["value"] == pytest.approx(100 * score)
    assert entries[0]["dataset"] == {"id": "owner/set", "task_id": "tiny/warping_error"}
    assert entries[0]["value"] == view.standings[0].shown("warping_error").mean  # type: ignore[union-attr]
    hub = pytest.importorskip("huggingface_hub._eval_results")
    parsed = hub.parse_eval_result_entries(entries)
    assert {entry.pop("evaluation_framework") for entry in entries} == {"mirabench"}
    assert hub.eval_result_entries_to_yaml(parsed) == entries  # that client knows no framework yet


def test_the_static_site_needs_no_server_and_its_links_lead_somewhere(
    filled: Board, tmp_path: Path
) -> None:
    written = export.write_site(filled, tmp_path / "site")
    assert len(written) == 1 + 1 + 1 + 3 + 8 + 2  # index, table, about, submissions, prompts, data
    for path in written:
        if path.suffix != ".html":
            continue
        text = path.read_text()
        assert "http-equiv" in text and "<script" not in text
        for href in re.findall(r'href=["\']([^"\']+)["\']', text):
            assert (path.parent / href).exists(), (path.name, href)
