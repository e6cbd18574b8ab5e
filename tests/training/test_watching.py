"""Checkpoints as they appear: scored once, compared with the baseline and the one before, and told apart."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import clipkit
import numpy as np
import pytest
from typer.testing import CliRunner

import mirabench
from mirabench.cli.main import app
from mirabench.compare.runs import Run
from mirabench.errors import GeneratorError, InputError
from mirabench.inputs.prompts import Prompt
from mirabench.training.callback import CheckpointCallback, pipeline_sampler
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


class Noted:
    """A logger that keeps what it is given."""

    def __init__(self) -> None:
        self.steps: list[int] = []

    def log(self, step: int, values: Mapping[str, float]) -> None:
        assert values["mirabench/sharpness"] > 0
        self.steps.append(step)

    def close(self) -> None: ...


def test_each_checkpoint_is_logged_once_however_often_watching_begins(
    films: Path, tmp_path: Path
) -> None:
    def watched(logger: Noted, name: str, count: int) -> list[int]:
        watch = Watch(
            films, tmp_path, lambda one, folder: mirabench.evaluate(one.folder, metrics=METRICS, output=folder)
        )  # fmt: skip
        for one, _ in zip(watch.judge_new(), range(count), strict=False):
            watch.log(one, name, logger)
            watch.log(one, name, logger)
        return logger.steps

    assert watched(Noted(), "board trial", 2) == [100, 200]  # then the process ended
    assert watched(Noted(), "board trial", 1) == []
    assert watched(Noted(), "board trial", 9) == [300, 1000]
    assert watched(Noted(), "board trial", 9) == []
    assert watched(Noted(), "board other", 9) == [100, 200, 300, 1000]
    (tmp_path / "watch.json").write_text("torn {")
    assert watched(Noted(), "board trial", 1) == [100]


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
    again = CheckpointCallback(prompts, tmp_path, every=2, seeds=(3,), metrics=METRICS)
    assert again(4, sample) is not None  # training goes on from an earlier step
    curve = json.loads((tmp_path / "watch.json").read_text())["checkpoints"]
    assert [(one["step"], one["word"]) for one in curve] == [(2, "first"), (4, "no better")]
    helper = CheckpointCallback(prompts, tmp_path, every=2, accelerator=Recorder(main=False))
    assert helper(2, sample) is None


class Pipeline:
    """What a pipeline of diffusers is to its sampler: noise in, frames in 0..1 out."""

    def __init__(self, fault: float = 0.0) -> None:
        self.fault = fault

    def __call__(self, text: str, *, generator: Any, output_type: str, num_frames: int) -> Any:
        assert output_type == "np"
        torch = pytest.importorskip("torch")
        noise = torch.rand((num_frames, 8, 8, 3), generator=generator).numpy()
        noise[0] = 0.5 + self.fault
        return SimpleNamespace(frames=[noise])


def test_a_pipeline_s_sample_depends_on_the_seed_alone_and_is_rounded() -> None:
    pytest.importorskip("torch")
    prompt = Prompt("a", "a pan")
    sample = pipeline_sampler(Pipeline(), num_frames=2)
    frames = sample(prompt, 3)
    assert (frames.dtype, frames.shape) == (np.uint8, (2, 8, 8, 3))
    assert (frames[0] == 128).all()
    assert (frames == sample(prompt, 3)).all()
    assert (frames != sample(prompt, 4)).any()
    with pytest.raises(GeneratorError, match="NaN pixels"):
        pipeline_sampler(Pipeline(float("nan")), num_frames=2)(prompt, 3)
