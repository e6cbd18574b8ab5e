"""What was submitted, said and decided, for ever: rows that are added and never changed.

SQLite in a file, or Postgres by URL. A correction is a new row; triggers in the database refuse updates and
deletes. Acceptance is one transaction under one lock, so that of two copies that come at once one is refused,
and a server killed half-way leaves nothing.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from sqlalchemy.engine import Connection
from sqlalchemy.exc import SQLAlchemyError

from mirabench.errors import InputError
from miraboard import accounts, audit, duplicates, states
from miraboard.audit import Audit, digest_of_report, newest_hash, verify
from miraboard.database import lock, make_engine
from miraboard.guard import SubmissionRefused, refuse
from miraboard.names import skeleton
from miraboard.near_copies import known
from miraboard.schema import (
    clips,
    events,
    marks,
    scorings,
    seen_clips,
    strips,
    submissions,
    verdicts,
)
from miraboard.standing import Standing
from miraboard.submission import Checked
from miraboard.votes_log import changed_votes


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

    def grant(self, role: str) -> None:
        """Let a Postgres role read and add rows, and nothing else.

        Raises:
            InputError: the database is none of Postgres, or the role cannot be granted to.
        """
        if self._engine.dialect.name != "postgresql":
            raise InputError("grants are for Postgres: an SQLite file has one user")
        quoted = self._engine.dialect.identifier_preparer.quote(role)
        try:
            with self._engine.begin() as connection:
                for statement in (
                    f"REVOKE ALL ON ALL TABLES IN SCHEMA public FROM PUBLIC, {quoted}",
                    f"GRANT USAGE ON SCHEMA public TO {quoted}",
                    f"GRANT SELECT, INSERT ON ALL TABLES IN SCHEMA public TO {quoted}",
                    f"GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO {quoted}",
                    f"REVOKE INSERT ON alembic_version FROM {quoted}",
                ):
                    connection.execute(sa.text(statement))
        except SQLAlchemyError as error:
            raise InputError(
                f"cannot grant to the role {role!r}: {str(error).splitlines()[0]}"
            ) from error

    @contextmanager
    def _exclusive(self) -> Iterator[Connection]:
        with self._engine.begin() as connection:
            lock(connection)
            yield connection

    def writing(self) -> AbstractContextManager[Connection]:
        """A transaction in which nobody else writes, for what other modules add."""
        return self._exclusive()

    def reading(self) -> AbstractContextManager[Connection]:
        """A connection to read from."""
        return self._engine.connect()

    def accept(
        self, checked: Checked, actor: str, account: str,
        also: Callable[[Connection, str], None] | None = None,
    ) -> str:  # fmt: skip
        """Keep a submission; returns its id, the same one when it is a retry.

        Args:
            checked: The submission.
            actor: Who sends it, as a pseudonym.
            account: Signed in.
            also: What belongs into the same transaction, given the submission's id; for a retry too.

        Raises:
            SubmissionRefused: the name is another account's, the version is there already, or its rows are in
                another submission.
        """
        key = checked.key
        with self._exclusive() as connection:
            row = connection.execute(
                sa.select(submissions.c.id).where(submissions.c.key == key)
            ).first()
            accounts.claim(connection, checked.card.generator, account, now())
            if row is not None:
                _event(
                    connection, "retried", row.id, actor, "the same card and report again", account
                )
                if also is not None:
                    also(connection, row.id)
                return str(row.id)
            gone = withdrawn(connection) | states.gone(connection)
            _require_new_version(connection, checked, gone)
            reasons = duplicates.across(known(connection, checked, gone))
            if reasons:
                raise SubmissionRefused(*reasons)
            _insert(connection, key, checked, actor, account)
            if also is not None:
                also(connection, key[:12])
        return key[:12]

    def event(
        self, kind: str, actor: str, detail: str, submission: str | None = None, account: str = ""
    ) -> None:
        """Add a line to the audit log."""
        with self._exclusive() as connection:
            _event(connection, kind, submission, actor, detail, account)

    def register(self, name: str, actor: str) -> str:
        """Make an account; returns its token, which is kept nowhere.

        Raises:
            SubmissionRefused: the name is no account's name, or taken.
        """
        with self._exclusive() as connection:
            token = accounts.create(connection, name, now())
            _event(connection, "registered", None, actor, f"account {name}", name)
        return token

    def account(self, token: str) -> str:
        """The account whose token this is.

        Raises:
            SubmissionRefused: it is no account's.
        """
        with self._engine.connect() as connection:
            return accounts.account_of(connection, token)

    def owner(self, generator: str) -> accounts.Owner | None:
        """Whose a generator's name is; None for a new one."""
        with self._engine.connect() as connection:
            return accounts.owner_of(connection, generator)

    def move(self, generator: str, account: str, actor: str) -> None:
        """Give a generator's name to another account.

        Raises:
            InputError: nobody has submitted under the name.
        """
        with self._exclusive() as connection:
            owner = accounts.owner_of(connection, generator)
            if owner is None:
                raise InputError(f"nobody has submitted under the name {generator!r}")
            accounts.give(connection, owner.generator, account, now())
            _event(connection, "moved", None, actor, f"{owner.generator} to {account}", account)

    def audit(self, head: str = "") -> Audit:
        """Walk through the whole audit log; `head` is a hash that must be in it."""
        with self._engine.connect() as connection:
            found = verify(connection, head)
            return replace(found, problems=(*found.problems, *changed_votes(connection)))

    def head(self) -> str:
        """The newest line's hash."""
        with self._engine.connect() as connection:
            return newest_hash(connection)

    def stored(self, account: str) -> int:
        """Bytes of the reports, pictures and films that an account's submissions keep here."""
        reports = sa.select(sa.func.coalesce(sa.func.sum(sa.func.length(submissions.c.report)), 0))
        pictures = sa.select(sa.func.coalesce(sa.func.sum(sa.func.length(strips.c.jpeg)), 0)).join(
            submissions, submissions.c.id == strips.c.submission
        )
        films = sa.select(sa.func.coalesce(sa.func.sum(seen_clips.c.size), 0)).join(
            submissions, submissions.c.id == seen_clips.c.submission
        )
        with self._engine.connect() as connection:
            return sum(
                int(connection.execute(query.where(submissions.c.account == account)).scalar_one())
                for query in (reports, pictures, films)
            )

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
            add_verdict(connection, submission, kind, detail, actor, passed=passed)

    def revision(self) -> int:
        """A number that grows with every accepted submission, every verdict, and every state of a scoring."""
        newest = [sa.select(sa.func.max(t.c.id)).scalar_subquery() for t in (verdicts, scorings)]
        with self._engine.connect() as connection:
            return sum(number or 0 for number in connection.execute(sa.select(*newest)).one())

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
        return bytes(self._of(submission, submissions.c.report)).decode("utf-8")

    def track_of(self, submission: str) -> str:
        """The name of a submission's track.

        Raises:
            InputError: there is no such submission.
        """
        return str(self._of(submission, submissions.c.track))

    def _of(self, submission: str, column: sa.Column[Any]) -> Any:
        """One column of a submission's row."""
        query = sa.select(column).where(submissions.c.id == submission)
        with self._engine.connect() as connection:
            row = connection.execute(query).first()
        if row is None:
            raise InputError(f"no submission {submission!r} on this board")
        return row[0]

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

    def clip_names(self, identities: Sequence[str]) -> dict[tuple[str, str], str]:
        """(Submission, prompt) -> the report's name of its first clip."""
        query = sa.select(clips.c.submission, clips.c.prompt, clips.c.clip).order_by(
            clips.c.id.desc()
        )
        with self._engine.connect() as connection:
            rows = connection.execute(query.where(clips.c.submission.in_(identities)))
            return {(submission, prompt): clip for submission, prompt, clip in rows}

    def rows_among(self, identities: Sequence[str], prompts: Sequence[str]) -> list[ClipRow]:
        """Rows of some submissions on some prompts."""
        return self._rows(clips.c.submission.in_(identities) & clips.c.prompt.in_(prompts))

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

    def log(
        self, limit: int = 200, before: int | None = None, kinds: Sequence[str] = ()
    ) -> list[Event]:
        """The audit log, newest first; only lines before that number, and of these kinds if any are named."""
        query = sa.select(
            events.c.id, events.c.at, events.c.kind, events.c.submission, events.c.actor,
            events.c.detail,
        ).order_by(events.c.id.desc()).limit(limit)  # fmt: skip
        if before is not None:
            query = query.where(events.c.id < before)
        if kinds:
            query = query.where(events.c.kind.in_(kinds))
        with self._engine.connect() as connection:
            return [Event(*row) for row in connection.execute(query)]

    def recent(self, actor: str, kinds: Sequence[str], seconds: float, *, account: str = "") -> int:
        """Lines of the log by one actor, or of one account if it is named, within the last seconds."""
        since = (datetime.now(timezone.utc) - timedelta(seconds=seconds)).isoformat(
            timespec="milliseconds"
        )
        query = sa.select(sa.func.count()).where(
            events.c.account == account if account else events.c.actor == actor,
            events.c.kind.in_(kinds),
            events.c.at >= since,
        )
        with self._engine.connect() as connection:
            return int(connection.execute(query).scalar_one())


