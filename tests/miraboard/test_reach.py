"""Trend over time, `eval.yaml` and the one file that deploys a board."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from starlette.testclient import TestClient

from miraboard import export, hub, ranking, trend
from miraboard.api import build_api
from miraboard.board import Board
from miraboard.pages import app_link, trend_page
from miraboard.tracks import load_tracks


@pytest.fixture
def grown(board: Board, kit: Any) -> Board:
    """Two generators, of which one has two versions, the better one later."""
    for seed, (name, version, level) in enumerate(
        (("Alpha", "1", 0.3), ("Beta", "1", 0.5), ("Alpha", "2", 0.9))
    ):
        card = kit.card(generator=name, version=version)
        assert board.submit(kit.data(kit.report(seed + 1, level)), card, "10.0.0.1").accepted
    return board


def test_the_trend_has_every_version_with_the_score_it_had(grown: Board) -> None:
    view = grown.view("tiny")
    points = trend.points_of(view)
    assert [(p.generator, p.version) for p in points] == [
        ("Alpha", "1"),
        ("Beta", "1"),
        ("Alpha", "2"),
    ]
    alone = {s.id: ranking.rank([s], view.track).overall for s in (*view.standings, *view.history)}
    for point in points:
        assert point.score == pytest.approx(float(alone[point.submission].value[0]))
        assert point.low <= point.score <= point.high
    best = np.maximum.accumulate([p.score for p in points])
    assert [p.best for p in points] == [True, *(best[1:] > best[:-1]).tolist()]


def test_the_chart_holds_every_version_within_its_frame(grown: Board) -> None:
    picture = ET.fromstring(str(trend.chart(trend.points_of(grown.view("tiny")))))
    circles = [c for c in picture.iter() if c.tag.endswith("circle")]
    assert len(circles) == 3
    for circle in circles:
        assert 0 <= float(circle.attrib["cx"]) <= trend.WIDE
        assert 0 <= float(circle.attrib["cy"]) <= trend.TALL
    assert float(circles[0].attrib["cx"]) < float(circles[2].attrib["cx"])
    told = [t.text or "" for t in picture.iter() if t.tag.endswith("title")]
    assert told[2].startswith("Alpha 2, ")


def test_one_version_and_none_have_a_page(board: Board, kit: Any) -> None:
    assert "No submission yet" in trend_page(board.view("tiny"), app_link)
    assert board.submit(kit.data(kit.report()), kit.card(), "10.0.0.1").accepted
    assert "<svg" in trend_page(board.view("tiny"), app_link)


def test_a_strange_name_is_text_in_the_chart(board: Board) -> None:
    point = trend.Point(
        "0" * 12, "</text><script>", '"&', "2026-01-01T00:00:00.000+00:00", 0.5, 0.4, 0.6, True
    )
    text = str(trend.chart([point]))
    assert "<script" not in text
    ET.fromstring(text)


def test_the_trend_is_there_for_programs(grown: Board) -> None:
    http = TestClient(build_api(grown))
    rows = http.get("/tracks/tiny/trend").json()
    assert [row["version"] for row in rows] == ["1", "1", "2"]
    assert http.get("/tracks/none/trend").status_code == 404


def test_eval_yaml_has_a_task_for_every_number_that_results_name(grown: Board) -> None:
    document = yaml.safe_load(hub.eval_yaml(grown.tracks.values(), "https://board.example"))
    assert set(document) == {"name", "description", "evaluation_framework", "tasks"}
    assert "https://board.example" in document["description"]
    ids = [task["id"] for task in document["tasks"]]
    assert len(set(ids)) == len(ids)
    view = grown.view("tiny")
    results = yaml.safe_load(export.to_eval_results(view.standings[0], view, "o/s", ""))
    for entry in results:
        assert entry["dataset"]["task_id"] in ids
        assert entry["evaluation_framework"] == document["evaluation_framework"]
    assert yaml.safe_load(TestClient(build_api(grown)).get("/eval.yaml").text)["tasks"]


def test_every_bundled_track_is_in_eval_yaml() -> None:
    tracks = load_tracks()
    tasks = yaml.safe_load(hub.eval_yaml(tracks.values()))["tasks"]
    assert len(tasks) == sum(1 + len(t.specs) for t in tracks.values())
    assert {t["config"] for t in tasks} == {t.prompt_source for t in tracks.values()}
    assert {t["split"] for t in tasks} == {"test"}


def test_one_file_deploys_a_board() -> None:
    """The Dockerfile names no other file of ours that is not there, and runs the served board."""
    from miraboard.space import dockerfile

    text = dockerfile()
    assert not re.search(r"^(COPY|ADD)\b", text, re.MULTILINE)
    assert re.search(r"pip install .*mirabench\[leaderboard,postgres\]==[0-9]", text)
    assert '"leaderboard", "serve", "--host", "0.0.0.0"' in text


def test_the_command_writes_the_file(tmp_path: Path) -> None:
    from typer.testing import CliRunner

    from miraboard.cli import app

    done = CliRunner().invoke(app, ["eval-yaml", str(tmp_path / "eval.yaml")])
    assert done.exit_code == 0, done.output
    assert (
        yaml.safe_load((tmp_path / "eval.yaml").read_text())["evaluation_framework"] == "mirabench"
    )
