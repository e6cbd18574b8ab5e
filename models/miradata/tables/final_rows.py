"""What only a whole table can tell: of several files with the same bytes, the first path counts."""

from __future__ import annotations

from typing import Any

import pyarrow as pa  # extra `data`

from miradata.tables.schema import OK, REJECTED, schema_of, video_id


def final_rows(table: str, rows: pa.Table) -> pa.Table:
    """A stage's rows of a table, once all are there."""
    return _one_row_per_content(rows) if table == "videos" else rows


def _one_row_per_content(rows: pa.Table) -> pa.Table:
    """Later paths of the same bytes become rejected rows with an id of their own."""
    first: dict[str, str] = {}
    listed: list[dict[str, Any]] = sorted(rows.to_pylist(), key=lambda row: row["path"])
    for row in listed:
        if row["status"] != OK:
            continue
        kept = first.setdefault(row["video_id"], row["path"])
        if kept != row["path"]:
            row["video_id"] = video_id(f"{row['sha256']} {row['path']}")
            row["status"], row["reason"] = REJECTED, f"duplicate: same bytes as {kept}"
    return pa.Table.from_pylist(listed, schema=schema_of("videos"))
