"""Counting votes in a process of its own: pages never wait for it, on a machine with one core either.

Fitting a large board takes seconds of arithmetic and keeps Python's lock for much of it. The child opens the
database itself, at a lower priority, and sends what people say back.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Mapping
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from multiprocessing import get_context, parent_process
from typing import Protocol

from miraboard.board import Board
from miraboard.settings import Settings
from miraboard.tracks import Track
from miraboard.votes.box import Box
from miraboard.votes.people import Opinion, opinion_of

NICENESS = 10
Films = Mapping[str, frozenset[str]]


class Counter(Protocol):
    """Counts votes."""

    def count(self, track: str, question: str, films: Films) -> Opinion:
        """What `people.opinion_of` gives."""
        ...


class Here:
    """Counts in this process: for tests, and for commands that serve nobody."""

    def __init__(self, board: Board) -> None:
        self._board, self._box = board, Box(board.store)

    def count(self, track: str, question: str, films: Films) -> Opinion:
        """Count at once."""
        return opinion_of(self._board, self._box, films, track, question)


class Apart:
    """Counts in a child process, which starts at the first count and anew if it was killed.

    Args:
        settings: Of the board; the database must be one that another process can open.
        tracks: Of the board.
    """

    def __init__(self, settings: Settings, tracks: Mapping[str, Track]) -> None:
        self._settings, self._tracks = settings, dict(tracks)
        self._lock = threading.Lock()
        self._pool: ProcessPoolExecutor | None = None

    def count(self, track: str, question: str, films: Films) -> Opinion:
        """Count in the child."""
        try:
            return self._running().submit(_count, track, question, dict(films)).result()
        except BrokenProcessPool:  # killed, perhaps for memory: once more, by a new one
            self.close()
            return self._running().submit(_count, track, question, dict(films)).result()

    def _running(self) -> ProcessPoolExecutor:
        with self._lock:
            if self._pool is None:
                self._pool = ProcessPoolExecutor(
                    1, get_context("spawn"), _begin, (self._settings, self._tracks)
                )
            return self._pool

    def close(self) -> None:
        """End the child."""
        with self._lock:
            pool, self._pool = self._pool, None
        if pool is not None:
            pool.shutdown(wait=False, cancel_futures=True)


_HERE: list[Here] = []
"""In the child: the one that counts."""


def _begin(settings: Settings, tracks: Mapping[str, Track]) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C ends the board, which ends this
    with suppress(AttributeError, OSError):  # no such thing on Windows
        os.nice(NICENESS)
    threading.Thread(target=_end_with_the_board, daemon=True).start()
    _HERE.append(Here(Board(settings, tracks)))


def _end_with_the_board() -> None:
    """A board that was killed closes no pool, and a pool's child waits for ever."""
    board = parent_process()
    assert board is not None  # this runs in a child only
    board.join()
    os._exit(0)


def _count(track: str, question: str, films: Films) -> Opinion:
    return _HERE[0].count(track, question, films)
