"""SQL over the tables of an output folder: read-only, on Parquet, by DuckDB.

Every table is there under its name. `overview` has one row per clip: its times and source, a column
for each metric, whether it is a duplicate, how many windows have captions, and its file.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa  # extra `data`
import pyarrow.parquet as pq
from pyarrow import csv

from mirabench.errors import InputError, OutputError
from mirabench.extras import needs_extra
from mirabench.files import replacing
from miradata.tables.schema import SCHEMAS
from miradata.tables.scores import measured_metrics
from miradata.tables.store import EVENTS, Tables

_OVERVIEW = """
CREATE VIEW overview AS
SELECT c.clip_id, v.source, v.path AS video, c.i, c.t0_ns / 1e9 AS start, c.t1_ns / 1e9 AS end,
       (c.t1_ns - c.t0_ns) / 1e9 AS seconds, c.n_cuts, c.status, c.reason{metrics},
       d.keep IS NOT DISTINCT FROM false AS duplicate,
       coalesce(t.captions, 0) AS captions, f.path AS file
FROM clips c
JOIN videos v USING (video_id)
LEFT JOIN dups d USING (clip_id)
LEFT JOIN files f ON f.clip_id = c.clip_id AND f.status = 'ok'
LEFT JOIN (SELECT clip_id, count(*) AS captions FROM captions WHERE status = 'success'
           GROUP BY clip_id) t ON t.clip_id = c.clip_id
LEFT JOIN (SELECT clip_id{pivot} FROM scores WHERE status = 'ok' GROUP BY clip_id) s
       ON s.clip_id = c.clip_id
"""


def query(folder: Path, sql: str) -> pa.Table:
    """The answer to one SELECT over the tables of an output folder.

    Only the folder's own Parquet files can be read, and nothing can be written.

    Raises:
        InputError: there are no tables, the text is not a single SELECT, or DuckDB refuses it.
        MissingExtraError: duckdb is missing.
    """
    duckdb = _duckdb()
    connection = _connected(duckdb, folder)
    try:
        statements = connection.extract_statements(sql)
        if len(statements) != 1 or statements[0].type != duckdb.StatementType.SELECT:
            raise InputError("a query is one SELECT statement: tables are read, never changed")
        return connection.sql(statements[0].query).to_arrow_table()
    except duckdb.Error as error:
        raise InputError(f"the query is refused: {' '.join(str(error).split())[:500]}") from error
    finally:
        connection.close()


def where(folder: Path, condition: str, columns: str = "*") -> pa.Table:
    """The rows of `overview` that a condition holds for, ordered by video and time.

    Raises:
        InputError: as `query`; or the condition is more than a condition.
        MissingExtraError: duckdb is missing.
    """
    if ";" in condition or ";" in columns:
        raise InputError("a condition is one expression, such as  seconds > 60 and motion > 2")
    return query(
        folder, f"SELECT {columns} FROM overview WHERE (\n{condition}\n) ORDER BY video, start"
    )


def save(rows: pa.Table, path: Path) -> None:
    """Write an answer as Parquet or CSV, after the file's suffix.

    Raises:
        OutputError: another suffix, or the file cannot be written.
    """
    writers = {".parquet": pq.write_table, ".csv": csv.write_csv}
    write = writers.get(path.suffix.lower())
    if write is None:
        raise OutputError(f"cannot write {path}: give a name that ends in .csv or .parquet")
    try:
        with replacing(path) as part, part.open("wb") as file:
            write(rows, file)
    except pa.ArrowInvalid as error:
        raise OutputError(f"{path} cannot hold this answer: {error}; write .parquet") from error


def _duckdb() -> Any:
    with needs_extra("data", "queries need duckdb"):
        import duckdb  # extra `data`
    return duckdb


def _connected(duckdb: Any, folder: Path) -> Any:
    """A connection that sees the tables, and then nothing else."""
    if not (folder / "tables").is_dir():
        raise InputError(f"{folder} holds no tables: give the output folder of a run")
    connection = duckdb.connect(":memory:", config={"autoinstall_known_extensions": "false"})
    tables = Tables(folder)
    for name, schema in SCHEMAS.items():
        _add(connection, tables, name, schema)
    metrics = measured_metrics(tables)
    connection.execute(
        _OVERVIEW.format(
            metrics="".join(f", s.{_quoted(m)}" for m in metrics),
            pivot="".join(
                f", max(value) FILTER (metric = {_text(m)}) AS {_quoted(m)}" for m in metrics
            ),
        )
    )
    if _is_utf8(folder):
        place = str((folder / "tables").resolve()) + "/"
        connection.execute(f"SET allowed_directories = [{_text(place)}]")
    connection.execute("SET enable_external_access = false")
    connection.execute("SET lock_configuration = true")
    return connection


def _add(connection: Any, tables: Tables, name: str, schema: pa.Schema) -> None:
    files = tables.files(name)
    if files and not _is_utf8(tables.folder):  # DuckDB opens no such name: its rows are read for it
        connection.register(name, tables.read(name))
        return
    if files:
        paths = ", ".join(_text(str(file.resolve())) for file in files)
        connection.execute(f"CREATE VIEW {_quoted(name)} AS SELECT * FROM read_parquet([{paths}])")
        return
    rows = tables.read(name) if name == Path(EVENTS).stem else schema.empty_table()
    connection.register(name, rows)


def _is_utf8(folder: Path) -> bool:
    return not any("\ud800" <= character <= "\udfff" for character in str(folder.resolve()))


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
