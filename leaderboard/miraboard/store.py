"""What was submitted, said and decided, for ever: three kinds of rows that are added and never changed.

SQLite in a file, or Postgres by URL. A correction is a new row; triggers in the database refuse updates and
deletes. Acceptance is one transaction under one lock, so that of two copies that come at once one is refused,
and a server killed half-way leaves nothing.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from sqlalchemy.engine import Connection
from sqlalchemy.exc import SQLAlchemyError

from mirabench.errors import InputError
from miraboard import duplicates
from miraboard.database import lock, make_engine
from miraboard.duplicates import Known, scores_fingerprint
from miraboard.guard import SubmissionRefused
from miraboard.schema import clips, events, strips, submissions, verdicts
from miraboard.standing import Standing
from miraboard.submission import Checked


@dataclass(frozen=True, slots=True)
class Event:
    """One line of the audit log."""

    id: int
    at: str
    kind: str
    submission: str | None
    actor: str
    detail: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the server or a maintainer found out about a submission."""

    submission: str
    at: str
    kind: str
    """`recomputed`, `rescored`, `withdrawn` or `restored`."""
    passed: bool
    detail: str


@dataclass(frozen=True, slots=True)
class ClipRow:
    """One row of a submission, for paired comparison and the page of a prompt."""

    submission: str
    clip: str
    prompt: str
    scores: Mapping[str, float]
    """Metric -> value, of scores that count."""
    notes: Mapping[str, str]
    """Metric or health flag -> why there is no number, or what was seen."""


def now() -> str:
    """UTC, to the millisecond; sorts as text."""
    return datetime.now(timezone.utc).isoformat(timespec="milliseconds")


