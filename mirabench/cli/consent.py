"""Before a run: which weights are missing, their size and licence, and whether to download them."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Sequence

import typer

from mirabench.errors import LicenceError, WeightsError
from mirabench.run.plan import Plan
from mirabench.weights import WeightCard, WeightStore
from mirabench.weights.licence import require_licence

COTRACKER_CODE = "cotracker-code"
COTRACKER_CHECKOUT = "MIRABENCH_COTRACKER_REPO"


def bring_weights(plan: Plan, *, noncommercial: bool, yes: bool) -> None:
    """Tell what a plan lacks, and download it if the user agrees; never otherwise.

    Args:
        plan: What will be computed.
        noncommercial: Whether the user allowed non-commercial weights.
        yes: Download without asking.
    """
    missing = missing_weights(plan.weight_cards(), noncommercial=noncommercial)
    if not missing:
        return
    _list(missing)
    if not (yes or _asked(missing)):
        typer.echo("The metrics that need them will fail; --yes downloads them first.", err=True)
        return
    from mirabench.cli.weights import download_with_bar

    for card in missing:
        try:
            download_with_bar(card, WeightStore())
        except WeightsError as error:  # its metrics fail with the same reason; the rest goes on
            typer.echo(f"mirabench: {error}", err=True)


def missing_weights(cards: Iterable[WeightCard], *, noncommercial: bool) -> list[WeightCard]:
    """The cards that may be used and are not on this machine."""
    missing = WeightStore().missing(c for c in cards if _allowed(c, noncommercial))
    if os.environ.get(COTRACKER_CHECKOUT):
        missing = [card for card in missing if card.name != COTRACKER_CODE]
    return missing


def _allowed(card: WeightCard, noncommercial: bool) -> bool:
    try:
        require_licence(card, noncommercial=noncommercial)
    except LicenceError:
        return False
    return True


def _list(missing: Sequence[WeightCard]) -> None:
    typer.echo(f"{len(missing)} weights files are missing:", err=True)
    for card in missing:
        kind = f"{card.licence}, non-commercial" if card.non_commercial else card.licence
        typer.echo(f"  {card.name}: {card.size_text}, {kind}: {card.purpose}", err=True)


def _asked(missing: Sequence[WeightCard]) -> bool:
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        return False
    return typer.confirm(f"Download {len(missing)} files to {WeightStore().folder}?", err=True)
