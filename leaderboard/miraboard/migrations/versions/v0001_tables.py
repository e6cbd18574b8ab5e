"""The four tables, and triggers that refuse to change what is written.

Spelled out rather than taken from `schema`, which follows the newest step and not this one.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_TABLES = ("submissions", "clips", "verdicts", "events")


def upgrade() -> None:
    """Create the tables and their triggers."""
    _submissions()
    _clips()
    _verdicts_and_events()
    for table in _TABLES:
        _append_only(table)


def _submissions() -> None:
    op.create_table(
        "submissions",
        sa.Column("id", sa.String(12), primary_key=True),
        sa.Column("key", sa.String(64), nullable=False, unique=True),
        sa.Column("received", sa.String(32), nullable=False),
        sa.Column("generator", sa.String(80), nullable=False),
        sa.Column("version", sa.String(40), nullable=False),
        sa.Column("track", sa.String(60), nullable=False),
        sa.Column("track_digest", sa.String(16), nullable=False),
        sa.Column("card", sa.Text, nullable=False),
        sa.Column("report", sa.LargeBinary, nullable=False),
        sa.Column("standing", sa.Text, nullable=False),
    )
    op.create_index("ix_submissions_generator", "submissions", ["generator"])
    op.create_index("ix_submissions_track_digest", "submissions", ["track_digest"])


def _clips() -> None:
    op.create_table(
        "clips",
        sa.Column("id", _NUMBER, primary_key=True, autoincrement=True),
        sa.Column("submission", sa.String(12), sa.ForeignKey("submissions.id"), nullable=False),
        sa.Column("track_digest", sa.String(16), nullable=False),
        sa.Column("clip", sa.Text, nullable=False),
        sa.Column("prompt", sa.Text, nullable=False),
        sa.Column("sha256", sa.String(64)),
        sa.Column("fingerprint", sa.String(32)),
        sa.Column("scores", sa.Text, nullable=False),
        sa.Column("notes", sa.Text, nullable=False),
    )
    op.create_index("ix_clips_sha256", "clips", ["sha256"])
    op.create_index("ix_clips_fingerprint", "clips", ["fingerprint"])
    op.create_index("clips_of_submission", "clips", ["submission"])
    op.create_index("clips_of_prompt", "clips", ["track_digest", "prompt"])


def _verdicts_and_events() -> None:
    op.create_table(
        "verdicts",
        sa.Column("id", _NUMBER, primary_key=True, autoincrement=True),
        sa.Column("submission", sa.String(12), sa.ForeignKey("submissions.id"), nullable=False),
        sa.Column("at", sa.String(32), nullable=False),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("passed", sa.Boolean, nullable=False),
        sa.Column("detail", sa.Text, nullable=False),
    )
    op.create_index("verdicts_of_submission", "verdicts", ["submission"])
    op.create_table(
        "events",
        sa.Column("id", _NUMBER, primary_key=True, autoincrement=True),
        sa.Column("at", sa.String(32), nullable=False),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("submission", sa.String(12)),
        sa.Column("actor", sa.String(80), nullable=False),
        sa.Column("detail", sa.Text, nullable=False),
    )
    op.create_index("events_of_actor", "events", ["actor", "at"])


def _append_only(table: str) -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.execute(
            "CREATE OR REPLACE FUNCTION append_only() RETURNS trigger LANGUAGE plpgsql AS "
            "$$ BEGIN RAISE EXCEPTION 'append-only'; END $$"
        )
        op.execute(
            f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE ON {table} "
            "FOR EACH ROW EXECUTE FUNCTION append_only()"
        )
        return
    for verb in ("UPDATE", "DELETE"):
        op.execute(
            f"CREATE TRIGGER {table}_no_{verb.lower()} BEFORE {verb} ON {table} "
            "BEGIN SELECT RAISE(ABORT, 'append-only'); END"
        )
