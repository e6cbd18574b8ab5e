"""`mirabench watch`: score the samples of a training run's checkpoints as they appear."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mirabench.cli.options import (
    AllowNoncommercial,
    Cache,
    ClipTimeout,
    Device,
    Fps,
    Metrics,
    Suite,
    Workers,
)
from mirabench.cli.terminal import interruptible, split_names

if TYPE_CHECKING:
    from mirabench.report.model import Report
    from mirabench.run.score import Options
    from mirabench.training.checkpoints import Checkpoint
    from mirabench.training.loggers import Logger
    from mirabench.training.watching import Judged, Score, Watch


def watch(
    folder: Annotated[
        Path, typer.Argument(help="Where checkpoints appear: one folder of samples for each.")
    ],
    *,
    baseline: Annotated[
        Path | None, typer.Option(help="A run of the same prompts and seeds to compare with.")
    ] = None,
    output: Annotated[
        Path, typer.Option("--output", "-o", help="Folder for reports, watch.json and watch.html.")
    ] = Path("mirabench-watch"),
    suite: Suite = "lite",
    metrics: Metrics = None,
    prompts: Annotated[
        Path | None, typer.Option(help="A table of prompts, paired by id or file name.")
    ] = None,
    logger: Annotated[
        list[str] | None,
        typer.Option("--log", help="tensorboard, wandb, mlflow or trackio; may be repeated."),
    ] = None,
    project: Annotated[str, typer.Option(help="Project of the logger.")] = "mirabench",
    every: Annotated[float, typer.Option(min=0.1, help="Seconds between two looks.")] = 15.0,
    settled: Annotated[
        float,
        typer.Option(min=0, help="Seconds without a change after which samples are complete."),
    ] = 20.0,
    once: Annotated[bool, typer.Option("--once", help="Score what is there, and end.")] = False,
    fail_on_worse: Annotated[
        bool, typer.Option("--fail-on-worse", help="End with 1 when the last checkpoint is worse.")
    ] = False,
    workers: Workers = 1,
    clip_timeout: ClipTimeout = 3600.0,
    device: Device = "auto",
    allow_noncommercial: AllowNoncommercial = False,
    fps: Fps = None,
    cache: Cache = None,
) -> None:
    """Score checkpoints' samples as they appear, draw the curve, and say when the last is worse.

    A checkpoint is a folder with its step in the name. It is compared with the baseline and with the one before
    it, clip by clip. Ctrl-C ends; the same command goes on. Exit code 1: with --fail-on-worse, the last
    checkpoint is worse.
    """
    from mirabench.run.score import Options, cache_folder
    from mirabench.training.watching import Watch
    from mirabench.weights.licence import noncommercial_allowed

    options = Options(
        workers, cache_folder(cache or True), device=device, clip_seconds=clip_timeout or None,
        noncommercial=allow_noncommercial or noncommercial_allowed(),
    )  # fmt: skip
    score = _scorer(options, suite, split_names(metrics) or None, prompts, fps)
    run = None
    if baseline is not None:
        from mirabench.compare.runs import Run
        from mirabench.report.model import load_report

        run = Run("the baseline", load_report(baseline), baseline.as_posix())
    watching = Watch(folder, output, score, run, settled_seconds=0.0 if once else settled)
    with interruptible(), _loggers(logger, project, output) as loggers:
        while True:
            if _judge_new(watching, loggers) and fail_on_worse:
                raise typer.Exit(1)
            if once:
                return
            time.sleep(every)


def _judge_new(watching: Watch, loggers: Mapping[str, Logger]) -> bool:
    """Whether the last of what is new is worse."""
    last: Judged | None = None
    for last in watching.judge_new():
        typer.echo(last.sentence)
        for name, one in loggers.items():
            watching.log(last, name, one)
    return last is not None and last.word == "worse"


def _scorer(
    options: Options,
    suite: str,
    metrics: Sequence[str] | None,
    prompts: Path | None,
    fps: float | None,
) -> Score:
    from mirabench.run.evaluate import run
    from mirabench.run.prepare import prepare

    def score(checkpoint: Checkpoint, folder: Path) -> Report:
        job = prepare(checkpoint.folder, suite=suite, metrics=metrics, prompts=prompts, fps=fps)
        return run(job, folder, options)

    return score


@contextmanager
def _loggers(
    kinds: Sequence[str] | None, project: str, output: Path
) -> Iterator[dict[str, Logger]]:
    """Kind and project -> the logger."""
    from mirabench.training.loggers import make_logger

    made: dict[str, Logger] = {}
    try:
        for kind in split_names(kinds):
            made[f"{kind} {project}"] = make_logger(
                kind, project=project, run=output.resolve().name, folder=output
            )
        yield made
    finally:
        for one in made.values():
            one.close()
