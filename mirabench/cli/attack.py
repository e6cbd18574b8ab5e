"""`mirabench attack`: which metrics of a suite can be fooled."""

from __future__ import annotations

import logging
import shlex
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mirabench.cli.evaluate import CLIP_SECONDS
from mirabench.cli.options import AllowNoncommercial, Cache, Device, Fps, NoCache, Suite, Workers
from mirabench.cli.terminal import (
    interruptible,
    prints_lines,
    progress_bars,
    split_names,
    stdout_console,
)

if TYPE_CHECKING:
    from rich.table import Table

    from mirabench.attacks.api import Attack
    from mirabench.attacks.model import AttackReport
    from mirabench.attacks.run import Setting
    from mirabench.work.run import Listener, Progress


def attack(
    clips: Annotated[
        list[str] | None,
        typer.Argument(
            help="Clean clips: files, folders, globs or a manifest (default: rendered clips).",
            show_default=False,
        ),
    ] = None,
    *,
    suite: Suite = "lite",
    only: Annotated[
        list[str] | None,
        typer.Option(help="Only these attacks; repeat the option or separate names by commas."),
    ] = None,
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder for the results.")] = Path(
        "mirabench-attacks"
    ),
    page: Annotated[
        Path | None,
        typer.Option(help="Also write the page here, with its picture in images/ beside it."),
    ] = None,
    listed: Annotated[bool, typer.Option("--list", help="List the attacks and exit.")] = False,
    workers: Workers = 1,
    device: Device = "auto",
    fps: Fps = None,
    cache: Cache = None,
    no_cache: NoCache = False,
    allow_noncommercial: AllowNoncommercial = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print attacks.json and nothing else.")
    ] = False,
) -> None:
    """Degrade clean clips and see which metrics notice.

    Writes attacks.json, attacks.md and the matrix as a picture. Of a file, the first two seconds are
    used, at most 240 px high. Exit code 0: nothing failed, even if metrics are fooled; 1: a clip or a
    metric failed, and the results are written; 2: the command cannot run.
    """
    from mirabench.attacks.catalogue import select
    from mirabench.attacks.run import Setting
    from mirabench.files import require_writable

    chosen = select(None if only is None else split_names(only))
    if listed:
        _print(_catalogue(chosen))
        return
    require_writable(output)
    with interruptible(), _progress() as listener:
        kept = False if no_cache else cache or True
        setting = Setting(
            workers=workers, device=device, cache=kept, folder=output, listener=listener,
            clip_seconds=CLIP_SECONDS, allow_noncommercial=allow_noncommercial,
        )  # fmt: skip
        found, unread = _attacked(clips, chosen, suite, fps, setting)
    _write(found, output, page)
    _show(found, unread, output, as_json=as_json)
    raise typer.Exit(1 if unread or any(c.verdict == "failed" for c in found.cases) else 0)


def _attacked(
    clips: list[str] | None, attacks: list[Attack], suite: str, fps: float | None, setting: Setting
) -> tuple[AttackReport, dict[str, str]]:
    from mirabench.attacks.clean import ATTACKED, YARDSTICK, Read, from_files, rendered
    from mirabench.attacks.run import run_attacks
    from mirabench.suites.api import load_suite

    logging.getLogger("mirabench.run").setLevel(logging.WARNING)  # of each degraded copy
    found = load_suite(suite)  # before anything is rendered or decoded
    clean = from_files(clips, fps) if clips else Read(rendered(list(ATTACKED)), {})
    yardstick = rendered(list(YARDSTICK) if not clips else [*ATTACKED, *YARDSTICK])
    report = run_attacks(clean.clips, attacks, suite=found, yardstick=yardstick, setting=setting)
    return report, clean.unread


def _write(report: AttackReport, output: Path, page: Path | None) -> None:
    from mirabench.attacks.page import PICTURE, attacks_page
    from mirabench.attacks.picture import matrix_svg
    from mirabench.files import write_text

    command = f"mirabench {shlex.join(sys.argv[1:])}"
    write_text(output / "attacks.json", report.to_json())
    for target in (output / "attacks.md", *([page] if page else [])):
        write_text(target.parent / PICTURE, matrix_svg(report))
        write_text(target, attacks_page(report, command))


def _show(report: AttackReport, unread: dict[str, str], output: Path, *, as_json: bool) -> None:
    for name, why in unread.items():
        sys.stderr.write(f"mirabench: {name} is left out: {why}\n")
    if as_json:
        sys.stdout.write(report.to_json())
        return
    from mirabench.attacks.cells import headline

    _print(
        _summary(report),
        headline(report),
        f"page: {(output / 'attacks.md').resolve()}",
    )


def _summary(report: AttackReport) -> Table:
    from rich.table import Table

    from mirabench.attacks.cells import faults, tally, why_nothing

    table = Table(
        "metric", "drop", "no gain", "stay", "rise", "fooled by",
        title=f"{report.suite}: {len(report.attacks)} attacks on {len(report.clips)} clips, cases as declared",
    )  # fmt: skip
    fooled = faults(report, "fooled")
    for metric in report.metrics:
        own = [case for case in report.cases if case.metric == metric.name]
        counts = [str(tally(own, d)) for d in ("drop", "no gain", "stay", "rise")]
        why = why_nothing(report, metric.name)
        by = dict.fromkeys(case.attack for case in fooled if case.metric == metric.name)
        table.add_row(metric.name, *counts, why or ", ".join(by) or "none of them")
    return table


def _catalogue(attacks: list[Attack]) -> Table:
    from rich.table import Table

    table = Table("attack", "version", "of", "what is done", "what a generator would gain")
    for found in attacks:
        table.add_row(found.name, str(found.version), found.kind, found.does, found.pretends)
    return table


def _print(*what: object) -> None:
    console = stdout_console(140)
    for part in what:
        console.print(part, soft_wrap=isinstance(part, str), highlight=False)


@contextmanager
def _progress() -> Iterator[Listener]:
    """A bar with the time left on stderr; a line a clip where stderr is no terminal."""
    with progress_bars() as bars:
        task, lines = bars.add_task("attacking", total=None, item=""), prints_lines()

        def told(progress: Progress) -> None:
            bars.update(task, completed=progress.done, total=progress.total, item=progress.item)
            if lines and not progress.ended:
                left = progress.eta_seconds or 0.0
                sys.stderr.write(
                    f"[{progress.done}/{progress.total}] {progress.item}, {left / 60:.0f} min left\n"
                )

        yield told
