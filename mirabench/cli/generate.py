"""`mirabench generate`: one video per prompt and seed, with any generator."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mirabench.cli.options import ClipTimeout
from mirabench.cli.terminal import duration, interruptible, shows_progress, split_names
from mirabench.errors import InputError

if TYPE_CHECKING:
    from mirabench.generators.manifest import Entry
    from mirabench.generators.run import Generated, Plan, Progress

HOUR = 3600.0


def generate(
    *,
    generator: Annotated[
        str,
        typer.Option("--generator", "-g", help="folder, command, diffusers, http, or a plugin."),
    ],
    prompts: Annotated[str, typer.Option(help="Name of a prompt set, or a file.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder for clips and manifest.")],
    seeds: Annotated[str, typer.Option(help="One clip per seed: 0,1,2 or 0-2.")] = "0",
    form: Annotated[
        list[str] | None,
        typer.Option(help="short, dense or structured; repeat the option or separate by commas."),
    ] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="Only the first prompts.")] = None,
    option: Annotated[
        list[str] | None, typer.Option(help="Generator option, key=value; may be repeated.")
    ] = None,
    checkpoint: Annotated[
        str | None, typer.Option(help="Short for --option checkpoint=DIR, as miradit takes it.")
    ] = None,
    size: Annotated[
        str | None, typer.Option(help="Required size of every clip, such as 640x360.")
    ] = None,
    timeout: ClipTimeout = HOUR,
    resume: Annotated[
        bool, typer.Option("--resume/--no-resume", help="Keep existing clips, or start over.")
    ] = True,
    jobs: Annotated[
        int, typer.Option(min=1, help="Clips made at once, each in a process of its own.")
    ] = 1,
    max_cost: Annotated[
        float | None,
        typer.Option(min=0, help="Short for --option max_cost=N: what a service may be paid."),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option(help="Say what would be made and what it would cost, and stop.")
    ] = False,
) -> None:
    """Make one video per prompt and seed, and write a manifest for `mirabench evaluate`.

    To resume an interrupted run, give the same command again; failed clips are tried again, too. Exit
    code 0: all clips are there; 1: some failed, and the manifest says why; 2: the command cannot run.
    """
    from mirabench.generators.api import build
    from mirabench.generators.run import generate_all, plan_all
    from mirabench.inputs.prompts import read_prompts

    chosen = [*(option or ()), *([f"checkpoint={checkpoint}"] if checkpoint else [])]
    chosen += [f"max_cost={max_cost}"] if max_cost is not None else []
    maker = build(generator, chosen)
    asked = list(read_prompts(prompts, split_names(form)).values())[:limit]
    if dry_run:
        _show_plan(plan_all(maker, asked, output, seeds=_seeds(seeds)))
        return
    with interruptible():
        outcome = generate_all(
            maker, asked, output, seeds=_seeds(seeds), timeout=timeout or None, size=_size(size),
            resume=resume, jobs=jobs, progress=_progress(),
        )  # fmt: skip
    _show(outcome)
    raise typer.Exit(1 if outcome.failed else 0)


def _progress() -> Progress:
    from mirabench.generators.run import silent

    if not shows_progress():
        return silent
    return _Status() if sys.stderr.isatty() else _Lines()


def _seeds(text: str) -> list[int]:
    found: list[int] = []
    for item in text.split(","):
        first, dash, last = item.strip().partition("-")
        if not first.isdecimal() or (dash and not last.isdecimal()):
            raise InputError(f"--seeds {text}: write whole numbers, 0,1,2 or 0-2")
        found += range(int(first), int(last or first) + 1)
    return list(dict.fromkeys(found))


def _size(text: str | None) -> tuple[int, int] | None:
    if text is None:
        return None
    width, _, height = text.lower().partition("x")
    if not (width.isdecimal() and height.isdecimal()):
        raise InputError(f"--size {text}: write width x height in pixels, 640x360")
    return int(width), int(height)


def _show_plan(plan: Plan) -> None:
    typer.echo(
        f"{plan.total} clips: {plan.there} are there, {plan.waiting} ordered and not yet fetched"
    )
    if plan.price:
        typer.echo(f"to pay: {plan.to_pay:g} at {plan.price:g} a clip; {plan.spent:g} spent so far")


def _show(outcome: Generated) -> None:
    for entry in outcome.odd:
        typer.echo(f"odd: {entry.id}: {entry.why}", err=True)
    for entry in outcome.failed:
        typer.echo(f"failed: {entry.id}: {entry.why}", err=True)
    total, failed = len(outcome.entries), len(outcome.failed)
    made = total - failed - outcome.reused
    retry = "; run the same command again to try them again" if failed else ""
    typer.echo(f"{made} made, {outcome.reused} there before, {failed} failed{retry}", err=True)
    typer.echo(outcome.manifest)


def _line(done: int, total: int, entry: Entry, seconds_left: float) -> str:
    took = (
        f"{float(entry.facts.seconds):.1f} s" if entry.status == "done" else f"FAILED: {entry.why}"
    )
    left = f", {duration(seconds_left)} left" if done < total else ""
    return f"[{done}/{total}] {entry.id} {took}{left}"


class _Lines:
    """One line per clip, for logs."""

    def __call__(self, done: int, total: int, entry: Entry, seconds_left: float) -> None:
        sys.stderr.write(_line(done, total, entry, seconds_left) + "\n")


class _Status:
    """One line that is rewritten, for a terminal; failures remain visible."""

    def __call__(self, done: int, total: int, entry: Entry, seconds_left: float) -> None:
        line = _line(done, total, entry, seconds_left)
        if entry.status == "failed" or done == total:
            line += "\n"
        else:
            line = line[: shutil.get_terminal_size().columns - 1]  # a wrapped line is not rewritten
        sys.stderr.write(f"\r\x1b[2K{line}")
        sys.stderr.flush()


if TYPE_CHECKING:
    _checked: tuple[Progress, Progress] = (_Lines(), _Status())
