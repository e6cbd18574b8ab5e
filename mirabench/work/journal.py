"""Which work is done, on disk: an append-only file of lines, written after the results are safe.

A line names the work (`key`), what became of it and where its results are. A run that is killed between
keeping results and writing the line does that work again: at least once, and since readers follow the
last line alone, never twice. A torn last line is ignored.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Protocol

from filelock import FileLock, Timeout

from mirabench.errors import InputError, OutputError
from mirabench.files import encoded, require_writable
from mirabench.work.item import FAILED

FOLDER = "journal"
"""Below the output folder: one file for each kind of work."""
LOCK = ".lock"
LOOKED_AT_SECONDS = 0.3
"""How long a lock is waited for: `is_locked` holds it for a moment."""
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
    kept: str
    """Where its results are, as the store named it."""


class Journal(Protocol):
    """What remembers which work is done."""

    def read(self) -> dict[str, Line]:
        """Key -> its last line."""
        ...

    def add(self, lines: Iterable[Line]) -> None:
        """Remember lines; they are safe when this returns."""
        ...


class NoJournal:
    """Remembers nothing: for work whose parts are kept elsewhere, under the digest of what they came from."""

    def read(self) -> dict[str, Line]:
        """Nothing."""
        return {}

    def add(self, lines: Iterable[Line]) -> None:
        """Nothing is written."""


@dataclass(frozen=True, slots=True)
class FileJournal:
    """The journal of one kind of work in an output folder."""

    path: Path

    @classmethod
    def of(cls, folder: Path, name: str) -> FileJournal:
        """The journal of the work `name` in an output folder."""
        return cls(folder / FOLDER / f"{name}.jsonl")

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
        append_text(self.path, text_of(lines))

    def forget_failures(self) -> list[str]:
        """Let failed and quarantined work be tried again; returns its items.

        Raises:
            OutputError: the file cannot be written.
        """
        failed = [line for line in self.read().values() if line.status == FAILED]
        if failed:
            self.add(Line(line.key, line.item, RETRY, "", 0, "") for line in failed)
        return sorted({line.item for line in failed})


@dataclass(frozen=True, slots=True)
class FailureJournal:
    """A journal that remembers failures alone: results are kept elsewhere, under the digest of their content.

    A run that is resumed asks for all its items; those that killed their process too often stay given up.
    """

    lines: FileJournal

    def read(self) -> dict[str, Line]:
        """Key -> its last line, of what failed."""
        return {key: line for key, line in self.lines.read().items() if line.status == FAILED}

    def add(self, lines: Iterable[Line]) -> None:
        """Append lines; a power cut may lose the last, which only costs that they are looked up again.

        Raises:
            OutputError: the file cannot be written.
        """
        append_text(self.lines.path, text_of(lines), flush=False)

    def begin(self) -> None:
        """Forget everything.

        Raises:
            OutputError: the file cannot be removed.
        """
        try:
            self.lines.path.unlink(missing_ok=True)
        except OSError as error:
            raise OutputError.writing(self.lines.path, error) from error


def text_of(lines: Iterable[Line]) -> str:
    """Lines as they are in a file."""
    return "".join(json.dumps(asdict(line)) + "\n" for line in lines)


def append_text(path: Path, text: str, *, flush: bool = True) -> None:
    """Append whole lines to a file, whose last line may have been torn by a kill.

    Args:
        path: The file; folders on the way are made.
        text: Whole lines.
        flush: Whether it must survive a power cut, which costs a wait for the disk.

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
            file.write(encoded(text))
            file.flush()
            if flush:
                os.fsync(file.fileno())
    except OSError as error:
        raise OutputError.writing(path, error) from error


def retry(folder: Path) -> Mapping[str, list[str]]:
    """Work -> items that failed; the next run tries them again, quarantined ones too.

    Raises:
        OutputError: a journal cannot be written.
    """
    files = sorted(path for path in (folder / FOLDER).glob("*.jsonl") if "." not in path.stem)
    journals = {path.stem: FileJournal(path) for path in files}
    cleared = {name: journal.forget_failures() for name, journal in journals.items()}
    return {name: items for name, items in cleared.items() if items}


@contextlib.contextmanager
def locked(folder: Path) -> Iterator[None]:
    """An output folder for this run alone; made when missing. A killed run leaves it free.

    Raises:
        InputError: another run is active in it.
        OutputError: it cannot be written.
    """
    require_writable(folder)
    lock = FileLock(folder / LOCK, thread_local=False)
    try:
        lock.acquire(timeout=LOOKED_AT_SECONDS)
    except Timeout:
        raise InputError(
            f"another run is active in {folder}: wait for it, or choose another --output"
        ) from None
    except OSError as error:
        raise OutputError.writing(folder, error) from error
    try:
        yield
    finally:
        # while it is still held: the folder is a result, and a lock that waits for nobody is not part of it
        (folder / LOCK).unlink(missing_ok=True)
        lock.release()


def is_locked(folder: Path) -> bool:
    """Whether a run is active in an output folder."""
    path = folder / LOCK
    if not path.is_file():
        return False
    lock = FileLock(path, thread_local=False)
    try:
        lock.acquire(timeout=0)
    except (Timeout, OSError):
        return True
    lock.release()
    return False
