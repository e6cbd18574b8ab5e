"""The weights folder: finds checkpoints, brings them when asked, and checks what it has.

`resolve` never downloads; `download` and `verify` are what the commands of the same name call.
Weights whose digest nobody publishes are pinned at their first download: from then on, another
file under that name is refused.
"""

from __future__ import annotations

import logging
import os
import shutil
import zipfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import platformdirs
from filelock import FileLock

from mirabench.errors import OutputError, WeightsError, WeightsMissingError
from mirabench.file_digest import sha256_of
from mirabench.files import put_in_place
from mirabench.partial_file import Progress
from mirabench.weights import hub_cache, transfer
from mirabench.weights.card import Mirror, WeightCard, cards
from mirabench.weights.ledger import Evidence, Ledger, Record, record_of
from mirabench.weights.transfer import TransferError

log = logging.getLogger(__name__)

_TRUE = {"1", "true", "yes", "on"}


@dataclass(frozen=True, slots=True)
class ResolvedWeights:
    """A checkpoint on this machine."""

    card: WeightCard
    """The card of the file that was found; may be one of the asked card's `same_weights`."""
    path: Path
    """The file."""
    sha256: str
    """All 64 hex digits of its content."""
    evidence: Evidence
    """Why it is believed to be the real one."""

    @property
    def verified(self) -> bool:
        """Whether a digest confirms that these are the official weights."""
        return self.evidence is not Evidence.UNVERIFIED


def default_folder(environ: Mapping[str, str] = os.environ) -> Path:
    """MIRABENCH_WEIGHTS, else `weights` in the user's cache folder for mirabench."""
    if named := environ.get("MIRABENCH_WEIGHTS"):
        return Path(named).expanduser()
    return Path(platformdirs.user_cache_dir("mirabench")) / "weights"


def offline(environ: Mapping[str, str] = os.environ) -> bool:
    """Whether MIRABENCH_OFFLINE or HF_HUB_OFFLINE forbids the network."""
    names = ("MIRABENCH_OFFLINE", "HF_HUB_OFFLINE")
    return any(environ.get(name, "").strip().lower() in _TRUE for name in names)


