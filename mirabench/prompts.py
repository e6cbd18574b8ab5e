"""Prompts: what a generator was asked for, read from tables in the field's usual columns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from mirabench.errors import ManifestError
from mirabench.tables import Row, read_rows

ASPECTS = ("short", "dense", "main_object", "background", "style", "camera")
"""MiraData's structured captions, in the order of its tables; columns are `<aspect>_caption`."""

ID_COLUMNS = ("id", "video_id", "video_idx", "prompt_id", "clip_id")
TEXT_COLUMNS = ("prompt", "text", "prompt_en", "caption")


@dataclass(frozen=True, slots=True)
class Prompt:
    """What was asked for."""

    id: str
    """Clips of one prompt share it; intervals are clustered by it."""
    text: str
    """What the generator got."""
    captions: Mapping[str, str] = field(default_factory=dict)
    """Aspect -> caption; an aspect whose column exists but is empty maps to the empty text."""

    def caption(self, aspect: str) -> str | None:
        """The caption of one aspect; None when the table has no such column."""
        return self.captions.get(aspect)


def prompt_of(row: Row, default_id: str) -> Prompt | None:
    """The prompt that a row of a table describes, or None when it describes none."""
    captions = {
        aspect: row.values[f"{aspect}_caption"].strip()
        for aspect in ASPECTS
        if f"{aspect}_caption" in row.values
    }
    text = row.first(TEXT_COLUMNS) or captions.get("short") or captions.get("dense") or ""
    if not text and not captions:
        return None
    return Prompt(row.first(("prompt_id",)) or default_id, text, captions)


def read_prompts(path: Path) -> dict[str, Prompt]:
    """id -> prompt, from a CSV, JSONL or Parquet table.

    The id is the first of `id`, `video_id`, `video_idx`, `prompt_id`, `clip_id`; captions are in
    `<aspect>_caption` columns, or the text in `prompt`.

    Raises:
        ManifestError: no id column, no text, or an id twice.
    """
    prompts: dict[str, Prompt] = {}
    for row in read_rows(path):
        key = row.first(ID_COLUMNS)
        if not key:
            raise ManifestError(f"{row.where} has no id: give each prompt an `id` column")
        prompt = prompt_of(row, key)
        if prompt is None:
            raise ManifestError(
                f"{row.where} ({key}) has no text: give it a `prompt` or `short_caption` column"
            )
        if key in prompts:
            raise ManifestError(f"{row.where}: the id {key!r} is already taken by an earlier row")
        prompts[key] = prompt
    return prompts
