"""The funnel: how many videos, shots, clips and hours each step leaves, from the tables alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from miradata.config import Config
from miradata.frames.clip_range import NS
from miradata.publish.published import CAPTION, FILE
from miradata.select.selection import DUPLICATE, KEPT, LENGTH, LEVEL, LIMIT, Fate
from miradata.tables.schema import OK
from miradata.tables.store import Tables


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


class _Gate(NamedTuple):
    """Where clips leave."""

    step: str
    """Of the fates that left there."""
    label: str
    stage: str = ""
    """The stage behind it; empty when thresholds alone decide."""


_GATES = (
    _Gate(LENGTH, "long enough", "length"),
    _Gate(LIMIT, "within the limits"),
    _Gate(DUPLICATE, "no duplicate", "dedup"),
    _Gate(LEVEL, "in the level"),
    _Gate(CAPTION, "captioned", "caption"),
    _Gate(FILE, "published", "cut"),
)
"""In the order in which `miradata.select.selection` and `miradata.publish.published` ask."""


def funnel(tables: Tables, fates: Sequence[Fate], config: Config) -> list[Step]:
    """The steps from source videos to published clips; the film's seconds never grow.

    A gate whose stage is not in the configuration's list is not a step, unless clips left at it.

    Args:
        tables: Of a run.
        fates: From its publication.
        config: Of the run.
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
    return steps + _gates(clips, fates, config)


def _gates(clips: Sequence[Mapping[str, Any]], fates: Sequence[Fate], config: Config) -> list[Step]:
    length = {row["clip_id"]: (row["t1_ns"] - row["t0_ns"]) / NS for row in clips}
    remaining = list(fates)
    steps = []
    for gate in _GATES:
        left = [fate for fate in remaining if fate.step == gate.step]
        remaining = [fate for fate in remaining if fate.step != gate.step]
        if not left and not _is_asked(gate, config):
            continue
        seconds = sum(length[fate.clip_id] for fate in remaining)
        steps.append(Step(gate.label, len(remaining), "clips", seconds, _named(gate.step, left)))
    assert all(fate.step == KEPT for fate in remaining)
    return steps


def _is_asked(gate: _Gate, config: Config) -> bool:
    if gate.step == CAPTION:
        return config.captions_required
    return not gate.stage or gate.stage in config.stages


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
