"""`mirabench generate`: options, progress and exit codes around the loop."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

from mirabench.cli.generate import _seeds, generate
from mirabench.cli.terminal import duration
from mirabench.errors import InputError

app = typer.Typer()
app.command()(generate)

RENDERER = (
    "template={python} -m mirabench.testing.render_prompt --prompt={prompt} "
    "--seed={seed} --output={output} --frames 3 --size 64x36"
)


def run(output: Path, *arguments: str) -> Result:
    fixed = ["--generator", "command", "--prompts", "smoke", "--form", "short", "--output"]
    result = CliRunner().invoke(app, [*fixed, str(output), "--option", RENDERER, *arguments])
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def test_a_run_tells_its_progress_and_can_go_on(tmp_path):
    first = run(tmp_path, "--limit", "1")
    assert first.exit_code == 0
    assert "[1/1] human-04/short/seed-0" in first.stderr
    assert first.stderr.endswith("1 made, 0 there before, 0 failed\n")
    assert first.stdout == f"{tmp_path / 'manifest.csv'}\n"
    second = run(tmp_path, "--limit", "1", "--seeds", "0-1", "--resume")
    assert second.stderr.endswith("1 made, 1 there before, 0 failed\n")


def test_failed_clips_are_listed_and_the_exit_code_is_1(tmp_path):
    result = run(tmp_path, "--limit", "1", "--size", "640x360")
    assert result.exit_code == 1
    assert "FAILED: the video is 64x36, asked for was 640x360" in result.stderr
    assert "run the same command again" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--seeds", "one"], "--seeds one: write whole numbers"),
        (["--seeds", "2-1"], "name at least one prompt and one seed"),
        (["--size", "large"], "--size large: write width x height"),
        (["--form", "long"], "unknown form of a prompt 'long'"),
        (["--prompts", "smoky"], "did you mean smoke"),
        (["--generator", "folder", "--option", "path=absent"], "no option|unknown option"),
    ],
    ids=lambda value: value[0] if isinstance(value, list) else "",
)
def test_what_cannot_work_is_said_before_anything_runs(arguments, says, tmp_path):
    with pytest.raises(InputError, match=says):
        run(tmp_path, *arguments)


def test_seeds_are_numbers_and_ranges_each_once():
    assert _seeds("0,1,2") == [0, 1, 2]
    assert _seeds("5, 0-3,2") == [5, 0, 1, 2, 3]


def test_time_left_is_told_in_words():
    assert [duration(s) for s in (4.4, 75, 7380)] == ["0 min 04 s", "1 min 15 s", "2 h 03 min"]


def test_ctrl_c_ends_in_one_line_and_keeps_what_is_done(tmp_path: Path) -> None:
    slow = "{python} -c 'import time; time.sleep(200)' {prompt} {output}"
    process = subprocess.Popen(
        [sys.executable, "-m", "mirabench", "generate", "--generator", "command", "--prompts", "smoke",
         "--output", str(tmp_path), "--option", f"template={slow}", "--form", "short"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
    )  # fmt: skip
    until = time.monotonic() + 100
    while not any(tmp_path.rglob("*")) and time.monotonic() < until:
        time.sleep(0.05)  # it has begun when its folder holds something
    time.sleep(0.5)
    os.killpg(process.pid, signal.SIGINT)
    _, told = process.communicate(timeout=100)
    assert (process.returncode, "Traceback" in told) == (130, False), told
    assert "interrupted; finished work is kept" in told.splitlines()[-1]
