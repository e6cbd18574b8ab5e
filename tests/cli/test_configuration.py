"""Defaults from a file: flags go first, unknown names are refused, paths start at the file."""

from __future__ import annotations

import json
from pathlib import Path

import clipkit
import pytest
from typer.testing import CliRunner, Result

from mirabench.cli.main import app
from mirabench.errors import InputError, UnknownNameError
from mirabench.video.encode import write_video


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with two clips, and the working folder below it."""
    clips = tmp_path / "clips"
    clips.mkdir()
    for seed in (0, 1):
        write_video(clips / f"c{seed}.mp4", clipkit.panning(frames=16, size=(64, 48), seed=seed))
    (tmp_path / "below").mkdir()
    monkeypatch.chdir(tmp_path / "below")
    return tmp_path


def run(*arguments: object) -> Result:
    result = CliRunner().invoke(app, [str(a) for a in arguments])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def metrics_of(folder: Path) -> list[str]:
    return list(json.loads((folder / "report.json").read_text())["summary"])


@pytest.mark.parametrize("name", ["mirabench.toml", "pyproject.toml"])
def test_the_nearest_file_gives_defaults_and_flags_override(project: Path, name: str) -> None:
    prefix = "tool.mirabench." if name == "pyproject.toml" else ""
    (project / name).write_text(
        f'[{prefix}evaluate]\nmetrics = ["sharpness", "noise"]\noutput = "reports/own"\nworkers = 2\n'
    )
    assert run("evaluate", "../clips").exit_code == 0
    assert metrics_of(project / "reports" / "own") == ["sharpness", "noise"]
    assert json.loads((project / "reports/own/run.json").read_text())["workers"] == 2
    run("evaluate", "../clips", "--metrics", "exposure", "-o", "here")
    assert metrics_of(project / "below" / "here") == ["exposure"]


def test_one_value_stands_for_a_list_of_one(project: Path) -> None:
    (project / "mirabench.toml").write_text('[evaluate]\nmetrics = "sharpness"\n')
    run("evaluate", "../clips", "-o", "out")
    assert metrics_of(Path("out")) == ["sharpness"]


def test_a_pyproject_of_something_else_is_passed_over(project: Path) -> None:
    (project / "mirabench.toml").write_text('[evaluate]\nmetrics = "noise"\n')
    Path("pyproject.toml").write_text("[tool.other]\nx = 1\n")
    run("evaluate", "../clips", "-o", "out")
    assert metrics_of(Path("out")) == ["noise"]


def test_a_named_file_counts_alone_and_commands_of_packages_have_tables(project: Path) -> None:
    (project / "mirabench.toml").write_text('[evaluate]\nmetrics = "noise"\n')
    other = project / "other.toml"
    other.write_text('[evaluate]\nmetrics = "exposure"\n[curate.run]\nprofile = "lite"\n')
    run("--config", other, "evaluate", "../clips", "-o", "out")
    assert metrics_of(Path("out")) == ["exposure"]


@pytest.mark.parametrize(
    ("text", "error", "said"),
    [
        ("[evaluat]\nworkers = 2\n", UnknownNameError, "did you mean evaluate"),
        ("[evaluate]\nworker = 2\n", UnknownNameError, "did you mean workers"),
        ("evaluate = 3\n", InputError, "write evaluate as a table"),
        ("quiet = true\n", InputError, r"quiet stands in no command's table.*as \[evaluate\]"),
        ("[evaluate\n", InputError, "is not valid TOML"),
    ],
    ids=["command", "option", "no table", "outside tables", "no TOML"],
)
def test_what_the_file_gets_wrong_is_one_sentence(
    project: Path, text: str, error: type[Exception], said: str
) -> None:
    (project / "mirabench.toml").write_text(text)
    with pytest.raises(error, match=said) as found:
        run("evaluate", "../clips", "-o", "out")
    assert "mirabench.toml" in str(found.value)


def test_a_value_that_an_option_refuses_is_a_usage_error(project: Path) -> None:
    (project / "mirabench.toml").write_text("[evaluate]\nworkers = 0\n")
    result = run("evaluate", "../clips", "-o", "out")
    assert result.exit_code == 2
    assert "workers" in result.output


def test_quiet_leaves_results_and_errors_alone(project: Path) -> None:
    (project / "clips" / "bad.mp4").write_bytes(b"no video")
    loud = run("evaluate", "../clips", "--metrics", "noise", "-o", "a")
    quiet = run("--quiet", "evaluate", "../clips", "--metrics", "noise", "-o", "b")
    assert "[1/3]" in loud.stderr
    assert quiet.stderr == ""
    assert "noise" in quiet.stdout
    assert quiet.exit_code == loud.exit_code == 1


@pytest.mark.parametrize(
    ("before", "behind"), [(["-q"], []), ([], ["--quiet"]), ([], ["-q"]), (["--verbose"], ["-q"])]
)
def test_quiet_stands_on_either_side_of_the_command(
    project: Path, before: list[str], behind: list[str]
) -> None:
    result = run(*before, "evaluate", "../clips", "--metrics", "noise", "-o", "a", *behind)
    assert result.exit_code == 0
    assert result.stderr == ""


def test_general_options_stand_behind_a_group_and_its_commands(project: Path) -> None:
    for words in (
        ["prompts", "list", "-q"],
        ["prompts", "-q", "list"],
        ["curate", "-v", "--version"],
    ):
        assert run(*words).exit_code == 0, words


def test_a_config_behind_the_command_gives_its_defaults(project: Path) -> None:
    (project / "mirabench.toml").write_text('[evaluate]\noutput = "near"\nmetrics = ["exposure"]\n')
    (project / "other.toml").write_text('[evaluate]\noutput = "far"\nmetrics = ["noise"]\n')
    assert run("evaluate", "../clips", "--config", "../other.toml").exit_code == 0
    assert metrics_of(project / "far") == ["noise"]
    assert not (project / "near").exists()
    run("evaluate", "../clips", "--config", "../other.toml", "--metrics", "sharpness", "-o", "out")
    assert metrics_of(Path("out")) == ["sharpness"]


def test_quiet_may_stand_in_the_file(project: Path) -> None:
    (project / "mirabench.toml").write_text("[evaluate]\nquiet = true\n")
    assert run("evaluate", "../clips", "--metrics", "noise", "-o", "a").stderr == ""


def test_an_option_before_its_command_is_told_where_it_belongs(project: Path) -> None:
    result = run("--workers", 2, "evaluate", "../clips")
    assert result.exit_code == 2
    assert "mirabench evaluate --workers" in result.output
    assert "No such option: --wrokers" in run("--wrokers", 2, "evaluate", "../clips").output


def test_jsonl_prints_each_clip_as_the_report_has_it(project: Path) -> None:
    (project / "clips" / "bad.mp4").write_bytes(b"no video")
    result = run("-q", "evaluate", "../clips", "--metrics", "noise", "-o", "out", "--jsonl")
    lines = [json.loads(line) for line in result.stdout.splitlines()]
    videos = json.loads(Path("out/report.json").read_text())["videos"]
    assert sorted(lines, key=lambda v: v["id"]) == videos
    assert len(lines) == 3
    with pytest.raises(InputError, match="choose one"):
        run("evaluate", "../clips", "--json", "--jsonl", "-o", "out")


class TestRefusedFlags:
    def test_a_clip_with_a_flag_that_is_refused_ends_with_1(self, project: Path) -> None:
        write_video(project / "clips" / "still.mp4", clipkit.still(frames=24, size=(64, 48)))
        given = ("evaluate", "../clips", "--metrics", "noise", "-o", "out")
        assert run(*given).exit_code == 0
        result = run(*given, "--refuse", "damaged,static")
        assert result.exit_code == 1
        assert "refused: still is static: no frame differs from the first" in result.stderr
        assert run(*given, "--refuse", "unverified", "--refuse", "damaged").exit_code == 0

    def test_an_unknown_flag_is_told_before_any_work(self, project: Path) -> None:
        with pytest.raises(UnknownNameError, match="did you mean unverified"):
            run("evaluate", "../clips", "-o", "out", "--refuse", "unverifed")
        assert not Path("out").exists()
