"""Folders of samples that a training run leaves: one for each checkpoint, named by its step."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from mirabench.errors import InputError
from mirabench.video.paths import is_video_file

_STEP = re.compile(r"(\d+)(?!.*\d)")
"""The last number of a name."""


@dataclass(frozen=True, slots=True, order=True)
class Checkpoint:
    """Samples of one checkpoint."""

    step: int
    name: str
    folder: Path


def checkpoints_in(folder: Path, *, settled_seconds: float = 0.0) -> list[Checkpoint]:
    """The checkpoints below a folder that are complete, in the order of their steps.

    A checkpoint is a folder with a number in its name and videos below it (`checkpoint-500`, `step_000500`).
    It is complete when nothing in it has changed for a while, or when a later one has begun.

    Args:
        folder: Of all checkpoints.
        settled_seconds: How long nothing may have changed in the last one.

    Raises:
        InputError: the folder does not exist, or two checkpoints have one step.
    """
    if not folder.is_dir():
        raise InputError(
            f"there is no folder {folder}: name the one in which the training run leaves samples"
        )
    found = sorted(_candidates(folder))
    for one, next_one in pairwise(found):
        if one.step == next_one.step:
            raise InputError(
                f"{one.name} and {next_one.name} have the step {one.step}: give each its own"
            )
    if found and not _is_settled(found[-1].folder, settled_seconds):
        found.pop()
    return found


def _candidates(folder: Path) -> Iterator[Checkpoint]:
    for path in folder.iterdir():
        number = _STEP.search(path.name)
        if path.is_dir() and number and any(map(is_video_file, path.rglob("*"))):
            yield Checkpoint(int(number[1]), path.name, path)


def _is_settled(folder: Path, seconds: float) -> bool:
    last = max(path.stat().st_mtime for path in (folder, *folder.rglob("*")))
    # a time ahead of this clock is a file server's; it is no reason to wait for ever
    return not 0 <= time.time() - last < seconds
