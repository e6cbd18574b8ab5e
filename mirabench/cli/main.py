"""`mirabench`: the root command, and how errors become one line."""

from __future__ import annotations

import sys
from io import TextIOWrapper
from pathlib import Path
from typing import Annotated

import typer

from mirabench.cli import (
    align,
    attack,
    cache,
    catalogue,
    check,
    compare,
    doctor,
    error_budget,
    evaluate,
    examples,
    generate,
    prompts,
    reference,
    status,
    watch,
    weights,
)
from mirabench.cli.configuration import defaults_from, found_file
from mirabench.cli.general import print_version, set_log
from mirabench.cli.plugins import PluggableGroup
from mirabench.errors import MirabenchError

app = typer.Typer(
    name="mirabench",
    cls=PluggableGroup,
    help="Score generated video, with error bars.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # plain help starts in half the time
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("evaluate")(evaluate.evaluate)
app.command("report")(evaluate.report)
app.command("status")(status.status)
app.command("watch")(watch.watch)
app.command("check")(check.check)
app.command("compare")(compare.compare)
app.command("error-budget")(error_budget.error_budget)
app.command("attack")(attack.attack)
app.command("align")(align.align)
app.add_typer(catalogue.app, name="metrics")
app.command("suites")(catalogue.suites)
app.command("examples")(examples.examples)
app.command("doctor")(doctor.doctor)
app.command("generate")(generate.generate)
app.add_typer(
    prompts.app, name="prompts", help="Prompt sets: list, show, export, measure, validate, pair."
)
app.add_typer(reference.app, name="reference", help="Reference clips kept in a file: build, show.")
app.add_typer(cache.app, name="cache", help="The feature cache, which makes runs resumable.")
app.add_typer(
    weights.app, name="weights", help="Weights of networks: list, download, verify, import."
)


@app.callback()
def root(
    context: typer.Context,
    *,
    version: Annotated[
        bool,
        typer.Option("--version", callback=print_version, is_eager=True, help="Print the version."),
    ] = False,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Log each clip.")] = False,
    quiet: Annotated[
        bool, typer.Option("--quiet", "-q", help="No progress and no warnings: results and errors.")
    ] = False,
    config: Annotated[
        Path | None,
        typer.Option(
            help="Defaults of options (default: mirabench.toml or [tool.mirabench] in "
            "pyproject.toml, in this folder or the nearest above)."
        ),
    ] = None,
) -> None:
    """Score generated video, with error bars."""
    del version
    set_log(verbose=verbose, quiet=quiet)
    path = config or found_file(Path.cwd())
    if path is not None:
        context.default_map = defaults_from(path, context.command, context)


def main() -> None:
    """Run the command line; expected errors are one sentence and exit code 2."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(
            stream, TextIOWrapper
        ):  # a clip's name may hold what the terminal cannot show
            stream.reconfigure(errors="backslashreplace")
    try:
        app()
    except MirabenchError as error:
        sys.stderr.write(f"mirabench: {error}\n")
        sys.exit(2)
    except BrokenPipeError:
        sys.exit(1)
