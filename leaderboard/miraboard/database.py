"""Connections and the lock: where SQLite and Postgres differ."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine

_LOCK = 7_060_302_407
"""Postgres' advisory lock that acceptance takes; any number that nobody else uses."""


def make_engine(url: str) -> Engine:
    """Connections to SQLite, set up to be safe and patient, or to whatever the URL names."""
    if not url.startswith("sqlite"):
        return sa.create_engine(url, pool_pre_ping=True, pool_size=10, max_overflow=20)
    engine = sa.create_engine(
        url, connect_args={"timeout": 60}, pool_size=10, max_overflow=40, pool_timeout=60
    )

    @sa.event.listens_for(engine, "connect")
    def _configure(connection: Any, _record: Any) -> None:
        connection.isolation_level = None  # we say BEGIN ourselves, see below
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA foreign_keys=ON")
        connection.execute("PRAGMA synchronous=FULL")

    @sa.event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN")

    return engine


def lock(connection: Connection) -> None:
    """One writer at a time decides what is a copy."""
    if connection.dialect.name == "postgresql":
        connection.execute(sa.text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
    else:
        # a read transaction that turns into a writing one can fail busy; start as a writer
        connection.exec_driver_sql("ROLLBACK")
        connection.exec_driver_sql("BEGIN IMMEDIATE")
