"""Checkpoints as they appear: scored once, compared with the baseline and the one before, and told apart."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

import clipkit
import numpy as np
import pytest
from typer.testing import CliRunner

import mirabench
from mirabench.cli.main import app
from mirabench.compare.runs import Run
from mirabench.errors import InputError
from mirabench.inputs.prompts import Prompt
from mirabench.training.callback import CheckpointCallback
from mirabench.training.checkpoints import checkpoints_in
from mirabench.training.watching import Watch
from mirabench.video.encode import write_video

pytest.importorskip("statsmodels")
PROMPTS = 8
METRICS = ["sharpness"]


def samples(folder: Path, sigma: float = 0.0) -> Path:
    for n in range(PROMPTS):
        film = clipkit.panning(frames=3, size=(64, 48), dx=0.5, seed=n)
        write_video(folder / f"p{n}.mp4", clipkit.blur(film, sigma) if sigma else film, fps=8)
    return folder


@pytest.fixture(scope="module")
def films(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Samples of four steps: soft, sharp, sharp, softer."""
    folder = tmp_path_factory.mktemp("films")
    for step, sigma in ((100, 1.0), (200, 0.0), (300, 0.0), (1000, 2.0)):
        samples(folder / f"step-{step}", sigma)
    return folder


class TestCheckpoints:
    def test_come_in_the_order_of_their_steps(self, films: Path) -> None:
        assert [one.step for one in checkpoints_in(films)] == [100, 200, 300, 1000]

    def test_the_last_waits_until_nothing_changes_in_it(self, films: Path) -> None:
        steps = [one.step for one in checkpoints_in(films, settled_seconds=3600)]
        assert steps == [100, 200, 300]

    def test_a_clock_that_was_set_back_is_no_reason_to_wait(self, tmp_path: Path) -> None:
        clip = samples(tmp_path / "step-1") / "p0.mp4"
        ahead = time.time() + 86_400
        os.utime(clip, (ahead, ahead))
        assert len(checkpoints_in(tmp_path, settled_seconds=3600)) == 1

    def test_one_step_twice_is_refused(self, tmp_path: Path) -> None:
        for name in ("a-5", "b-05"):
            (tmp_path / name).mkdir()
            (tmp_path / name / "x.mp4").touch()
        with pytest.raises(InputError, match="have the step 5"):
            checkpoints_in(tmp_path)

    def test_no_folder_is_said(self, tmp_path: Path) -> None:
        with pytest.raises(InputError, match="there is no folder"):
            checkpoints_in(tmp_path / "none")


def test_the_command_tells_better_no_longer_better_and_worse(films: Path, tmp_path: Path) -> None:
    output = tmp_path / "out"
    command = ["watch", str(films), "--once", "--metrics", "sharpness", "-o", str(output)]
    told = CliRunner().invoke(app, command)
    assert told.exit_code == 0, told.output
    lines = told.stdout.splitlines()
    assert lines[0] == "step-100 is the first"
    assert lines[1] == "step-200 is better than step-100 in sharpness"
    assert lines[2].startswith("step-300 is no longer better")
    assert lines[3] == "step-1000 is worse than step-300 in sharpness"
    found = json.loads((output / "watch.json").read_text())
    assert [entry["step"] for entry in found["checkpoints"]] == [100, 200, 300, 1000]
    values = found["checkpoints"][0]["values"]
    assert values["mirabench/sharpness/ci_low"] < values["mirabench/sharpness"]
    page = (output / "watch.html").read_text()
    assert page.count('class="end"') == 4  # an interval for each checkpoint
    again = CliRunner().invoke(app, [*command, "--fail-on-worse"])
    assert again.exit_code == 1


def test_a_loss_against_the_baseline_is_worse(films: Path, tmp_path: Path) -> None:
    report = mirabench.evaluate(films / "step-200", metrics=METRICS)
    watch = Watch(
        films, tmp_path, lambda one, folder: mirabench.evaluate(one.folder, metrics=METRICS),
        Run("the baseline", report),
    )  # fmt: skip
    first = next(iter(watch.judge_new()))
    assert (first.word, "than the baseline" in first.sentence) == ("worse", True)
    assert '<line class="base"' in (tmp_path / "watch.html").read_text()


class Recorder:
    """What accelerate's `Accelerator` is to the callback."""

    def __init__(self, *, main: bool = True) -> None:
        self.is_main_process, self.logged = main, {}

    def log(self, values: dict[str, float], step: int) -> None:
        self.logged[step] = values


def test_a_loop_calls_back_every_so_often_with_the_same_seeds(tmp_path: Path) -> None:
    asked: list[tuple[str, int]] = []

    def sample(prompt: Prompt, seed: int) -> np.ndarray:
        asked.append((prompt.id, seed))
        return clipkit.panning(frames=3, size=(64, 48), dx=0.5, seed=seed)

    prompts = [Prompt("a", "a pan"), Prompt("b", "another pan")]
    recorder = Recorder()
    judge = CheckpointCallback(
        prompts, tmp_path, every=2, seeds=(3,), metrics=METRICS, accelerator=recorder
    )
    said = [judge(step, sample) for step in range(1, 5)]
    assert [one.word if one else "" for one in said] == ["", "first", "", "no better"]
    assert asked == [("a", 3), ("b", 3)] * 2
    assert recorder.logged.keys() == {2, 4}
    assert recorder.logged[2] == recorder.logged[4]
    video = said[1].report.videos[0] if said[1] else None
    assert video is not None and video.prompt_id == "a"
    helper = CheckpointCallback(prompts, tmp_path, every=2, accelerator=Recorder(main=False))
    assert helper(2, sample) is None
