"""What is worked on, what becomes of it, and the contract between an engine and the work.

Work is a pure function of one item. Whether it runs here, in child processes or on a cluster is decided
outside and never changes a result.
"""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

from mirabench.errors import reason_for

log = logging.getLogger(__name__)

OK, REJECTED, FAILED = "ok", "rejected", "failed"


@dataclass(frozen=True, slots=True)
class Resources:
    """What one item needs while it is worked on."""

    cpus: float = 1.0
    gpus: float = 0.0
    memory_mb: int = 1024
    light: bool = False
    """The work costs less than sending it elsewhere: it is done in the process that drives the run."""
    threads: int = 0
    """Above 0: the work waits for others (a server), so that many items run in threads of one process."""
    seconds: float | None = None
    """How long one item may take before its process is ended, for good; None means no limit."""


@dataclass(frozen=True, slots=True)
class Item:
    """One thing to work on."""

    id: str
    """For people and tables: a path, a clip id; one per kind of work."""
    content: str
    """Digest of everything that the work reads; another digest means other work."""
    payload: Any
    """What the work needs; picklable."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of an item."""

    value: Any
    """The result; of failed work, what stands for it."""
    status: str = OK
    """`ok`; `rejected`: known not to go on, final; `failed`: broke, is tried again, then quarantined."""
    reason: str = ""
    """Why, unless ok."""

    def __post_init__(self) -> None:
        if self.status not in (OK, REJECTED, FAILED):
            raise ValueError(f"unknown status {self.status!r}")
        if self.status != OK and not self.reason:
            raise ValueError(f"an item that is {self.status} needs a reason")


@runtime_checkable
class Work(Protocol):
    """One kind of work: picklable, the same for all its items."""

    @property
    def name(self) -> str:
        """Names its journal."""
        ...

    @property
    def resources(self) -> Resources:
        """What one item needs."""
        ...

    def work(self, item: Item) -> Outcome:
        """Work on one item. May raise: the engine turns that into a failed outcome."""
        ...

    def failed(self, item: Item, reason: str) -> Any:
        """The value that stands for an item whose work raised, took too long, or lost its process."""
        ...


@dataclass(frozen=True, slots=True)
class Done:
    """An outcome and what it took."""

    outcome: Outcome
    seconds: float


def perform(work: Work, item: Item) -> Done:
    """Work on one item; what it raises becomes a failed outcome."""
    start = time.perf_counter()
    try:
        outcome = work.work(item)
    except Exception as error:  # the worker boundary: one bad item must not lose the others
        log.debug("%s: %s", work.name, item.id, exc_info=error)
        outcome = given_up(work, item, reason_for(error))
    return Done(outcome, time.perf_counter() - start)


def given_up(work: Work, item: Item, reason: str) -> Outcome:
    """The failed outcome of an item that the work itself says nothing of."""
    return Outcome(work.failed(item, reason), FAILED, reason)
