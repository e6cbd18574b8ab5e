"""Runs stages: what is pending, somewhere to run it, rows kept before the ledger says so.

An engine only turns items into outcomes, in any order. Everything that makes a run resumable is here
and common to all engines: the key of each piece of work, parts before ledger, failures tried again and
then quarantined, and tables published from live work alone.
"""

from __future__ import annotations

import logging
import time
import uuid
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Protocol

from mirabench.errors import MirabenchError, OutputError
from mirabench.execute.local import run_all
from miradata.ledger import Ledger, Line
from miradata.parts import Batch, publish
from miradata.stage import Item, Outcome, Stage, key_of
from miradata.tables.schema import FAILED, OK, REJECTED
from miradata.tables.store import Tables

log = logging.getLogger(__name__)

DIED = "its process was killed twice: it may need more memory than there is"


@dataclass(frozen=True, slots=True)
class Done:
    """An outcome and what it took."""

    outcome: Outcome
    seconds: float


class Engine(Protocol):
    """Somewhere to run work."""

    @property
    def name(self) -> str:
        """For events and messages."""
        ...

    def run(self, stage: Stage, items: Sequence[Item]) -> Generator[tuple[int, Done], None, None]:
        """(position, done) of every item once, in any order; never raises for an item."""
        ...


@dataclass(frozen=True, slots=True)
class LocalEngine:
    """Processes of this machine; threads for stages that wait for a server."""

    workers: int = 1
    name: str = "local"

    def run(self, stage: Stage, items: Sequence[Item]) -> Generator[tuple[int, Done], None, None]:
        """(position, done) of every item, as they finish."""
        if stage.resources.threads:
            yield from _threaded(stage, items)
            return
        workers = 1 if stage.resources.light else self.workers
        yield from run_all(
            partial(process, stage), items, workers=workers, died=partial(dead, stage)
        )


def _threaded(stage: Stage, items: Sequence[Item]) -> Generator[tuple[int, Done], None, None]:
    pool = ThreadPoolExecutor(stage.resources.threads)
    try:
        futures = {pool.submit(process, stage, item): n for n, item in enumerate(items)}
        for future in as_completed(futures):
            yield futures[future], future.result()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def process(stage: Stage, item: Item) -> Done:
    """Work on one item; what it raises becomes a failed outcome with the rows that say so."""
    start = time.perf_counter()
    try:
        outcome = stage.work(item)
        if outcome.status == FAILED and not outcome.rows:
            outcome = broken(stage, item, outcome.reason)
    except Exception as error:  # the boundary: one bad item must not lose the others
        log.debug("%s: %s", stage.name, item.id, exc_info=error)
        outcome = broken(stage, item, reason_for(error))
    return Done(outcome, time.perf_counter() - start)


def dead(stage: Stage, item: Item) -> Done:
    """What stands for an item whose process was killed."""
    return Done(broken(stage, item, DIED), 0.0)


def broken(stage: Stage, item: Item, reason: str) -> Outcome:
    """A failed outcome with the stage's rows for it."""
    return Outcome(stage.failed(item, reason), FAILED, reason)


