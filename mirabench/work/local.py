"""Work on this machine: child processes that lose at most the item in hand, or threads, or this process."""

from __future__ import annotations

from collections import deque
from collections.abc import Generator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from multiprocessing.connection import wait
from pathlib import Path
from typing import Any, Protocol, TypeVar

from mirabench.errors import MirabenchError, WorkError, reason_for
from mirabench.work.item import REJECTED, Done, Item, Outcome, Work, given_up, perform
from mirabench.work.process import ChildProcess

Results = Generator[tuple[int, Done], None, None]
Own = TypeVar("Own", bound="LocalExecutor")


class Executor(Protocol):
    """Somewhere to run work."""

    @property
    def name(self) -> str:
        """For events and messages."""
        ...

    def run(self, work: Work, items: Sequence[Item]) -> Results:
        """(position, done) of every item once, in any order; never raises for an item.

        Closing the generator ends what is under way.
        """
        ...

    def close(self) -> None:
        """Give back what is held between runs."""
        ...


class LocalExecutor:
    """Child processes of this machine; threads for work that waits for a server.

    An item that kills its process, or takes longer than the work's time limit, costs nothing but
    itself. The processes live until `close`, so that what they loaded serves the next items.
    """

    name = "local"

    def __init__(self, workers: int = 1, *, log: Path | None = None) -> None:
        """Where to work.

        Args:
            workers: Child processes; 0 works in this process, which an item may then take along.
            log: A file that takes what the work prints; None leaves it on this process's streams.
        """
        self.workers = workers
        self._children = [ChildProcess(log) for _ in range(workers)]

    def __repr__(self) -> str:
        return f"LocalExecutor({self.workers})"

    def __enter__(self: Own) -> Own:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the child processes."""
        for child in self._children:
            child.close()

    def run(self, work: Work, items: Sequence[Item]) -> Results:
        """(position, done) of every item, as they finish.

        Raises:
            WorkError: no child process starts.
        """
        if work.resources.threads:
            yield from _threaded(work, items)
        elif work.resources.light or not self.workers:
            for position, item in enumerate(items):
                yield position, perform(work, item)
        else:
            yield from _Crew(self._children, work, items).results()


class _Crew:
    """Children with one list of items to work off."""

    def __init__(self, children: Sequence[ChildProcess], work: Work, items: Sequence[Item]) -> None:
        self._children = children[: len(items)]
        self._work, self._items = work, items
        self._waiting = deque(range(len(items)))
        self._proven = False
        """Whether a child has ever begun: only then is a death the fault of its item."""

    def results(self) -> Results:
        """(position, done) as they come."""
        for child in self._children:
            child.start()  # all at once: they import side by side
        try:
            while self._waiting or self._busy():
                yield from self._hand_out()
                for child in _with_news(self._busy(), self._work.resources.seconds):
                    position, done = child.position, self._heard(child)
                    if done is not None:
                        yield position, done
        finally:
            for child in self._busy():
                child.kill()

    def _busy(self) -> list[ChildProcess]:
        return [child for child in self._children if child.item is not None]

    def _hand_out(self) -> Results:
        """Give each idle child an item; one that cannot travel is given up at once."""
        for child in self._children:
            if child.item is not None or not self._waiting:
                continue
            position = self._waiting.popleft()
            item = self._items[position]
            try:
                self._give(child, item, position)
            except MirabenchError:
                raise
            except (
                Exception
            ) as error:  # the boundary: what cannot be pickled is that item's failure
                child.kill()
                yield position, Done(given_up(self._work, item, reason_for(error)), 0.0)

    def _give(self, child: ChildProcess, item: Item, position: int) -> None:
        try:
            child.give(self._work, item, position)
        except ConnectionError:
            child.kill()  # it died while idle, which is nobody's fault: a new one gets the item
            try:
                child.give(self._work, item, position)
            except ConnectionError as error:
                raise WorkError(_does_not_start(child.kill())) from error

    def _heard(self, child: ChildProcess) -> Done | None:
        """The result of a child with news; None when it has only begun.

        Raises:
            WorkError: it died before any child began to work.
        """
        item, limit = child.item, self._work.resources.seconds
        assert item is not None  # it is busy
        try:
            done = child.receive()
        except EOFError:
            self._proven = self._proven or child.begun
            position, idle = child.position, child.worked and not child.begun
            ending = child.kill()
            if idle:  # it died before it took the item up: a new process gets it
                self._waiting.appendleft(position)
                return None
            if not self._proven:
                raise WorkError(_does_not_start(ending)) from None
            return Done(given_up(self._work, item, died(ending)), 0.0)
        self._proven = self._proven or child.begun
        if done is None and limit is not None and _is_overdue(child, limit):
            child.kill()
            reason = f"stopped after {limit:g} s: it hangs, or needs a longer time limit"
            return Done(Outcome(self._work.failed(item, reason), REJECTED, reason), limit)
        return done


def _with_news(busy: Sequence[ChildProcess], limit: float | None) -> list[ChildProcess]:
    """Wait for the children that say something, die, or have no time left."""
    if not busy:
        return []  # nothing that was handed out could be pickled; nobody would ever end the wait
    left = [seconds for child in busy if (seconds := child.seconds_left(limit)) is not None]
    waitables = [waitable for child in busy for waitable in child.waitables]
    ready: set[Any] = set(wait(waitables, timeout=max(0.0, min(left)) if left else None))
    return [c for c in busy if ready.intersection(c.waitables) or _is_overdue(c, limit)]


def _is_overdue(child: ChildProcess, limit: float | None) -> bool:
    left = child.seconds_left(limit)
    return left is not None and left <= 0


def died(ending: str) -> str:
    """Why an item is given up whose process died."""
    how = f" ({ending})" if ending else ""
    return f"its process died{how}: it may need more memory than there is"


def _does_not_start(ending: str) -> str:
    return (
        f"a worker process does not start ({ending or 'no reason given'}): a script that starts workers "
        'needs `if __name__ == "__main__":` around the call; or work without them (workers=0)'
    )


def _threaded(work: Work, items: Sequence[Item]) -> Results:
    pool = ThreadPoolExecutor(work.resources.threads)
    try:
        futures = {pool.submit(perform, work, item): n for n, item in enumerate(items)}
        for future in as_completed(futures):
            yield futures[future], future.result()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
