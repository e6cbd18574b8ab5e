"""From outcomes to tables: rows kept as parts before the journal speaks of them, then what is published."""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pyarrow as pa  # extra `data`

from mirabench.errors import OutputError, PluginError
from mirabench.work.item import FAILED, Item
from mirabench.work.journal import Line, append_text
from mirabench.work.run import Held, Kept
from miradata.stage import Stage, TableRow
from miradata.tables.final_rows import final_rows
from miradata.tables.schema import schema_of
from miradata.tables.store import EVENTS, Tables, table_of


@dataclass(frozen=True, slots=True)
class PartStore:
    """Keeps the rows of a stage's outcomes as parts, until the stage is published."""

    folder: Path
    """The output folder."""
    stage: Stage
    run: str
    """Names this run in the events."""

    def keep(self, held: Sequence[Held]) -> Kept:
        """Write rows, then the events.

        Raises:
            OutputError: a file cannot be written.
            PluginError: a row is of a table that the stage does not declare, or does not fit it.
        """
        digest = _digest(held)
        for one in held:
            unknown = sorted(set(one.outcome.value) - set(self.stage.outputs))
            if unknown:
                raise PluginError(
                    f"the stage {self.stage.name!r} gave rows of `{unknown[0]}`: name it in its `outputs`"
                )
        for table in self.stage.outputs:
            rows = [(one.key, row) for one in held for row in one.outcome.value.get(table, ())]
            if rows:
                self._add(table, digest, rows)
        self._log(held)
        return Kept([one.outcome for one in held], digest)

    def _add(self, table: str, digest: str, rows: Sequence[tuple[str, TableRow]]) -> None:
        try:
            Tables(self.folder).add_part(table, self.stage.name, digest, rows)
        except OutputError:
            raise
        except (ValueError, TypeError) as error:  # Arrow's own errors are of these kinds
            raise PluginError(
                f"the stage {self.stage.name!r} gave rows that the table `{table}` cannot hold: {error}"
            ) from error

    def _log(self, held: Sequence[Held]) -> None:
        now = datetime.now(timezone.utc).isoformat(timespec="milliseconds")
        text = ""
        for one in held:
            event = {
                "run": self.run,
                "at": now,
                "stage": self.stage.name,
                "key": one.key,
                "item": one.item.id,
                "status": one.outcome.status,
                "error": one.outcome.reason if one.outcome.status == FAILED else "",
                "seconds": round(one.seconds, 4),
            }
            text += json.dumps(event) + "\n"
        append_text(self.folder / EVENTS, text)


def _digest(held: Sequence[Held]) -> str:
    """Names a part by what is in it, so that the same results kept again replace themselves."""
    named = sorted(f"{one.key} {one.attempt}" for one in held)
    return hashlib.sha256("\n".join(named).encode()).hexdigest()[:16]


def publish(
    folder: Path, stage: Stage, items: Mapping[str, Item], lines: Mapping[str, Line]
) -> None:
    """Write a stage's share of each table from live work: one line per item, its part's rows.

    Args:
        folder: The output folder.
        stage: The stage.
        items: Key -> item, of the items there are now.
        lines: Key -> last line of the journal.

    Raises:
        OutputError: a file cannot be written.
    """
    live = [lines[key] for key in items if key in lines]
    tables = Tables(folder)
    for table in stage.outputs:
        rows = final_rows(table, _live_rows(tables, stage.name, table, live))
        tables.write(table, stage.name, rows)
    outcomes: Sequence[Mapping[str, Any]] = [
        {"stage": stage.name, "item": line.item, "status": line.status, "reason": line.reason}
        for line in live
    ]
    tables.write("outcomes", stage.name, table_of("outcomes", outcomes))


def _live_rows(tables: Tables, stage: str, table: str, live: Sequence[Line]) -> pa.Table:
    keys: dict[str, list[str]] = defaultdict(list)
    for line in live:
        keys[line.kept].append(line.key)
    found = [tables.part(table, stage, part, keys[part]) for part in sorted(keys)]
    return pa.concat_tables(found) if found else schema_of(table).empty_table()
