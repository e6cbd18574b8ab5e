"""The contract of a stage: a pure function of one item, which knows nothing of engines and files.

A stage says which items there are (from the tables before it) and what becomes of one. Whether the
work runs here, in a pool or on a cluster is decided outside, and never changes a row.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

from mirabench.identity import digest_of
from miradata.tables.schema import FAILED, OK, REJECTED
from miradata.tables.store import Tables

Row = Mapping[str, Any]
"""Column -> value; exactly the columns of its table."""


@dataclass(frozen=True, slots=True)
class Resources:
    """What one item needs while it is worked on."""

    cpus: float = 1.0
    gpus: float = 0.0
    memory_mb: int = 1024
    light: bool = False
    """The work costs less than sending it elsewhere: it is done in the process that runs the stage."""
    threads: int = 0
    """Above 0: the work waits for others (a server), so that many items run in threads of one process."""


@dataclass(frozen=True, slots=True)
class Item:
    """One thing to work on."""

    id: str
    """For people and tables: a path, a video id or a clip id; one per stage."""
    content: str
    """Digest of everything that the work reads; another digest means other work."""
    payload: Any
    """What `work` needs; picklable."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of an item."""

    rows: Mapping[str, Sequence[Row]] = field(default_factory=dict)
    """Table -> rows, of the stage's outputs only."""
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
class Stage(Protocol):
    """One step of the pipeline: a frozen, picklable dataclass whose fields are its parameters."""

    @property
    def name(self) -> str:
        """Names its folder and its ledger."""
        ...

    @property
    def version(self) -> int:
        """Raised whenever the same input gives other rows."""
        ...

    @property
    def inputs(self) -> tuple[str, ...]:
        """The tables that `items` reads."""
        ...

    @property
    def outputs(self) -> tuple[str, ...]:
        """The tables that `work` adds rows to."""
        ...

    @property
    def resources(self) -> Resources:
        """What one item needs."""
        ...

    def params(self) -> Mapping[str, Any]:
        """Everything that may change a row, as plain JSON values."""
        ...

    def items(self, tables: Tables) -> Sequence[Item]:
        """The items there are now, each id once."""
        ...

    def work(self, item: Item) -> Outcome:
        """Work on one item. May raise: the engine turns that into a failed outcome."""
        ...

    def failed(self, item: Item, reason: str) -> Mapping[str, Sequence[Row]]:
        """Table -> the rows that stand for an item whose work raised or whose process died."""
        ...


def key_of(stage: Stage, item: Item) -> str:
    """The name of a piece of work: what is read, which stage, with which parameters."""
    parts = [stage.name, stage.version, stage.params(), item.id, item.content]
    return digest_of(parts, length=32)
