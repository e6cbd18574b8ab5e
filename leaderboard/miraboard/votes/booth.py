"""Voting as raters meet it: a pair to look at, its two films, and the vote.

A rater sees neither names nor anything else of a pair but its prompt and two films under the ballot's random
number. An unanswered pair is shown again until it is answered, so nobody can look through pairs for their own.
Nobody is shown a generator of their own account.
"""

from __future__ import annotations

import random
import secrets
import threading
from collections import OrderedDict
from collections.abc import Mapping
from datetime import datetime, timedelta, timezone

from mirabench.errors import InputError
from miraboard.board import DAY, HOUR, Board, actor_of
from miraboard.guard import refuse
from miraboard.votes.box import Ballot, Box
from miraboard.votes.draw import draw_ballot
from miraboard.votes.footage import Footage, damaged
from miraboard.votes.questions import read_answers

SIDES = ("left", "right")
HOURS_IN_A_DAY = 4
"""Times the hourly limit that one rater may vote in a day."""
_KEPT = 64
"""Damaged copies in memory."""


class Booth:
    """Draws pairs, shows films and takes votes.

    Args:
        board: Whose generators are compared.
        footage: Their films.
        toss: Where chance comes from; the system's by default, which nobody can foresee.
        least_seconds: Between drawing a pair and voting on it: nobody has seen two clips in less.
    """

    def __init__(
        self, board: Board, footage: Footage, *, toss: random.Random | None = None,
        least_seconds: float = 1.5,
    ) -> None:  # fmt: skip
        self.board, self.footage = board, footage
        self.box = Box(board.store)
        self.least_seconds = least_seconds
        self._toss = toss or secrets.SystemRandom()
        self._damaged: OrderedDict[tuple[str, str], bytes] = OrderedDict()
        self._lock = threading.Lock()

    def next(self, track: str, account: str, address: str) -> Ballot:
        """The pair that a rater is to look at.

        Args:
            track: Its name.
            account: Signed in; empty for nobody, where the board allows that.
            address: Where the rater comes from; only its digest is kept.

        Raises:
            SubmissionRefused: nobody is signed in, or the rater has had too many.
            InputError: no two generators have films of a common prompt.
        """
        digest = self.board.view(track).track.digest
        actor = actor_of(address)
        rater = self._rater(account, actor)
        since = _before(DAY)
        known = self.box.open_ballot(rater, digest, since)
        if known is not None and self._there(known):
            return known
        self._within_limits(rater, actor)
        drawn = draw_ballot(
            self._may_see(track, account), self.box.earlier(rater, digest), self._toss
        )
        if drawn is None:
            raise InputError("there are no two films to compare yet: vote when there are more")
        # a pair whose films are gone is not shown again
        return self.box.open(
            drawn, rater, actor, digest, since if known is None else known.at + "~"
        )

    def _rater(self, account: str, actor: str) -> str:
        if not account and self.board.settings.accounts == "required":
            raise refuse("account", "voting here needs an account: make one on the tab Submit")
        return account or actor

    def _there(self, ballot: Ballot) -> bool:
        films = self._shown(ballot.track_digest)
        return all(ballot.prompt in films.get(s, ()) for s in (ballot.left, ballot.right))

    def _shown(self, track_digest: str) -> Mapping[str, frozenset[str]]:
        return self.footage.watchable(track_digest)

    def _may_see(self, track: str, account: str) -> dict[str, frozenset[str]]:
        """Films of the generators that rank, but for the rater's own."""
        view = self.board.view(track)
        own = self.box.accounts(view.track.digest) if account else {}
        films = self._shown(view.track.digest)
        return {
            s.id: films[s.id] & view.track.prompts.keys() for s in view.standings
            if s.id in films and (not account or own.get(s.id) != account)
        }  # fmt: skip

    def _within_limits(self, rater: str, actor: str) -> None:
        limit = self.board.settings.votes_per_hour
        for seconds, most in ((HOUR, limit), (DAY, HOURS_IN_A_DAY * limit)):
            if self.box.drawn_since(seconds, rater=rater) >= most:
                raise refuse("rate-limit", f"{most} pairs are enough for now: vote again later")
            if self.box.drawn_since(seconds, actor=actor) >= 2 * most:
                raise refuse("rate-limit", "too many pairs for one address: vote again later")

    def vote(
        self, identity: str, answers: Mapping[str, object], account: str, address: str
    ) -> None:
        """Take a vote.

        Raises:
            SubmissionRefused: it is somebody else's pair, too old, voted on, answered in no time, or an
                answer is none.
        """
        actor = actor_of(address)
        ballot = self.box.ballot(identity)
        if ballot is None or ballot.rater != self._rater(account, actor):
            raise refuse("ballot", "this pair is not yours: ask for the next one")
        age = _age(ballot)
        if age > DAY:
            raise refuse("ballot", "this pair was drawn more than a day ago: ask for the next one")
        given = read_answers(answers)
        if age < self.least_seconds:
            raise refuse("hasty", "nobody sees two clips in so short a time: watch them first")
        self.box.cast(ballot, given, actor)

    def film(self, identity: str, side: str) -> bytes:
        """One film of a pair, as MP4.

        Raises:
            InputError: no such pair or side, or it is more than a day old.
        """
        ballot = self.box.ballot(identity)
        if ballot is None or side not in SIDES or _age(ballot) > DAY:
            raise InputError("there is no such film: ask for the next pair")
        submission = ballot.left if side == "left" else ballot.right
        film = self.footage.film(ballot.track_digest, submission, ballot.prompt)
        if ballot.kind == "damaged" and ballot.answer != side:
            return self._spoilt(submission, ballot.prompt, film)
        return film

    def _spoilt(self, submission: str, prompt: str, film: bytes) -> bytes:
        key = (submission, prompt)
        with self._lock:  # one at a time: encoding takes a core
            if key not in self._damaged:
                self._damaged[key] = damaged(film)
                if len(self._damaged) > _KEPT:
                    self._damaged.popitem(last=False)
            return self._damaged[key]


def _age(ballot: Ballot) -> float:
    return (datetime.now(timezone.utc) - datetime.fromisoformat(ballot.at)).total_seconds()


def _before(seconds: float) -> str:
    moment = datetime.now(timezone.utc) - timedelta(seconds=seconds)
    return moment.isoformat(timespec="milliseconds")
