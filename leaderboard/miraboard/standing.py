"""A submission as numbers: what the table needs, taken from the report once, at acceptance.

Consistency is kept twice. Raw is the report's own mean. Conditioned on motion is the mean over the clips
whose motion metric reaches the track's floor: a clip that hardly moves is consistent for free.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from mirabench.report.build import cluster_of
from mirabench.report.interval import mean_interval
from mirabench.report.model import MetricSummary, Report, VideoRecord
from miraboard.card import Card
from miraboard.tracks import Track

CONSISTENCY = "temporal consistency"
"""The dimension that a frozen picture would win."""


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
    undefined: bool = False
    """Whether there is no mean because every clip's number was degenerate, though the clips move."""


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

    @property
    def label(self) -> str:
        """Generator and version, for people."""
        return f"{self.generator} {self.version}"

    def ranked(self, metric: str) -> Value | None:
        """The number that ranks: conditioned on motion where there is such a one."""
        return self.conditioned.get(metric) or self.values.get(metric)

    def to_json(self) -> str:
        """One line; `from_json` reads it."""
        return json.dumps(asdict(self), ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str) -> Standing:
        """What `to_json` wrote."""
        raw: dict[str, Any] = json.loads(text)
        raw["links"] = tuple(raw["links"])
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
        values={
            name: _value(s, len(report.videos), lively=2 * len(moving) > len(report.videos))
            for name, s in report.summary.items()
        },
        conditioned={
            name: conditioned(name, moving, len(report.videos))
            for name in consistency
            if report.summary[name].scope == "clip"
        },
    )


def moves(video: VideoRecord, track: Track) -> bool:
    """Whether a clip's motion counts and reaches the floor, and nothing says that it is static."""
    score = video.scores.get(track.motion_metric)
    if score is None or score.status == "degenerate" or "static" in video.health:
        return False
    return score.value >= track.motion_floor


def _value(summary: MetricSummary, clips: int, *, lively: bool) -> Value:
    if summary.mean is None or summary.status == "failed":
        undefined = lively and summary.degenerate > 0 and summary.failed == 0
        return Value(None, of=clips, undefined=undefined)
    return Value(
        summary.mean, summary.ci_low, summary.ci_high, summary.n, clips - summary.not_applicable
    )


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
