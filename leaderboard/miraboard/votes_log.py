"""Votes and the audit log: each vote is a line with its digest, so none is added, changed or removed unseen."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from miraboard.schema import ballots, events, votes

_BALLOT = tuple(c.name for c in ballots.columns if c.name != "actor")
_VOTE = tuple(c.name for c in votes.columns if c.name not in ("id", "ballot", "at"))


def digest_of_vote(ballot: Mapping[str, object], at: str, answers: Mapping[str, str]) -> str:
    """What the log says of a vote: over all that was shown and said."""
    said = [at, *(ballot[name] for name in _BALLOT), *(answers[name] for name in _VOTE)]
    return hashlib.sha256(json.dumps(said, ensure_ascii=False).encode()).hexdigest()[:32]


def changed_votes(connection: Connection) -> list[str]:
    """Votes that are not what the log says was cast, and lines whose vote is gone."""
    lines = connection.execute(sa.select(events.c.detail).where(events.c.kind == "voted"))
    said = {line.detail.removeprefix("vote ") for line in lines}
    query = sa.select(ballots, votes.c.at.label("voted"), *(votes.c[n] for n in _VOTE)).join(
        votes, votes.c.ballot == ballots.c.id
    )
    found = {
        digest_of_vote(dict(row), row["voted"], dict(row)): row["id"]
        for row in connection.execute(query).mappings()
    }
    strange = [
        f"the vote on ballot {found[d]} is not one that was cast" for d in found.keys() - said
    ]
    gone = [f"a vote that was cast is gone: {digest}" for digest in sorted(said - found.keys())]
    return [*sorted(strange), *gone]
