"""`mirabench curate`: turn long videos into captioned clips; query the tables, export, calibrate.

The command comes by the entry point `mirabench.commands`. Its help needs no extra: what `data` brings is
imported when a command runs.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mirabench.cli.terminal import interruptible, progress_bars, stdout_console
from mirabench.errors import InputError
from mirabench.extras import needs_extra

if TYPE_CHECKING:
    import pyarrow as pa
    from rich.progress import TaskID

    from mirabench.work.run import Progress

app = typer.Typer(
    no_args_is_help=True, help="Turn long videos into captioned clips: run, query, export."
)

Output = Annotated[Path, typer.Argument(help="The output folder of a run.")]


def _curation() -> AbstractContextManager[None]:
    return needs_extra("data", "curation needs more packages")


@app.command()
def run(
    source: Annotated[
        Path, typer.Argument(metavar="CONFIG|FOLDER", help="A YAML file, or a folder of videos.")
    ],
    *,
    output: Annotated[Path, typer.Option(help="Folder for tables, clips and the report.")],
    profile: Annotated[
        str, typer.Option(help="lite (no weights) or learned (default: that of the file).")
    ] = "",
    executor: Annotated[
        str | None, typer.Option(help="local or ray (default: that of the file, otherwise local).")
    ] = None,
    workers: Annotated[
        int | None,
        typer.Option(min=1, help="Number of processes (default: that of the file, otherwise 2)."),
    ] = None,
    ray_address: Annotated[str | None, typer.Option(help="Address of a running cluster.")] = None,
) -> None:
    """Run or resume the pipeline; exit code 1 if items failed for good."""
    with _curation():
        from miradata.curation import configured, curate
    config = configured(
        source, profile=profile, executor=executor, workers=workers, ray_address=ray_address
    )
    with interruptible(), _progress() as listener:
        made = curate(config, output, listener=listener)
    for sentence in made.absent:
        typer.echo(f"- {sentence}")
    _show_funnel(output)
    typer.echo(f"report: {made.page.resolve()}")
    raise typer.Exit(1 if made.failed else 0)


@app.command()
def status(output: Output) -> None:
    """Show the progress of each stage, what failed and why, and the funnel."""
    from rich.table import Table

    with _curation():
        from miradata.run_file import remembered
        from miradata.tables.store import Tables
    made, tables = remembered(output), Tables(output)
    table = Table("stage", "ok", "rejected", "failed")
    outcomes = tables.rows("outcomes")
    # as they are listed; then those of earlier runs that are listed no more
    for stage in dict.fromkeys([*made.config.stages, *(row["stage"] for row in outcomes)]):
        mine = [row["status"] for row in outcomes if row["stage"] == stage]
        if mine:
            table.add_row(stage, *(str(mine.count(s)) for s in ("ok", "rejected", "failed")))
    stdout_console().print(table)
    for row in [row for row in outcomes if row["status"] == "failed"][:20]:
        typer.echo(f"failed: {row['stage']} {row['item']}: {row['reason']}")
    for sentence in made.absent:
        typer.echo(f"- {sentence}")
    _show_funnel(output)


@app.command()
def query(
    output: Output,
    sql: Annotated[str, typer.Argument(help="One SELECT statement over the tables.")] = "",
    *,
    where: Annotated[
        str, typer.Option(help="Instead of SQL: a condition on clips, such as 'seconds > 60'.")
    ] = "",
    columns: Annotated[str, typer.Option(help="With --where: columns of `overview`.")] = "*",
    save: Annotated[
        Path | None, typer.Option(help="Write the result to a .parquet or .csv file.")
    ] = None,
) -> None:
    """Query the tables; never changes them."""
    if bool(sql) == bool(where):
        raise InputError("give either one SELECT statement or --where")
    with _curation():
        from miradata.tables import query as tables
    found = tables.where(output, where, columns) if where else tables.query(output, sql)
    if save is not None:
        tables.save(found, save)
        typer.echo(f"{found.num_rows} rows in {save}")
        return
    _print_rows(found)


@app.command()
def export(
    output: Output,
    target: Annotated[Path, typer.Argument(help="A .csv or .parquet file; a folder for shards.")],
    *,
    shards: Annotated[bool, typer.Option(help="Write webdataset shards instead.")] = False,
    videos: Annotated[
        bool, typer.Option(help="Put the clips beside the table, at file_path.")
    ] = True,
    shard_megabytes: Annotated[int, typer.Option(min=1, help="Size of a shard.")] = 1000,
) -> None:
    """Write the published clips as a MiraData table of 18 columns, or as shards."""
    with _curation():
        from miradata.publish.export import export_shards, export_v1
    if shards:
        made = export_shards(output, target, shard_bytes=shard_megabytes * 10**6)
        typer.echo(f"{len(made)} shards in {target}")
        return
    typer.echo(f"{export_v1(output, target, videos=videos)} clips in {target}")


@app.command()
def calibrate(
    output: Output,
    target: Annotated[Path, typer.Argument(help="The thresholds file (YAML) to write.")],
    *,
    name: Annotated[str, typer.Option(help="Name of the thresholds.")] = "calibrated",
    version: Annotated[str, typer.Option("--version", help="Version of the thresholds.")] = "1",
    level: Annotated[
        list[str] | None,
        typer.Option(help="NAME=SHARE, loosest first (default: the published shares)."),
    ] = None,
) -> None:
    """Compute thresholds that keep given shares of this run's clips."""
    with _curation():
        from miradata.select.calibrate import calibrate_folder
    found = calibrate_folder(output, target, name=name, version=version, targets=_shares(level))
    for made in found.thresholds.levels:
        rules = ", ".join(f"{rule.metric} >= {rule.least:.4g}" for rule in made.rules)
        typer.echo(f"{made.name}: aimed at {made.target:.3%}, keeps {made.achieved:.3%}; {rules}")
    for remark in found.remarks:
        typer.echo(f"- {remark}")


