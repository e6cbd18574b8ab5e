"""Places for results: in memory, or as lines of JSON beside the journal."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

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
