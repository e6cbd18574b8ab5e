"""Fingerprints that tell copied rows: the clip's digest, and the digest of all its scores.

Scores of two different clips do not agree in every digit of every metric. Rows of fewer than three counted
scores, or of degenerate ones, are not compared: black clips are rightly alike.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from mirabench.report.model import Report, VideoRecord
from miraboard.guard import Reason

FEWEST_SCORES = 3


@dataclass(frozen=True, slots=True)
class Known:
    """A row of an earlier submission that is like one of ours."""

    generator: str
    submission: str
    clip: str
    """Id of our row."""
    same: str
    """`clip` or `scores`."""


def scores_fingerprint(video: VideoRecord) -> str | None:
    """The digest of a row's scores; None when there is too little to tell rows apart."""
    counted = [(n, s.value) for n, s in sorted(video.scores.items()) if s.status != "degenerate"]
    if len(counted) < FEWEST_SCORES or len({value for _, value in counted}) < FEWEST_SCORES:
        return None
    return hashlib.sha256(repr(counted).encode()).hexdigest()[:32]


def within(report: Report) -> list[Reason]:
    """Rows of one report with identical scores."""
    seen: dict[str, str] = {}
    found = []
    for video in report.videos:
        mark = scores_fingerprint(video)
        if mark is None:
            continue
        if mark in seen:
            found.append(
                Reason("identical-scores", f"{video.id} has all the scores of {seen[mark]}")
            )
        seen[mark] = video.id
    return found


def across(known: Sequence[Known]) -> list[Reason]:
    """Reasons from rows that earlier submissions have already."""
    reasons = []
    clips = [k for k in known if k.same == "clip"]
    scores = [k for k in known if k.same == "scores"]
    if clips:
        first = clips[0]
        reasons.append(
            Reason(
                "copied-clip",
                f"{len(clips)} clips are in the submission {first.submission} ({first.generator}) "
                f"already, {first.clip} for one; a correction needs the earlier one withdrawn",
            )
        )
    if scores:
        first = scores[0]
        reasons.append(
            Reason(
                "copied-scores",
                f"{len(scores)} rows have all the scores of rows in {first.submission} "
                f"({first.generator}), {first.clip} for one",
            )
        )
    return reasons
