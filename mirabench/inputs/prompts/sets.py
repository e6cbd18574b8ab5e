"""Prompt sets by name: the bundled ones, described by their cards, or anybody's file."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any

from mirabench import toml
from mirabench.errors import ManifestError, UnknownNameError
from mirabench.inputs.prompts.prompt import Prompt, in_form
from mirabench.inputs.prompts.reading import read_file

PACKAGE = "miraprompts"
"""The folder `prompts/` of the repository, as it is installed."""


@dataclass(frozen=True, slots=True)
class PromptSetCard:
    """What is known of a bundled set; a table of `cards.toml`."""

    name: str
    title: str
    version: str
    file: str
    sha256: str
    """Of the file's bytes; results on another file are results on another set."""
    licence: str
    scenes: int
    forms: tuple[str, ...]
    prompts: int
    provenance: str


@cache
def cards() -> Mapping[str, PromptSetCard]:
    """Name -> card of every bundled set."""
    text = (files(PACKAGE) / "cards.toml").read_text(encoding="utf-8")
    return {name: _card(name, table) for name, table in toml.loads(text).items()}


def _card(name: str, table: Mapping[str, Any]) -> PromptSetCard:
    values = {key: value for key, value in table.items() if key != "columns"}
    return PromptSetCard(name=name, **{**values, "forms": tuple(table["forms"])})


def read_prompts(source: str | Path, forms: Sequence[str] = ()) -> dict[str, Prompt]:
    """Id -> prompt, of a bundled set or of a file.

    A row of a bundled set is a scene and gives one prompt for each form, with the id
    `<scene>/<form>`. A row of a file is one prompt, unless forms are named.

    Args:
        source: A name from `mirabench prompts list`; or a CSV, TSV, JSONL, JSON or Parquet table
            with an id (the first of `id`, `video_id`, `video_idx`, `prompt_id`, `clip_id`) and
            either `<aspect>_caption` columns or a `prompt`; or a `.txt` file, one prompt a line.
        forms: Of `short`, `dense`, `structured`; none means all that a bundled set has.

    Raises:
        UnknownNameError: no such set, file or form.
        ManifestError: no id column, no text, an id twice, or a caption that a form needs is missing.
    """
    path = Path(source)
    if path.is_file():
        scenes = read_file(path)
    elif str(source) in cards():
        scenes, forms = _bundled(cards()[str(source)]), forms or cards()[str(source)].forms
    elif path.suffix or path.parent != Path():
        raise ManifestError(f"cannot read {path}: there is no such file")
    else:
        raise UnknownNameError("prompt set", str(source), cards())
    if not forms:
        return scenes
    shaped = [in_form(scene, form) for scene in scenes.values() for form in forms]
    return {prompt.id: prompt for prompt in shaped}


def _bundled(card: PromptSetCard) -> dict[str, Prompt]:
    with as_file(files(PACKAGE) / card.file) as path:
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        if digest != card.sha256:
            raise ManifestError(
                f"the bundled prompt set {card.name} is not the one on its card ({path} has sha256 "
                f"{digest}): install mirabench again, or name your own file"
            )
        return read_file(path)
