"""Tables on disk: part files while a stage runs, one sorted file per stage and table once it ended.

Layout of an output folder:

    parts/<stage>/<table>-<digest>.parquet   rows as they were made, each with the key of its work
    tables/<table>/<stage>.parquet           what is read: rows of live work only, sorted
    events.jsonl                             what happened when; the one place with times of day

Every file is written under another name and renamed (`mirabench.files`). The files under `tables` depend on
inputs and parameters alone: no times of day, no order of arrival.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa  # extra `data`
import pyarrow.compute as pc
import pyarrow.parquet as pq

from mirabench.errors import InputError
from mirabench.files import encoded, replacing
from miradata.tables.schema import KEYS, SCHEMAS, VERSION, schema_of

KEY = "_key"
"""The column of a part file that names the work a row came from."""
EVENTS = "events.jsonl"


@dataclass(frozen=True, slots=True)
class Tables:
    """The tables of an output folder."""

    folder: Path

    def read(self, table: str) -> pa.Table:
        """All rows of a table, sorted by its key columns; empty when no stage has written it.

        Raises:
            UnknownNameError: no such table.
            InputError: a file is damaged or of another schema version.
        """
        schema = schema_of(table)
        if table == "events":
            return _sorted(_events(self.folder / EVENTS, schema), table)
        found = [read_file(path, schema) for path in self.files(table)]
        whole = pa.concat_tables(found) if found else schema.empty_table()
        return _sorted(whole, table)

    def files(self, table: str) -> list[Path]:
        """The files that a table is made of; not those that are being written."""
        found = self._folder(table).glob("*.parquet")
        return sorted(path for path in found if not path.name.startswith("."))

    def rows(self, table: str) -> list[dict[str, Any]]:
        """`read`, as dictionaries."""
        rows: list[dict[str, Any]] = self.read(table).to_pylist()
        return rows

    def write(self, table: str, stage: str, rows: pa.Table) -> Path:
        """Replace a stage's share of a table.

        Raises:
            OutputError: the file cannot be written.
        """
        path = self._folder(table) / f"{stage}.parquet"
        write_file(path, _sorted(rows, table))
        return path

    def add_part(
        self, table: str, stage: str, digest: str, rows: Iterable[tuple[str, Mapping[str, Any]]]
    ) -> Path:
        """Keep rows, each with the key of its work, until the stage is published.

        Raises:
            OutputError: the file cannot be written.
            ValueError: a row has other columns than the table.
        """
        path = self._part(table, stage, digest)
        write_file(path, arrow_rows(table, rows))
        return path

    def part(self, table: str, stage: str, digest: str, keys: Sequence[str]) -> pa.Table:
        """The rows of a part that came from these keys; empty when the part holds none."""
        path = self._part(table, stage, digest)
        schema = schema_of(table)
        if not path.is_file():
            return schema.empty_table()
        whole = read_file(path, _with_key(schema))
        wanted = whole.filter(pc.is_in(whole[KEY], value_set=pa.array(list(keys), pa.string())))
        return wanted.drop_columns([KEY]).cast(schema)

    def _folder(self, table: str) -> Path:
        return self.folder / "tables" / table

    def _part(self, table: str, stage: str, digest: str) -> Path:
        return self.folder / "parts" / stage / f"{table}-{digest}.parquet"


def arrow_rows(table: str, rows: Iterable[tuple[str, Mapping[str, Any]]]) -> pa.Table:
    """Rows with their keys as Arrow; every column must be there and no other.

    Raises:
        ValueError: a row has other columns than the table.
    """
    schema = _with_key(schema_of(table))
    names = set(SCHEMAS[table].names)
    listed = []
    for key, row in rows:
        if set(row) != names:
            odd = ", ".join(sorted(set(row) ^ names))
            raise ValueError(f"a row of {table} lacks, or has too many of, the columns {odd}")
        listed.append({**row, KEY: key})
    return arrow_table(listed, schema)


def arrow_table(rows: Sequence[Mapping[str, Any]], schema: pa.Schema) -> pa.Table:
    """Rows as Arrow; text that is not UTF-8 (a file's name, a broken reply) becomes its escape."""
    try:
        return pa.Table.from_pylist(list(rows), schema=schema)
    except UnicodeEncodeError:
        return pa.Table.from_pylist([_escaped(row) for row in rows], schema=schema)


def _escaped(value: Any) -> Any:
    if isinstance(value, str):
        return encoded(value).decode()
    if isinstance(value, Mapping):
        return {name: _escaped(part) for name, part in value.items()}
    return [_escaped(part) for part in value] if isinstance(value, list) else value


def table_of(name: str, rows: Sequence[Mapping[str, Any]]) -> pa.Table:
    """Rows as a table of the schema; every column must be there and no other.

    Raises:
        ValueError: a row has other columns than the table.
    """
    return arrow_rows(name, (("", row) for row in rows)).drop_columns([KEY]).cast(schema_of(name))


def read_file(path: Path, schema: pa.Schema) -> pa.Table:
    """A Parquet file of ours.

    Raises:
        InputError: it is damaged, or of another schema version.
    """
    try:
        with path.open("rb") as file:
            table = pq.read_table(file, partitioning=None)
    except (pa.ArrowInvalid, OSError) as error:
        raise InputError(f"{path} cannot be read: {error}; remove it and run again") from error
    found = (table.schema.metadata or {}).get(b"miradata_schema_version", b"none").decode()
    if found != str(VERSION):
        raise InputError(
            f"{path} has schema version {found}, this program reads {VERSION}: choose a new folder"
        )
    return table.cast(schema)


def write_file(path: Path, table: pa.Table) -> None:
    """Write Parquet (zstd) in one step.

    Raises:
        OutputError: the disk is full, or the folder may not be written to.
    """
    # files are opened here: Arrow takes no name that is not UTF-8
    with replacing(path) as part, part.open("wb") as file:
        pq.write_table(table, file, compression="zstd", row_group_size=2**20)


def _events(path: Path, schema: pa.Schema) -> pa.Table:
    rows = []
    if path.is_file():
        for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
            with contextlib.suppress(ValueError):  # torn by a kill
                rows.append(json.loads(line))
    return arrow_table(rows, schema)


def _with_key(schema: pa.Schema) -> pa.Schema:
    return schema.append(pa.field(KEY, pa.string()))


def _sorted(rows: pa.Table, table: str) -> pa.Table:
    order = [(column, "ascending") for column in KEYS[table]]
    return rows.sort_by(order).combine_chunks()