def _require_new_version(connection: Connection, checked: Checked, gone: Collection[str]) -> None:
    card = checked.card
    query = sa.select(submissions.c.id, submissions.c.version).where(
        submissions.c.generator == card.generator,
        submissions.c.track_digest == checked.track_digest,
    )
    for row in connection.execute(query):
        if row.id not in gone and skeleton(row.version) == skeleton(card.version):
            raise refuse(
                "same-version",
                f"{card.generator} {row.version} is in this track already: give another version, "
                "or have the earlier one withdrawn",
            )


def withdrawn(connection: Connection) -> set[str]:
    """Submissions whose newest word of a maintainer is that they are withdrawn."""
    query = sa.select(verdicts.c.submission, verdicts.c.kind).where(
        verdicts.c.kind.in_(("withdrawn", "restored"))
    )
    last = {row.submission: row.kind for row in connection.execute(query.order_by(verdicts.c.id))}
    return {submission for submission, kind in last.items() if kind == "withdrawn"}


def _insert(connection: Connection, key: str, checked: Checked, actor: str, account: str) -> None:
    identity = key[:12]
    standing = replace(checked.standing, id=identity, received=now())
    connection.execute(
        submissions.insert().values(
            id=identity,
            key=key,
            received=standing.received,
            generator=checked.card.generator,
            version=checked.card.version,
            track=checked.track,
            track_digest=checked.track_digest,
            card=checked.card.canonical(),
            report=checked.data,
            standing=standing.to_json(),
            account=account,
        )
    )
    connection.execute(clips.insert(), _clip_rows(identity, checked))
    for table, rows in (
        (strips, _strip_rows(identity, checked)),
        (marks, _mark_rows(identity, checked)),
    ):
        if rows:
            connection.execute(table.insert(), rows)
    _verdict(
        connection, identity, "recomputed", "aggregates and intervals follow from the rows", True
    )
    detail = f"{standing.label}, track {checked.track}, report {digest_of_report(checked.data)}"
    _event(connection, "accepted", identity, actor, detail, account)


