"""Accounts that own names, marks that tell near-copies, a chained log, and no way to truncate.

A generator of an older board belongs to nobody until a maintainer gives it to an account.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from miraboard.names import skeleton

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_TABLES = ("submissions", "clips", "strips", "verdicts", "events", "accounts", "names", "marks")


def upgrade() -> None:
    """Add the tables and columns, and the triggers of the new ones."""
    _accounts()
    _marks()
    for table in ("submissions", "events"):
        op.add_column(table, sa.Column("account", sa.String(40), nullable=False, server_default=""))
    op.add_column("events", sa.Column("hash", sa.String(64)))
    op.add_column("strips", sa.Column("picture_hash", sa.LargeBinary))
    op.create_index("events_of_account", "events", ["account", "at"])
    op.create_index("submissions_of_account", "submissions", ["account"])
    for table in ("accounts", "names", "marks"):
        _append_only(table)
    if op.get_bind().dialect.name == "postgresql":
        for table in _TABLES:
            op.execute(
                f"CREATE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table} "
                "FOR EACH STATEMENT EXECUTE FUNCTION append_only()"
            )
    _names_so_far()


def _accounts() -> None:
    op.create_table(
        "accounts",
        sa.Column("name", sa.String(40), primary_key=True),
        sa.Column("folded", sa.String(80), nullable=False, unique=True),
        sa.Column("secret", sa.String(64), nullable=False),
        sa.Column("at", sa.String(32), nullable=False),
    )
    op.create_table(
        "names",
        sa.Column("id", _NUMBER, primary_key=True, autoincrement=True),
        sa.Column("folded", sa.Text, nullable=False),
        sa.Column("generator", sa.String(80), nullable=False),
        sa.Column("account", sa.String(40), nullable=False),
        sa.Column("at", sa.String(32), nullable=False),
    )
    op.create_index("ix_names_folded", "names", ["folded"])


def _marks() -> None:
    op.create_table(
        "marks",
        sa.Column("id", _NUMBER, primary_key=True, autoincrement=True),
        sa.Column("cell", sa.BigInteger, nullable=False),
        sa.Column("value", sa.Float(53), nullable=False),
        sa.Column("submission", sa.String(12), sa.ForeignKey("submissions.id"), nullable=False),
        sa.Column("row", sa.Integer, nullable=False),
    )
    op.create_index("marks_cell", "marks", ["cell"])


def _names_so_far() -> None:
    rows = op.get_bind().execute(
        sa.text("SELECT generator, min(received) FROM submissions GROUP BY generator ORDER BY 2")
    )
    for generator, at in rows.all():
        op.get_bind().execute(
            sa.text(
                "INSERT INTO names (folded, generator, account, at) VALUES (:folded, :name, '', :at)"
            ),
            {"folded": skeleton(generator), "name": generator, "at": at},
        )


def _append_only(table: str) -> None:
    if op.get_bind().dialect.name == "postgresql":
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