@dataclass(frozen=True)
class WeightStore:
    """One weights folder and the cards it may hold."""

    folder: Path = field(default_factory=default_folder)
    """Where files and `lock.json` live; made when first written."""
    cards: Mapping[str, WeightCard] = field(default_factory=cards)
    """The cards it knows, by name."""

    def path(self, card: WeightCard) -> Path:
        """Where a card's file lies, or would lie, in this folder."""
        return self.folder / card.filename

    def download_path(self, card: WeightCard) -> Path:
        """Where a card's file is put together before it is checked."""
        return self.folder / f"{card.filename}.download"

    def resolve(self, card: WeightCard) -> ResolvedWeights:
        """Find the weights of a card on this machine. Never downloads.

        Looks for the file in the weights folder, then in the hub's cache, then for a card with the
        same weights. The digest is taken once per file and remembered.

        Raises:
            WeightsMissingError: nowhere on disk; the text names the commands that download it.
            WeightsError: a file is there and its content is not what card or lock file say.
        """
        others = [self.cards[name] for name in card.same_weights if name in self.cards]
        for candidate in (card, *others):
            if (found := self._locate(candidate)) is not None:
                return self._checked(candidate, found)
        raise WeightsMissingError(
            f"{card.filename} is not in {self.folder} (for: {card.purpose}): run "
            f"`mirabench weights download {card.name}` ({card.size_text}, {card.licence}) or "
            f"`mirabench weights import FILE`"
        )

    def missing(self, wanted: Iterable[WeightCard]) -> list[WeightCard]:
        """Those cards that `resolve` would not find, each once, in the order given."""
        return [card for card in dict.fromkeys(wanted) if not self._has(card)]

    def verify(self, card: WeightCard) -> ResolvedWeights:
        """Take the digest again and compare it with the card and the lock file.

        Raises:
            WeightsMissingError: the file is not on disk.
            WeightsError: its content is another; the text says which digest was expected.
        """
        found = self._locate(card)
        if found is None:
            return self.resolve(card)
        return self._judged(card, found, sha256_of(found))

    def download(self, card: WeightCard, progress: Progress | None = None) -> ResolvedWeights:
        """Bring a card's file from its sources, in order, unless it is here already.

        Raises:
            WeightsError: offline mode is on, or no source delivered the right file.
            OutputError: the disk is too small or the folder cannot be written.
        """
        if self._locate(card) is not None:
            return self.resolve(card)
        if offline():
            raise WeightsError(
                f"{card.filename} cannot be downloaded in offline mode: unset MIRABENCH_OFFLINE "
                f"and HF_HUB_OFFLINE, or add the file with `mirabench weights import FILE`"
            )
        self.make_folder()
        with FileLock(self.folder / f"{card.filename}.guard"):
            if self._locate(card) is None:  # another process may have brought it meanwhile
                self._download_from_any(card, progress)
        return self.resolve(card)

    def _has(self, card: WeightCard) -> bool:
        others = [self.cards[name] for name in card.same_weights if name in self.cards]
        return any(self._locate(candidate) is not None for candidate in (card, *others))

    def _locate(self, card: WeightCard) -> Path | None:
        named = [self.folder / name for name in (card.filename, *card.aliases)]
        found = next((path for path in named if path.is_file()), None)
        hub_files = [hub for source in card.sources if (hub := source.hub()) is not None]
        return found or next((path for hub in hub_files if (path := hub_cache.find(hub))), None)

    def _checked(self, card: WeightCard, path: Path) -> ResolvedWeights:
        record = self.ledger.read().get(card.name)
        if record is not None and record.describes(path) and _up_to_date(card, record):
            return ResolvedWeights(card, path, record.sha256, record.evidence)
        return self._judged(card, path, sha256_of(path))

    def _judged(self, card: WeightCard, path: Path, sha256: str) -> ResolvedWeights:
        """Compare a digest just taken with card and lock file, and remember it."""
        record = self.ledger.read().get(card.name)
        expected = card.sha256 or self.pinned(card)
        if card.matches(sha256):
            evidence = Evidence.PUBLISHED
        elif record is not None and record.sha256 == sha256 and _up_to_date(card, record):
            evidence = record.evidence
        elif expected:
            raise WeightsError(mismatch(card, path, sha256, expected))
        else:
            # The hub's own cache got it from the card's source; a file put here by hand did not.
            in_folder = path.parent == self.folder
            evidence = Evidence.UNVERIFIED if in_folder else Evidence.PINNED
        return self.remember(card, path, record_of(path, sha256, evidence, str(path)))

    def pinned(self, card: WeightCard) -> str:
        """The digest of the first download of a card without a published one; empty before it."""
        record = self.ledger.read().get(card.name)
        return record.sha256 if record is not None and record.evidence is Evidence.PINNED else ""

    def remember(self, card: WeightCard, path: Path, record: Record) -> ResolvedWeights:
        """Write a record into the lock file where that is possible."""
        try:
            self.ledger.write(card.name, record)
        except OSError as error:  # a read-only shared folder still serves; it is hashed each time
            log.debug("cannot write %s: %s", self.ledger.path, error)
        return ResolvedWeights(card, path, record.sha256, record.evidence)

    def _download_from_any(self, card: WeightCard, progress: Progress | None) -> None:
        reasons = []
        for source in card.sources:
            try:
                self._download_from(card, source, progress)
                return
            except TransferError as error:
                log.info("%s", error)  # the error at the end repeats it if no mirror helps
                reasons.append(str(error))
        instead = "".join(f"; the same weights: {name}" for name in card.same_weights)
        raise WeightsError(f"no source delivered {card.filename}: {'; '.join(reasons)}{instead}")

    def _download_from(self, card: WeightCard, source: Mirror, progress: Progress | None) -> None:
        fresh = self.download_path(card)
        transfer.fetch(source, fresh, progress)
        try:
            if source.member:
                _extract(source, fresh)
            sha256 = sha256_of(fresh)
            evidence = self._evidence_of_download(card, source, fresh, sha256)
            put_in_place(fresh, self.path(card))
        finally:
            fresh.unlink(missing_ok=True)
        record = record_of(self.path(card), sha256, evidence, source.url)
        self.ledger.write(card.name, record)

    def _evidence_of_download(
        self, card: WeightCard, source: Mirror, path: Path, sha256: str
    ) -> Evidence:
        if card.bytes and path.stat().st_size != card.bytes:
            raise TransferError(f"{source.url}: {path.stat().st_size} bytes, {card.bytes} expected")
        if card.matches(sha256):
            return Evidence.PUBLISHED
        expected = card.sha256 or self.pinned(card)
        if expected and not sha256.startswith(expected):
            raise TransferError(f"{source.url}: sha256 is {sha256}, {expected} expected")
        return Evidence.PINNED

    @property
    def ledger(self) -> Ledger:
        """The lock file of the folder."""
        return Ledger(self.folder / "lock.json")

    def make_folder(self) -> None:
        """Make the weights folder.

        Raises:
            OutputError: it cannot be made.
        """
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise OutputError(
                f"cannot create the weights folder {self.folder}: {error.strerror or error}; name "
                f"another with MIRABENCH_WEIGHTS"
            ) from error


def _up_to_date(card: WeightCard, record: Record) -> bool:
    """Whether the card, which a newer mirabench may have changed, still says the same."""
    if record.evidence is Evidence.PUBLISHED:
        return card.matches(record.sha256)
    return record.evidence is Evidence.UNVERIFIED or not card.sha256


def _extract(source: Mirror, archive: Path) -> None:
    """Replace a downloaded archive by the one member that is wanted."""
    member = archive.with_name(f"{archive.name}.member")
    try:
        with (
            zipfile.ZipFile(archive) as file,
            file.open(source.member) as packed,
            member.open("wb") as unpacked,
        ):
            shutil.copyfileobj(packed, unpacked)
        member.replace(archive)
    except (zipfile.BadZipFile, KeyError) as error:
        raise TransferError(f"{source.url}: no {source.member} in the archive ({error})") from error
    finally:
        member.unlink(missing_ok=True)


def mismatch(card: WeightCard, path: Path, sha256: str, expected: str) -> str:
    """One sentence for a file whose digest is not the expected one (all or its first digits)."""
    digits = "starts with " if len(expected) < len(sha256) else ""
    return (
        f"{path} is not the {card.filename} of {card.name!r}: its sha256 is {sha256}, expected "
        f"{digits}{expected}; delete it and run `mirabench weights download {card.name}`, or "
        f"accept it with `mirabench weights import --unverified FILE`"
    )
