"""`mirabench check`: check files without pytest, for CI."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mirabench.cli.options import AllowNoncommercial, Device, Workers
from mirabench.cli.terminal import stdout_console
from mirabench.errors import InputError, OutputError

if TYPE_CHECKING:
    from mirabench.checks.result import RequirementResult

Results = Mapping[Path, Sequence["RequirementResult"]]


def check(
    files: Annotated[
        list[Path],
        typer.Argument(help="Check files (*.mirabench.yaml).", show_default=False),
    ],
    *,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Folder for reports and film strips.")
    ] = None,
    baseline: Annotated[
        Path | None,
        typer.Option(help="report.json for `not_worse_than: baseline`; overrides the files'."),
    ] = None,
    update_baseline: Annotated[
        bool,
        typer.Option("--update-baseline", help="Write the report of this run as the baseline."),
    ] = False,
    junit: Annotated[Path | None, typer.Option(help="Write JUnit XML here.")] = None,
    summary: Annotated[
        Path | None,
        typer.Option(help="Write Markdown here (default: append to $GITHUB_STEP_SUMMARY, if set)."),
    ] = None,
    workers: Workers = 1,
    device: Device = "auto",
    allow_noncommercial: AllowNoncommercial = False,
) -> None:
    """Check clips against the bounds and baselines of check files.

    Exit code 0: every check passed; 1: a check failed; 2: a check could not be carried out, or the
    command cannot run.
    """
    from mirabench.checks.check_run import CheckRun
    from mirabench.checks.file import read_check_file
    from mirabench.checks.running import Baselines, FileChecks
    from mirabench.run.score import Options
    from mirabench.weights.licence import noncommercial_allowed

    allowed = allow_noncommercial or noncommercial_allowed()
    read = [read_check_file(path) for path in dict.fromkeys(files)]
    if update_baseline and baseline is None and not any(f.spec.baseline for f in read):
        raise InputError("--update-baseline has nowhere to write: add --baseline FILE")
    with tempfile.TemporaryDirectory(prefix="mirabench-") as shared:
        strips = output or Path("mirabench-checks")
        options = Options(workers, progress=_tell, device=device, noncommercial=allowed)
        check_run = CheckRun(Path(shared), output, strips / "film-strips", options)
        baselines = Baselines(baseline, update_baseline)
        by_file = {file.path: FileChecks(file, check_run, baselines).results() for file in read}
        written = [f"report: {page}" for page in check_run.kept_reports()]
        written += [f"baseline: {path}" for path in check_run.kept_baselines()]
    _show(by_file)
    for line in written:
        typer.echo(line)
    _write(by_file, junit, summary)
    raise typer.Exit(_exit_code(by_file))


def _tell(done: int, total: int, clip_id: str) -> None:
    typer.echo(f"[{done}/{total}] {clip_id}", err=True)


def _exit_code(by_file: Results) -> int:
    verdicts = {result.verdict for results in by_file.values() for result in results}
    return 2 if "error" in verdicts else 1 if "failed" in verdicts else 0


def _show(by_file: Results) -> None:
    from rich.table import Table
    from rich.text import Text

    from mirabench.checks.markdown import HEAD, row

    console = stdout_console(140)
    for path, results in by_file.items():
        table = Table(*HEAD, title=str(path), title_justify="left", header_style="bold")
        for result in results:
            table.add_row(*map(Text, row(result)))
        console.print(table)
        for result in results:
            if not result.passed:
                console.print(Text(f"\n{result.text()}"), soft_wrap=True)


def _write(by_file: Results, junit: Path | None, summary: Path | None) -> None:
    from mirabench.checks.junit import junit_xml
    from mirabench.checks.markdown import markdown
    from mirabench.files import write_text

    if junit is not None:
        write_text(junit, junit_xml(by_file))
    step = os.environ.get("GITHUB_STEP_SUMMARY")
    if summary is not None:
        write_text(summary, markdown(by_file))
    elif step:
        _add(Path(step), markdown(by_file))


def _add(path: Path, text: str) -> None:
    """Behind what earlier commands of the same step have written there."""
    from mirabench.files import encoded

    try:
        with path.open("ab") as file:
            file.write(encoded(text))
    except OSError as error:
        raise OutputError.writing(path, error) from error
