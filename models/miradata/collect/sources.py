"""The source videos of a run: files under a folder, with what their collection knew of them."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mirabench.errors import InputError
from mirabench.files import encoded
from miradata.collect.manifest import MANIFEST, local_videos


@dataclass(frozen=True, slots=True)
class SourceVideo:
    """One file that may be a source video."""

    path: Path
    name: str
    """Its path relative to the folder, as UTF-8: what tables say (see `mirabench.files.named`)."""
    source: str = ""
    """Site, then category."""
    url: str = ""


def find_sources(given: Path, source: str = "") -> list[SourceVideo]:
    """The video files of a folder in natural order, or the one file that is named.

    Args:
        given: A folder or a file.
        source: Site and category of files that no `collected.jsonl` describes.

    Raises:
        InputError: there is no such folder or file, it holds no video file, or two files would
            have one name in the tables.
    """
    if given.is_file():
        return [SourceVideo(given.resolve(), _table_name(given.name), source)]
    known = _collected(given / MANIFEST)
    found = []
    for path in local_videos(given):
        name = path.relative_to(given).as_posix()
        facts = known.get(name, {})
        found.append(
            SourceVideo(
                path.resolve(),
                _table_name(name),
                str(facts.get("source") or source),
                str(facts.get("url", "")),
            )
        )
    _refuse_equal_names(found)
    return found


def _table_name(name: str) -> str:
    return encoded(name).decode()


def _refuse_equal_names(found: Sequence[SourceVideo]) -> None:
    first: dict[str, Path] = {}
    for one in found:
        other = first.setdefault(one.name, one.path)
        if other != one.path:
            raise InputError(
                f"{other!a} and {one.path!a} would both be {one.name} in the tables, which are UTF-8: "
                "rename one of them"
            )


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
