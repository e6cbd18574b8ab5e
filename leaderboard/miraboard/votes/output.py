"""Votes for other programs: the table that `mirabench align` reads, and the estimates as JSON."""

from __future__ import annotations

import csv
import hashlib
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict

from miraboard.board import View
from miraboard.export import spreadsheet_safe
from miraboard.votes.box import Cast
from miraboard.votes.people import People
from miraboard.votes.questions import QUESTIONS

COLUMNS = ("prompt", "left_model", "left_video", "right_model", "right_video", "rater", *QUESTIONS)


def to_csv(view: View, casts: Sequence[Cast], clips: Mapping[tuple[str, str], str]) -> str:
    """Votes, one a row, in the format `miraboard` of `mirabench align`.

    Args:
        view: The track.
        casts: Votes that count.
        clips: (submission, prompt) -> the clip's id in the report.
    """
    labels = {s.id: s.label for s in (*view.standings, *view.history)}
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(COLUMNS)
    for cast in casts:
        ballot = cast.ballot
        sides = []
        for submission in (ballot.left, ballot.right):
            clip = clips.get((submission, ballot.prompt), ballot.prompt)
            sides += [spreadsheet_safe(labels[submission]), f"{submission}/{clip}"]
        said = [cast.answers[q] for q in QUESTIONS]
        prompt = spreadsheet_safe(view.track.prompts[ballot.prompt].text)
        writer.writerow([prompt, *sides, pseudonym(ballot.rater), *said])
    return buffer.getvalue()


def pseudonym(rater: str) -> str:
    """The same for the same rater, and no account's name."""
    return "rater-" + hashlib.sha256(f"miraboard votes:{rater}".encode()).hexdigest()[:10]


def to_json(people: People) -> str:
    """What people say, with every interval."""
    return json.dumps(asdict(people), indent=2, ensure_ascii=False, allow_nan=False) + "\n"
