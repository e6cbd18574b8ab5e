"""Checking a stranger's report in a process of its own, so that nothing in it can hold up the board.

Parsing JSON keeps Python's lock for as long as it takes, and what a report makes a library do is not known
beforehand. So a child process checks one report at a time within a time limit; one that takes longer is
ended, and the next report gets a new child. Whatever goes wrong in there becomes one sentence.
"""

from __future__ import annotations

import contextlib
import logging
import signal
import threading
from collections.abc import Mapping
from multiprocessing import get_context
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from typing import Protocol

from miraboard.card import Card
from miraboard.guard import SubmissionRefused, refuse
from miraboard.submission import Checked, check
from miraboard.tracks import Track

log = logging.getLogger(__name__)

SECONDS = 60.0
"""For one report; the largest real one takes a few seconds."""


class Checker(Protocol):
    """Checks a submission."""

    def check(self, data: bytes, card: Card, strips: bytes) -> Checked:
        """What `submission.check` gives.

        Raises:
            SubmissionRefused: the report is not accepted.
        """
        ...

    def close(self) -> None:
        """End what was started."""
        ...


class Here:
    """Checks in this process: for tests, and for commands that serve nobody."""

    def __init__(self, tracks: Mapping[str, Track]) -> None:
        self._tracks = tracks

    def check(self, data: bytes, card: Card, strips: bytes) -> Checked:
        """Check at once."""
        try:
            return check(data, card, self._tracks, strips=strips)
        except SubmissionRefused:
            raise
        except Exception as error:  # the boundary: a stranger's report must not become a traceback
            log.exception("checking a report failed")
            raise refuse("unreadable", _SENTENCE.format(type(error).__name__)) from error

    def close(self) -> None:
        """Nothing was started."""


_SENTENCE = (
    "the check of the report ended with {}, so nothing was accepted: send the report.json that "
    "`mirabench evaluate` wrote, unchanged"
)


class Apart:
    """Checks in a child process within a time limit.

    Args:
        tracks: Of the board.
        seconds: For one report.
    """

    def __init__(self, tracks: Mapping[str, Track], seconds: float = SECONDS) -> None:
        self._tracks, self._seconds = dict(tracks), seconds
        self._lock = threading.Lock()  # one report at a time: its time is its own
        self._child: BaseProcess | None = None
        self._pipe: Connection | None = None

    def start(self) -> None:
        """Start the child now rather than at the first submission."""
        with self._lock:
            self._running()

    def check(self, data: bytes, card: Card, strips: bytes) -> Checked:
        """Check in the child; waits for the reports before this one."""
        with self._lock:
            pipe = self._running()
            try:
                pipe.send((data, card, strips))
                found = pipe.recv() if pipe.poll(self._seconds) else None
            except (EOFError, OSError) as error:
                self._end()
                raise refuse("unreadable", _SENTENCE.format("a crash")) from error
            if found is None:
                self._end()
                raise refuse(
                    "too-slow",
                    f"the check took more than {self._seconds:g} s: send a smaller report",
                )
        if isinstance(found, SubmissionRefused):
            raise found
        checked: Checked = found
        return checked

    def _running(self) -> Connection:
        """The pipe to a child that is ready; starts one where there is none."""
        if self._pipe is None:
            context = get_context("spawn")
            self._pipe, there = context.Pipe()
            self._child = context.Process(
                target=_live, args=(there, self._tracks), name="miraboard-check", daemon=True
            )
            self._child.start()
            there.close()
            self._pipe.recv()  # it has loaded what it needs: from here on its time counts
        return self._pipe

    def _end(self) -> None:
        """Kill the child: it may never end by itself."""
        child, pipe = self._child, self._pipe
        self._child = self._pipe = None
        if child is not None and pipe is not None:
            pipe.close()
            child.kill()
            child.join()

    def close(self) -> None:
        """End the child."""
        with self._lock:
            self._end()


def _live(pipe: Connection, tracks: Mapping[str, Track]) -> None:
    """One report after the other, until the board is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C ends the board, which ends this
    here = Here(tracks)
    for track in tracks.values():
        _ = track.applicable  # resolves every metric and feature once
    with contextlib.suppress(EOFError, OSError):
        pipe.send("ready")
        while True:
            data, card, strips = pipe.recv()
            try:
                pipe.send(here.check(data, card, strips))
            except SubmissionRefused as refusal:
                pipe.send(refusal)
