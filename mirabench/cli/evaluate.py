"""`mirabench evaluate` and `mirabench report`."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mirabench.cli.options import (
    AllowNoncommercial,
    Cache,
    ClipTimeout,
    Device,
    Executor,
    Fps,
    Metrics,
    NoCache,
    RayAddress,
    RayGpus,
    Suite,
    Workers,
)
from mirabench.cli.terminal import (
    interruptible,
    prints_lines,
    progress_bars,
    split_names,
    stdout_console,
)
from mirabench.errors import InputError, UnknownNameError

if TYPE_CHECKING:
    from mirabench.features.api import AnyExtractor
    from mirabench.report.model import Report, VideoRecord
    from mirabench.run.prepare import Job
    from mirabench.run.score import Progress

MAX_PIXELS = 7680 * 4320
"""8K, as `mirabench.video.limits` has it; that room is imported when a clip is looked at."""
CLIP_SECONDS = 3600.0
"""Far beyond what a sound clip takes, the heaviest suite on a CPU included: it ends what hangs."""


def evaluate(
    inputs: Annotated[
        list[str],
        typer.Argument(
            help="Video files, frame folders, folders, globs, or a manifest (CSV, JSONL, Parquet).",
            show_default=False,
        ),
    ],
    *,
    suite: Suite = "lite",
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder for the report.")] = Path(
        "mirabench-report"
    ),
    prompts: Annotated[
        Path | None, typer.Option(help="A table of prompts, paired by id or file name.")
    ] = None,
    reference: Annotated[
        list[str] | None,
        typer.Option(
            help="Real clips to compare with: a folder, file, glob or manifest, or what "
            "`mirabench reference build` wrote (.npz), or `embedded`."
        ),
    ] = None,
    metrics: Metrics = None,
    workers: Workers = 1,
    executor: Executor = "local",
    ray_address: RayAddress = None,
    ray_gpus: RayGpus = 0.0,
    clip_timeout: ClipTimeout = CLIP_SECONDS,
    max_pixels: Annotated[
        int, typer.Option(min=1, help="Width times height of the largest frame that is decoded.")
    ] = MAX_PIXELS,
    device: Device = "auto",
    precision: Annotated[
        str | None,
        typer.Option(help="Precision of networks: fp32 or bf16 (default: that of the suite)."),
    ] = None,
    allow_noncommercial: AllowNoncommercial = False,
    yes: Annotated[
        bool, typer.Option("--yes", "-y", help="Download missing weights without asking.")
    ] = False,
    fps: Fps = None,
    cache: Cache = None,
    no_cache: NoCache = False,
    plan: Annotated[
        bool, typer.Option("--plan", help="Show what would be computed, then exit.")
    ] = False,
    refuse: Annotated[
        list[str] | None,
        typer.Option(
            help="Exit with 1 if a clip raises this health flag, for example `unverified`; "
            "repeat the option or separate flags by commas."
        ),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print report.json and nothing else.")
    ] = False,
    as_jsonl: Annotated[
        bool,
        typer.Option(
            "--jsonl", help="Print each clip's record as a line of JSON as soon as it is scored."
        ),
    ] = False,
    log_json: Annotated[
        bool,
        typer.Option("--log-json", help="Log as lines of JSON, with what each clip took."),
    ] = False,
    prometheus: Annotated[
        int | None,
        typer.Option(
            min=1, max=65535, help="Serve progress to Prometheus on this port of 127.0.0.1."
        ),
    ] = None,
) -> None:
    """Score clips with a suite and write report.json, scores.csv, report.html and run.json.

    To resume an interrupted run, give the same command again. Exit code 0: everything is scored;
    1: a clip or a metric failed or is refused, and the report is written; 2: the command cannot run.
    """
    from mirabench.cli.consent import bring_weights
    from mirabench.files import require_writable
    from mirabench.run.evaluate import run
    from mirabench.run.prepare import prepare
    from mirabench.run.score import Options, cache_folder
    from mirabench.weights.licence import noncommercial_allowed

    if as_json and as_jsonl:
        raise InputError("--json prints one report, --jsonl a line for each clip: choose one")
    chosen = split_names(metrics) or None
    flags = _flags(refuse)
    job = prepare(
        inputs, suite=suite, metrics=chosen, prompts=prompts, reference=reference, fps=fps,
        precision=precision,
    )  # fmt: skip
    allowed = allow_noncommercial or noncommercial_allowed()
    if plan:
        _show_plan(job, noncommercial=allowed)
        return
    require_writable(output)
    bring_weights(job.plan, noncommercial=allowed, yes=yes)
    with interruptible(), _told(log_json) as progress, _served(output, prometheus):
        folder = None if no_cache else cache_folder(cache or True)
        options = Options(
            workers, folder, progress=progress, device=device, noncommercial=allowed,
            clip_seconds=clip_timeout or None, max_pixels=max_pixels,
            executor="ray" if executor == "ray" else "local", ray_address=ray_address, gpus=ray_gpus,
        )  # fmt: skip
        report = run(job, output, options, clip_done=_print_line if as_jsonl else None)
    if not as_jsonl:
        _show(report, as_json=as_json, output=output)
    refused = [
        f"{v.id} is {f}: {v.health[f]}" for f in flags for v in report.videos if f in v.health
    ]
    for sentence in refused:
        typer.echo(f"refused: {sentence}", err=True)
    raise typer.Exit(1 if report.partial or refused else 0)


def _flags(names: list[str] | None) -> list[str]:
    """Health flags by name.

    Raises:
        UnknownNameError: there is no such flag; the nearest ones are offered.
    """
    from mirabench.metrics.health import FLAGS

    chosen = split_names(names)
    for name in chosen:
        if name not in FLAGS:
            raise UnknownNameError("health flag", name, FLAGS)
    return chosen


def report(
    path: Annotated[Path, typer.Argument(help="Folder of a run, or its report.json.")],
) -> None:
    """Print the table of an existing report."""
    from mirabench.report.model import load_report

    _show(load_report(path), as_json=False, output=None)


def _print_line(record: VideoRecord) -> None:
    # pydantic's own text refuses a file name that is not UTF-8
    sys.stdout.write(json.dumps(record.model_dump(mode="json"), ensure_ascii=False) + "\n")
    sys.stdout.flush()


def _show(found: Report, *, as_json: bool, output: Path | None) -> None:
    if as_json:
        sys.stdout.write(found.to_json())
        return
    from mirabench.report.table import report_table

    console = stdout_console(140)
    console.print(report_table(found))
    if output is not None:
        console.print(f"report: {(output / 'report.html').resolve()}", soft_wrap=True)


def _show_plan(job: Job, *, noncommercial: bool) -> None:
    from rich.table import Table

    from mirabench.cli.consent import missing_weights

    table = Table(
        title=f"{len(job.generated)} clips, {len(job.reference)} reference clips; one decode pass each"
    )
    table.add_column("feature", no_wrap=True)
    table.add_column("frames", no_wrap=True)
    table.add_column("for")
    metrics = (*job.plan.clip_metrics, *job.plan.set_metrics)
    for extractor in job.plan.extractors:
        users = [
            m.spec.name
            for m in metrics
            if extractor in {r.resolve() for r in m.spec.needs.values()}
        ]
        table.add_row(extractor.name, _seen_by(extractor), ", ".join(users) or "the report")
    console = stdout_console()
    console.print(table)
    for name, reason in job.plan.skipped:
        console.print(f"- {name} skipped: {reason}")
    for card in missing_weights(job.plan.weight_cards(), noncommercial=True):
        allowed = noncommercial or not card.non_commercial
        console.print(
            f"- {card.name} is not on this machine: {card.size_text}, {card.licence}"
            + ("" if allowed else ", which needs --allow-noncommercial")
        )


def _seen_by(extractor: AnyExtractor) -> str:
    """The frames that a feature uses, in words."""
    from mirabench.features.api import Extractor

    if not isinstance(extractor, Extractor):
        return "captions"
    size = extractor.resize
    if size is None:
        return "native size"
    if size.size is not None:
        return f"{size.size[0]}x{size.size[1]}"
    return f"short side <= {size.max_short_side}"


@contextmanager
def _served(output: Path, port: int | None) -> Iterator[None]:
    """Within it, Prometheus may ask."""
    if port is None:
        yield
        return
    from mirabench.work.prometheus import serve

    server = serve(output, port)
    try:
        yield
    finally:
        server.shutdown()


@contextmanager
def _told(as_json: bool) -> Iterator[Progress]:
    """Progress as JSON, or as people read it."""
    if as_json:
        from mirabench.cli.json_log import log_as_json
        from mirabench.run.score import silent

        log_as_json()
        yield silent
        return
    with _progress() as told:
        yield told


@contextmanager
def _progress() -> Iterator[Progress]:
    """A bar over scored clips on stderr; a line a clip where stderr is no terminal."""
    with progress_bars() as bars:
        task, lines = bars.add_task("scoring", total=None, item=""), prints_lines()

        def told(done: int, total: int, clip_id: str) -> None:
            bars.update(task, completed=done, total=total, item=clip_id)
            if lines:
                sys.stderr.write(f"[{done}/{total}] {clip_id}\n")

        yield told
