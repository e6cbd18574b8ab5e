"""`mirabench align` from outside."""

from __future__ import annotations

import json
from pathlib import Path

import clipkit
import pytest
from typer.testing import CliRunner

from mirabench.alignment import agreement
from mirabench.cli.main import app
from mirabench.video.encode import write_video


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for n in range(3):
        write_video(tmp_path / "clips" / f"{n}.mp4", clipkit.panning(12, dx=n, size=(64, 48)))
    (tmp_path / "people.csv").write_text(
        "video,rating,rater\n" + "".join(f"{n}.mp4,{n},{who}\n" for n in range(3) for who in "ab")
    )
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(
        agreement, "DRAWS", 50
    )  # what is printed is tested here, not how sure it is
    return tmp_path


def run(*more: str) -> str:
    command = ["align", "--ratings", "people.csv", "--metric", "exposure,noise", *more]
    done = CliRunner().invoke(app, command, env={"NO_COLOR": "1", "TERM": "dumb"})
    assert done.exit_code == 0, done.output + repr(done.exception)
    return done.stdout


def test_prints_a_table_and_writes_both_files(here: Path) -> None:
    table = run("--videos", "clips", "--no-static", "-o", "out")
    for name in ("exposure", "noise", "bitrate", "random", "one rater and the others"):
        assert name in table
    rows = json.loads((here / "out" / "alignment.json").read_text())["rows"]
    assert [r["kind"] for r in rows] == ["metric", "metric", "baseline", "baseline", "people"]
    assert rows[-1]["agreement"]["spearman"]["value"] == 1.0
    assert "| exposure |" in (here / "out" / "alignment.md").read_text()


def test_prints_json_alone(here: Path) -> None:
    found = json.loads(run("--videos", "clips", "--json"))
    assert (found["format"], found["raters"], found["matched"]) == ("plain", 2, 3)


def test_fills_a_page(here: Path) -> None:
    page = here / "page.md"
    page.write_text("<!-- begin alignment people -->\n<!-- end alignment people -->\n")
    run("--videos", "clips", "--no-static", "--page", "page.md")
    assert "| noise |" in page.read_text()
