"""Reading small tables (CSV, JSONL, JSON, Parquet) as rows of text that know where they stand.

Values stay text, so that an id `007` keeps its zeros and an empty cell is empty, not a number.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from mirabench.errors import ManifestError
from mirabench.extras import needs_extra

TABLE_SUFFIXES = frozenset({".csv", ".tsv", ".jsonl", ".json", ".parquet"})


@dataclass(frozen=True, slots=True)
class Row:
    """One row: column -> text, and its place for messages."""

    values: Mapping[str, str]
    where: str

    def first(self, columns: Iterable[str]) -> str:
        """The first non-empty value among these columns; empty when there is none."""
        return next((v for c in columns if (v := self.values.get(c, "").strip())), "")


def read_rows(path: Path) -> list[Row]:
    """All rows of a table; the format follows the suffix.

    Raises:
        ManifestError: the file cannot be read, is empty, or is not what its suffix says.
        MissingExtraError: Parquet without pyarrow.
    """
    suffix = path.suffix.lower()
    try:
        if suffix == ".parquet":
            records: Iterable[Mapping[str, object]] = _parquet(path)
        elif suffix in {".jsonl", ".json"}:
            records = _json(path)
        else:
            records = _csv(path, "\t" if suffix == ".tsv" else ",")
        rows = [
            Row({str(k).strip(): _text(v) for k, v in record.items()}, f"{path.name} row {n}")
            for n, record in enumerate(records, start=1)
        ]
    except UnicodeDecodeError as error:
        raise ManifestError(f"{path} is not UTF-8 text: save it as UTF-8 ({error})") from error
    except OSError as error:
        raise ManifestError(f"cannot read {path}: {error.strerror or error}") from error
    if not rows:
        raise ManifestError(f"{path} holds no rows")
    return rows


def _text(value: object) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value)


def _csv(path: Path, delimiter: str) -> list[Mapping[str, object]]:
    with path.open(newline="", encoding="utf-8-sig") as file:
        try:
            reader = csv.DictReader(file, delimiter=delimiter, restkey="", restval="", strict=True)
            return [{k: v for k, v in record.items() if k} for record in reader]
        except csv.Error as error:
            raise ManifestError(f"{path} is not a valid table: {error}") from error


def _json(path: Path) -> Iterator[Mapping[str, object]]:
    text = path.read_text(encoding="utf-8-sig")
    try:
        whole = text.lstrip().startswith("[")
        records = (
            json.loads(text) if whole else [json.loads(s) for s in text.splitlines() if s.strip()]
        )
    except json.JSONDecodeError as error:
        raise ManifestError(
            f"{path} is not valid JSON (line {error.lineno}: {error.msg})"
        ) from error
    for number, record in enumerate(records, start=1):
        if not isinstance(record, dict):
            raise ManifestError(f"{path} row {number} is not an object with columns")
        yield record


def _parquet(path: Path) -> list[Mapping[str, object]]:
    with needs_extra("data", f"reading the Parquet table {path.name} needs pyarrow"):
        import pyarrow
        import pyarrow.parquet as parquet  # extra `data`
    try:
        rows: list[Mapping[str, object]] = parquet.read_table(path).to_pylist()
    except pyarrow.ArrowInvalid as error:
        raise ManifestError(f"{path} is not a valid Parquet file: {error}") from error
    return rows
