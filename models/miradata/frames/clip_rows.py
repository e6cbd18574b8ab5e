"""From rows of tables to parts of files: what every stage after `probe` starts from."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from mirabench.files import named
from miradata.frames.clip_range import ClipRange
from miradata.tables.schema import OK
from miradata.tables.store import Tables


def usable_videos(tables: Tables) -> list[dict[str, Any]]:
    """Rows of `videos` that go on."""
    return [row for row in tables.rows("videos") if row["status"] == OK]


def kept_clips(tables: Tables) -> list[dict[str, Any]]:
    """Rows of `clips` that go on, each with its video's row under `video`."""
    videos = {row["video_id"]: row for row in usable_videos(tables)}
    return [
        {**row, "video": videos[row["video_id"]]}
        for row in tables.rows("clips")
        if row["status"] == OK and row["video_id"] in videos
    ]


def by_video(rows: Iterable[Mapping[str, Any]]) -> Mapping[str, Sequence[Mapping[str, Any]]]:
    """Video id -> its rows, in their order."""
    grouped: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
    for row in rows:
        grouped[row["video_id"]].append(row)
    return grouped


def clip_range_of(root: Path, video: Mapping[str, Any], t0_ns: int, t1_ns: int) -> ClipRange:
    """A part of a video of the tables.

    Args:
        root: The folder that `path` is relative to.
        video: A row of `videos`.
        t0_ns: Start.
        t1_ns: End, excluded.
    """
    return ClipRange(
        named(root, video["path"]),
        video["sha256"],
        t0_ns,
        t1_ns,
        video["width"],
        video["height"],
        video["fps"],
    )
