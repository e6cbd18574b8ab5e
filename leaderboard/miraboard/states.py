"""How far the board has come with scoring a submission's clips: rows that are added, the newest one counts.

    queued -> scoring -> ranked      the clips give the scores that the report says
                      -> refused     they do not, or could not be had
    a worker that died while scoring: taken again, by whoever finds it

The sample is drawn when the report has arrived, so nobody knows it before, and once for each submission:
sending the same again draws nothing anew. After each sample that did not agree, the next one of the same
account is twice as large.
"""

from __future__ import annotations

import json
import random
import secrets
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.engine import Connection, RowMapping

from miraboard.guard import refuse
from miraboard.schema import scorings, submissions

MISMATCH = "mismatch"
"""The code of a refusal because scores differ; any other is about having the clips at all."""


@dataclass(frozen=True, slots=True)
class Scoring:
    """The newest state of a submission's scoring."""

    submission: str
    at: str
    state: str
    required: bool
    """Whether it ranks only then."""
    source: str
    """The folder's address; empty where the clips are uploaded."""
    drawn: tuple[str, ...]
    """Ids of the clips that are scored."""
    worker: str
    detail: str
    """For people; of a refusal `code: sentence`."""

    @property
    def differs(self) -> bool:
        """Whether its clips gave other scores than its report."""
        return self.state == "refused" and self.detail.startswith(f"{MISMATCH}: ")

    @property
    def gone(self) -> bool:
        """Whether the submission holds no name, version and clips any more."""
        return self.differs or (self.required and self.state == "refused")

    @property
    def hidden(self) -> bool:
        """Whether it has no row in the table, now or for good."""
        return self.gone or (self.required and self.state != "ranked")


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a submission's clips are to be scored for."""

    required: bool
    source: str
    sample: int
    """Clips drawn at random beside those that are shown; 0 for all."""
    clips: Mapping[str, str]
    """Clip id -> prompt, of the report."""
    shown: Collection[str]
    """Prompts whose clips are shown side by side, and so are always scored."""


def queue(connection: Connection, submission: str, wanted: Wanted, at: str) -> None:
    """Put a submission in the queue, or back into it after its clips could not be had.

    Raises:
        SubmissionRefused: its clips gave other scores than its report: another report is needed.
    """
    before = newest(connection, submission)
    if before is not None and before.differs:
        raise refuse(MISMATCH, before.detail.removeprefix(f"{MISMATCH}: "))
    if before is not None and before.state in ("scoring", "ranked"):
        return
    if before is not None and before.state == "queued" and before.source == wanted.source:
        return
    drawn = before.drawn if before else draw(wanted, _refusals(connection, submission))
    _add(
        connection, Scoring(submission, at, "queued", wanted.required, wanted.source, drawn, "", "")
    )


def draw(
    wanted: Wanted, refusals: int = 0, generator: random.Random | None = None
) -> tuple[str, ...]:
    """The clips to score: those of the shown prompts, and a random sample of the others.

    Args:
        wanted: The submission's clips.
        refusals: Of the account's earlier samples; each doubles this one.
        generator: Of the choice; nobody knows its state. The system's own by default.
    """
    shown = [clip for clip, prompt in wanted.clips.items() if prompt in wanted.shown]
    others = [clip for clip in wanted.clips if clip not in set(shown)]
    size = len(others) if wanted.sample == 0 else wanted.sample * 2 ** min(refusals, 16)
    found = (generator or secrets.SystemRandom()).sample(others, min(size, len(others)))
    chosen = {*shown, *found}
    return tuple(clip for clip in wanted.clips if clip in chosen)


def _refusals(connection: Connection, submission: str) -> int:
    """How many submissions of the same account, or generator where there is none, did not agree."""
    own = sa.select(submissions.c.account, submissions.c.generator).where(
        submissions.c.id == submission
    )
    row = connection.execute(own).one()
    mine = (
        submissions.c.account == row.account if row.account
        else submissions.c.generator == row.generator
    )  # fmt: skip
    query = sa.select(sa.func.count(sa.distinct(scorings.c.submission))).where(
        scorings.c.state == "refused",
        scorings.c.detail.startswith(f"{MISMATCH}: "),
        scorings.c.submission.in_(sa.select(submissions.c.id).where(mine)),
    )
    return int(connection.execute(query).scalar_one())


def move(
    connection: Connection, now: Scoring, state: str, at: str, detail: str = "", worker: str = ""
) -> Scoring:
    """Write the next state down."""
    after = Scoring(
        now.submission, at, state, now.required, now.source, now.drawn, worker, detail[:2000]
    )
    _add(connection, after)
    return after


def _add(connection: Connection, now: Scoring) -> None:
    connection.execute(
        scorings.insert().values(
            submission=now.submission, at=now.at, state=now.state, required=now.required,
            source=now.source, drawn=json.dumps(now.drawn), worker=now.worker, detail=now.detail,
        )
    )  # fmt: skip


def newest(connection: Connection, submission: str) -> Scoring | None:
    """A submission's state; None where nobody is to score its clips."""
    query = sa.select(scorings).where(scorings.c.submission == submission)
    row = connection.execute(query.order_by(scorings.c.id.desc()).limit(1)).mappings().first()
    return _read(row) if row else None


def all_newest(connection: Connection) -> dict[str, Scoring]:
    """Submission -> its state, in the order of the queue."""
    last = sa.select(sa.func.max(scorings.c.id)).group_by(scorings.c.submission)
    query = sa.select(scorings).where(scorings.c.id.in_(last)).order_by(scorings.c.id)
    return {row["submission"]: _read(row) for row in connection.execute(query).mappings()}


def gone(connection: Connection) -> set[str]:
    """Submissions that were refused for their clips: they hold nothing any more."""
    return {key for key, scoring in all_newest(connection).items() if scoring.gone}


def waiting(found: Iterable[Scoring], dead: Callable[[Scoring], bool]) -> Sequence[Scoring]:
    """What can be taken: queued, or in the hands of a worker that is gone."""
    return [s for s in found if s.state == "queued" or (s.state == "scoring" and dead(s))]


def _read(row: RowMapping) -> Scoring:
    return Scoring(
        row["submission"], row["at"], row["state"], bool(row["required"]), row["source"],
        tuple(json.loads(row["drawn"])), row["worker"], row["detail"],
    )  # fmt: skip
