"""Film strips, append-only like everything else."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Create the table and its triggers."""
    op.create_table(
        "strips",
        sa.Column("id", _NUMBER, primary_key=True, autoincrement=True),
        sa.Column("submission", sa.String(12), sa.ForeignKey("submissions.id"), nullable=False),
        sa.Column("track_digest", sa.String(16), nullable=False),
        sa.Column("clip", sa.Text, nullable=False),
        sa.Column("prompt", sa.Text, nullable=False),
        sa.Column("jpeg", sa.LargeBinary, nullable=False),
    )
    op.create_index("strips_of_submission", "strips", ["submission"])
    op.create_index("strips_of_prompt", "strips", ["track_digest", "prompt"])
    if op.get_bind().dialect.name == "postgresql":
        op.execute(
            "CREATE TRIGGER strips_append_only BEFORE UPDATE OR DELETE ON strips "
            "FOR EACH ROW EXECUTE FUNCTION append_only()"
        )
        return
    for verb in ("UPDATE", "DELETE"):
        op.execute(
            f"CREATE TRIGGER strips_no_{verb.lower()} BEFORE {verb} ON strips "
            "BEGIN SELECT RAISE(ABORT, 'append-only'); END"
        )
