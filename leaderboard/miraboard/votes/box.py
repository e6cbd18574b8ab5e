"""The rows of ballots and votes: added, never changed, each vote a line of the chained audit log."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone

import sqlalchemy as sa
from sqlalchemy.engine import Connection
from sqlalchemy.exc import IntegrityError

from miraboard import audit
from miraboard.guard import refuse
from miraboard.schema import ballots, submissions, votes
from miraboard.store import Store, now
from miraboard.votes.draw import Drawn, Shown
from miraboard.votes.questions import QUESTIONS
from miraboard.votes_log import digest_of_vote


@dataclass(frozen=True, slots=True)
class Ballot:
    """One pair that was shown to one rater."""

    id: str
    at: str
    rater: str
    track_digest: str
    prompt: str
    left: str
    right: str
    kind: str
    answer: str
    again: str | None


@dataclass(frozen=True, slots=True)
class Cast:
    """A ballot with its answers."""

    ballot: Ballot
    at: str
    answers: Mapping[str, str]


_COLUMNS = tuple(ballots.c[name] for name in Ballot.__slots__)


class Box:
    """Ballots and votes of one board.

    Args:
        store: The board's.
    """

    def __init__(self, store: Store) -> None:
        self.store = store

    def open_ballot(self, rater: str, track_digest: str, since: str) -> Ballot | None:
        """The rater's ballot of a track that has no vote yet, if it was drawn since then."""
        with self.store.reading() as connection:
            return _open(connection, rater, track_digest, since)

    def earlier(self, rater: str, track_digest: str) -> list[Shown]:
        """What a rater saw of a track, oldest first."""
        query = (
            sa.select(
                ballots.c.id, ballots.c.prompt, ballots.c.left, ballots.c.right, ballots.c.kind
            )
            .where(ballots.c.rater == rater, ballots.c.track_digest == track_digest)
            .order_by(ballots.c.at, ballots.c.id)
        )
        with self.store.reading() as connection:
            return [Shown(*row) for row in connection.execute(query)]

    def accounts(self, track_digest: str) -> dict[str, str]:
        """Submission -> the account that sent it."""
        query = sa.select(submissions.c.id, submissions.c.account)
        with self.store.reading() as connection:
            rows = connection.execute(query.where(submissions.c.track_digest == track_digest))
            return {row.id: row.account for row in rows}

    def drawn_since(self, seconds: float, *, rater: str = "", actor: str = "") -> int:
        """Ballots drawn lately by a rater or from an address."""
        since = (datetime.now(timezone.utc) - timedelta(seconds=seconds)).isoformat(
            timespec="milliseconds"
        )
        whose = ballots.c.rater == rater if rater else ballots.c.actor == actor
        query = sa.select(sa.func.count()).select_from(ballots).where(whose, ballots.c.at >= since)
        with self.store.reading() as connection:
            return int(connection.execute(query).scalar_one())

    def open(self, drawn: Drawn, rater: str, actor: str, track_digest: str, since: str) -> Ballot:
        """Write down what is shown; where a quicker request of the same rater drew a pair, that one counts."""
        ballot = Ballot(
            secrets.token_hex(16), now(), rater, track_digest, drawn.prompt, drawn.left, drawn.right,
            drawn.kind, drawn.answer, drawn.again or None,
        )  # fmt: skip
        with self.store.writing() as connection:
            if (known := _open(connection, rater, track_digest, since)) is not None:
                return known
            connection.execute(ballots.insert().values(**_columns(ballot), actor=actor))
        return ballot

    def ballot(self, identity: str) -> Ballot | None:
        """The ballot of that id."""
        query = sa.select(*_COLUMNS).where(ballots.c.id == identity[:32])
        with self.store.reading() as connection:
            row = connection.execute(query).first()
        return Ballot(*row) if row else None

    def cast(self, ballot: Ballot, answers: Mapping[str, str], actor: str) -> None:
        """Keep a vote.

        Raises:
            SubmissionRefused: the ballot has one already.
        """
        at = now()
        with self.store.writing() as connection:
            try:
                connection.execute(votes.insert().values(ballot=ballot.id, at=at, **answers))
            except IntegrityError as error:
                raise refuse(
                    "voted", "this pair has your vote already: ask for the next"
                ) from error
            audit.append(
                connection, at=at, kind="voted", submission=None, actor=actor,
                detail=f"vote {digest_of_vote(_columns(ballot), at, answers)}",
            )  # fmt: skip

    def casts(self, track_digest: str) -> list[Cast]:
        """Every vote of a track, oldest first."""
        answers = [votes.c[name] for name in QUESTIONS]
        query = (
            sa.select(*_COLUMNS, votes.c.at.label("voted"), *answers)
            .join(votes, votes.c.ballot == ballots.c.id)
            .where(ballots.c.track_digest == track_digest)
            .order_by(votes.c.id)
        )
        with self.store.reading() as connection:
            return [_cast(row) for row in connection.execute(query)]

    def has_votes(self, track_digest: str) -> bool:
        """Whether anybody voted on a track."""
        query = sa.select(votes.c.id).join(ballots, ballots.c.id == votes.c.ballot).limit(1)
        with self.store.reading() as connection:
            found = connection.execute(query.where(ballots.c.track_digest == track_digest))
            return found.first() is not None

    def revision(self) -> int:
        """A number that grows with every vote."""
        with self.store.reading() as connection:
            return connection.execute(sa.select(sa.func.max(votes.c.id))).scalar() or 0


def _columns(ballot: Ballot) -> dict[str, object]:
    return {name: getattr(ballot, name) for name in Ballot.__slots__}


def _open(connection: Connection, rater: str, track_digest: str, since: str) -> Ballot | None:
    query = (
        sa.select(*_COLUMNS)
        .outerjoin(votes, votes.c.ballot == ballots.c.id)
        .where(
            ballots.c.rater == rater, ballots.c.track_digest == track_digest,
            ballots.c.at >= since, votes.c.id.is_(None),
        )
        .order_by(ballots.c.at.desc(), ballots.c.id)
        .limit(1)
    )  # fmt: skip
    row = connection.execute(query).first()
    return Ballot(*row) if row else None


def _cast(row: Sequence[object]) -> Cast:
    width = len(_COLUMNS)
    ballot = Ballot(*row[:width])  # type: ignore[arg-type]  # columns are those of the class
    said = dict(zip(QUESTIONS, map(str, row[width + 1 :]), strict=True))
    return Cast(ballot, str(row[width]), said)
