"""`mirabench metrics` and `mirabench suites`: what is installed, built in or from other packages."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

from mirabench.cli.terminal import stdout_console

if TYPE_CHECKING:
    from mirabench.testing.conformance import CheckResult


class _NamesToo(TyperGroup):
    """A group in which a word that is not a command is the name of a metric to show."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        if args[0] not in self.commands and not args[0].startswith("-"):
            args = ["show", *args]
        return super().resolve_command(ctx, args)


app = typer.Typer(cls=_NamesToo, invoke_without_command=True, rich_markup_mode=None)


@app.callback()
def metrics(ctx: typer.Context) -> None:
    """List the metrics; show, check or create one.

    `mirabench metrics NAME` shows one in full.
    """
    if ctx.invoked_subcommand is not None:
        return
    from rich.table import Table

    from mirabench import registry
    from mirabench.suites.api import MetricChoice

    table = Table("metric", "dimension", "better", "scope", "what it measures")
    for known in registry.names(registry.METRICS):
        spec = MetricChoice(known).build().spec
        better = "higher" if spec.higher_is_better else "lower"
        table.add_row(spec.name, spec.dimension, better, spec.scope, spec.summary)
    stdout_console().print(table)


@app.command()
def show(name: Annotated[str, typer.Argument(help="A metric's name.")]) -> None:
    """Show everything about one metric."""
    from mirabench.suites.api import MetricChoice

    console = stdout_console()
    spec = MetricChoice(name).build().spec
    told = {
        key: getattr(spec, key)
        for key in ("name", "version", "dimension", "summary", "unit", "range", "scope", "source")
    }
    told["higher is better"] = spec.higher_is_better
    told["degenerate when"] = ", ".join(spec.degenerate_when) or "never"
    told["same at half the size"] = _declared(spec.resolution_invariant)
    told["same at half the frame rate"] = _declared(spec.fps_invariant)
    for key, value in told.items():
        console.print(f"[bold]{key}[/bold]: {value}", highlight=False)


def _declared(value: bool | None) -> str:
    return "not declared" if value is None else "yes" if value else "no"


@app.command()
def check(
    target: Annotated[
        str,
        typer.Argument(
            help="A metric's name, a module, MODULE:NAME, or a .py file.", show_default=False
        ),
    ],
    *,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the results as JSON and nothing else.")
    ] = False,
) -> None:
    """Run the conformance checks that every metric must pass.

    Exit code 0: no check fails; 1: at least one does; 2: there is no such metric. A check that
    cannot run says why and counts as neither.
    """
    from mirabench.testing.conformance import Bench, check_metric, find_metrics

    chosen = find_metrics(target)
    with Bench() as bench:
        found = [result for metric in chosen for result in check_metric(metric, bench)]
    if as_json:
        from dataclasses import asdict

        typer.echo(json.dumps([asdict(result) for result in found], indent=2))
    else:
        _show_checks(found)
    raise typer.Exit(1 if any(r.verdict == "fail" for r in found) else 0)


def _show_checks(found: list[CheckResult]) -> None:
    from rich.table import Table

    colours = {"pass": "green", "fail": "red", "skipped": "yellow"}
    console = stdout_console()
    for name in dict.fromkeys(r.metric for r in found):
        table = Table("check", "verdict", "what was seen", title=name)
        for r in found:
            if r.metric == name:
                colour = colours[r.verdict]
                table.add_row(r.check, f"[{colour}]{r.verdict}[/{colour}]", r.text)
        console.print(table)
    counts = {v: sum(r.verdict == v for r in found) for v in colours}
    typer.echo(f"{counts['pass']} pass, {counts['fail']} fail, {counts['skipped']} skipped")


@app.command()
def new(
    name: Annotated[str, typer.Argument(help="Name of the metric, such as exposure_pumping.")],
    *,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="Folder of the package (default: mirabench-NAME)."),
    ] = None,
) -> None:
    """Create a package with a working metric, its test and its README."""
    from mirabench.testing.scaffold import new_package

    folder = new_package(name, output)
    typer.echo(f"{folder}: a package with the metric {name}, which passes the check. Next:")
    typer.echo(f'  pip install -e "{folder}[test]"')
    typer.echo(f"  mirabench metrics check {name}")


def suites() -> None:
    """List the suites."""
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
    stdout_console().print(table)
