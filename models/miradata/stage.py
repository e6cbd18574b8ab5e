"""The contract of a stage: work (see `mirabench.work.item`) on items that come from the tables before it.

A stage says which items there are (from the tables before it) and what becomes of one. Whether the
work runs here, in a pool or on a cluster is decided outside, and never changes a row.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol, runtime_checkable

from mirabench.identity import digest_of
from mirabench.work.item import Item, Outcome, Resources
from miradata.tables.store import Tables

TableRow = Mapping[str, Any]
"""Column -> value; exactly the columns of its table."""


@runtime_checkable
class Stage(Protocol):
    """One step of the pipeline: a frozen, picklable dataclass whose fields are its parameters."""

    @property
    def name(self) -> str:
        """Names its folder and its journal."""
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
        """Work on one item; the outcome's value is table -> rows. May raise: that becomes a failed outcome."""
        ...

    def failed(self, item: Item, reason: str) -> Mapping[str, Sequence[TableRow]]:
        """Table -> the rows that stand for an item whose work raised or whose process died."""
        ...


def key_of(stage: Stage, item: Item) -> str:
    """The name of a piece of work: what is read, which stage, with which parameters."""
    parts = [stage.name, stage.version, stage.params(), item.id, item.content]
    return digest_of(parts, length=32)
