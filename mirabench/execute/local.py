"""Work in this process, or in a pool of processes that survives the death of one of them."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


def run_all(
    work: Callable[[Item], Result],
    items: Sequence[Item],
    *,
    workers: int,
    died: Callable[[Item], Result],
) -> Generator[tuple[int, Result], None, None]:
    """(position, result) of every item, as they finish.

    Args:
        work: A module-level function; must not raise.
        items: Picklable when there is more than one worker.
        workers: Processes; 1 works in this one.
        died: The result of an item whose process was killed twice, say for lack of memory.
    """
    if workers <= 1 or len(items) <= 1:
        for position, item in enumerate(items):
            yield position, work(item)
        return
    left = list(range(len(items)))
    while left:
        running: dict[Future[Result], int] = {}
        done: set[int] = set()
        with contextlib.closing(_pooled(work, items, left, workers, running)) as finished:
            for position, result in finished:
                done.add(position)
                yield position, result
        # a dead process takes the whole pool with it: those in its hands run one to a process, so that
        # only the item that kills its process is lost; the rest get a new pool
        left = [p for p in left if p not in done]
        suspects = sorted(running.values()) or left[:1]
        for position in suspects:
            outcome = dict(_pooled(work, items, [position], 1, {}))
            yield position, outcome[position] if position in outcome else died(items[position])
        left = [p for p in left if p not in suspects]


def _pooled(
    work: Callable[[Item], Result],
    items: Sequence[Item],
    positions: Sequence[int],
    workers: int,
    running: dict[Future[Result], int],
) -> Generator[tuple[int, Result], None, None]:
    """Results of a pool until one of its processes dies; `running` then holds what it had in hand."""
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(
        workers, mp_context=context, initializer=_start_worker, initargs=(os.getpid(),)
    )
    try:
        # a few more than the workers, so that nobody waits and little is pickled ahead
        queue = iter(positions)
        while True:
            while len(running) < 2 * workers and (position := next(queue, None)) is not None:
                running[pool.submit(work, items[position])] = position
            if not running:
                pool.shutdown(wait=True)
                return
            finished, _ = wait(running, return_when=FIRST_COMPLETED)
            for future in finished:
                result = future.result()
                yield running.pop(future), result
    except BrokenProcessPool:
        return
    finally:
        _kill(pool)


def _kill(pool: ProcessPoolExecutor) -> None:
    """End a pool's processes now; nothing is left to end after an orderly shutdown."""
    processes = list((getattr(pool, "_processes", None) or {}).values())
    for process in processes:
        with contextlib.suppress(OSError, ValueError):
            process.kill()
    pool.shutdown(wait=True, cancel_futures=True)


def _start_worker(parent: int) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to handle
    threading.Thread(target=_die_with, args=(parent,), daemon=True).start()


def _die_with(parent: int) -> None:
    """End this process when its parent is gone, even if the parent was killed."""
    while os.getppid() == parent:
        time.sleep(0.5)
    os._exit(1)
