"""Rows of earlier submissions that a new one copies: looked up in the database by indices, then compared.

A generator's own rows in another track are no copies: one run may enter several tables.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from miraboard.duplicates import FEWEST_SAME, Known, alike, equals
from miraboard.schema import clips, marks, strips, submissions
from miraboard.submission import Checked

_AT_ONCE = 500
"""Values of one found-up: SQLite takes no more than some thousand."""


def known(connection: Connection, checked: Checked, gone: Collection[str]) -> list[Known]:
    """Rows of other submissions, except withdrawn ones, that are like rows of this one."""
    return [
        *_exact(connection, checked, gone),
        *_near(connection, checked, gone),
        *_pictures(connection, checked, gone),
    ]


def _exact(connection: Connection, checked: Checked, gone: Collection[str]) -> Iterator[Known]:
    by_clip = {row.sha256: row.clip for row in checked.rows if row.sha256}
    by_scores = {row.fingerprint: row.clip for row in checked.rows if row.fingerprint}
    for same, column, ours in (
        ("clip", clips.c.sha256, by_clip), ("scores", clips.c.fingerprint, by_scores)
    ):  # fmt: skip
        query = sa.select(
            column, submissions.c.id, submissions.c.generator, submissions.c.track_digest
        ).join(submissions, submissions.c.id == clips.c.submission)
        for mark, identity, generator, track in _looked_up(connection, query, column, list(ours)):
            if identity not in gone and not _own_elsewhere(checked, generator, track):
                yield Known(generator, identity, ours[mark], same)


def _own_elsewhere(checked: Checked, generator: str, track_digest: str) -> bool:
    return generator == checked.card.generator and track_digest != checked.track_digest


def _looked_up(
    connection: Connection, query: sa.Select[Any], column: sa.Column[Any], values: Sequence[Any]
) -> Iterator[Any]:
    for start in range(0, len(values), _AT_ONCE):
        yield from connection.execute(query.where(column.in_(values[start : start + _AT_ONCE])))


def _near(connection: Connection, checked: Checked, gone: Collection[str]) -> Iterator[Known]:
    cells = sorted({cell for row in checked.rows for cell in row.near})
    query = sa.select(marks.c.cell, marks.c.value, marks.c.submission, marks.c.row)
    index: defaultdict[int, list[tuple[tuple[str, int], float]]] = defaultdict(list)
    for cell, value, identity, number in _looked_up(connection, query, marks.c.cell, cells):
        if identity not in gone:
            index[cell].append(((identity, number), value))
    found: dict[str, set[str]] = {}
    for row in checked.rows:
        for (identity, _), count in equals(row.near, index).items():
            if count >= FEWEST_SAME:
                found.setdefault(identity, set()).add(row.clip)
    for identity, (generator, track) in _whose(connection, found).items():
        if not _own_elsewhere(checked, generator, track):
            yield from (
                Known(generator, identity, clip, "near") for clip in sorted(found[identity])
            )


def _whose(connection: Connection, found: Mapping[str, Any]) -> dict[str, tuple[str, str]]:
    query = sa.select(submissions.c.id, submissions.c.generator, submissions.c.track_digest)
    rows = _looked_up(connection, query, submissions.c.id, sorted(found))
    return {identity: (generator, track) for identity, generator, track in rows}


def _pictures(connection: Connection, checked: Checked, gone: Collection[str]) -> Iterator[Known]:
    """Film strips that found like one of the same prompt: six at most, each against one prompt's."""
    prompts = {row.clip: row.prompt for row in checked.rows}
    ours = {
        clip: strip.picture_hash for clip, strip in checked.strips.items() if strip.picture_hash
    }
    query = (
        sa.select(strips.c.prompt, strips.c.picture_hash, submissions.c.id, submissions.c.generator)
        .join(submissions, submissions.c.id == strips.c.submission)
        .where(strips.c.picture_hash.is_not(None), strips.c.track_digest == checked.track_digest)
    )
    wanted = sorted({prompts[clip] for clip in ours})
    for prompt, known_hash, identity, generator in _looked_up(
        connection, query, strips.c.prompt, wanted
    ):
        for clip, own in ours.items():
            if prompts[clip] == prompt and identity not in gone and alike(own, bytes(known_hash)):
                yield Known(generator, identity, clip, "picture")