@app.command()
def retry(output: Output) -> None:
    """Let the next run retry failed items, including quarantined ones."""
    with _curation():
        from mirabench.work import journal
    cleared = journal.retry(output)
    for stage, items in cleared.items():
        typer.echo(f"{stage}: {len(items)} to be tried again")
    if not cleared:
        typer.echo("nothing had failed")


@app.command("import")
def import_table(
    table: Annotated[Path, typer.Argument(help="A MiraData v1 table, .csv or .parquet.")],
    *,
    save: Annotated[
        Path | None, typer.Option(help="Write the usable rows with corrected ids.")
    ] = None,
) -> None:
    """Check a MiraData table row by row; exit code 1 if rows are rejected."""
    with _curation():
        from miradata.v1.files import read_v1, write_v1
    rows, refused = read_v1(table)
    windowed = sum(len(row.windows) > 1 for row in rows)
    typer.echo(f"{len(rows)} usable rows, {windowed} with several windows, {len(refused)} refused")
    for row in refused[:50]:
        typer.echo(f"refused: {row.where}: {row.reason}", err=True)
    if save is not None:
        write_v1(save, rows)
    raise typer.Exit(1 if refused else 0)


def _shares(given: list[str] | None) -> dict[str, float] | None:
    if not given:
        return None
    try:
        return {name: float(share) for name, share in (text.split("=") for text in given)}
    except ValueError as error:
        raise InputError("--level is NAME=SHARE with a share from 0 to 1: half=0.5") from error


def _show_funnel(output: Path) -> None:
    from rich.table import Table

    with _curation():
        from miradata.curation import funnel_of
        from miradata.report.page import hours
    table = Table("step", "count", "film", "what left here")
    for step in funnel_of(output):
        left = ", ".join(f"{name} {count}" for name, count in step.reasons)
        table.add_row(step.label, step.counted, hours(step.seconds), left)
    stdout_console().print(table)


def _print_rows(found: pa.Table) -> None:
    from rich.markup import escape
    from rich.table import Table

    table = Table(*map(escape, found.column_names))
    for row in found.slice(0, 200).to_pylist():
        table.add_row(*(escape(_cell(value)) for value in row.values()))
    stdout_console().print(table)
    if found.num_rows > 200:
        typer.echo(f"the first 200 of {found.num_rows} rows; --save writes all")


def _cell(value: object) -> str:
    text = f"{value:.6g}" if isinstance(value, float) else "" if value is None else str(value)
    return text if len(text) <= 80 else f"{text[:77]}..."


def _progress() -> AbstractContextManager[Callable[[Progress], None]]:
    """A bar a stage with the time left where stderr is a terminal, else a line a stage."""
    if not sys.stderr.isatty():
        return nullcontext(_line)
    return _Bars()


def _line(progress: Progress) -> None:
    if progress.ended and progress.total:
        fresh = progress.done - progress.reused
        sys.stderr.write(
            f"{progress.work}: {fresh} done, {progress.reused} from earlier runs, "
            f"{progress.rejected} rejected, {progress.failed} failed, {progress.seconds:.1f} s\n"
        )


class _Bars:
    """One bar for each stage."""

    def __init__(self) -> None:
        self._bars = progress_bars()
        self._tasks: dict[str, TaskID] = {}

    def __enter__(self) -> Callable[[Progress], None]:
        self._bars.start()
        return self._update

    def __exit__(self, *_: object) -> None:
        self._bars.stop()

    def _update(self, progress: Progress) -> None:
        if not progress.total:
            return
        if progress.work not in self._tasks:
            self._tasks[progress.work] = self._bars.add_task(
                progress.work, total=progress.total, item=""
            )
        self._bars.update(self._tasks[progress.work], completed=progress.done)
