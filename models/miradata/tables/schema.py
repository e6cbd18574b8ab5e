"""The tables of the pipeline, as Arrow schemas under one version, and the ids of what is in them.

Times are nanoseconds from the first frame of the source video; time ranges are half-open. An id is derived
from content alone (source digest, time range, pipeline version), so that a rerun gives the same ids.
"""

from __future__ import annotations

import uuid

import pyarrow as pa  # extra `data`

from mirabench.errors import UnknownNameError

VERSION = 1
"""Of the tables; raised whenever a column changes."""
PIPELINE_VERSION = 1
"""Of the ids; raised when the same time range must no longer be called the same clip."""
NAMESPACE = uuid.UUID("6f1d9a52-3c0e-5c41-9a55-2f9c1e0c7a10")
"""Of the UUIDs; any constant would do, this one is ours."""

OK, REJECTED, FAILED = "ok", "rejected", "failed"
"""What became of an item in a stage: it goes on; it is known not to; it broke and may be tried again."""

_STATUS = [("status", pa.string()), ("reason", pa.string())]

SCHEMAS: dict[str, pa.Schema] = {
    "videos": pa.schema([
        ("video_id", pa.string()),
        ("source", pa.string()),  # site, then category, as in the published tables
        ("url", pa.string()),
        ("source_id", pa.string()),  # the site's own id of the video
        ("path", pa.string()),
        ("sha256", pa.string()),  # empty when the file was not worth reading to its end
        ("bytes", pa.int64()),
        ("width", pa.int32()),  # upright
        ("height", pa.int32()),
        ("fps", pa.float64()),
        ("num_frames", pa.int64()),
        ("duration_ns", pa.int64()),
        ("container", pa.string()),
        ("codec", pa.string()),
        ("pixel_format", pa.string()),
        ("bit_depth", pa.int32()),
        ("rotation", pa.int32()),  # degrees that the file asks to turn the picture by
        ("variable_rate", pa.bool_()),
        ("interlaced", pa.bool_()),
        *_STATUS,
    ]),
    "cuts": pa.schema([
        ("video_id", pa.string()),
        ("i", pa.int32()),
        ("t0_ns", pa.int64()),
        ("t1_ns", pa.int64()),
        ("frame0", pa.int64()),
        ("frame1", pa.int64()),
        ("detector", pa.string()),
    ]),
    "joins": pa.schema([
        ("video_id", pa.string()),
        ("i", pa.int32()),  # between cut i and cut i + 1
        ("emb_a", pa.float64()),  # cosine; null when the voter is absent
        ("emb_b", pa.float64()),
        ("vlm_a", pa.bool_()),
        ("vlm_b", pa.bool_()),
        ("joined", pa.bool_()),
        *_STATUS,
    ]),
    "clips": pa.schema([
        ("clip_id", pa.string()),
        ("video_id", pa.string()),
        ("i", pa.int32()),
        ("t0_ns", pa.int64()),
        ("t1_ns", pa.int64()),
        ("frame0", pa.int64()),
        ("frame1", pa.int64()),
        ("n_cuts", pa.int32()),  # shots in it; 1 is a single shot
        *_STATUS,  # rejected: shorter than the least length
    ]),
    "scores": pa.schema([
        ("clip_id", pa.string()),
        ("metric", pa.string()),
        ("value", pa.float64()),  # null unless the status is ok
        ("n_frames", pa.int32()),
        ("model", pa.string()),
        ("version", pa.int32()),
        *_STATUS,
    ]),
    "signatures": pa.schema([
        ("clip_id", pa.string()),
        ("hashes", pa.list_(pa.uint64())),  # perceptual, of frames in order
        ("vector", pa.list_(pa.float32())),  # embedding of unit length
        ("model", pa.string()),
        *_STATUS,
    ]),
    "dups": pa.schema([
        ("clip_id", pa.string()),
        ("group", pa.string()),  # the clip that is kept
        ("keep", pa.bool_()),
        ("similarity", pa.float64()),  # to the kept one; 1 for itself
        ("kind", pa.string()),  # unique, hash or embedding
    ]),
    "captions": pa.schema([
        ("clip_id", pa.string()),
        ("window", pa.int32()),
        ("t0_s", pa.float64()),  # from the clip's start
        ("t1_s", pa.float64()),
        ("short_caption", pa.string()),
        ("dense_caption", pa.string()),
        ("background_caption", pa.string()),
        ("main_object_caption", pa.string()),
        ("style_caption", pa.string()),
        ("camera_caption", pa.string()),
        ("model", pa.string()),
        ("prompt_version", pa.string()),
        ("finish_reason", pa.string()),
        ("prompt_tokens", pa.int64()),
        ("completion_tokens", pa.int64()),
        *_STATUS,
    ]),
    "files": pa.schema([
        ("clip_id", pa.string()),
        ("path", pa.string()),  # relative to the output folder
        ("sha256", pa.string()),
        ("bytes", pa.int64()),
        ("mode", pa.string()),  # exact or keyframe
        ("t0_ns", pa.int64()),  # what the file really holds
        ("t1_ns", pa.int64()),
        ("frames", pa.int64()),
        *_STATUS,
    ]),
    "outcomes": pa.schema([
        ("stage", pa.string()),
        ("item", pa.string()),
        *_STATUS,
    ]),
    "events": pa.schema([
        ("run", pa.string()),
        ("at", pa.string()),
        ("stage", pa.string()),
        ("key", pa.string()),
        ("item", pa.string()),
        ("status", pa.string()),
        ("error", pa.string()),
        ("seconds", pa.float64()),
    ]),
}  # fmt: skip
"""Table -> columns. Rows are sorted by `KEYS`, which tell them apart."""

KEYS: dict[str, tuple[str, ...]] = {
    "videos": ("video_id", "path"),
    "cuts": ("video_id", "i"),
    "joins": ("video_id", "i"),
    "clips": ("video_id", "i"),
    "scores": ("clip_id", "metric"),
    "signatures": ("clip_id",),
    "dups": ("clip_id",),
    "captions": ("clip_id", "window"),
    "files": ("clip_id",),
    "outcomes": ("stage", "item"),
    "events": ("at", "stage", "key"),
}
"""Table -> the columns that tell its rows apart."""


def schema_of(table: str) -> pa.Schema:
    """The columns of a table, the version in its metadata.

    Raises:
        UnknownNameError: no such table.
    """
    if table not in SCHEMAS:
        raise UnknownNameError("table", table, SCHEMAS)
    return SCHEMAS[table].with_metadata(
        {"miradata_schema_version": str(VERSION), "miradata_table": table}
    )


def video_id(content: str) -> str:
    """The id of a source video from the sha256 of its bytes (or what stands for them)."""
    return str(uuid.uuid5(NAMESPACE, f"video {content} {PIPELINE_VERSION}"))


def clip_id(content: str, t0_ns: int, t1_ns: int) -> str:
    """The id of a time range of a source video.

    Args:
        content: sha256 of the source file.
        t0_ns: Start.
        t1_ns: End, excluded.
    """
    return str(uuid.uuid5(NAMESPACE, f"clip {content} {t0_ns} {t1_ns} {PIPELINE_VERSION}"))
