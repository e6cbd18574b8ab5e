"""`mirabench align`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mirabench.cli.options import Cache, Device, Workers
from mirabench.cli.terminal import split_names, stdout_console

if TYPE_CHECKING:
    from mirabench.alignment.study import Alignment


def align(
    *,
    ratings: Annotated[
        Path,
        typer.Option(help="Human ratings: CSV, JSON, JSONL or Parquet.", show_default=False),
    ],
    metric: Annotated[
        list[str],
        typer.Option(
            help="A metric; repeat the option or separate names by commas.", show_default=False
        ),
    ],
    videos: Annotated[
        str | None, typer.Option(help="Folder, glob or manifest of the rated videos.")
    ] = None,
    report: Annotated[
        Path | None, typer.Option(help="Use the scores of this report instead of videos.")
    ] = None,
    aspect: Annotated[
        str | None, typer.Option(help="Which ratings to use if the file has several.")
    ] = None,
    kind: Annotated[
        str | None,
        typer.Option(
            "--format",
            help="vbench, genai-bench, videofeedback, videoscore-bench or plain (default: recognised by "
            "the columns).",
        ),
    ] = None,
    static: Annotated[
        bool, typer.Option(help="Also score static copies of the clips, as a baseline.")
    ] = True,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="Folder for alignment.json and alignment.md."),
    ] = None,
    page: Annotated[
        Path | None,
        typer.Option(help="Markdown page in which to fill the table of these ratings."),
    ] = None,
    workers: Workers = 1,
    device: Device = "auto",
    cache: Cache = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print alignment.json, and only that.")
    ] = False,
) -> None:
    """Compare metrics with human ratings: rank correlations, pair accuracy, baselines.

    Every number has a 95 % interval over prompts. Metrics where lower is better are negated, so that
    more agreement is a larger number everywhere.
    """
    from mirabench.alignment.scoring import Running
    from mirabench.alignment.study import align as compare
    from mirabench.alignment.table import fill_page, markdown
    from mirabench.files import require_writable, write_text

    if output is not None:
        require_writable(output)
    names = split_names(metric)
    found = compare(
        ratings, list(dict.fromkeys(names)), videos=videos, report=report, aspect=aspect, kind=kind,
        static=static, running=Running(workers, cache or True, device),
    )  # fmt: skip
    if output is not None:
        write_text(output / "alignment.json", found.to_json())
        write_text(output / "alignment.md", markdown(found))
    if page is not None:
        fill_page(page, found)
    if as_json:
        sys.stdout.write(found.to_json())
        return
    _show(found)


def _show(found: Alignment) -> None:
    from rich.table import Table

    from mirabench.alignment.table import HEAD, caption, cells

    table = Table(*HEAD, caption=caption(found), caption_justify="left")
    for row in found.rows:
        table.add_row(*cells(row), style={"metric": "bold", "people": "cyan"}.get(row.kind))
    console = stdout_console()
    console.print(table)
    for row in found.rows:
        if row.kind == "metric" and row.why:
            typer.echo(f"{row.name}: {row.left_out} videos have no valid score, as in: {row.why}")
