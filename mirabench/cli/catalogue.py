"""`mirabench metrics` and `mirabench suites`: what is installed, built in or from other packages."""

from __future__ import annotations

from typing import Annotated

import typer


def metrics(
    name: Annotated[
        str | None, typer.Argument(help="One metric, in full.", show_default=False)
    ] = None,
) -> None:
    """List the metrics, or tell all about one."""
    from rich.console import Console
    from rich.table import Table

    from mirabench import registry
    from mirabench.suites.api import MetricChoice

    console = Console()
    if name is not None:
        spec = MetricChoice(name).build().spec
        for field in (
            "name",
            "version",
            "dimension",
            "summary",
            "unit",
            "range",
            "scope",
            "source",
        ):
            console.print(f"[bold]{field}[/bold]: {getattr(spec, field)}", highlight=False)
        console.print(f"[bold]higher is better[/bold]: {spec.higher_is_better}", highlight=False)
        console.print(f"[bold]degenerate when[/bold]: {', '.join(spec.degenerate_when) or 'never'}")
        return
    table = Table("metric", "dimension", "better", "scope", "what it measures")
    for known in registry.names(registry.METRICS):
        spec = MetricChoice(known).build().spec
        better = "higher" if spec.higher_is_better else "lower"
        table.add_row(spec.name, spec.dimension, better, spec.scope, spec.summary)
    console.print(table)


def suites() -> None:
    """List the suites."""
    from rich.console import Console
    from rich.table import Table

    from mirabench import registry
    from mirabench.suites.api import load_suite

    table = Table("suite", "version", "digest", "metrics", "description")
    for known in registry.names(registry.SUITES):
        suite = load_suite(known)
        table.add_row(
            suite.name,
            str(suite.version),
            suite.digest(),
            str(len(suite.metrics)),
            suite.description,
        )
    Console().print(table)
