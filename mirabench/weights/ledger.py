"""The lock file of a weights folder: which digest each stored file had, and who vouches for it."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from enum import Enum
from pathlib import Path

from filelock import FileLock

from mirabench.errors import WeightsError
from mirabench.files import write_text


class Evidence(str, Enum):
    """Why a file is believed to hold what its card says."""

    PUBLISHED = "published"
    """Its digest is the one its publisher states."""
    PINNED = "pinned"
    """No digest is published; it is the file first downloaded from the card's source."""
    UNVERIFIED = "unverified"
    """A local file that nothing vouches for, accepted on the user's word."""


@dataclass(frozen=True, slots=True)
class Record:
    """One stored file as it was when its digest was taken."""

    sha256: str
    """All 64 hex digits."""
    size: int
    """Bytes."""
    modified_ns: int
    """Modification time; with the size it tells whether the digest must be taken again."""
    evidence: Evidence
    """Who vouches for the digest."""
    origin: str
    """Address or path it came from."""

    def describes(self, path: Path) -> bool:
        """Whether the file looks untouched since the digest was taken."""
        status = path.stat()
        return (status.st_size, status.st_mtime_ns) == (self.size, self.modified_ns)


def record_of(path: Path, sha256: str, evidence: Evidence, origin: str) -> Record:
    """The record of a file whose digest was just taken."""
    status = path.stat()
    return Record(sha256, status.st_size, status.st_mtime_ns, evidence, origin)


class Ledger:
    """`lock.json` in the weights folder: card name to `Record`. Safe between processes."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def read(self) -> dict[str, Record]:
        """Every record; empty when nothing was stored yet.

        Raises:
            WeightsError: the lock file is damaged.
        """
        try:
            tables = json.loads(self.path.read_text(encoding="utf-8"))
            return {
                name: Record(**{**table, "evidence": Evidence(table["evidence"])})
                for name, table in tables.items()
            }
        except FileNotFoundError:
            return {}
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise WeightsError(
                f"the lock file {self.path} is damaged ({error}): delete it, then run "
                f"`mirabench weights verify`"
            ) from error

    def write(self, name: str, record: Record) -> None:
        """Add or replace one record."""
        with FileLock(self.path.with_suffix(".guard")):
            records = {**self.read(), name: record}
            text = json.dumps({key: asdict(value) for key, value in records.items()}, indent=1)
            write_text(self.path, text + "\n")