class Store:
    """The database of one board.

    Args:
        url: An SQLAlchemy URL, `sqlite:///board.db` or `postgresql+psycopg://user@host/name`.
    """

    def __init__(self, url: str) -> None:
        self._read: dict[str, Standing] = {}
        try:
            self._engine = make_engine(url)
            self._migrate()
        except ModuleNotFoundError as error:
            raise InputError(
                f"the database {_without_password(url)} needs the driver {error.name}: "
                f"pip install {error.name}"
            ) from error
        except SQLAlchemyError as error:
            raise InputError(
                f"cannot open the database {_without_password(url)}: {str(error).splitlines()[0]}"
            ) from error

    def close(self) -> None:
        """Give the connections back."""
        self._engine.dispose()

    def _migrate(self) -> None:
        config = Config()
        config.set_main_option("script_location", str(Path(__file__).with_name("migrations")))
        with self._engine.begin() as connection:
            lock(connection)
            config.attributes["connection"] = connection
            command.upgrade(config, "head")

    @contextmanager
    def _exclusive(self) -> Iterator[Connection]:
        with self._engine.begin() as connection:
            lock(connection)
            yield connection

    def accept(self, checked: Checked, standing: Standing, actor: str) -> str:
        """Keep a submission; returns its id, the same one when it is a retry.

        Raises:
            SubmissionRefused: its rows are in another submission already.
        """
        key = checked.key
        with self._exclusive() as connection:
            row = connection.execute(
                sa.select(submissions.c.id).where(submissions.c.key == key)
            ).first()
            if row is not None:
                _event(connection, "retried", row.id, actor, "the same card and report again")
                return str(row.id)
            reasons = duplicates.across(_known(connection, checked))
            if reasons:
                raise SubmissionRefused(*reasons)
            _insert(connection, key, checked, standing, actor)
        return key[:12]

    def event(self, kind: str, actor: str, detail: str, submission: str | None = None) -> None:
        """Add a line to the audit log."""
        with self._engine.begin() as connection:
            _event(connection, kind, submission, actor, detail)

    def verdict(self, submission: str, kind: str, detail: str, actor: str, *, passed: bool) -> None:
        """Add what a maintainer found out.

        Raises:
            InputError: there is no such submission.
        """
        with self._exclusive() as connection:
            known = connection.execute(
                sa.select(submissions.c.id).where(submissions.c.id == submission)
            ).first()
            if known is None:
                raise InputError(f"no submission {submission!r} on this board")
            _verdict(connection, submission, kind, detail, passed)
            _event(connection, kind, submission, actor, detail)

    def revision(self) -> int:
        """A number that grows with every accepted submission and every verdict."""
        with self._engine.connect() as connection:
            return connection.execute(sa.select(sa.func.max(verdicts.c.id))).scalar() or 0

    def standings(self, track_digest: str) -> list[Standing]:
        """Every submission of a track, withdrawn ones too, oldest first."""
        query = (
            sa.select(submissions.c.id, submissions.c.standing)
            .where(submissions.c.track_digest == track_digest)
            .order_by(submissions.c.received, submissions.c.id)
        )
        with self._engine.connect() as connection:
            rows = connection.execute(query).all()
        for identity, text in rows:
            # what is written never changes, so it is read once
            if identity not in self._read:
                self._read[identity] = Standing.from_json(text)
        return [self._read[identity] for identity, _ in rows]

    def verdicts(self) -> list[Verdict]:
        """All verdicts, oldest first."""
        query = sa.select(
            verdicts.c.submission, verdicts.c.at, verdicts.c.kind, verdicts.c.passed,
            verdicts.c.detail,
        ).order_by(verdicts.c.id)  # fmt: skip
        with self._engine.connect() as connection:
            return [Verdict(*row) for row in connection.execute(query)]

    def report(self, submission: str) -> str:
        """The report as it came.

        Raises:
            InputError: there is no such submission.
        """
        query = sa.select(submissions.c.report).where(submissions.c.id == submission)
        with self._engine.connect() as connection:
            row = connection.execute(query).first()
        if row is None:
            raise InputError(f"no submission {submission!r} on this board")
        return bytes(row.report).decode("utf-8")

    def track_of(self, submission: str) -> str:
        """The name of a submission's track.

        Raises:
            InputError: there is no such submission.
        """
        query = sa.select(submissions.c.track).where(submissions.c.id == submission)
        with self._engine.connect() as connection:
            row = connection.execute(query).first()
        if row is None:
            raise InputError(f"no submission {submission!r} on this board")
        return str(row.track)

    def rows_of(self, submission: str) -> list[ClipRow]:
        """A submission's rows, in the report's order."""
        return self._rows(clips.c.submission == submission)

    def rows_for(self, track_digest: str, prompt: str, among: Sequence[str]) -> list[ClipRow]:
        """These submissions' rows of one prompt."""
        return self._rows(
            (clips.c.track_digest == track_digest)
            & (clips.c.prompt == prompt)
            & clips.c.submission.in_(among)
        )

    def _rows(self, condition: sa.ColumnElement[bool]) -> list[ClipRow]:
        columns = (clips.c.submission, clips.c.clip, clips.c.prompt, clips.c.scores, clips.c.notes)
        query = sa.select(*columns).where(condition).order_by(clips.c.id)
        with self._engine.connect() as connection:
            return [
                ClipRow(s, c, p, json.loads(scores), json.loads(notes))
                for s, c, p, scores, notes in connection.execute(query)
            ]

    def strips_of(self, submission: str) -> list[tuple[str, bytes]]:
        """(prompt, JPEG) of a submission's film strips."""
        query = sa.select(strips.c.prompt, strips.c.jpeg).where(strips.c.submission == submission)
        with self._engine.connect() as connection:
            rows = connection.execute(query.order_by(strips.c.id))
            return [(prompt, bytes(jpeg)) for prompt, jpeg in rows]

    def strips_for(self, track_digest: str, prompt: str) -> dict[str, bytes]:
        """Submission -> JPEG, of the film strips of one prompt."""
        query = sa.select(strips.c.submission, strips.c.jpeg).where(
            (strips.c.track_digest == track_digest) & (strips.c.prompt == prompt)
        )
        with self._engine.connect() as connection:
            return {key: bytes(jpeg) for key, jpeg in connection.execute(query)}

    def log(self, limit: int = 200, before: int | None = None) -> list[Event]:
        """The audit log, newest first."""
        query = sa.select(
            events.c.id, events.c.at, events.c.kind, events.c.submission, events.c.actor,
            events.c.detail,
        ).order_by(events.c.id.desc()).limit(limit)  # fmt: skip
        if before is not None:
            query = query.where(events.c.id < before)
        with self._engine.connect() as connection:
            return [Event(*row) for row in connection.execute(query)]

    def recent(self, actor: str, kinds: Sequence[str], seconds: float) -> int:
        """Lines of the log by one actor within the last seconds."""
        since = (datetime.now(timezone.utc) - timedelta(seconds=seconds)).isoformat(
            timespec="milliseconds"
        )
        query = sa.select(sa.func.count()).where(
            events.c.actor == actor, events.c.kind.in_(kinds), events.c.at >= since
        )
        with self._engine.connect() as connection:
            return int(connection.execute(query).scalar_one())


