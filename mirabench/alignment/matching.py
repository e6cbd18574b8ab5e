"""Which file is which rated video: by the tail of its path, then by the model's folder."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import PurePosixPath
from typing import TypeVar

from mirabench.alignment.ratings import Video
from mirabench.errors import InputError

log = logging.getLogger(__name__)

Thing = TypeVar("Thing")

_SUFFIXES = {".mp4", ".mov", ".mkv", ".webm", ".avi", ".gif"}


def match(rated: Mapping[str, Video], paths: Mapping[str, Thing], where: str) -> dict[str, Thing]:
    """Rated video -> what lies at its path; those that are not there are left out, and logged.

    A rated name and a path are one when their last parts are the same, without the suffix. Where several
    are, the longer common tail decides, then a folder with the model's name.

    Args:
        rated: Name in the ratings -> the video.
        paths: Path or id -> what it stands for.
        where: For messages: the folder or report.

    Raises:
        InputError: not one rated video is there.
    """
    by_stem: dict[str, list[tuple[tuple[str, ...], Thing]]] = defaultdict(list)
    for path, thing in paths.items():
        parts = _parts(path)
        by_stem[parts[-1]].append((parts, thing))
    found: dict[str, Thing] = {}
    for name, video in rated.items():
        candidates = _best(_parts(name), video.model, by_stem.get(_parts(name)[-1], []))
        if len(candidates) == 1:
            found[name] = candidates[0]
    if not found:
        raise InputError(
            f"none of the {len(rated)} rated videos is in {where}: the ratings name {_first(rated)}, "
            f"there is {_first(paths)}"
        )
    missing = [name for name in rated if name not in found]
    if missing:
        log.warning(
            "%d of %d rated videos are not in %s, or match several files there, and are left out: %s",
            len(missing), len(rated), where, ", ".join(missing[:3]),
        )  # fmt: skip
    return found


def _parts(name: str) -> tuple[str, ...]:
    path = PurePosixPath(name.replace("\\", "/"))
    return (path.with_suffix("") if path.suffix.lower() in _SUFFIXES else path).parts or (name,)


def _best(
    name: tuple[str, ...], model: str, candidates: list[tuple[tuple[str, ...], Thing]]
) -> list[Thing]:
    if len(candidates) <= 1:
        return [thing for _, thing in candidates]
    lengths = [_common_tail(name, parts) for parts, _ in candidates]
    best = [c for c, length in zip(candidates, lengths, strict=True) if length == max(lengths)]
    if len(best) > 1 and model:
        best = [(parts, thing) for parts, thing in best if model in parts]
    return [thing for _, thing in best]


def _common_tail(one: tuple[str, ...], two: tuple[str, ...]) -> int:
    length = 0
    for a, b in zip(reversed(one), reversed(two), strict=False):
        if a != b:
            break
        length += 1
    return length


def _first(names: Iterable[str]) -> str:
    return repr(next(iter(names), "nothing"))
