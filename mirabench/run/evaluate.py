"""The public verbs: score many clips into a report, or one clip with one metric."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from typing import Any, Literal

from mirabench.errors import InputError, MetricError, VideoError
from mirabench.files import finish_replacing
from mirabench.inputs.prompts import Prompt
from mirabench.inputs.samples import Sample, collect
from mirabench.metrics.api import Score
from mirabench.report.files import write_run
from mirabench.report.model import Report, VideoRecord
from mirabench.report.page import page_files
from mirabench.report.provenance import host_facts
from mirabench.run.assemble import assemble, page_extras, record_of
from mirabench.run.clip import ClipResult, ClipTask, score_clip
from mirabench.run.facts import Tally
from mirabench.run.plan import make_plan
from mirabench.run.prepare import Inputs, Job, prepare
from mirabench.run.score import Options, Progress, cache_folder, score_clips, silent
from mirabench.run.standardise import standardise
from mirabench.suites.api import MetricChoice, Suite
from mirabench.video.frames import CHUNK_BYTES
from mirabench.video.limits import MAX_PIXELS
from mirabench.weights.licence import noncommercial_allowed
from mirabench.work.journal import FailureJournal, FileJournal, locked
from mirabench.work.status import StatusFile


def evaluate(  # noqa: PLR0913  # the one public verb; all but the inputs are keywords
    inputs: Inputs | Iterable[Inputs],
    *,
    suite: str | Path | Suite = "lite",
    output: str | Path | None = None,
    metrics: Sequence[str] | None = None,
    prompts: str | Path | Mapping[str, Prompt] | None = None,
    reference: Inputs | Iterable[Inputs] | None = None,
    workers: int = 0,
    device: str = "auto",
    precision: str | None = None,
    allow_noncommercial: bool = False,
    cache: bool | str | Path = True,
    fps: float | None = None,
    chunk_bytes: int = CHUNK_BYTES,
    clip_timeout: float | None = None,
    max_pixels: int = MAX_PIXELS,
    executor: Literal["local", "ray"] = "local",
    ray_address: str | None = None,
    progress: Progress = silent,
) -> Report:
    """Score clips with a suite.

    Args:
        inputs: Video files, frame folders, folders of either, globs, manifests, or uint8 RGB arrays
            (T, H, W, 3); one or many.
        suite: A registered suite, a TOML file, or a `Suite`.
        output: Folder for report.json, scores.csv, report.html and run.json; None writes nothing.
        metrics: Only these metrics of the suite (or other registered ones).
        prompts: A table of prompts to pair with the clips, or id -> prompt.
        reference: Real clips to compare with, for the distribution metrics and the bands; or the .npz that
            `mirabench reference build` wrote of them, or "embedded".
        workers: Child processes that score clips side by side; 0 scores in this process. Changes no number.
        device: Where networks run: auto, cpu, cuda, cuda:N or mps.
        precision: Arithmetic of networks, fp32 or bf16, where a feature's drift allows it; another
            precision is another protocol. None leaves it to the suite.
        allow_noncommercial: Use weights whose licence forbids commercial use; metrics that need them
            fail otherwise. MIRABENCH_ALLOW_NONCOMMERCIAL=1 says the same.
        cache: Keep features for the next run: True for the user's cache folder, or a folder.
        fps: Frames per second of inputs that carry none (frame folders, arrays); 24 when absent.
        chunk_bytes: Pixels held at a time; changes no number.
        clip_timeout: Seconds that one clip may take before its process is ended; needs `workers`.
        max_pixels: Width times height of the largest frame that is decoded, 8K by default; a clip with larger
            frames fails before memory is taken for them.
        executor: Where clips are scored: processes of this machine, or a Ray cluster; changes no number.
        ray_address: Of a running cluster, "auto" for this machine's; None starts one here.
        progress: Told after each clip.

    Returns:
        The report. A clip or metric that failed is in it with its reason.

    Raises:
        InputError: nothing to score, an unknown name, an unwritable output folder, or another run is
            at work in it.
    """
    folder = Path(output) if output is not None else None
    job = prepare(
        inputs, suite=suite, metrics=metrics, prompts=prompts, reference=reference,
        pictures=folder is not None, fps=fps, precision=precision,
    )  # fmt: skip
    options = Options(
        workers, cache_folder(cache), chunk_bytes, progress, device,
        allow_noncommercial or noncommercial_allowed(), clip_timeout, max_pixels,
        executor=executor, ray_address=ray_address,
    )  # fmt: skip
    return run(job, folder, options)


def run(
    job: Job,
    folder: Path | None,
    options: Options,
    *,
    clip_done: Callable[[VideoRecord], None] | None = None,
) -> Report:
    """Carry out a prepared job, and write its folder if one is named.

    Args:
        job: From `prepare`.
        folder: Of the report; None writes nothing.
        options: How to carry it out.
        clip_done: Told of each generated clip's record as soon as it is scored, in the order of the work.

    Raises:
        InputError: the folder cannot be written, another run is active in it, or a time limit is asked
            for without a worker to end.
    """
    if options.clip_seconds is not None and not options.separate:
        raise InputError(
            "a time limit needs a process that can be ended: ask for at least one worker"
        )
    with locked(folder) if folder is not None else nullcontext():
        if folder is not None:
            finish_replacing(folder)
        started, tally = time.time(), Tally()
        status, journal = _kept_in(folder, job, tally) if folder is not None else (None, None)
        scored = score_clips(
            job, options, partial(_tell, job, clip_done) if clip_done else None,
            status=status, journal=journal, folder=folder, tally=tally,
        )  # fmt: skip
        report = assemble(job, scored)
        standardise(report, job, scored, options)
        if folder is not None:
            page = page_files(report, page_extras(job, scored))
            write_run(folder, report, page, _run_facts(started, options, tally))
        tally.told(started)
        if status is not None:
            status.end()
    return report


def _kept_in(folder: Path, job: Job, tally: Tally) -> tuple[StatusFile, FailureJournal]:
    """What a run leaves of its course in its folder; a run that was interrupted goes on with its own."""
    status = StatusFile(folder, work=job.plan.suite.digest(), facts=tally.facts)
    journal = FailureJournal(FileJournal.of(folder, "score"))
    if not status.continues():
        journal.begin()
    return status, journal


def _tell(
    job: Job, clip_done: Callable[[VideoRecord], None], sample: Sample, result: ClipResult
) -> None:
    if sample.role == "generated":
        clip_done(record_of(job, sample, result))


def _run_facts(started: float, options: Options, tally: Tally) -> dict[str, Any]:
    return {
        "started": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(started)),
        "seconds": round(time.time() - started, 3),
        "executor": options.executor,
        "workers": options.workers,
        "cache": str(options.cache) if options.cache else None,
        **tally.facts(),
        "host": host_facts(),
    }


def score(
    video: Inputs,
    metric: str,
    *,
    prompt: Prompt | str | None = None,
    device: str = "auto",
    allow_noncommercial: bool = False,
    cache: bool | str | Path = True,
    fps: float | None = None,
    **parameters: int | float | str | bool,
) -> Score:
    """Score one clip with one metric.

    Args:
        video: A file, a frame folder, or a uint8 RGB array (T, H, W, 3).
        metric: A registered metric of scope `clip`.
        prompt: For metrics that compare with text.
        device: Where networks run.
        allow_noncommercial: As in `evaluate`.
        cache: As in `evaluate`.
        fps: Frames per second of inputs that carry none.
        parameters: Of the metric.

    Raises:
        UnknownNameError: no such metric.
        VideoError: the video cannot be read.
        MetricError: the metric cannot be computed for this clip.
    """
    suite = Suite("single", 1, (MetricChoice(metric, parameters),))
    plan = make_plan(suite, with_prompts=True, with_reference=False, pictures=False)
    if not plan.clip_metrics:
        raise InputError(
            f"{metric!r} compares sets of clips: use mirabench.evaluate(..., reference=...)"
        )
    asked = Prompt("prompt", prompt) if isinstance(prompt, str) else prompt
    sample = collect([video])[0]
    task = ClipTask(
        Sample(sample.id, sample.source, asked or sample.prompt), plan, cache_folder(cache),
        threads=os.cpu_count() or 1, fps=fps, device=device,
        noncommercial=allow_noncommercial or noncommercial_allowed(),
    )  # fmt: skip
    result = score_clip(task)
    if result.error:
        raise VideoError(result.error)
    if metric in result.failures:
        raise MetricError(f"{sample.id}: {result.failures[metric].reason}")
    return result.scores[metric]
