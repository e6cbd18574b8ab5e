"""A submission as numbers: what the table needs, taken from the report once, at acceptance.

What ranks are its worths (see `utility`), one for each metric and prompt. Means and intervals in the metrics'
own units are kept beside them, for people. Consistency's mean is kept twice: raw, as the report has it, and
over the clips whose motion metric reaches the track's floor, since a clip that hardly moves is consistent for
free.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from mirabench.report.build import cluster_of
from mirabench.report.interval import mean_interval
from mirabench.report.model import MetricSummary, Report, VideoRecord
from miraboard.card import Card
from miraboard.names import skeleton
from miraboard.tracks import Track
from miraboard.utility import CONSISTENCY
from miraboard.worths import Worths, moves, worths_of


@dataclass(frozen=True, slots=True)
class Value:
    """One number of one submission with its 95 % interval."""

    mean: float | None
    low: float | None = None
    high: float | None = None
    n: int = 0
    """Clips behind it."""
    of: int = 0
    """Clips it could have had."""


@dataclass(frozen=True, slots=True)
class Standing:
    """One submission in one table."""

    id: str
    generator: str
    version: str
    received: str
    track: str
    licence: str
    links: tuple[str, ...]
    clips: int
    failed: int
    """Clips that could not be read, or that a metric failed on."""
    still: int
    """Clips below the motion floor, or without a motion score."""
    values: Mapping[str, Value] = field(repr=False)
    """Metric -> the report's own number."""
    conditioned: Mapping[str, Value] = field(repr=False)
    """Metric of consistency -> the number over clips that move."""
    worths: bytes = field(default=b"", repr=False)
    """Of each metric that ranks and each prompt, in the track's order: 32-bit fractions, row by row."""

    def worth(self, track: Track) -> Worths:
        """What ranks: (metrics, prompts) of 0 to 1."""
        found = np.frombuffer(self.worths, "<f4")
        return found.reshape(len(track.ranked), len(track.prompts))

    @property
    def name_key(self) -> str:
        """The same for names that look the same: their submissions are versions of one generator."""
        return skeleton(self.generator)

    @property
    def label(self) -> str:
        """Generator and version, for people."""
        return f"{self.generator} {self.version}"

    def shown(self, metric: str) -> Value | None:
        """The number beside the rank: over clips that move where there is such a one."""
        return self.conditioned.get(metric) or self.values.get(metric)

    def to_json(self) -> str:
        """One line; `from_json` reads it."""
        found = asdict(self)
        found["worths"] = base64.b64encode(self.worths).decode()
        return json.dumps(found, ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str) -> Standing:
        """What `to_json` wrote."""
        raw: dict[str, Any] = json.loads(text)
        raw["links"] = tuple(raw["links"])
        raw["worths"] = base64.b64decode(raw["worths"])
        for key in ("values", "conditioned"):
            raw[key] = {name: Value(**value) for name, value in raw[key].items()}
        return cls(**raw)


def standing_of(identity: str, card: Card, report: Report, track: Track, received: str) -> Standing:
    """The numbers of a checked report."""
    moving = [v for v in report.videos if moves(v, track)]
    consistency = [n for n in report.summary if report.summary[n].dimension == CONSISTENCY]
    return Standing(
        id=identity,
        generator=card.generator,
        version=card.version,
        received=received,
        track=track.name,
        licence=card.licence,
        links=card.links,
        clips=len(report.videos),
        failed=len(report.failed_videos),
        still=len(report.videos) - len(moving),
        values={name: _value(s, len(report.videos)) for name, s in report.summary.items()},
        conditioned={
            name: conditioned(name, moving, len(report.videos))
            for name in consistency
            if report.summary[name].scope == "clip"
        },
        worths=worths_of(report, track).astype("<f4").tobytes(),
    )


def _value(summary: MetricSummary, clips: int) -> Value:
    if summary.mean is None or summary.status == "failed":
        return Value(None, of=clips)
    return Value(summary.mean, summary.ci_low, summary.ci_high, summary.n, clips)


def conditioned(metric: str, moving: list[VideoRecord], clips: int) -> Value:
    """A metric over the moving clips alone; no value when none of them has one."""
    counted = [
        (v.scores[metric].value, cluster_of(v))
        for v in moving
        if metric in v.scores and v.scores[metric].status != "degenerate"
    ]
    if not counted:
        return Value(None, of=clips)
    found = mean_interval([value for value, _ in counted], [cluster for _, cluster in counted])
    return Value(found.mean, found.low, found.high, found.n, clips)
