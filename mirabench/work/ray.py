"""The same work on a Ray cluster: one actor per core or share of a GPU, results kept by the driver of the run.

An actor keeps what it loaded, a network say, from item to item, and gets its next item when it is done with the
last: fast nodes do more. Nodes may join at any time; the items of a lost one go to the others. Only the outcome
that arrives is kept, so that nothing is lost and nothing doubled. Files that items name must be under the same
path on every node, or at an address that every node reaches, and so must the folder of work that writes files.
"""

from __future__ import annotations

import logging
import os
import socket
import time
from collections import Counter, deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mirabench.errors import WorkError, reason_for
from mirabench.work.cluster import connected
from mirabench.work.item import Done, Item, Resources, Work, given_up, perform
from mirabench.work.local import LocalExecutor, Results, died

log = logging.getLogger(__name__)

TRIES = 3
"""How often an item goes to another actor after its own died, which may have been its node."""
FALSE_STARTS = 5
"""Actors that may die in a row before any was ready."""
LOOK_SECONDS = 1.0
"""How often nodes that joined are looked for."""


@dataclass(slots=True)
class RayExecutor:
    """Actors on a Ray cluster.

    Raises:
        MissingExtraError: ray is not installed.
        InputError: there is no cluster at the address.
    """

    address: str | None = None
    """Of a running cluster (`auto` finds this machine's); None starts one here."""
    workers: int | None = None
    """Cores of a cluster that is started here; None takes all."""
    name: str = "ray"
    _idle: list[Any] = field(default_factory=list, init=False, repr=False, compare=False)
    """Actors that wait for the next run."""
    _demands: dict[str, Any] = field(default_factory=dict, init=False, repr=False, compare=False)
    """What each of them holds."""

    def run(self, work: Work, items: Sequence[Item]) -> Results:
        """(position, done) of every item, as they finish."""
        # what waits for a server shares an account, so it stays here; so does what is light
        if work.resources.threads or work.resources.light:
            yield from LocalExecutor(0).run(work, items)
            return
        ray = connected(self.address, self.workers)
        demands = _demands(work.resources)
        if demands != self._demands:
            self.close()
        self._demands, idle = demands, self._idle
        self._idle = []
        crew = _Crew(ray, demands, work, items, idle)
        try:
            yield from crew.results()
        finally:
            self._idle = crew.dismissed()

    def close(self) -> None:
        """End the actors; the connection serves the whole process."""
        for actor in self._idle:
            _end(actor)
        self._idle = []


class _Actor:
    """Lives in a worker process of a node."""

    def __init__(self) -> None:
        self._work: Work | None = None
        self._child: LocalExecutor | None = None

    def begin(self, work: Work, folder: Path) -> None:
        """Get ready for a run.

        Raises:
            WorkError: this node does not have the folder that relative paths start at.
        """
        try:
            os.chdir(folder)
        except OSError as error:
            raise WorkError(
                f"{socket.gethostname()} has no folder {folder}, where the run was started: mount it under the "
                "same path on every node, or start the run in a folder that they share"
            ) from error
        self._work = work
        if work.resources.seconds is not None and self._child is None:
            self._child = LocalExecutor(1)  # a call of an actor cannot be stopped from within

    def perform(self, item: Item) -> Done:
        """Work on one item."""
        assert self._work is not None  # begin() came first
        if self._child is None or self._work.resources.seconds is None:
            return perform(self._work, item)
        return next(done for _, done in self._child.run(self._work, [item]))


@dataclass(slots=True)
class _Hand:
    """An actor and what it is asked for."""

    actor: Any
    position: int | None
    """None: to get ready."""


