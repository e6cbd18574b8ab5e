"""From outcomes to tables: batches of rows written before their ledger lines, then what is published."""

from __future__ import annotations

import hashlib
import json
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pyarrow as pa  # extra `data`

from miradata.ledger import Ledger, Line, append_text
from miradata.stage import Item, Outcome, Stage
from miradata.tables.final_rows import settled
from miradata.tables.schema import FAILED, schema_of
from miradata.tables.store import EVENTS, Tables, table_of


class Batch:
    """Outcomes that are not on the disk yet."""

    def __init__(self, folder: Path, run: str, stage: Stage, ledger: Ledger) -> None:
        self._folder, self._run, self._stage, self._ledger = folder, run, stage, ledger
        self._held: list[tuple[Line, Outcome, float]] = []
        self._since = time.monotonic()

    def add(self, line: Line, outcome: Outcome, seconds: float) -> None:
        """Hold an outcome; its line gets the part's name when it is written."""
        unknown = sorted(set(outcome.rows) - set(self._stage.outputs))
        if unknown:
            raise ValueError(f"the stage {self._stage.name} declares no output {unknown[0]}")
        if not self._held:
            self._since = time.monotonic()
        self._held.append((line, outcome, seconds))

    def due(self, items: int, seconds: float) -> bool:
        """Whether so many are held, or the first for so long."""
        return len(self._held) >= items or (
            bool(self._held) and time.monotonic() - self._since >= seconds
        )

    def flush(self) -> list[Line]:
        """Write rows, then the ledger, then the events; returns the ledger's lines.

        Raises:
            OutputError: a file cannot be written; nothing that is not safe is in the ledger.
        """
        if not self._held:
            return []
        digest = self._digest()
        lines = [replace(line, part=digest) for line, _, _ in self._held]
        for table in self._stage.outputs:
            rows = [
                (line.key, row)
                for line, outcome, _ in self._held
                for row in outcome.rows.get(table, ())
            ]
            if rows:
                Tables(self._folder).add_part(table, self._stage.name, digest, rows)
        self._ledger.add(lines)
        self._log()
        self._held = []
        return lines

    def _digest(self) -> str:
        """Names the part by what is in it, so that the same batch done again replaces itself."""
        named = sorted(f"{line.key} {line.attempt}" for line, _, _ in self._held)
        return hashlib.sha256("\n".join(named).encode()).hexdigest()[:16]

    def _log(self) -> None:
        now = datetime.now(timezone.utc).isoformat(timespec="milliseconds")
        text = ""
        for line, outcome, seconds in self._held:
            event = {
                "run": self._run,
                "at": now,
                "stage": self._stage.name,
                "key": line.key,
                "item": line.item,
                "status": line.status,
                "error": outcome.reason if line.status == FAILED else "",
                "seconds": round(seconds, 4),
            }
            text += json.dumps(event) + "\n"
        append_text(self._folder / EVENTS, text)


def publish(
    folder: Path, stage: Stage, items: Mapping[str, Item], lines: Mapping[str, Line]
) -> None:
    """Write a stage's share of each table from live work: one line per item, its part's rows.

    Args:
        folder: The output folder.
        stage: The stage.
        items: Key -> item, of the items there are now.
        lines: Key -> last line of the ledger.

    Raises:
        OutputError: a file cannot be written.
    """
    live = [lines[key] for key in items if key in lines]
    tables = Tables(folder)
    for table in stage.outputs:
        rows = settled(table, _live_rows(tables, stage.name, table, live))
        tables.write(table, stage.name, rows)
    outcomes: Sequence[Mapping[str, Any]] = [
        {"stage": stage.name, "item": line.item, "status": line.status, "reason": line.reason}
        for line in live
    ]
    tables.write("outcomes", stage.name, table_of("outcomes", outcomes))


def _live_rows(tables: Tables, stage: str, table: str, live: Sequence[Line]) -> pa.Table:
    keys: dict[str, list[str]] = defaultdict(list)
    for line in live:
        keys[line.part].append(line.key)
    found = [tables.part(table, stage, part, keys[part]) for part in sorted(keys)]
    return pa.concat_tables(found) if found else schema_of(table).empty_table()
