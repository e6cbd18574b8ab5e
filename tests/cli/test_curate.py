"""`mirabench curate`: the commands around a run, and their exit codes."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from longfilm import FPS, shot, write_film
from typer.testing import CliRunner, Result

from mirabench.errors import InputError, MissingExtraError
from miradata import cli as curate


def invoke(*arguments: str | Path) -> Result:
    result = CliRunner().invoke(curate.app, [str(a) for a in arguments])
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


@pytest.fixture(scope="module")
def output(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run over one film of three lively shots."""
    folder = tmp_path_factory.mktemp("curate")
    (folder / "in").mkdir()
    write_film(folder / "in" / "film.mp4", [shot(seed, 2 * FPS) for seed in (1, 2, 3)])
    (folder / "c.yaml").write_text(
        "input: in\nsplit: {min_scene_seconds: 0.5}\n"
        "length: {min_seconds: 1.5, min_seconds_by_source: {}}\n"
    )
    done = invoke("run", folder / "c.yaml", "--output", folder / "out", "--workers", "1")
    assert done.exit_code == 0
    assert "captions: no endpoint is configured" in done.output
    assert "published" in done.output
    assert "score: 3 done, 0 from earlier runs" in done.stderr
    return folder / "out"


def test_status_lists_stages_and_the_funnel(output: Path) -> None:
    done = invoke("status", output)
    assert "split" in done.output and "published" in done.output
    assert "3 clips" in done.output


def test_query_by_sql_and_by_condition(output: Path, tmp_path: Path) -> None:
    assert "3" in invoke("query", output, "SELECT count(*) AS n FROM clips").output
    found = invoke("query", output, "--where", "start < 1", "--columns", "video, seconds").output
    assert "film.mp4" in found
    done = invoke("query", output, "--where", "true", "--save", tmp_path / "all.csv")
    assert "3 rows" in done.output
    assert len((tmp_path / "all.csv").read_text().splitlines()) == 4
    with pytest.raises(InputError, match="either"):
        invoke("query", output)


def test_export_and_import_of_the_published_form(output: Path, tmp_path: Path) -> None:
    assert "3 clips" in invoke("export", output, tmp_path / "v1" / "t.parquet").output
    done = invoke("import", tmp_path / "v1" / "t.parquet", "--save", tmp_path / "t.csv")
    assert "3 usable rows" in done.output
    assert (tmp_path / "t.csv").is_file()
    assert "1 shards" in invoke("export", output, tmp_path / "shards", "--shards").output


def test_import_of_refused_rows_exits_with_1(output: Path, tmp_path: Path) -> None:
    invoke("export", output, tmp_path / "t.csv", "--no-videos")
    text = (tmp_path / "t.csv").read_text()
    (tmp_path / "t.csv").write_text(text.replace(",160,", ",wide,", 1))
    done = invoke("import", tmp_path / "t.csv")
    assert done.exit_code == 1
    assert "width is 'wide'" in done.output


def test_calibrate_writes_a_file_that_a_run_takes(output: Path, tmp_path: Path) -> None:
    levels = tmp_path / "levels.yaml"
    done = invoke("calibrate", output, levels, "--level", "all=1", "--level", "third=0.33")
    assert "third: aimed at 33.000%" in done.output
    assert "ranked by motion only" in done.output
    config = tmp_path / "c.yaml"
    config.write_text(
        (output.parent / "c.yaml")
        .read_text()
        .replace("input: in", f"input: {output.parent / 'in'}")
        + f"publish: {{levels: {levels}, level: third}}\n"
    )
    done = invoke("run", config, "--output", output, "--workers", "1")
    assert "score: 0 done, 3 from earlier runs" in done.stderr
    assert re.search(r"published\W+1 clip ", done.stdout), "a third of three"
    with pytest.raises(InputError, match="NAME=SHARE"):
        invoke("calibrate", output, levels, "--level", "third")


def test_retry_without_failures_says_so(output: Path) -> None:
    assert "nothing had failed" in invoke("retry", output).output


def test_expected_errors_are_one_line_and_exit_code_2(tmp_path: Path) -> None:
    code = "from mirabench.cli.main import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", code, "curate", "run", str(tmp_path / "none"), "--output", "out"],
        capture_output=True, text=True, cwd=tmp_path,
    )  # fmt: skip
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert "none" in done.stderr


def test_a_missing_package_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    for name in [name for name in sys.modules if name.startswith("miradata")]:
        monkeypatch.delitem(sys.modules, name)
    with pytest.raises(MissingExtraError, match=r"\.\[data\]"):
        invoke("status", "out")
