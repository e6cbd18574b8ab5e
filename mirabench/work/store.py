"""Places for results: in memory, in a file while the process lives, or as lines of JSON beside the journal."""

from __future__ import annotations

import json
import os
import pickle
import tempfile
import weakref
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mirabench.errors import OutputError
from mirabench.work.journal import FOLDER, append_text
from mirabench.work.run import Held, Kept


class MemoryStore:
    """Keeps values while the process lives."""

    def __init__(self) -> None:
        self.values: dict[str, Any] = {}
        """Key -> the last value."""

    def keep(self, held: Sequence[Held]) -> Kept:
        """Take values over."""
        self.values.update((one.key, one.outcome.value) for one in held)
        return Kept([one.outcome for one in held])

    def put(self, key: str, value: Any) -> None:
        """Take one value over."""
        self.values[key] = value

    def __getitem__(self, key: str) -> Any:
        return self.values[key]

    def __contains__(self, key: str) -> bool:
        return key in self.values


class SpillStore:
    """Keeps values in a file without a name, which ends with the process: memory holds where each one lies.

    What reads it is the process that wrote it, so that nobody else's bytes are unpickled.
    """

    def __init__(self, folder: Path | None) -> None:
        """Args: folder: On the disk to use; None takes the system's place for temporary files."""
        self._folder = folder
        self._file = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115  # lives as long as the store
        # its results hold the store, in circles with what tells of them: nobody else knows when it ends
        self._end = weakref.finalize(self, self._file.close)
        self._spans: dict[str, tuple[int, int]] = {}

    def keep(self, held: Sequence[Held]) -> Kept:
        """Append values.

        Raises:
            OutputError: the disk is full.
        """
        for one in held:
            self.put(one.key, one.outcome.value)
        return Kept([one.outcome for one in held])

    def put(self, key: str, value: Any) -> None:
        """Keep one value; the last of a key counts.

        Raises:
            OutputError: the disk is full.
        """
        data = pickle.dumps(value, protocol=pickle.HIGHEST_PROTOCOL)
        try:
            start = self._file.seek(0, os.SEEK_END)
            self._file.write(data)
            self._file.flush()
        except OSError as error:
            place = self._folder or Path(tempfile.gettempdir())
            raise OutputError.writing(place / "results under way", error) from error
        self._spans[key] = (start, len(data))

    def __getitem__(self, key: str) -> Any:
        start, length = self._spans[key]
        self._file.seek(start)
        return pickle.loads(self._file.read(length))

    def __contains__(self, key: str) -> bool:
        return key in self._spans

    def close(self) -> None:
        """Give the disk back."""
        self._end()


class LineStore:
    """Keeps values that are JSON, one line each; the last one of a key counts, a torn one does not."""

    def __init__(self, folder: Path, name: str) -> None:
        """Args: folder: The output folder. name: The kind of work."""
        self.path = folder / FOLDER / f"{name}.values.jsonl"
        self.values: dict[str, Any] = dict(self._read())
        """Key -> the last value, those of earlier runs included."""

    def _read(self) -> list[tuple[str, Any]]:
        if not self.path.is_file():
            return []
        found = []
        for line in self.path.read_text(encoding="utf-8", errors="replace").splitlines():
            try:
                entry = json.loads(line)
                found.append((str(entry["key"]), entry["value"]))
            except (ValueError, TypeError, KeyError):
                continue  # torn by a kill; its work is not in the journal
        return found

    def keep(self, held: Sequence[Held]) -> Kept:
        """Append values.

        Raises:
            OutputError: the file cannot be written.
        """
        lines = [json.dumps({"key": h.key, "value": h.outcome.value}) + "\n" for h in held]
        append_text(self.path, "".join(lines))
        self.values.update((one.key, one.outcome.value) for one in held)
        return Kept([one.outcome for one in held], self.path.name)
