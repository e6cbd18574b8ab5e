"""`mirabench metrics`: list, show, check, new."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from mirabench.cli.main import app
from mirabench.errors import UnknownNameError
from mirabench.testing.conformance import CHECKS

WIDE = {"COLUMNS": "200", "NO_COLOR": "1", "TERM": "dumb"}


def run(*arguments: str, code: int = 0) -> str:
    done = CliRunner().invoke(app, ["metrics", *arguments], env=WIDE)
    assert done.exit_code == code, done.output
    return done.output


def test_alone_it_lists_the_metrics() -> None:
    listed = run()
    assert "sharpness" in listed
    assert "warping_error" in listed


@pytest.mark.parametrize("words", [["sharpness"], ["show", "sharpness"]])
def test_a_name_shows_one_metric(words: list[str]) -> None:
    shown = run(*words)
    assert "summary: How much of the finest detail is there, against the next coarser" in shown
    assert "same at half the frame rate: yes" in shown


def test_an_unknown_name_offers_the_nearest() -> None:
    done = CliRunner().invoke(app, ["metrics", "sharpnes"])
    assert isinstance(done.exception, UnknownNameError)
    assert "did you mean sharpness" in str(done.exception)


def test_check_says_what_each_check_saw() -> None:
    told = run("check", "exposure")
    assert all(name in told for name in CHECKS)
    assert "21 pass, 0 fail, 1 skipped" in told


def test_check_fails_for_a_metric_that_does_not_conform() -> None:
    found = json.loads(run("check", "culprits:Rangeless", "--json", code=1))
    assert [r["check"] for r in found] == list(CHECKS)
    assert {r["metric"] for r in found} == {"rangeless"}
    assert {r["check"] for r in found if r["verdict"] == "fail"} == {"spec", "docs"}


def test_new_writes_a_package_and_tells_what_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    told = run("new", "camera_jerk")
    assert 'pip install -e "mirabench-camera-jerk[test]"' in told
    assert "mirabench metrics check camera_jerk" in told
    assert {p.name for p in (tmp_path / "mirabench-camera-jerk").iterdir()} == {
        "README.md",
        "mirabench_camera_jerk.py",
        "pyproject.toml",
        "test_mirabench_camera_jerk.py",
    }
