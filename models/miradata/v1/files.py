"""MiraData v1 tables as files: CSV and Parquet, row by row, so that the largest fits in memory.

A row that cannot be used becomes a `Refused` with its place and reason; the others go on.
"""

from __future__ import annotations

import csv
import itertools
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mirabench.errors import ManifestError, OutputError
from mirabench.extras import needs_extra
from mirabench.files import replacing
from miradata.v1.rows import COLUMNS, LONGEST_TEXT, NUL, V1Error, V1Row, format_row, parse_row

SUFFIXES = (".csv", ".parquet")
ROWS_AT_ONCE = 1000


@dataclass(frozen=True, slots=True)
class Refused:
    """A row that cannot be used."""

    where: str
    """File name and row number; the first row after the header is 1."""
    reason: str


def iter_v1(path: Path) -> Iterator[V1Row | Refused]:
    """The rows of a MiraData table in order, bad ones as `Refused`.

    Of several rows with one clip id only the first is taken.

    Raises:
        ManifestError: the file cannot be read, or lacks one of the 18 columns.
        MissingExtraError: Parquet without pyarrow.
    """
    seen: set[str] = set()
    for number, cells in enumerate(_records(path), start=1):
        where = f"{path.name} row {number}"
        try:
            if isinstance(cells, csv.Error):
                raise V1Error(f"the row is not valid CSV: {cells}")
            row = parse_row(cells)
            if row.clip_id in seen:
                raise V1Error(f"clip id {row.clip_id} is taken by an earlier row")
        except V1Error as error:
            yield Refused(where, str(error))
        else:
            seen.add(row.clip_id)
            yield row


def read_v1(path: Path) -> tuple[list[V1Row], list[Refused]]:
    """All usable rows of a table, and the refused ones.

    Raises:
        ManifestError: the file cannot be read, or lacks one of the 18 columns.
        MissingExtraError: Parquet without pyarrow.
    """
    rows: list[V1Row] = []
    refused: list[Refused] = []
    for row in iter_v1(path):
        if isinstance(row, Refused):
            refused.append(row)
        else:
            rows.append(row)
    return rows, refused


def write_v1(path: Path, rows: Iterable[V1Row]) -> int:
    """Write a table of exactly the 18 columns in one step; the suffix says CSV or Parquet.

    CSV is written as the published tables are, byte for byte. In Parquet ids and texts are
    strings, `timestamp` is a list of strings, `framestamp` a list of integers.

    Returns:
        The number of rows.

    Raises:
        OutputError: another suffix, or the file cannot be written.
        MissingExtraError: Parquet without pyarrow.
    """
    if path.suffix.lower() not in SUFFIXES:
        raise OutputError(f"cannot write {path}: give a name that ends in .csv or .parquet")
    write = _write_csv if path.suffix.lower() == ".csv" else _write_parquet
    with replacing(path) as part:
        return write(part, rows)


def _records(path: Path) -> Iterator[Mapping[str, object] | csv.Error]:
    try:
        if path.suffix.lower() == ".parquet":
            yield from _parquet(path)
        else:
            yield from _csv(path)
    except UnicodeDecodeError as error:
        raise ManifestError(f"{path} is not UTF-8 text: save it as UTF-8 ({error})") from error
    except OSError as error:
        raise ManifestError(f"cannot read {path}: {error.strerror or error}") from error


def _csv(path: Path) -> Iterator[Mapping[str, object] | csv.Error]:
    with path.open(newline="", encoding="utf-8-sig") as file, _field_limit(LONGEST_TEXT):
        reader = csv.reader(line.replace("\0", NUL) for line in file)
        try:
            header = next(reader, [])
        except csv.Error as error:
            raise ManifestError(f"{path} is not a MiraData table: {error}") from error
        _require_columns(path, header)
        while True:
            try:
                cells = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                yield error
                continue
            if cells:
                yield _named(header, cells)


def _named(header: list[str], cells: list[str]) -> Mapping[str, object] | csv.Error:
    if len(cells) != len(header):
        return csv.Error(f"it has {len(cells)} cells, the header has {len(header)}")
    return dict(zip(header, cells, strict=True))


@contextmanager
def _field_limit(characters: int) -> Iterator[None]:
    """The csv module's limit is the process's own: raise it here, and put it back."""
    before = csv.field_size_limit(characters)
    try:
        yield
    finally:
        csv.field_size_limit(before)


def _require_columns(path: Path, header: list[str]) -> None:
    missing = [name for name in COLUMNS if name not in header]
    if missing:
        more = "s" if len(missing) > 1 else ""
        raise ManifestError(
            f"{path} is not a MiraData v1 table: it lacks the column{more} {', '.join(missing)}"
        )


def _arrow() -> tuple[Any, Any]:
    with needs_extra("data", "MiraData tables in Parquet need pyarrow"):
        import pyarrow
        import pyarrow.parquet as parquet  # extra `data`
    return pyarrow, parquet


def _parquet(path: Path) -> Iterator[Mapping[str, object]]:
    pyarrow, parquet = _arrow()
    try:
        # opened here: Arrow takes no name that is not UTF-8
        with path.open("rb") as file, parquet.ParquetFile(file) as table:
            _require_columns(path, table.schema_arrow.names)
            for batch in table.iter_batches(ROWS_AT_ONCE, columns=list(COLUMNS)):
                yield from batch.to_pylist()
    except pyarrow.ArrowInvalid as error:
        raise ManifestError(f"{path} is not a valid Parquet file: {error}") from error


def _write_csv(path: Path, rows: Iterable[V1Row]) -> int:
    count = 0
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        for row in rows:
            writer.writerow(format_row(row).values())
            count += 1
    return count


def _schema(pyarrow: Any) -> Any:
    types = {
        "width": pyarrow.int32(),
        "height": pyarrow.int32(),
        "fps": pyarrow.float64(),
        "seconds": pyarrow.float64(),
        "timestamp": pyarrow.list_(pyarrow.string()),
        "frame_number": pyarrow.int64(),
        "framestamp": pyarrow.list_(pyarrow.int64()),
    }
    return pyarrow.schema([(name, types.get(name, pyarrow.string())) for name in COLUMNS])


def _write_parquet(path: Path, rows: Iterable[V1Row]) -> int:
    pyarrow, parquet = _arrow()
    schema, remaining, count = _schema(pyarrow), iter(rows), 0
    with path.open("wb") as file, parquet.ParquetWriter(file, schema, compression="zstd") as writer:
        while chunk := list(itertools.islice(remaining, ROWS_AT_ONCE)):
            records = [{name: getattr(row, name) for name in COLUMNS} for row in chunk]
            writer.write_table(pyarrow.Table.from_pylist(records, schema=schema))
            count += len(chunk)
    return count
