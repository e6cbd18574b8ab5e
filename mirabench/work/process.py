"""A child process that works on one item at a time, so that a crash, a hang or a leak costs one item.

The child leads a process group: what it starts (a program, its children) dies with it, at a time limit,
on Ctrl-C, and when this process is killed. It keeps what it loaded, a network say, from item to item.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import threading
import time
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from multiprocessing.util import Finalize
from pathlib import Path
from typing import Any

from mirabench.errors import reason_for
from mirabench.work.item import Done, Item, Work, given_up, perform

_BEGUN = "begun"
"""What the child says before each item: the clock of a time limit does not count its start."""
_ORDERLY_SECONDS = 5.0
"""For a child to end by itself before it is killed."""


class ChildProcess:
    """One child: give it an item, wait for `waitables`, then `receive` until it gives a result."""

    def __init__(self, log: Path | None = None) -> None:
        """Args: log: A file that takes what the work prints; None leaves it on this process's streams."""
        self._log = log
        self._process: BaseProcess | None = None
        self._connection: Connection | None = None
        self._work: Work | None = None
        self._began: float | None = None
        self.item: Item | None = None
        """In hand; None when idle."""
        self.position = -1
        """Of the item in hand, for the caller."""
        self.worked = False
        """Whether this process has finished an item: then a death before the next begins is no item's fault."""

    def start(self) -> None:
        """Start the process if there is none; does not wait for it."""
        if self._process is not None:
            return
        context = multiprocessing.get_context("spawn")
        self._connection, there = context.Pipe()
        self._process = context.Process(
            target=_live, args=(there, os.getpid(), self._log), name="mirabench-work"
        )
        self._process.start()
        there.close()
        self._work = None
        # a child that nobody closed must not outlive its owner, nor hold up the end of this process
        self._finalizer = Finalize(
            self, _end, args=(self._process, self._connection), exitpriority=10
        )

    def give(self, work: Work, item: Item, position: int) -> None:
        """Hand over an item; the work travels only when the child does not have it yet.

        Raises:
            OSError: the process is gone.
            Exception: the item cannot be pickled.
        """
        self.start()
        self.item, self.position, self._began = item, position, None
        fresh = None if self._work is work else work
        assert self._connection is not None  # start() made it
        self._connection.send((fresh, item))
        self._work = work

    @property
    def waitables(self) -> list[Any]:
        """What becomes ready when the child says something, or dies."""
        assert self._connection is not None and self._process is not None  # it has an item
        return [self._connection, self._process.sentinel]

    @property
    def begun(self) -> bool:
        """Whether the child has reported that it works on its item."""
        return self._began is not None

    def seconds_left(self, seconds: float | None) -> float | None:
        """Until the item's time is up (negative: it is); None without a limit, or before it began."""
        if seconds is None or self._began is None:
            return None
        return self._began + seconds - time.monotonic()

    def receive(self) -> Done | None:
        """The result if it is there.

        Raises:
            EOFError: the process died.
        """
        assert self._connection is not None and self._process is not None  # it has an item
        while self._connection.poll():
            try:
                message = self._connection.recv()
            except OSError as error:
                raise EOFError from error
            if isinstance(message, str):  # _BEGUN
                self._began = time.monotonic()
                continue
            self.item, self.worked = None, True
            done: Done = message
            return done
        if not self._process.is_alive() and not self._connection.poll():
            raise EOFError
        return None

    def kill(self) -> str:
        """End the process and all it started; says how it had ended by itself, if it had."""
        process, self._process = self._process, None
        if self._connection is not None:
            self._connection.close()
            self._connection = None
        self.item, self._work, self.worked = None, None, False
        if process is None:
            return ""
        process.join(timeout=0.2)
        code = process.exitcode
        self._finalizer.cancel()
        _kill(process)
        return _ending(code)

    def close(self) -> None:
        """End an idle process in order; one that works, or does not end, is killed."""
        if self._process is not None and self._connection is not None and self.item is None:
            with contextlib.suppress(OSError):
                self._connection.send(None)
            self._process.join(timeout=_ORDERLY_SECONDS)
        self.kill()


def _end(process: BaseProcess, connection: Connection) -> None:
    connection.close()
    _kill(process)


def _kill(process: BaseProcess) -> None:
    if process.pid is not None:
        _kill_group(process.pid)
    process.kill()
    process.join()


def _ending(code: int | None) -> str:
    if code is not None and code < 0:
        try:
            name = signal.Signals(-code).name
        except ValueError:  # a real-time signal
            name = f"signal {-code}"
        return f"{name}, out of memory?" if name == "SIGKILL" else name
    return "" if code is None else f"exit code {code}"


def _kill_group(leader: int) -> None:
    if hasattr(os, "killpg"):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(leader, signal.SIGKILL)


def _live(connection: Connection, parent: int, log: Path | None) -> None:
    """The child's life: work until the parent hangs up."""
    if hasattr(os, "setsid"):
        os.setsid()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to handle
    threading.Thread(target=_die_with, args=(parent,), daemon=True).start()
    if log is not None:
        _print_to(log)
    work: Work | None = None
    while True:
        try:
            message = connection.recv()
        except (EOFError, OSError):
            return
        if message is None:
            return
        fresh, item = message
        work = fresh or work
        assert work is not None  # comes with the first item
        try:
            connection.send(_BEGUN)
            _send(connection, work, item, perform(work, item))
        except OSError:  # the parent hung up, on Ctrl-C for one: nobody waits for the result
            return


def _send(connection: Connection, work: Work, item: Item, done: Done) -> None:
    try:
        connection.send(done)
    except (OSError, BrokenPipeError):
        raise
    except Exception as error:  # a result that cannot be pickled is that item's failure
        connection.send(Done(given_up(work, item, reason_for(error)), done.seconds))


def _print_to(log: Path) -> None:
    file = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    for stream in (1, 2):
        os.dup2(file, stream)
    os.close(file)


def _die_with(parent: int) -> None:
    """End the whole group when the parent is gone, even if it was killed."""
    while os.getppid() == parent:
        time.sleep(0.2)
    _kill_group(os.getpid())
    os._exit(1)
