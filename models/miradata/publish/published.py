"""The table that leaves the pipeline: one row per clip that stays and has its file, ready to train on.

`published.parquet` lies in the output folder, so that `file_path` is relative to it. A clip of several
windows has their captions joined in order of time, and one by one in `windows`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa  # extra `data`

from mirabench.files import named
from miradata.frames.clip_range import NS
from miradata.select.levels import Thresholds
from miradata.select.selection import KEPT, Fate, fates
from miradata.tables.schema import OK, VERSION
from miradata.tables.store import Tables, arrow_table, write_file
from miradata.v1.rows import CAPTIONS

PUBLISHED = "published.parquet"
CAPTION, FILE = "caption", "file"
"""What a clip that stays can still leave at: no caption where captions were asked for, no file."""

_WINDOW = pa.struct([
    ("t0_s", pa.float64()),
    ("t1_s", pa.float64()),
    *((name, pa.string()) for name in CAPTIONS),
])  # fmt: skip
SCHEMA = pa.schema([
    ("clip_id", pa.string()),
    ("file_path", pa.string()),  # relative to this table
    ("sha256", pa.string()),  # of the file
    ("level", pa.string()),  # the strictest that the clip is in
    ("source", pa.string()),
    ("url", pa.string()),
    ("video", pa.string()),  # the source file, relative to the input folder
    ("t0_s", pa.float64()),  # what the file holds, in the source video
    ("t1_s", pa.float64()),
    ("seconds", pa.float64()),
    ("width", pa.int32()),
    ("height", pa.int32()),
    ("fps", pa.float64()),
    ("frames", pa.int64()),
    *((name, pa.string()) for name in CAPTIONS),
    ("caption_origin", pa.string()),  # the model, `sidecar`, or empty
    ("windows", pa.list_(_WINDOW)),
]).with_metadata({"miradata_schema_version": str(VERSION), "miradata_table": "published"})  # fmt: skip


@dataclass(frozen=True, slots=True)
class Publication:
    """What is published, and what became of every clip."""

    rows: Sequence[Mapping[str, Any]]
    fates: Sequence[Fate]


def publication(
    tables: Tables,
    thresholds: Thresholds,
    *,
    root: Path,
    level: str = "",
    captions_required: bool = False,
) -> Publication:
    """The rows of the published table, ordered by video and time.

    Args:
        tables: Of a run.
        thresholds: What decides.
        root: The folder of source videos, where a `.txt` beside a video is its sidecar caption.
        level: The level that is published; empty is the loosest.
        captions_required: Leave out clips of which no window has captions.

    Raises:
        UnknownNameError: the thresholds have no such level.
    """
    videos = {row["video_id"]: row for row in tables.rows("videos")}
    clips = {row["clip_id"]: row for row in tables.rows("clips")}
    files = {row["clip_id"]: row for row in tables.rows("files")}
    windows = _windows(tables)
    names = [found.name for found in thresholds.levels]
    rows, ended = [], []
    for chosen in fates(tables, thresholds, level):
        fate = _last_gate(chosen, files.get(chosen.clip_id), windows, captions_required)
        ended.append(fate)
        if fate.step == KEPT:
            clip = clips[fate.clip_id]
            video, file = videos[clip["video_id"]], files[fate.clip_id]
            told = _captions(windows.get(fate.clip_id, []), named(root, video["path"]))
            rows.append({**_facts(clip, video, file), "level": names[fate.level], **told})
    return Publication(rows, ended)


def write_published(folder: Path, published: Publication) -> Path:
    """Write `published.parquet` into an output folder.

    Raises:
        OutputError: it cannot be written.
    """
    path = folder / PUBLISHED
    write_file(path, arrow_table(published.rows, SCHEMA))
    return path


def _windows(tables: Tables) -> Mapping[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in tables.rows("captions"):
        found[row["clip_id"]].append(row)
    return found


def _last_gate(
    fate: Fate,
    file: Mapping[str, Any] | None,
    windows: Mapping[str, Sequence[Mapping[str, Any]]],
    captions_required: bool,
) -> Fate:
    if fate.step != KEPT:
        return fate
    said = windows.get(fate.clip_id, [])
    if captions_required and not any(row["status"] == "success" for row in said):
        reasons = sorted({f"{row['status']}: {row['reason']}" for row in said})
        return fate._replace(step=CAPTION, reason="; ".join(reasons) or "not captioned yet")
    if file is None or file["status"] != OK:
        return fate._replace(step=FILE, reason=file["reason"] if file else "not cut yet")
    return fate


def _facts(
    clip: Mapping[str, Any], video: Mapping[str, Any], file: Mapping[str, Any]
) -> dict[str, Any]:
    return {
        "clip_id": clip["clip_id"],
        "file_path": file["path"],
        "sha256": file["sha256"],
        "source": video["source"],
        "url": video["url"],
        "video": video["path"],
        "t0_s": file["t0_ns"] / NS,
        "t1_s": file["t1_ns"] / NS,
        "seconds": (file["t1_ns"] - file["t0_ns"]) / NS,
        "width": video["width"],
        "height": video["height"],
        "fps": video["fps"],
        "frames": file["frames"],
    }


def _captions(rows: Sequence[Mapping[str, Any]], video: Path) -> dict[str, Any]:
    """Caption columns; without a model's captions, the text beside the source video if there is one."""
    told = [row for row in rows if row["status"] == "success"]
    if told:
        columns: dict[str, Any] = {
            name: " ".join(row[name].strip() for row in told) for name in CAPTIONS
        }
        parts = ("t0_s", "t1_s", *CAPTIONS)
        windows = [{part: row[part] for part in parts} for row in told]
        return {**columns, "caption_origin": told[0]["model"], "windows": windows}
    blank: dict[str, Any] = dict.fromkeys(CAPTIONS)
    beside = sidecar(video)
    blank.update(short_caption=beside or None, windows=[])
    return {**blank, "caption_origin": "sidecar" if beside else ""}


def sidecar(video: Path) -> str:
    """The text of `<video>.txt` beside a source video, white space folded; empty when there is none."""
    try:
        text = video.with_suffix(".txt").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
    return " ".join(text.split())[:2000].lstrip(
        "=@+-"
    )  # no spreadsheet shall take it for a formula
