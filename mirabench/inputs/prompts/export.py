"""Prompts as text for other tools: CSV and JSONL with every column, plain lines, VBench's list."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable

from mirabench.errors import UnknownNameError
from mirabench.inputs.prompts.prompt import Prompt

FORMATS = ("csv", "jsonl", "json", "txt")


def export_text(prompts: Iterable[Prompt], form: str) -> str:
    """The prompts in one file format.

    `csv` and `jsonl` hold everything and read back as the same prompts; `json` is a list of
    `{"prompt_en": ...}` objects as VBench takes it; `txt` is one prompt a line, nothing else.

    Raises:
        UnknownNameError: no such format.
    """
    if form not in FORMATS:
        raise UnknownNameError("export format", form, FORMATS)
    if form == "txt":
        return "".join(" ".join(p.text.split()) + "\n" for p in prompts)
    if form == "json":
        entries = [{"id": p.id, "prompt_en": p.text, **p.tags} for p in prompts]
        return json.dumps(entries, indent=1, ensure_ascii=False) + "\n"
    rows = [prompt_row(p) for p in prompts]
    if form == "jsonl":
        return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    return _csv(rows)


def prompt_row(prompt: Prompt) -> dict[str, str]:
    """One row of a table: id, prompt, `<aspect>_caption` columns, tags."""
    captions = {f"{aspect}_caption": text for aspect, text in prompt.captions.items()}
    return {"id": prompt.id, "prompt": prompt.text, **captions, **prompt.tags}


def _csv(rows: list[dict[str, str]]) -> str:
    columns = list(dict.fromkeys(column for row in rows for column in row))
    buffer = io.StringIO()
    writer = csv.DictWriter(buffer, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return buffer.getvalue()
