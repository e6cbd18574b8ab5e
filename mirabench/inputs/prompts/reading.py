"""Tables of prompts as they come: ours, MiraBench's meta table, VBench's lists, lines of text."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from mirabench.errors import ManifestError
from mirabench.inputs.prompts.prompt import ASPECTS, Prompt
from mirabench.inputs.tables import Row, read_rows

ID_COLUMNS = ("id", "video_id", "video_idx", "prompt_id", "clip_id")
TEXT_COLUMNS = ("prompt", "text", "prompt_en", "caption")
CAPTION_COLUMNS = tuple(f"{aspect}_caption" for aspect in ASPECTS)


def prompt_of(row: Row, default_id: str) -> Prompt | None:
    """The prompt that a row of a table describes, or None when it describes none."""
    captions = {
        aspect: row.values[f"{aspect}_caption"].strip()
        for aspect in ASPECTS
        if f"{aspect}_caption" in row.values
    }
    told = row.first(TEXT_COLUMNS)
    text = told or captions.get("short") or captions.get("dense") or ""
    if not text and not captions:
        return None
    key = row.first(("prompt_id",)) or default_id
    return Prompt(key, text, captions, text_is_told=bool(told))


def read_file(path: Path) -> dict[str, Prompt]:
    """Id -> prompt, in the order of the file.

    Raises:
        ManifestError: not readable, no id column, no text, or an id twice.
    """
    prompts: dict[str, Prompt] = {}
    for row in prompt_rows(path):
        key = row.first(ID_COLUMNS)
        if not key:
            raise ManifestError(f"{row.where} has no id: give each prompt an `id` column")
        prompt = prompt_of(row, key)
        if prompt is None or not prompt.text:
            raise ManifestError(
                f"{row.where} ({key}) has no text: give it a `prompt` or `short_caption` column"
            )
        if key in prompts:
            raise ManifestError(f"{row.where}: the id {key!r} is already taken by an earlier row")
        prompts[key] = replace(prompt, tags=_tags(row))
    return prompts


def prompt_rows(path: Path) -> list[Row]:
    """The rows of a prompt table; lists without ids (VBench's, lines of text) get them.

    A made-up id is `line-0001` or `row-0001`, never a bare number: files called `0001.mp4` are
    counted from 0 by some tools and from 1 by others, and must not be paired by guessing.

    Raises:
        ManifestError: the file cannot be read or holds no prompt.
    """
    if path.suffix.lower() == ".txt":
        return [
            Row({"id": f"line-{number:04d}", "prompt": line}, f"{path.name} line {number}")
            for number, line in _lines(path)
        ]
    rows = read_rows(path)
    if any(row.first(ID_COLUMNS) for row in rows) or "prompt_en" not in rows[0].values:
        return rows
    return [
        Row({"id": f"row-{number:04d}", **row.values}, row.where)
        for number, row in enumerate(rows, start=1)
    ]


def _lines(path: Path) -> list[tuple[int, str]]:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise ManifestError(f"{path} is not UTF-8 text: save it as UTF-8 ({error})") from error
    except OSError as error:
        raise ManifestError(f"cannot read {path}: {error.strerror or error}") from error
    lines = [(number, line.strip()) for number, line in enumerate(text.splitlines(), start=1)]
    found = [(number, line) for number, line in lines if line]
    if not found:
        raise ManifestError(f"{path} holds no prompt: write one a line")
    return found


def _tags(row: Row) -> dict[str, str]:
    known = {*ID_COLUMNS, *TEXT_COLUMNS, *CAPTION_COLUMNS}
    return {column: text for column, text in row.values.items() if column not in known}
