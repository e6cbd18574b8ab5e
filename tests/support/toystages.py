"""Stages of no use but to engines: they square numbers, fail, flicker, or kill their own process."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from mirabench.work.item import Item, Outcome, Resources
from miradata.tables.store import Tables


@dataclass(frozen=True)
class Squares:
    """Numbers in, their squares as scores out."""

    numbers: tuple[int, ...]
    scratch: Path
    power: int = 2
    raising: tuple[int, ...] = ()
    deadly: tuple[int, ...] = ()
    """Numbers whose process kills itself."""
    flaky: tuple[int, ...] = ()
    """Numbers that fail the first time."""
    refused: tuple[int, ...] = ()
    threads: int = 0
    name: ClassVar[str] = "squares"
    version: ClassVar[int] = 1
    inputs: ClassVar[tuple[str, ...]] = ()
    outputs: ClassVar[tuple[str, ...]] = ("scores",)

    @property
    def resources(self) -> Resources:
        return Resources(memory_mb=64, threads=self.threads)

    def params(self) -> Mapping[str, Any]:
        return {"power": self.power}

    def items(self, tables: Tables) -> Sequence[Item]:
        return [Item(f"{n:04d}", str(n), n) for n in self.numbers]

    def work(self, item: Item) -> Outcome:
        number: int = item.payload
        if number in self.deadly:
            os.kill(os.getpid(), signal.SIGKILL)
        if number in self.raising or (number in self.flaky and self._first_time(number)):
            raise ValueError(f"no {number}")
        if number in self.refused:
            return Outcome({}, "rejected", f"odd: {number}")
        return Outcome({"scores": [row(item.id, float(number**self.power), "ok", "")]})

    def failed(self, item: Item, reason: str) -> Mapping[str, Sequence[Mapping[str, Any]]]:
        return {"scores": [row(item.id, None, "failed", reason)]}

    def _first_time(self, number: int) -> bool:
        mark = self.scratch / f"tried-{number}"
        try:
            mark.touch(exist_ok=False)
        except FileExistsError:
            return False
        return True


def row(clip: str, value: float | None, status: str, reason: str) -> Mapping[str, Any]:
    return {
        "clip_id": clip, "metric": "square", "value": value, "n_frames": 1, "model": "toy",
        "version": 1, "status": status, "reason": reason,
    }  # fmt: skip


@dataclass(frozen=True)
class Lingering(Squares):
    """Squares that wait on a Ray node until they are let go, and leave a mark of where they began."""

    @property
    def resources(self) -> Resources:
        return Resources(cpus=1, memory_mb=32)

    def work(self, item: Item) -> Outcome:
        import ray

        node = ray.get_runtime_context().get_node_id()
        (self.scratch / f"{node}-{item.id}").touch()
        wait_for((self.scratch / "go").exists)
        return super().work(item)


def wait_for(happened: Callable[[], bool], seconds: float = 150.0) -> None:
    """Look until something happened elsewhere.

    Raises:
        TimeoutError: it did not.
    """
    end = time.monotonic() + seconds
    while not happened():
        if time.monotonic() > end:
            raise TimeoutError("it did not happen")
        time.sleep(0.02)
