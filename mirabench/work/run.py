"""The loop that makes work durable: what is pending, tries, results kept before the journal says so.

An executor only turns items into outcomes, in any order. Everything that makes a run resumable is here
and common to all executors and all kinds of work.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from mirabench.work.item import FAILED, OK, REJECTED, Item, Outcome, Work
from mirabench.work.journal import Journal, Line
from mirabench.work.local import Executor


@dataclass(frozen=True, slots=True)
class Held:
    """A result that is not kept yet."""

    key: str
    item: Item
    outcome: Outcome
    attempt: int
    seconds: float


class Kept(NamedTuple):
    """Results that are safe."""

    outcomes: Sequence[Outcome]
    """In order: those given, or others where keeping found out more."""
    where: str = ""
    """For the journal."""


class Store(Protocol):
    """Where results are kept."""

    def keep(self, held: Sequence[Held]) -> Kept:
        """Keep results, before the journal says that their work is done."""
        ...


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a run is; sent after each item."""

    work: str
    total: int
    """Items of this run, those from earlier runs included."""
    reused: int
    """Done in earlier runs."""
    ok: int = 0
    rejected: int = 0
    failed: int = 0
    """Of this run; a failure that is tried again counts once it is given up."""
    seconds: float = 0.0
    """Since the run began."""
    item: str = ""
    """The item that was last."""
    ended: bool = False

    @property
    def done(self) -> int:
        """Items that need nothing more."""
        return self.reused + self.ok + self.rejected + self.failed

    @property
    def eta_seconds(self) -> float | None:
        """Until the run ends at the pace so far; None before the first item."""
        fresh = self.done - self.reused
        return self.seconds / fresh * (self.total - self.done) if fresh else None


Listener = Callable[[Progress], None]


@dataclass(frozen=True, slots=True)
class Policy:
    """How often to try, and how long results may be held."""

    tries: int = 3
    """Of work that fails; then it is quarantined until `retry`."""
    flush_items: int = 256
    """Results held at most before they are kept."""
    flush_seconds: float = 5.0
    """And for how long at most."""


class Run:
    """One kind of work over its items."""

    def __init__(
        self,
        work: Work,
        items: Mapping[str, Item],
        executor: Executor,
        *,
        journal: Journal,
        store: Store,
        policy: Policy | None = None,
        listener: Listener | None = None,
    ) -> None:
        """What to do.

        Args:
            work: Turns an item into an outcome.
            items: Key -> item; a key names the item, its content and the work's parameters.
            executor: Where the work is done.
            journal: Remembers what is done.
            store: Keeps results.
            policy: How often to try.
            listener: Told after each item.

        Raises:
            ValueError: two items have one id.
        """
        self._work, self._items, self._executor = work, dict(items), executor
        self._journal, self._store = journal, store
        self._policy, self._listener = policy or Policy(), listener
        if len({item.id for item in items.values()}) < len(items):
            raise ValueError(f"the work {work.name} has a duplicate item")
        self.lines = journal.read()
        """Key -> last line of the journal, earlier runs included."""
        self._counts: Counter[str] = Counter()
        self._reused = len(self._items) - len(self._pending())
        self._began = time.perf_counter()
        self._held: list[Held] = []
        self._held_since = 0.0

    def go(self) -> Progress:
        """Work on what is pending, until each item is done or given up.

        Raises:
            OutputError: results cannot be kept. Those that were stay.
        """
        while pending := self._pending():
            self._sweep(pending)
        return self._tell("", ended=True)

    def _pending(self) -> list[str]:
        """Keys that nobody finished and that are not quarantined."""
        return [key for key in self._items if not self.is_final(key)]

    def is_final(self, key: str) -> bool:
        """Whether a piece of work is done, or given up."""
        line = self.lines.get(key)
        return line is not None and (line.status != FAILED or line.attempt >= self._policy.tries)

    def _sweep(self, keys: Sequence[str]) -> None:
        """Try every pending item once."""
        results = self._executor.run(self._work, [self._items[key] for key in keys])
        try:
            for position, done in results:
                self._hold(keys[position], done.outcome, done.seconds)
        finally:
            results.close()  # at once when interrupted, so that nothing works on behind our back
            self._flush()

    def _hold(self, key: str, outcome: Outcome, seconds: float) -> None:
        before = self.lines.get(key)
        attempt = 1 + (before.attempt if before and before.status == FAILED else 0)
        if not self._held:
            self._held_since = time.monotonic()
        self._held.append(Held(key, self._items[key], outcome, attempt, seconds))
        self._counts[self._state(outcome.status, attempt)] += 1
        if self._due():
            self._flush()
        self._tell(self._items[key].id)

    def _state(self, status: str, attempt: int) -> str:
        """The status that is counted; empty for a failure that is tried again."""
        return "" if status == FAILED and attempt < self._policy.tries else status

    def _due(self) -> bool:
        return (
            len(self._held) >= self._policy.flush_items
            or time.monotonic() - self._held_since >= self._policy.flush_seconds
        )

    def _flush(self) -> None:
        """Keep results, then write the journal."""
        held, self._held = self._held, []
        if not held:
            return
        kept = self._store.keep(held)
        lines = [
            Line(h.key, h.item.id, outcome.status, outcome.reason, h.attempt, kept.where)
            for h, outcome in zip(held, kept.outcomes, strict=True)
        ]
        self._journal.add(lines)
        for h, line in zip(held, lines, strict=True):
            self._counts[self._state(h.outcome.status, h.attempt)] -= 1
            self._counts[self._state(line.status, h.attempt)] += 1
            self.lines[line.key] = line

    def _tell(self, item: str, *, ended: bool = False) -> Progress:
        progress = Progress(
            self._work.name,
            len(self._items),
            self._reused,
            self._counts[OK],
            self._counts[REJECTED],
            self._counts[FAILED],
            time.perf_counter() - self._began,
            item,
            ended,
        )
        if self._listener is not None:
            self._listener(progress)
        return progress
