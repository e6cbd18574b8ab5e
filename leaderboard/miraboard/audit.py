"""The audit log: each line's hash is over the line and the hash before it, so none can be changed unseen.

A line that is changed, left out, added or moved breaks the chain from there on. Lines cut off at the end
leave a whole chain: against that, write the newest hash down elsewhere (`mirabench leaderboard audit` prints
it, the page shows it) and ask later whether it is still there.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from miraboard.schema import events, submissions

FIRST = "0" * 64
"""The hash before the first line."""
_SAID = ("at", "kind", "submission", "actor", "detail", "account")


@dataclass(frozen=True, slots=True)
class Audit:
    """What a look at the whole log found."""

    lines: int
    head: str
    """The newest line's hash."""
    problems: tuple[str, ...]
    """What does not follow; empty for a whole chain."""


def link(before: str, line: dict[str, Any]) -> str:
    """The hash of a line, after the one before it."""
    said = json.dumps([line[key] for key in _SAID], ensure_ascii=False)
    return hashlib.sha256(f"{before}\n{said}".encode()).hexdigest()


def append(connection: Connection, **line: Any) -> None:
    """Add a line; the caller holds the lock, so that two lines never follow the same one."""
    line["detail"] = str(line["detail"])[:2000]
    line.setdefault("account", "")
    connection.execute(events.insert().values(**line, hash=link(newest_hash(connection), line)))


def newest_hash(connection: Connection) -> str:
    """The hash that the next line follows."""
    newest = connection.execute(
        sa.select(events.c.hash).order_by(events.c.id.desc()).limit(1)
    ).scalar()
    # lines of an older board have no hash of their own: they are walked through once
    return str(newest) if newest else verify(connection).head


def verify(connection: Connection, wanted: str = "") -> Audit:
    """Walk through the whole log.

    Args:
        connection: To the board's database.
        wanted: A hash that was the newest once, and must still be there.
    """
    head, lines, problems, seen = FIRST, 0, [], not wanted
    rows = connection.execute(sa.select(events).order_by(events.c.id)).mappings()
    for row in rows:
        head, lines = link(head, dict(row)), lines + 1
        if row["hash"] is not None and row["hash"] != head:
            problems.append(f"line {row['id']} does not follow from the lines before it")
            head = row["hash"]
        seen = seen or head == wanted
    if not seen:
        problems.append(f"no line has the hash {wanted}: lines were cut off or rewritten")
    return Audit(lines, head, (*problems, *_reports(connection)))


def _reports(connection: Connection) -> list[str]:
    """Accepted reports that are not the bytes that were accepted."""
    said = connection.execute(
        sa.select(events.c.submission, events.c.detail).where(events.c.kind == "accepted")
    )
    wanted = {row.submission: row.detail.rpartition("report ")[2] for row in said}
    kept = connection.execute(sa.select(submissions.c.id, submissions.c.report))
    found = {row.id: digest_of_report(bytes(row.report)) for row in kept}
    changed = [f"the report of {k} is not the one that was accepted" for k, d in found.items()
               if k in wanted and len(wanted[k]) == len(d) and wanted[k] != d]  # fmt: skip
    gone = [f"the submission {k} is gone" for k in wanted if k not in found]
    return [*changed, *gone]


def digest_of_report(data: bytes) -> str:
    """What the log says of a report's bytes."""
    return hashlib.sha256(data).hexdigest()[:16]
