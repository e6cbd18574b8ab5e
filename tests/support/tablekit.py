"""Small tables as a run would leave them, for tests of what reads them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from miradata.tables.schema import SCHEMAS
from miradata.tables.store import Tables, table_of

S = 1_000_000_000


def row(table: str, **given: Any) -> dict[str, Any]:
    """A row with every column; those not given are null, the status is ok."""
    blank: dict[str, Any] = dict.fromkeys(SCHEMAS[table].names)
    if "status" in blank:
        blank.update(status="ok", reason="")
    assert set(given) <= set(blank), set(given) - set(blank)
    return {**blank, **given}


def write(folder: Path, **tables: Sequence[Mapping[str, Any]]) -> Tables:
    """Write rows as the tables of an output folder."""
    found = Tables(folder)
    for name, rows in tables.items():
        found.write(name, "test", table_of(name, rows))
    return found


def video(name: str = "v1", **given: Any) -> dict[str, Any]:
    values = {
        "video_id": name, "source": "ours", "path": f"{name}.mp4", "sha256": name * 8, "url": "",
        "source_id": "", "width": 160, "height": 96, "fps": 24.0, "num_frames": 2400, "bytes": 1000,
        "duration_ns": 100 * S, "container": "mp4", "codec": "h264",
    }  # fmt: skip
    return row("videos", **{**values, **given})


def clip(name: str, i: int, t0: float = 0.0, t1: float = 30.0, **given: Any) -> dict[str, Any]:
    values = {
        "clip_id": name, "video_id": "v1", "i": i, "t0_ns": int(t0 * S), "t1_ns": int(t1 * S),
        "frame0": int(t0 * 24), "frame1": int(t1 * 24), "n_cuts": 1,
    }  # fmt: skip
    return row("clips", **{**values, **given})


def scores(metric: str, **values: float | None) -> list[dict[str, Any]]:
    """One row a clip; None is a failed score."""
    return [
        row(
            "scores", clip_id=name, metric=metric, value=value, n_frames=8, model="m", version=1,
            status="ok" if value is not None else "failed", reason="" if value is not None else "no",
        )
        for name, value in values.items()
    ]  # fmt: skip


def double(name: str, of: str) -> dict[str, Any]:
    return row("dups", clip_id=name, group=of, keep=name == of, similarity=1.0, kind="hash")
