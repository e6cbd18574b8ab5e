"""`mirabench attack` from the command line, on one tiny clip."""

from __future__ import annotations

import json
from pathlib import Path

import clipkit
import pytest
from typer.testing import CliRunner

from mirabench.attacks import clean
from mirabench.attacks.catalogue import ATTACKS
from mirabench.cli.main import app
from mirabench.errors import InputError, UnknownNameError
from mirabench.video.encode import write_video

SUITE = 'name = "small"\nversion = 1\nmetrics = [{ name = "warping_error" }, { name = "noise" }]\n'


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    return write_video(tmp_path / "pan.mp4", clipkit.panning(frames=12, size=(64, 48)))


@pytest.fixture
def suite(tmp_path: Path) -> Path:
    path = tmp_path / "small.toml"
    path.write_text(SUITE)
    return path


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """The yardstick at a size that renders at once."""
    whole = clean.rendered
    monkeypatch.setattr(clean, "rendered", lambda names: whole(names[:2], 10, (48, 32)))


def run(*arguments: object) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["attack", *map(str, arguments)])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.exit_code, result.output


def test_results_are_written_and_told(clip: Path, suite: Path, tmp_path: Path) -> None:
    out, page = tmp_path / "out", tmp_path / "docs" / "attacks.md"
    code, said = run(
        clip,
        "--suite",
        suite,
        "--only",
        "freeze,noise",
        "--only",
        "blur",
        "-o",
        out,
        "--page",
        page,
    )
    assert code == 0
    assert "declared reactions hold" in said
    found = json.loads((out / "attacks.json").read_text())
    assert [a["name"] for a in found["attacks"]] == ["freeze", "blur", "noise"]
    assert list(found["clips"]) == ["pan"]
    for folder in (out, page.parent):
        assert (folder / "attacks.md").read_text().startswith("# Attacks")
        assert (folder / "images" / "attacks.svg").read_text().startswith("<svg")


def test_json_prints_the_file_and_only_that(clip: Path, suite: Path, tmp_path: Path) -> None:
    arguments = [clip, "--suite", suite, "--only", "freeze", "-o", tmp_path / "out", "--json"]
    result = CliRunner().invoke(app, ["attack", *map(str, arguments)])
    assert result.exit_code == 0
    assert result.stdout == (tmp_path / "out" / "attacks.json").read_text()


def test_rendered_clips_stand_in_where_none_is_named(suite: Path, tmp_path: Path) -> None:
    code, _ = run("--suite", suite, "--only", "freeze", "-o", tmp_path / "out")
    assert code == 0
    found = json.loads((tmp_path / "out" / "attacks.json").read_text())
    assert list(found["clips"]) == ["dolly", "orbit"]


def test_a_clip_that_cannot_be_read_is_named_and_makes_the_code_1(
    clip: Path, suite: Path, tmp_path: Path
) -> None:
    bad = tmp_path / "bad.mp4"
    bad.write_bytes(b"no video")
    code, said = run(clip, bad, "--suite", suite, "--only", "freeze", "-o", tmp_path / "out")
    assert code == 1
    assert "bad is left out" in said


def test_the_list_names_every_attack() -> None:
    code, said = run("--list")
    assert code == 0
    assert all(attack.name in said for attack in ATTACKS)


@pytest.mark.parametrize(
    ("arguments", "error", "said"),
    [
        (["--only", "freze"], UnknownNameError, "did you mean freeze"),
        (["--suite", "lit"], UnknownNameError, "did you mean lite"),
        (["absent.mp4"], InputError, "no video at absent.mp4"),
    ],
)
def test_what_cannot_be_used_is_one_sentence(
    arguments: list[str], error: type[Exception], said: str, tmp_path: Path
) -> None:
    with pytest.raises(error, match=said):
        run(*arguments, "-o", tmp_path / "out")
