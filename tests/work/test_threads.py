"""Work that waits for others runs in as many threads as it asks for, and stops when it is told to."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import Any

import toywork

from mirabench.work.item import Item, Outcome, Resources
from mirabench.work.local import LocalExecutor


@dataclass
class Waiting:
    """Each item waits until `together` of them have begun, or until it is let go."""

    threads: int
    together: int = 1
    takes: float = 0.0
    name: str = "waiting"
    begun: list[str] = field(default_factory=list)
    ended: list[str] = field(default_factory=list)
    most: int = 0
    gate: threading.Event = field(default_factory=threading.Event)
    pause: threading.Event = field(default_factory=threading.Event)
    """Never set: waiting for it takes its time."""
    lock: Any = field(default_factory=threading.Lock)

    @property
    def resources(self) -> Resources:
        return Resources(threads=self.threads)

    def work(self, item: Item) -> Outcome:
        with self.lock:
            self.begun.append(item.id)
            self.most = max(self.most, len(self.begun) - len(self.ended))
            if len(self.begun) >= self.together:
                self.gate.set()
        self.gate.wait(20)
        self.pause.wait(self.takes)
        with self.lock:
            self.ended.append(item.id)
        return Outcome(item.id)

    def failed(self, item: Item, reason: str) -> None:
        return None


def test_as_many_items_are_under_way_as_there_are_threads() -> None:
    work = Waiting(threads=3, together=3)
    found = dict(LocalExecutor(0).run(work, toywork.items(["x"] * 9)))
    assert work.most == 3
    assert {n: done.outcome.value for n, done in found.items()} == {n: f"i{n}" for n in range(9)}


def test_one_thread_works_on_one_item_at_a_time() -> None:
    work = Waiting(threads=1)
    positions = [n for n, _ in LocalExecutor(0).run(work, toywork.items(["x"] * 5))]
    assert work.most == 1
    assert positions == [0, 1, 2, 3, 4]


def test_closing_waits_for_what_is_under_way_and_begins_nothing_more() -> None:
    # more than can be done before this thread has its turn, however busy the machine is
    work = Waiting(threads=2, takes=0.2)
    results = LocalExecutor(0).run(work, toywork.items(["x"] * 4000))
    next(results)
    results.close()
    begun = len(work.begun)
    assert sorted(work.ended) == sorted(work.begun)  # nothing works on behind our back
    assert begun < 4000
    assert len(work.begun) == begun
