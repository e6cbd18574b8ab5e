"""What people say, kept by track and question, so that no page waits for counting."""

from __future__ import annotations

import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as NotYet  # before Python 3.11 none of the builtin
from contextlib import suppress
from dataclasses import dataclass

from miraboard.board import Board
from miraboard.guard import SubmissionRefused, refuse
from miraboard.votes.booth import Booth
from miraboard.votes.box import Cast
from miraboard.votes.counting import Counter, Here
from miraboard.votes.people import Opinion, People
from miraboard.votes.questions import OVERALL, require_question

PATIENCE = 0.5
COUNTING = "counting"
"""Code of the answer while votes are being counted and nobody asked before."""
FRESH = 60.0
"""Seconds that an answer is good for while votes come in: fitting takes longer than a page may."""


@dataclass(frozen=True, slots=True)
class _Known:
    state: tuple[int, int]
    """Revisions of the board and of its votes."""
    at: float
    opinion: Opinion


class Opinions:
    """Estimates by track and question, made in the background and kept until votes make them old.

    Args:
        booth: Whose votes.
        fresh: Seconds that an answer may be behind.
        patience: Seconds that the first who asks waits.
        counter: Who counts; in this process if None.
    """

    def __init__(
        self, booth: Booth, fresh: float = FRESH, patience: float = PATIENCE,
        counter: Counter | None = None,
    ) -> None:  # fmt: skip
        self.booth, self.fresh, self.patience = booth, fresh, patience
        self.counter: Counter = counter or Here(booth.board)
        self._known: dict[tuple[str, str], _Known] = {}
        self._counting: dict[tuple[str, str], Future[Opinion]] = {}
        self._lock = threading.Lock()
        self._worker = ThreadPoolExecutor(1, thread_name_prefix="votes")

    @property
    def board(self) -> Board:
        """The board that the votes are about."""
        return self.booth.board

    def people(self, track: str, question: str = OVERALL) -> People:
        """What people say.

        Raises:
            UnknownNameError: no such track or question.
            SubmissionRefused: the votes are still being counted.
        """
        return self._opinion(track, question).people

    def casts(self, track: str, question: str = OVERALL) -> list[Cast]:
        """The votes that count.

        Raises:
            UnknownNameError: no such track or question.
            SubmissionRefused: the votes are still being counted.
        """
        counted = self._opinion(track, question).counted
        digest = self.board.tracks[track].digest
        return [c for c in self.booth.box.casts(digest) if c.ballot.id in counted]

    def _opinion(self, track: str, question: str) -> Opinion:
        require_question(question)
        self.board.view(track)  # a track that is none is told now
        key = (track, question)
        state = (self.board.store.revision(), self.booth.box.revision())
        with self._lock:
            known = self._known.get(key)
            if known and (known.state == state or time.monotonic() - known.at < self.fresh):
                return known.opinion
            if key not in self._counting:
                self._counting[key] = self._worker.submit(self._count, key, state)
            counting = self._counting[key]
        if known and self.fresh:
            return known.opinion
        try:
            return counting.result(self.patience)
        except NotYet as error:
            raise refuse(COUNTING, "the votes are being counted: look again in a minute") from error

    def warm(self) -> None:
        """Begin to count the votes of every track that has some, so that nobody waits for it."""
        for track in self.board.tracks.values():
            if self.booth.box.has_votes(track.digest):
                with suppress(SubmissionRefused):  # it is being counted
                    self.people(track.name)

    def _count(self, key: tuple[str, str], state: tuple[int, int]) -> Opinion:
        try:
            films = self.booth.footage.watchable(self.board.tracks[key[0]].digest)
            found = self.counter.count(key[0], key[1], films)
            with self._lock:
                self._known[key] = _Known(state, time.monotonic(), found)
            return found
        finally:
            with self._lock:
                del self._counting[key]