def _known(connection: Connection, checked: Checked) -> list[Known]:
    report = checked.report
    by_clip = {v.sha256: v.id for v in report.videos if v.sha256}
    by_scores = {mark: v.id for v in report.videos if (mark := scores_fingerprint(v))}
    found: list[Known] = []
    for same, column, ours in (
        ("clip", clips.c.sha256, by_clip),
        ("scores", clips.c.fingerprint, by_scores),
    ):
        for mark, submission, generator in _rows_like(connection, checked, column, list(ours)):
            found.append(Known(generator, submission, ours[mark], same))
    return found


def _rows_like(
    connection: Connection, checked: Checked, column: sa.Column[Any], marks: list[str]
) -> Iterator[tuple[str, str, str]]:
    """Rows that carry one of the marks, except a generator's own rows in another track."""
    withdrawn = _withdrawn(connection)
    for start in range(0, len(marks), 500):
        query = (
            sa.select(column, submissions.c.id, submissions.c.generator, submissions.c.track_digest)
            .join(submissions, submissions.c.id == clips.c.submission)
            .where(column.in_(marks[start : start + 500]))
        )
        for mark, submission, generator, track in connection.execute(query):
            own = generator == checked.card.generator and track != checked.track.digest
            if submission not in withdrawn and not own:
                yield mark, submission, generator


def _withdrawn(connection: Connection) -> set[str]:
    query = sa.select(verdicts.c.submission, verdicts.c.kind).where(
        verdicts.c.kind.in_(("withdrawn", "restored"))
    )
    last = {row.submission: row.kind for row in connection.execute(query.order_by(verdicts.c.id))}
    return {submission for submission, kind in last.items() if kind == "withdrawn"}


def _insert(
    connection: Connection, key: str, checked: Checked, standing: Standing, actor: str
) -> None:
    identity = key[:12]
    connection.execute(
        submissions.insert().values(
            id=identity,
            key=key,
            received=standing.received,
            generator=checked.card.generator,
            version=checked.card.version,
            track=checked.track.name,
            track_digest=checked.track.digest,
            card=checked.card.canonical(),
            report=checked.data,
            standing=standing.to_json(),
        )
    )
    connection.execute(clips.insert(), _clip_rows(identity, checked))
    if checked.strips:
        connection.execute(strips.insert(), _strip_rows(identity, checked))
    _verdict(
        connection, identity, "recomputed", "aggregates and intervals follow from the rows", True
    )
    _event(connection, "accepted", identity, actor, f"{standing.label}, track {checked.track.name}")


def _clip_rows(identity: str, checked: Checked) -> list[dict[str, Any]]:
    return [
        {
            "submission": identity,
            "track_digest": checked.track.digest,
            "clip": video.id,
            "prompt": video.prompt_id,
            "sha256": video.sha256,
            "fingerprint": scores_fingerprint(video),
            "scores": json.dumps(
                {n: s.value for n, s in video.scores.items() if s.status != "degenerate"}
            ),
            "notes": json.dumps(_notes(video)),
        }
        for video in checked.report.videos
    ]


def _strip_rows(identity: str, checked: Checked) -> list[dict[str, Any]]:
    return [
        {
            "submission": identity,
            "track_digest": checked.track.digest,
            "clip": video.id,
            "prompt": video.prompt_id,
            "jpeg": checked.strips[video.id],
        }
        for video in checked.report.videos
        if video.id in checked.strips
    ]


def _notes(video: Any) -> dict[str, str]:
    degenerate = {n: s.why for n, s in video.scores.items() if s.status == "degenerate"}
    return {**video.health, **degenerate, **video.failures, **video.not_applicable}


def _verdict(connection: Connection, submission: str, kind: str, detail: str, passed: bool) -> None:
    connection.execute(
        verdicts.insert().values(
            submission=submission, at=now(), kind=kind, passed=passed, detail=detail
        )
    )


def _event(
    connection: Connection, kind: str, submission: str | None, actor: str, detail: str
) -> None:
    connection.execute(
        events.insert().values(
            at=now(), kind=kind, submission=submission, actor=actor, detail=detail[:2000]
        )
    )


def _without_password(url: str) -> str:
    try:
        return sa.make_url(url).render_as_string(hide_password=True)
    except SQLAlchemyError:
        return "by this URL"
