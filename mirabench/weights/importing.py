"""Local files into the weights folder, recognised by their official names.

A folder is searched with all its subfolders, so the checkpoint folder of another evaluation code
works as it is. A file with the right digest takes precedence over others of its name.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from mirabench.errors import WeightsError
from mirabench.file_digest import sha256_of
from mirabench.files import replacing
from mirabench.weights import transfer
from mirabench.weights.card import WeightCard
from mirabench.weights.ledger import Evidence, record_of
from mirabench.weights.store import ResolvedWeights, WeightStore, mismatch


@dataclass(frozen=True, slots=True)
class Refused:
    """A file that was found and not taken."""

    card: WeightCard
    """The card whose name the file has."""
    path: Path
    """The file."""
    reason: str
    """Why, in one sentence."""


@dataclass(frozen=True, slots=True)
class Imported:
    """What an import did."""

    accepted: tuple[ResolvedWeights, ...]
    """Files now in the weights folder."""
    refused: tuple[Refused, ...]
    """Files left where they were."""


def import_weights(store: WeightStore, path: Path, *, accept_unverified: bool = False) -> Imported:
    """Copy local files into the store's folder.

    Args:
        store: where they go.
        path: one file, or a folder that is searched with all its subfolders.
        accept_unverified: take a file although its digest is not the published or pinned one.

    Raises:
        WeightsError: the path does not exist, or no file has the name of a card.
        OutputError: the weights folder cannot be written.
    """
    by_card = _named_files(store, path)
    if not by_card:
        known = ", ".join(sorted({card.filename for card in store.cards.values()}))
        raise WeightsError(f"no weights found in {path}: files are known as {known}")
    store.make_folder()
    outcomes = [_import_best(store, card, by_card[card], accept_unverified) for card in by_card]
    return Imported(
        tuple(outcome for outcome in outcomes if isinstance(outcome, ResolvedWeights)),
        tuple(outcome for outcome in outcomes if isinstance(outcome, Refused)),
    )


def _named_files(store: WeightStore, path: Path) -> dict[WeightCard, list[Path]]:
    if not path.exists():
        raise WeightsError(f"{path} does not exist: name a weights file or a folder of them")
    by_name: dict[str, list[Path]] = {}
    for file in sorted(path.rglob("*")) if path.is_dir() else [path]:
        if file.is_file():
            by_name.setdefault(file.name, []).append(file)
    found = {
        card: [file for name in (card.filename, *card.aliases) for file in by_name.get(name, ())]
        for card in store.cards.values()
    }
    return {card: files for card, files in found.items() if files}


def _import_best(
    store: WeightStore, card: WeightCard, files: list[Path], accept_unverified: bool
) -> ResolvedWeights | Refused:
    pin = store.pinned(card)
    digests = {file: sha256_of(file) for file in files}
    for file, sha256 in digests.items():
        if card.matches(sha256):
            return _copy_in(store, card, file, sha256, Evidence.PUBLISHED)
        if sha256 == pin:
            return _copy_in(store, card, file, sha256, Evidence.PINNED)
    file, sha256 = next(iter(digests.items()))
    expected = card.sha256 or pin
    if expected and not accept_unverified:
        return Refused(card, file, mismatch(card, file, sha256, expected))
    return _copy_in(store, card, file, sha256, Evidence.UNVERIFIED)


def _copy_in(
    store: WeightStore, card: WeightCard, file: Path, sha256: str, evidence: Evidence
) -> ResolvedWeights:
    target = store.path(card)
    if file.resolve() != target.resolve():
        with replacing(target) as part:
            shutil.copyfile(file, part)
    transfer.discard_partial(store.download_path(card))
    return store.remember(card, target, record_of(target, sha256, evidence, str(file)))
