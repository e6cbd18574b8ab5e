"""What work is done: one append-only file of lines per stage, written after the rows are safe.

A line names the work (`key`), what became of it and the part file that holds its rows. A run that
is killed between the part's rename and the line does that work again: at least once, and since only
rows of the part that the last line names are read, never twice. A torn last line is ignored.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from mirabench.errors import OutputError
from miradata.tables.schema import FAILED

RETRY = "retry"
"""The status of a line that forgets a key's failures."""


@dataclass(frozen=True, slots=True)
class Line:
    """One piece of work, as it ended."""

    key: str
    item: str
    status: str
    reason: str
    attempt: int
    """1 for the first try; only failed work has more."""
    part: str
    """Digest of the part files that hold its rows."""


@dataclass(frozen=True, slots=True)
class Ledger:
    """The ledger of one stage."""

    path: Path

    @classmethod
    def of(cls, folder: Path, stage: str) -> Ledger:
        """The ledger of a stage in an output folder."""
        return cls(folder / "ledger" / f"{stage}.jsonl")

    def read(self) -> dict[str, Line]:
        """Key -> its last line; keys that are to be retried are not there."""
        state: dict[str, Line] = {}
        for line in self._lines():
            if line.status == RETRY:
                state.pop(line.key, None)
            else:
                state[line.key] = line
        return state

    def _lines(self) -> Iterator[Line]:
        if not self.path.is_file():
            return
        with self.path.open(encoding="utf-8", errors="replace") as file:
            for text in file:
                try:
                    yield Line(**json.loads(text))
                except (ValueError, TypeError):
                    continue  # torn by a kill; the work is simply done again

    def add(self, lines: Iterable[Line]) -> None:
        """Append lines; they are on the disk when this returns.

        Raises:
            OutputError: the file cannot be written.
        """
        text = "".join(json.dumps(asdict(line), sort_keys=True) + "\n" for line in lines)
        append_text(self.path, text)

    def forget_failures(self) -> list[str]:
        """Let failed and quarantined work be tried again; returns its items.

        Raises:
            OutputError: the file cannot be written.
        """
        failed = [line for line in self.read().values() if line.status == FAILED]
        if failed:
            self.add(Line(line.key, line.item, RETRY, "", 0, "") for line in failed)
        return sorted({line.item for line in failed})


def append_text(path: Path, text: str) -> None:
    """Append whole lines to a file, whose last line may have been torn by a kill.

    Raises:
        OutputError: the file cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("ab+") as file:
            size = file.seek(0, os.SEEK_END)
            if size:
                file.seek(size - 1)
                torn = file.read(1) != b"\n"
                text = "\n" + text if torn else text
            file.write(text.encode())
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise OutputError.writing(path, error) from error


def ledgers(folder: Path) -> Mapping[str, Ledger]:
    """Stage -> its ledger, of those that have one in an output folder."""
    return {path.stem: Ledger(path) for path in sorted((folder / "ledger").glob("*.jsonl"))}


def retry(folder: Path) -> Mapping[str, list[str]]:
    """Stage -> items that failed; the next run tries them again, quarantined ones too.

    Raises:
        OutputError: a ledger cannot be written.
    """
    cleared = {stage: ledger.forget_failures() for stage, ledger in ledgers(folder).items()}
    return {stage: items for stage, items in cleared.items() if items}
