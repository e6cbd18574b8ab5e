"""Ballots and votes: what was shown to whom, and what they said."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Create the tables and their triggers."""
    _ballots()
    op.create_table(
        "votes",
        sa.Column("id", _NUMBER, primary_key=True, autoincrement=True),
        sa.Column(
            "ballot", sa.String(32), sa.ForeignKey("ballots.id"), nullable=False, unique=True
        ),
        sa.Column("at", sa.String(32), nullable=False),
        sa.Column("overall", sa.String(5), nullable=False),
        sa.Column("motion", sa.String(5), nullable=False),
        sa.Column("consistency", sa.String(5), nullable=False),
        sa.Column("follows", sa.String(5), nullable=False),
    )
    for table in ("ballots", "votes"):
        _append_only(table)


def _ballots() -> None:
    op.create_table(
        "ballots",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("at", sa.String(32), nullable=False),
        sa.Column("rater", sa.String(40), nullable=False),
        sa.Column("actor", sa.String(80), nullable=False),
        sa.Column("track_digest", sa.String(16), nullable=False),
        sa.Column("prompt", sa.Text, nullable=False),
        sa.Column("left", sa.String(12), sa.ForeignKey("submissions.id"), nullable=False),
        sa.Column("right", sa.String(12), sa.ForeignKey("submissions.id"), nullable=False),
        sa.Column("kind", sa.String(10), nullable=False),
        sa.Column("answer", sa.String(5), nullable=False),
        sa.Column("again", sa.String(32), sa.ForeignKey("ballots.id")),
    )
    op.create_index("ballots_of_rater", "ballots", ["rater", "at"])
    op.create_index("ballots_of_actor", "ballots", ["actor", "at"])
    op.create_index("ballots_of_track", "ballots", ["track_digest"])


def _append_only(table: str) -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.execute(
            f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE ON {table} "
            "FOR EACH ROW EXECUTE FUNCTION append_only()"
        )
        op.execute(
            f"CREATE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION append_only()"
        )
        return
    for verb in ("UPDATE", "DELETE"):
        op.execute(
            f"CREATE TRIGGER {table}_no_{verb.lower()} BEFORE {verb} ON {table} "
            "BEGIN SELECT RAISE(ABORT, 'append-only'); END"
        )
