"""Clips that the board scores itself: the states of a submission's scoring, and what was found of each clip."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Add the tables and their triggers."""
    op.create_table(
        "scorings",
        sa.Column("id", _NUMBER, primary_key=True, autoincrement=True),
        sa.Column("submission", sa.String(12), sa.ForeignKey("submissions.id"), nullable=False),
        sa.Column("at", sa.String(32), nullable=False),
        sa.Column("state", sa.String(12), nullable=False),
        sa.Column("required", sa.Boolean, nullable=False),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("drawn", sa.Text, nullable=False),
        sa.Column("worker", sa.String(120), nullable=False),
        sa.Column("detail", sa.Text, nullable=False),
    )
    op.create_index("scorings_of_submission", "scorings", ["submission"])
    op.create_table(
        "seen_clips",
        sa.Column("id", _NUMBER, primary_key=True, autoincrement=True),
        sa.Column("submission", sa.String(12), sa.ForeignKey("submissions.id"), nullable=False),
        sa.Column("track_digest", sa.String(16), nullable=False),
        sa.Column("clip", sa.Text, nullable=False),
        sa.Column("prompt", sa.Text, nullable=False),
        sa.Column("at", sa.String(32), nullable=False),
        sa.Column("record", sa.Text, nullable=False),
        sa.Column("curves", sa.Text, nullable=False),
        sa.Column("film", sa.String(64), nullable=False),
        sa.Column("facts", sa.Text, nullable=False),
        sa.Column("poster", sa.LargeBinary, nullable=False),
        sa.Column("size", sa.Integer, nullable=False),
        sa.UniqueConstraint("submission", "clip"),
    )
    op.create_index("seen_clips_of_prompt", "seen_clips", ["track_digest", "prompt"])
    op.create_index("seen_clips_film", "seen_clips", ["film"])
    for table in ("scorings", "seen_clips"):
        _append_only(table)


def _append_only(table: str) -> None:
    if op.get_bind().dialect.name == "postgresql":
        for name, when in (
            (f"{table}_append_only", "UPDATE OR DELETE ON {} FOR EACH ROW"),
            (f"{table}_no_truncate", "TRUNCATE ON {} FOR EACH STATEMENT"),
        ):
            op.execute(
                f"CREATE TRIGGER {name} BEFORE {when.format(table)} EXECUTE FUNCTION append_only()"
            )
        return
    for verb in ("UPDATE", "DELETE"):
        op.execute(
            f"CREATE TRIGGER {table}_no_{verb.lower()} BEFORE {verb} ON {table} "
            "BEGIN SELECT RAISE(ABORT, 'append-only'); END"
        )
