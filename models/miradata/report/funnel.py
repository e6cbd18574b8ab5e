"""The funnel: how many videos, shots, clips and hours each step leaves, from the tables alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from miradata.frames.clip_range import NS
from miradata.publish.published import CAPTION, FILE
from miradata.select.selection import DUPLICATE, KEPT, LENGTH, LEVEL, LIMIT, Fate
from miradata.tables.schema import OK
from miradata.tables.store import Tables

CAPTIONED = "captioned"


@dataclass(frozen=True, slots=True)
class Step:
    """One step of the funnel."""

    label: str
    count: int
    unit: str
    """`videos`, `shots` or `clips`."""
    seconds: float
    """Of film in them."""
    reasons: Sequence[tuple[str, int]] = ()
    """What left here -> how many, the most frequent first."""

    @property
    def counted(self) -> str:
        """The count with its unit: `1 clip`, `2 clips`."""
        return f"{self.count} {self.unit if self.count != 1 else self.unit[:-1]}"


def funnel(tables: Tables, fates: Sequence[Fate], *, captions: bool = True) -> list[Step]:
    """The steps from source videos to published clips; the film's seconds never grow.

    Args:
        tables: Of a run.
        fates: From its publication.
        captions: Whether captions were asked for; without, they are no step.
    """
    videos, clips = tables.rows("videos"), tables.rows("clips")
    usable = [row for row in videos if row["status"] == OK]
    shots = tables.rows("cuts")
    steps = [
        Step("source videos", len(videos), "videos", _video_seconds(videos)),
        Step("usable videos", len(usable), "videos", _video_seconds(usable), _codes(_left(videos))),
        Step("shots between cuts", len(shots), "shots", _clip_seconds(shots)),
        Step("clips once stitched", len(clips), "clips", _clip_seconds(clips)),
    ]
    gates = _gates(clips, fates)
    return steps + [step for step in gates if captions or step.label != CAPTIONED]


def _gates(clips: Sequence[Mapping[str, Any]], fates: Sequence[Fate]) -> list[Step]:
    length = {row["clip_id"]: (row["t1_ns"] - row["t0_ns"]) / NS for row in clips}
    remaining = list(fates)
    steps = []
    for gate, label in (
        (LENGTH, "long enough"),
        (LIMIT, "within the limits"),
        (DUPLICATE, "no duplicate"),
        (LEVEL, "in the level"),
        (CAPTION, CAPTIONED),
        (FILE, "published"),
    ):
        left = [fate for fate in remaining if fate.step == gate]
        remaining = [fate for fate in remaining if fate.step != gate]
        seconds = sum(length[fate.clip_id] for fate in remaining)
        steps.append(Step(label, len(remaining), "clips", seconds, _named(gate, left)))
    assert all(fate.step == KEPT for fate in remaining)
    return steps


def _named(gate: str, left: Sequence[Fate]) -> list[tuple[str, int]]:
    if gate in (LIMIT, LEVEL):
        return _counted(fate.metric for fate in left)
    if gate == DUPLICATE:
        return _counted("duplicate" for _ in left)
    return _codes(fate.reason for fate in left)


def _codes(reasons: Iterable[str]) -> list[tuple[str, int]]:
    """Reasons by the code before their colon."""
    return _counted(reason.split(":")[0][:60] for reason in reasons)


def _counted(names: Iterable[str]) -> list[tuple[str, int]]:
    return sorted(Counter(names).items(), key=lambda pair: (-pair[1], pair[0]))


def _left(videos: Sequence[Mapping[str, Any]]) -> list[str]:
    return [row["reason"] for row in videos if row["status"] != OK]


def _video_seconds(videos: Sequence[Mapping[str, Any]]) -> float:
    return float(sum(row["duration_ns"] or 0 for row in videos)) / NS


def _clip_seconds(rows: Sequence[Mapping[str, Any]]) -> float:
    return float(sum(row["t1_ns"] - row["t0_ns"] for row in rows)) / NS
