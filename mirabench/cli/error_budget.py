"""`mirabench error-budget`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mirabench.cli.options import AllowNoncommercial, Device, Metrics, NoCache, Suite
from mirabench.cli.terminal import split_names, stdout_console

if TYPE_CHECKING:
    from rich.table import Table

    from mirabench.compare.error_budget import ErrorBudget


def error_budget(
    clips: Annotated[
        list[str],
        typer.Argument(help="Video files, folders, globs or a manifest.", show_default=False),
    ],
    *,
    suite: Suite = "lite",
    metrics: Metrics = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Write the budget here, as JSON.")
    ] = None,
    no_cache: NoCache = False,
    device: Device = "auto",
    allow_noncommercial: AllowNoncommercial = False,
) -> None:
    """Measure what decoder, resize, rate, codec, precision, device and seed do to each number.

    Each clip is written again in several versions, and all are scored; so is each metric with the other
    arithmetics, devices and seeds that it has. The band of a metric is how far a number
    moves for such reasons; `mirabench compare --error-budget` calls no difference within it better or worse.
    Exit code 0: measured; 2: the command cannot run.
    """
    from mirabench.compare.remeasure import error_budget_of
    from mirabench.files import require_writable, write_text

    if output is not None:
        require_writable(output.parent)
    found = error_budget_of(
        clips,
        suite=suite,
        metrics=split_names(metrics) or None,
        device=device,
        allow_noncommercial=allow_noncommercial,
        cache=not no_cache,
        progress=lambda what: print(f"measuring {what}", file=sys.stderr),
    )
    if output is not None:
        write_text(output, found.to_json())
    stdout_console().print(budget_table(found))


def budget_table(found: ErrorBudget) -> Table:
    """A row for each metric: its band, and the largest departure of each source."""
    from rich.table import Table

    sources = dict.fromkeys(s for budget in found.metrics.values() for s in budget.sources)
    table = Table("metric", "unit", "band", *sources)
    for name, budget in found.metrics.items():
        errors = (budget.sources.get(source) for source in sources)
        cells = ("-" if error is None else f"{error.largest:.3g}" for error in errors)
        table.add_row(name, budget.unit, f"± {budget.band:.3g}", *cells)
    return table