def reason_for(error: Exception) -> str:
    """One sentence for a failure."""
    text = " ".join(str(error).split())[:500]
    return text if text and isinstance(error, MirabenchError) else f"{type(error).__name__}: {text}"


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a stage is; sent after each item."""

    stage: str
    total: int
    """Items of this run, those from earlier runs included."""
    reused: int
    """Done in earlier runs."""
    ok: int = 0
    rejected: int = 0
    failed: int = 0
    """Of this run; a failure that is tried again counts once it is given up."""
    seconds: float = 0.0
    """Since the stage began."""
    ended: bool = False

    @property
    def done(self) -> int:
        """Items that need nothing more."""
        return self.reused + self.ok + self.rejected + self.failed

    @property
    def eta_seconds(self) -> float | None:
        """Until the stage ends at the pace so far; None before the first item."""
        fresh = self.done - self.reused
        return self.seconds / fresh * (self.total - self.done) if fresh else None


Listener = Callable[[Progress], None]


@dataclass(frozen=True, slots=True)
class Run:
    """How stages are run; where they are run is the engine's affair."""

    folder: Path
    """The output folder."""
    engine: Engine = field(default_factory=LocalEngine)
    tries: int = 3
    """Of work that fails; then it is quarantined until `retry`."""
    flush_items: int = 256
    """Outcomes kept back at most before they are written."""
    flush_seconds: float = 5.0
    """And for how long at most."""
    listener: Listener | None = None
    id: str = field(default_factory=lambda: uuid.uuid4().hex[:12])

    def all(self, stages: Sequence[Stage]) -> dict[str, Progress]:
        """Run stages in order; stage -> how it ended.

        Raises:
            OutputError: the output folder cannot be written. Finished work is kept.
        """
        return {stage.name: self.one(stage) for stage in stages}

    def one(self, stage: Stage) -> Progress:
        """Run a stage over what is pending, then publish its tables.

        Raises:
            OutputError: the output folder cannot be written. Finished work is kept.
            ValueError: the stage gave an item twice, or rows of another shape.
        """
        return _StageRun(self, stage).go()


def require_writable(folder: Path) -> None:
    """Find out that a folder cannot be written to before hours of work, not after.

    Raises:
        OutputError: it cannot.
    """
    trial = folder / f".writable.{uuid.uuid4().hex}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        trial.touch()
        trial.unlink()
    except OSError as error:
        raise OutputError.writing(folder, error) from error


class _StageRun:
    """One stage in one run."""

    def __init__(self, run: Run, stage: Stage) -> None:
        self._run, self._stage = run, stage
        self._ledger = Ledger.of(run.folder, stage.name)
        self._known = self._ledger.read()
        items = stage.items(Tables(run.folder))
        self._items = {key_of(stage, item): item for item in items}
        if len({item.id for item in items}) < len(items):
            raise ValueError(f"the stage {stage.name} gave an item twice")
        self._counts = {OK: 0, REJECTED: 0, FAILED: 0}
        self._reused = len(self._items) - len(self._pending())
        self._began = time.perf_counter()
        self._batch = Batch(run.folder, run.id, stage, self._ledger)

    def go(self) -> Progress:
        require_writable(self._run.folder)
        while pending := self._pending():
            self._sweep(pending)
        publish(self._run.folder, self._stage, self._items, self._known)
        return self._tell(ended=True)

    def _pending(self) -> list[str]:
        """Keys that nobody finished and that are not quarantined."""
        return [key for key in self._items if not self._settled(key)]

    def _settled(self, key: str) -> bool:
        line = self._known.get(key)
        return line is not None and (line.status != FAILED or line.attempt >= self._run.tries)

    def _sweep(self, keys: list[str]) -> None:
        """Try every pending item once."""
        results = self._run.engine.run(self._stage, [self._items[key] for key in keys])
        try:
            for position, done in results:
                self._take(keys[position], done)
                if self._batch.due(self._run.flush_items, self._run.flush_seconds):
                    self._flush()
        finally:
            results.close()
            self._flush()

    def _take(self, key: str, done: Done) -> None:
        before = self._known.get(key)
        attempt = 1 + (before.attempt if before and before.status == FAILED else 0)
        line = Line(key, self._items[key].id, done.outcome.status, done.outcome.reason, attempt, "")
        self._batch.add(line, done.outcome, done.seconds)
        if line.status != FAILED or attempt >= self._run.tries:
            self._counts[line.status] += 1
        self._tell()

    def _flush(self) -> None:
        self._known.update((line.key, line) for line in self._batch.flush())

    def _tell(self, *, ended: bool = False) -> Progress:
        progress = Progress(
            self._stage.name,
            len(self._items),
            self._reused,
            self._counts[OK],
            self._counts[REJECTED],
            self._counts[FAILED],
            time.perf_counter() - self._began,
            ended,
        )
        if self._run.listener is not None:
            self._run.listener(progress)
        return progress