def _clip_rows(identity: str, checked: Checked) -> list[dict[str, Any]]:
    return [
        {
            "submission": identity,
            "track_digest": checked.track_digest,
            "clip": row.clip,
            "prompt": row.prompt,
            "sha256": row.sha256,
            "fingerprint": row.fingerprint,
            "scores": json.dumps(row.scores),
            "notes": json.dumps(row.notes),
        }
        for row in checked.rows
    ]


def _strip_rows(identity: str, checked: Checked) -> list[dict[str, Any]]:
    return [
        {
            "submission": identity,
            "track_digest": checked.track_digest,
            "clip": row.clip,
            "prompt": row.prompt,
            "jpeg": checked.strips[row.clip].jpeg,
            "picture_hash": checked.strips[row.clip].picture_hash,
        }
        for row in checked.rows
        if row.clip in checked.strips
    ]


def _mark_rows(identity: str, checked: Checked) -> list[dict[str, Any]]:
    return [
        {"cell": mark.cell, "value": mark.value, "submission": identity, "row": number}
        for number, row in enumerate(checked.rows)
        for mark in row.marks
    ]


def add_verdict(
    connection: Connection, submission: str, kind: str, detail: str, actor: str, *, passed: bool
) -> None:
    """Add what was found out about a submission, and its line of the log."""
    _verdict(connection, submission, kind, detail, passed)
    _event(connection, kind, submission, actor, detail)


def add_event(connection: Connection, kind: str, submission: str, actor: str, detail: str) -> None:
    """Add a line to the log, within a transaction of somebody's."""
    _event(connection, kind, submission, actor, detail)


def _verdict(connection: Connection, submission: str, kind: str, detail: str, passed: bool) -> None:
    connection.execute(
        verdicts.insert().values(
            submission=submission, at=now(), kind=kind, passed=passed, detail=detail
        )
    )


def _event(
    connection: Connection, kind: str, submission: str | None, actor: str, detail: str,
    account: str = "",
) -> None:  # fmt: skip
    audit.append(
        connection, at=now(), kind=kind, submission=submission, actor=actor, detail=detail,
        account=account,
    )  # fmt: skip


def _without_password(url: str) -> str:
    try:
        return sa.make_url(url).render_as_string(hide_password=True)
    except SQLAlchemyError:
        return "by this URL"
