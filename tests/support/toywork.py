"""Work of no use but to engines: it answers, fails, hangs, dies, or cannot be pickled."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mirabench.work.item import Item, Outcome, Resources
from mirabench.work.run import Held, Kept

NAPS = {"hang": 600.0, "doze": 0.3}
"""Seconds."""


@dataclass(frozen=True)
class Deeds:
    """An item's payload says what it does."""

    seconds: float | None = None
    threads: int = 0
    light: bool = False
    marks: Path | None = None
    """A folder that gets a file for each time that an item is worked on."""
    name: str = "deeds"

    @property
    def resources(self) -> Resources:
        return Resources(seconds=self.seconds, threads=self.threads, light=self.light)

    def work(self, item: Item) -> Outcome:
        if self.marks is not None:
            (self.marks / f"{item.id}.{time.time_ns()}").touch()
        deed = str(item.payload)
        if deed == "die":
            os.kill(os.getpid(), signal.SIGKILL)
        if deed == "exit":
            os._exit(7)
        time.sleep(NAPS.get(deed, 0.0))
        if deed == "raise":
            raise ValueError(f"no {item.id}")
        if deed == "unpicklable result":
            return Outcome(lambda: None)
        if deed == "print":
            sys.stdout.write("a word\n")
        return Outcome((deed, os.getpid()))

    def failed(self, item: Item, reason: str) -> tuple[str, int]:
        return "lost", 0

    def times(self, item: str) -> int:
        """How often an item was worked on."""
        assert self.marks is not None
        return len(list(self.marks.glob(f"{item}.*")))


@dataclass(frozen=True)
class Telling(Deeds):
    """Deeds whose losses say what was lost, and why."""

    def failed(self, item: Item, reason: str) -> tuple[str, int]:
        return f"{item.id}: {reason}", 0


@dataclass(frozen=True)
class Patient(Deeds):
    """Deeds that get a time limit while they are under way."""

    limit: list[float] = field(default_factory=list)

    @property
    def resources(self) -> Resources:
        return Resources(seconds=self.limit[0] if self.limit else None)


def items(deeds: Sequence[Any]) -> list[Item]:
    """An item for each deed."""
    return [Item(f"i{n}", "", deed) for n, deed in enumerate(deeds)]


class Shelf:
    """Keeps results in memory."""

    def __init__(self) -> None:
        self.values: dict[str, Any] = {}
        self.kept: list[list[str]] = []

    def keep(self, held: Sequence[Held]) -> Kept:
        self.values.update((h.item.id, h.outcome.value) for h in held)
        self.kept.append([h.item.id for h in held])
        return Kept([h.outcome for h in held], f"batch {len(self.kept)}")


def keyed(deeds: Sequence[Any]) -> Mapping[str, Item]:
    """Key -> item."""
    return {f"k{n}": item for n, item in enumerate(items(deeds))}
