"""`mirabench compare`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mirabench.cli.options import Metrics
from mirabench.cli.terminal import split_names, stdout_console
from mirabench.errors import InputError

if TYPE_CHECKING:
    from mirabench.compare.model import Comparison


def compare(
    reports: Annotated[
        list[Path],
        typer.Argument(
            help="Two or more runs: report.json or its folder. All are compared with the first.",
            show_default=False,
        ),
    ],
    *,
    metrics: Metrics = None,
    across: Annotated[
        bool,
        typer.Option(
            "--across",
            help="Allow other suites and protocols; what was not measured in the same way is shown apart.",
        ),
    ] = False,
    smallest_difference: Annotated[
        list[str] | None,
        typer.Option(
            help="METRIC=VALUE: the smallest difference that matters, in the metric's unit, in place of the "
            "default; repeat, or separate by commas."
        ),
    ] = None,
    error_budget: Annotated[
        Path | None,
        typer.Option(
            help="What `mirabench error-budget` wrote: no difference within a metric's band is called real."
        ),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="Folder for compare.json and compare.html."),
    ] = None,
    as_json: Annotated[
        Path | None,
        typer.Option("--json", help="Write compare.json here; - prints it, and only that."),
    ] = None,
    fail_on_worse: Annotated[
        bool,
        typer.Option(
            "--fail-on-worse", help="Exit with 1 if a run is significantly worse on a metric."
        ),
    ] = False,
    cache: Annotated[
        Path | None,
        typer.Option(
            help="Feature cache with the film strips (default: $MIRABENCH_CACHE or the user's cache folder)."
        ),
    ] = None,
) -> None:
    """Compare runs clip by clip: differences with intervals, p values and a verdict for each metric.

    Clips are paired by prompt and seed, else by id. A difference is the run minus the first one. Better and
    worse need p of at most 0.05 after Holm's correction over all tests, and a difference that matters. Motion
    strength is higher or lower, and a gain that is bought with detail or motion is not better. Exit code 0:
    compared; 1: worse, with --fail-on-worse; 2: the command cannot run.
    """
    from mirabench.compare.build import compare as compare_runs
    from mirabench.compare.error_budget import read_error_budget
    from mirabench.compare.runs import read_runs
    from mirabench.files import require_writable, write_text

    chosen = split_names(metrics) or None
    runs = read_runs(reports)
    budget = None if error_budget is None else read_error_budget(error_budget)
    found = compare_runs(
        runs,
        metrics=chosen,
        across=across,
        smallest_differences=_margins(smallest_difference),
        bands=None if budget is None else budget.bands_for(run.report for run in runs),
    )
    if output is not None:
        from mirabench.compare.page import render_page
        from mirabench.compare.strips import strips_of
        from mirabench.run.score import cache_folder

        require_writable(output)
        strips = strips_of(found, runs, cache_folder(cache or True))
        write_text(output / "compare.json", found.to_json())
        write_text(output / "compare.html", render_page(found, runs, strips))
    if as_json is not None and as_json != Path("-"):
        write_text(as_json, found.to_json())
    _show(found, only_json=as_json == Path("-"), output=output)
    raise typer.Exit(1 if fail_on_worse and found.worse else 0)


def _margins(given: list[str] | None) -> dict[str, float]:
    """METRIC=VALUE, repeated or separated by commas.

    Raises:
        InputError: one is not of that form.
    """
    found = {}
    for item in ",".join(given or []).split(",") if given else []:
        name, _, value = item.partition("=")
        try:
            found[name.strip()] = float(value)
        except ValueError as error:
            raise InputError(
                f"--smallest-difference {item!r} is not METRIC=VALUE: write for example sharpness=0.01"
            ) from error
    return found


def _show(found: Comparison, *, only_json: bool, output: Path | None) -> None:
    if only_json:
        sys.stdout.write(found.to_json())
        return

    from mirabench.compare.table import comparison_table

    console = stdout_console()
    console.print(comparison_table(found, console.width))
    if output is not None:
        console.print(f"page: {(output / 'compare.html').resolve()}", soft_wrap=True)