class _Crew:
    """Actors with one list of items to work off."""

    def __init__(
        self,
        ray: Any,
        demands: dict[str, Any],
        work: Work,
        items: Sequence[Item],
        idle: Sequence[Any],
    ) -> None:
        self._ray, self._demands, self._work, self._items = ray, demands, work, items
        self._remote = ray.remote(_Actor).options(**demands)
        self._shared = ray.put(work)
        self._folder = Path.cwd()
        self._waiting = deque(range(len(items)))
        self._busy: dict[Any, _Hand] = {}
        """Reference of a call -> who answers it."""
        self._ready: list[Any] = []
        self._moves: Counter[int] = Counter()
        self._false_starts = 0
        self._looked = -LOOK_SECONDS
        for actor in idle:
            self._prepare(actor)

    def results(self) -> Results:
        """(position, done) as they come.

        Raises:
            WorkError: actors do not start.
        """
        while self._waiting or any(hand.position is not None for hand in self._busy.values()):
            self._grow()
            while self._waiting and self._ready:
                self._give(self._ready.pop(), self._waiting.popleft())
            if not self._busy:
                time.sleep(LOOK_SECONDS)  # no place at all: nodes may come
                continue
            finished, _ = self._ray.wait(list(self._busy), num_returns=1, timeout=LOOK_SECONDS)
            for reference in finished:
                hand = self._busy.pop(reference)
                done = self._heard(reference, hand)
                if done is not None and hand.position is not None:
                    yield hand.position, done

    def dismissed(self) -> list[Any]:
        """The actors that are free; the others end, with what they have in hand."""
        for hand in self._busy.values():
            _end(hand.actor)
        self._busy = {}
        return self._ready

    def _prepare(self, actor: Any) -> None:
        self._busy[actor.begin.remote(self._shared, self._folder)] = _Hand(actor, None)

    def _give(self, actor: Any, position: int) -> None:
        self._busy[actor.perform.remote(self._items[position])] = _Hand(actor, position)

    def _grow(self) -> None:
        """One actor for each place that the nodes have now, and no more than there is work for."""
        if time.monotonic() - self._looked < LOOK_SECONDS:
            return
        self._looked = time.monotonic()
        in_hand = sum(hand.position is not None for hand in self._busy.values())
        wanted = min(_places(self._ray.nodes(), self._demands), len(self._waiting) + in_hand)
        for _ in range(wanted - len(self._busy) - len(self._ready)):
            self._prepare(self._remote.remote())
        if not wanted:
            log.warning("no node of the Ray cluster has %s: waiting for one", self._demands)

    def _heard(self, reference: Any, hand: _Hand) -> Done | None:
        """The result of an item; None where there is none (yet).

        Raises:
            WorkError: actors do not start.
        """
        errors = self._ray.exceptions
        try:
            done: Done | None = self._ray.get(reference)
        except errors.RayTaskError as error:  # the actor lives: what it raised, or cannot send
            cause = error.cause if isinstance(error.cause, Exception) else error
            if hand.position is None:
                raise WorkError(reason_for(cause)) from error
            self._ready.append(hand.actor)
            return Done(given_up(self._work, self._items[hand.position], reason_for(cause)), 0.0)
        except errors.RayError as error:
            return self._lost(hand, type(error).__name__)
        self._ready.append(hand.actor)
        self._false_starts = 0
        return done

    def _lost(self, hand: _Hand, ending: str) -> Done | None:
        """An actor died, or its node: its item goes to another, unless too many died over it."""
        _end(hand.actor)
        if hand.position is None:
            self._false_starts += 1
            if self._false_starts >= FALSE_STARTS:
                raise WorkError(f"Ray's workers do not start ({ending}): see the logs of its nodes")
            return None
        self._moves[hand.position] += 1
        if self._moves[hand.position] <= TRIES:
            self._waiting.appendleft(hand.position)
            return None
        return Done(given_up(self._work, self._items[hand.position], died(ending)), 0.0)


def _end(actor: Any) -> None:
    import ray  # extra `ray`; whoever has an actor has it

    ray.kill(actor)


def _demands(resources: Resources) -> dict[str, Any]:
    return {
        "num_cpus": resources.cpus,
        "num_gpus": resources.gpus,
        "memory": resources.memory_mb * 2**20,
    }


def _places(nodes: Sequence[dict[str, Any]], demands: dict[str, Any]) -> int:
    """How many actors fit on the nodes that are alive."""
    needs = {"CPU": demands["num_cpus"], "GPU": demands["num_gpus"], "memory": demands["memory"]}
    asked = {name: amount for name, amount in needs.items() if amount}
    return sum(
        int(min((node["Resources"].get(name, 0.0) / n for name, n in asked.items()), default=1))
        for node in nodes
        if node["Alive"]
    )
