"""What the board itself found of clips: rows in the database, and films as files named by their digest."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, RowMapping

from mirabench.files import write_bytes
from mirabench.report.model import VideoRecord
from miraboard.clips.apart import Seen
from miraboard.schema import clips, seen_clips

_DIGEST = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class SeenClip:
    """One clip that can be watched."""

    submission: str
    clip: str
    prompt: str
    film: str
    """Digest of the film; empty where none could be drawn."""
    facts: Mapping[str, Any]
    """`width`, `height`, `fps`, `frames`."""
    curves: Mapping[str, list[list[float]]]
    """Metric -> (seconds, value)."""
    scores: Mapping[str, float]
    """Metric -> this board's own number."""


class Films:
    """The folder of films.

    Args:
        folder: Made when the first film comes.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def keep(self, data: bytes) -> str:
        """Keep a film; returns its digest."""
        digest = hashlib.sha256(data).hexdigest()
        path = self._path(digest)
        if not path.is_file():
            path.parent.mkdir(parents=True, exist_ok=True)
            write_bytes(path, data)
        return digest

    def path(self, digest: str) -> Path | None:
        """The file of a film; None where there is none."""
        path = self._path(digest) if _DIGEST.fullmatch(digest) else None
        return path if path is not None and path.is_file() else None

    def _path(self, digest: str) -> Path:
        return self.folder / "films" / digest[:2] / f"{digest}.mp4"

    def arrived(self, submission: str, sha256: str) -> Path:
        """Where a clip waits to be scored, as it came."""
        if not re.fullmatch(r"[0-9a-f]{12}", submission) or not _DIGEST.fullmatch(sha256):
            raise ValueError(f"{submission}/{sha256} names no clip")  # ours, never a stranger's
        return self.folder / "arrived" / submission / sha256


def keep(
    connection: Connection,
    submission: str,
    track_digest: str,
    prompt: str,
    seen: Seen,
    film: str,
    at: str,
) -> None:
    """Write down what was found of a clip, unless it is there already."""
    clip = seen.record.id
    known = sa.select(seen_clips.c.id).where(
        seen_clips.c.submission == submission, seen_clips.c.clip == clip
    )
    if connection.execute(known).first() is not None:
        return
    connection.execute(
        seen_clips.insert().values(
            submission=submission, track_digest=track_digest, clip=clip, prompt=prompt, at=at,
            record=seen.record.model_dump_json(), curves=json.dumps(seen.curves), film=film,
            facts=json.dumps(seen.film.model_dump() if seen.film else {}), poster=seen.poster,
            size=len(seen.video) + len(seen.poster),
        )
    )  # fmt: skip


def digests(connection: Connection, submission: str, among: Collection[str]) -> dict[str, str]:
    """Clip -> digest of its file, as the report states them."""
    query = sa.select(clips.c.clip, clips.c.sha256).where(
        clips.c.submission == submission, clips.c.sha256.is_not(None)
    )
    wanted = set(among)
    return {clip: digest for clip, digest in connection.execute(query) if clip in wanted}


def records(connection: Connection, submission: str) -> dict[str, VideoRecord]:
    """Clip id -> this board's own record of it."""
    query = sa.select(seen_clips.c.clip, seen_clips.c.record).where(
        seen_clips.c.submission == submission
    )
    return {clip: VideoRecord.model_validate_json(text) for clip, text in connection.execute(query)}


def of_prompt(
    connection: Connection, track_digest: str, prompt: str, among: Collection[str]
) -> list[SeenClip]:
    """These submissions' clips of one prompt that can be watched, in the order of `among`."""
    query = sa.select(seen_clips).where(
        seen_clips.c.track_digest == track_digest,
        seen_clips.c.prompt == prompt,
        seen_clips.c.submission.in_(list(among)),
        seen_clips.c.film != "",
    )
    rows = connection.execute(query.order_by(seen_clips.c.id)).mappings()
    order = {key: number for number, key in enumerate(among)}
    return sorted(map(_clip, rows), key=lambda c: order[c.submission])


def _clip(row: RowMapping) -> SeenClip:
    record = VideoRecord.model_validate_json(row["record"])
    return SeenClip(
        row["submission"], row["clip"], row["prompt"], row["film"], json.loads(row["facts"]),
        json.loads(row["curves"]), {n: s.value for n, s in record.scores.items()},
    )  # fmt: skip


def watchable(connection: Connection, track_digest: str) -> dict[str, list[str]]:
    """Prompt -> submissions that have a film of it."""
    query = (
        sa.select(seen_clips.c.prompt, seen_clips.c.submission)
        .where(seen_clips.c.track_digest == track_digest, seen_clips.c.film != "")
        .distinct()
    )
    found: dict[str, list[str]] = {}
    for prompt, submission in connection.execute(query):
        found.setdefault(prompt, []).append(submission)
    return found


def poster(connection: Connection, film: str) -> bytes:
    """The picture that stands for a film; empty where there is none."""
    query = sa.select(seen_clips.c.poster).where(seen_clips.c.film == film, seen_clips.c.film != "")
    row = connection.execute(query.limit(1)).first()
    return bytes(row.poster) if row else b""
