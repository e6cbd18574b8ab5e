"""`mirabench weights`: list, download and verify weights."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mirabench.cli.terminal import stdout_console
from mirabench.errors import LicenceError, WeightsError

if TYPE_CHECKING:
    from mirabench.weights import ResolvedWeights, WeightCard, WeightStore

app = typer.Typer(no_args_is_help=True, help="Weights of networks: list, download, verify, import.")

Names = Annotated[list[str] | None, typer.Argument(help="Names from `mirabench weights list`.")]

_SAYS = {
    "published": "verified: its digest is the published one",
    "pinned": "verified: the file of the first download (no digest is published)",
    "unverified": "UNVERIFIED: reports will say so",
}
"""Evidence -> what is told of it."""


@app.command("list")
def list_weights() -> None:
    """List every weights file: size, licence, purpose, and whether it is present."""
    from rich.table import Table

    from mirabench.weights import WeightStore, cards

    store = WeightStore()
    table = Table("name", "file", "size", "licence", "here", "for", box=None, pad_edge=False)
    for each in cards().values():
        licence = f"{each.licence} (non-commercial)" if each.non_commercial else each.licence
        here = "no" if store.missing([each]) else "yes"
        table.add_row(each.name, each.filename, each.size_text, licence, here, each.purpose)
    stdout_console(240).print(table)
    typer.echo(f"weights folder: {store.folder}")


@app.command()
def path(
    name: Annotated[
        str | None, typer.Argument(help="Name of a weights file (default: the folder).")
    ] = None,
) -> None:
    """Print the path of a weights file, or of the weights folder."""
    from mirabench.weights import WeightStore, card

    store = WeightStore()
    typer.echo(store.folder if name is None else store.resolve(card(name)).path)


@app.command()
def download(
    names: Names = None,
    everything: Annotated[
        bool, typer.Option("--all", help="Every file that `list` shows.")
    ] = False,
    suite: Annotated[
        str | None, typer.Option(help="What this suite needs: a name or a TOML file.")
    ] = None,
    allow_noncommercial: Annotated[
        bool,
        typer.Option("--allow-noncommercial", help="With --suite: include non-commercial weights."),
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> None:
    """Download weights, resuming broken connections, and verify them."""
    from mirabench.weights import WeightStore
    from mirabench.weights.licence import noncommercial_allowed

    store = WeightStore()
    asked = (
        _of_suite(suite, noncommercial=allow_noncommercial or noncommercial_allowed())
        if suite is not None and not names and not everything
        else _chosen(names, everything, suite)
    )
    wanted = store.missing(asked)
    for each in wanted:
        typer.echo(f"{each.name}: {each.size_text}, {each.licence}: {each.purpose}", err=True)
    if wanted and not yes:
        typer.confirm(f"download to {store.folder}?", abort=True, err=True)
    for each in wanted:
        _say(download_with_bar(each, store))
    if not wanted:
        typer.echo("every requested file is already present", err=True)


@app.command()
def verify(names: Names = None) -> None:
    """Compute digests again and compare them with cards and lock file; exit 1 on a mismatch."""
    from mirabench.weights import WeightStore

    store = WeightStore()
    asked = _chosen(names, everything=not names)
    present = [each for each in asked if names or not store.missing([each])]
    wrong = [error for each in present if (error := _verified(each, store)) is not None]
    for error in wrong:
        typer.echo(f"error: {error}", err=True)
    if wrong:
        raise typer.Exit(1)
    if not present:
        typer.echo(f"no weights in {store.folder}", err=True)


@app.command("import")
def import_(
    source: Annotated[Path, typer.Argument(help="A file with its official name, or a folder.")],
    unverified: Annotated[
        bool, typer.Option("--unverified", help="Accept files with another digest.")
    ] = False,
) -> None:
    """Copy local files into the weights folder, recognised by their official names."""
    from mirabench.weights import WeightStore, import_weights

    outcome = import_weights(WeightStore(), source, accept_unverified=unverified)
    for resolved in outcome.accepted:
        _say(resolved)
    for refused in outcome.refused:
        typer.echo(f"error: {refused.reason}", err=True)
    if outcome.refused:
        raise typer.Exit(2)


def _of_suite(name: str, *, noncommercial: bool) -> list[WeightCard]:
    from mirabench.run.plan import make_plan
    from mirabench.suites.api import load_suite
    from mirabench.weights.licence import require_licence

    plan = make_plan(load_suite(name), with_prompts=True, with_reference=True, pictures=False)
    chosen = []
    for each in plan.weight_cards():
        try:
            require_licence(each, noncommercial=noncommercial)
            chosen.append(each)
        except LicenceError as error:
            typer.echo(f"left out: {error}", err=True)
    return chosen


def _chosen(
    names: list[str] | None, everything: bool, suite: str | None = None
) -> list[WeightCard]:
    from mirabench.weights import card, cards

    if sum(map(bool, (names, everything, suite))) > 1:
        raise typer.BadParameter("give names, --all or --suite, only one of them")
    if not names and not everything:
        raise typer.BadParameter(
            "name what to download (`mirabench weights list`), or give --all or --suite"
        )
    return [card(name) for name in names] if names else list(cards().values())


def _verified(each: WeightCard, store: WeightStore) -> WeightsError | None:
    try:
        _say(store.verify(each))
    except WeightsError as error:
        return error
    return None


def _say(resolved: ResolvedWeights) -> None:
    says = _SAYS[resolved.evidence.value]
    typer.echo(f"{resolved.card.name}: {resolved.path} sha256 {resolved.sha256} ({says})")


def download_with_bar(each: WeightCard, store: WeightStore) -> ResolvedWeights:
    """Download one card, with a bar on stderr.

    Raises:
        WeightsError: it cannot be had; the text says why.
    """
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        DownloadColumn,
        Progress,
        TextColumn,
        TransferSpeedColumn,
    )

    console = Console(stderr=True)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
    )
    with Progress(*columns, console=console, disable=not console.is_terminal) as bar:
        task = bar.add_task(each.filename, total=each.bytes or None)

        def progress(done: int, total: int | None) -> None:
            bar.update(task, completed=done, total=total)

        return store.download(each, progress)
