"""The source videos of a run: files under a folder, with what their collection knew of them."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from miradata.collect.manifest import MANIFEST, local_videos


@dataclass(frozen=True, slots=True)
class Source:
    """One file that may be a source video."""

    path: Path
    name: str
    """Its path relative to the folder: what tables say."""
    source: str = ""
    """Site, then category."""
    url: str = ""


def find_sources(given: Path, source: str = "") -> list[Source]:
    """The video files of a folder in natural order, or the one file that is named.

    Args:
        given: A folder or a file.
        source: Site and category of files that no `collected.jsonl` describes.

    Raises:
        InputError: there is no such folder or file, or it holds no video file.
    """
    if given.is_file():
        return [Source(given.resolve(), given.name, source)]
    known = _collected(given / MANIFEST)
    found = []
    for path in local_videos(given):
        name = path.relative_to(given).as_posix()
        facts = known.get(name, {})
        found.append(
            Source(
                path.resolve(), name, str(facts.get("source") or source), str(facts.get("url", ""))
            )
        )
    return found


def _collected(path: Path) -> Mapping[str, Mapping[str, Any]]:
    """Relative path -> its line of the collection's manifest."""
    if not path.is_file():
        return {}
    known: dict[str, Mapping[str, Any]] = {}
    for text in path.read_text(encoding="utf-8", errors="replace").splitlines():
        with contextlib.suppress(ValueError, KeyError, TypeError):  # torn by a kill
            line = json.loads(text)
            known[str(line["path"])] = line
    return known
