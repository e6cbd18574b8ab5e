"""Stages that measure clips: one pass over a few pictures of each, every score kept, nothing dropped.

Selection is a query over what is stored (`levels`). A clip whose pictures cannot be read has failed
rows; a scorer that is not there (no weights, profile `lite`) has no rows, and `pipeline` says so.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, NamedTuple, Protocol

import numpy as np

from mirabench.errors import VideoError
from mirabench.features.api import Extractor, FeatureTable, feature_identity
from mirabench.features.cache import FeatureCache, cache_key, default_cache_folder
from mirabench.features.networks import resolved_weights
from mirabench.features.stream import Extraction, extract
from mirabench.work.item import Item, Outcome, Resources
from miradata.frames.clip_range import ClipVideo
from miradata.frames.clip_rows import clip_range_of, kept_clips
from miradata.stage import TableRow
from miradata.tables.schema import FAILED, OK
from miradata.tables.store import Tables


class Number(NamedTuple):
    """One score of one clip."""

    value: float
    n_frames: int


class Scorer(Protocol):
    """A feature and the numbers that are read off it: a frozen, picklable dataclass."""

    @property
    def metrics(self) -> tuple[str, ...]:
        """Names for the table `scores`."""
        ...

    @property
    def model(self) -> str:
        """What gave the numbers, for the table."""
        ...

    @property
    def extractor(self) -> Extractor:
        """The feature that the numbers are read from."""
        ...

    def read(self, table: FeatureTable) -> Mapping[str, Number]:
        """Metric -> number."""
        ...


@dataclass(frozen=True, slots=True)
class ScoreStage:
    """A clip in, its `scores` (and `signatures`) out."""

    name: str
    root: Path
    """The folder that `videos.path` is relative to."""
    scorers: tuple[Scorer, ...]
    rate: float | None = None
    """Pictures a second; or, when None:"""
    frames: int = 8
    """so many pictures, evenly spaced."""
    gpus: float = 0.0
    weights: tuple[tuple[str, str], ...] = ()
    """Card -> sha256 of the weights in use; part of what names the work."""
    version: ClassVar[int] = 1
    inputs: ClassVar[tuple[str, ...]] = ("videos", "clips")

    @property
    def outputs(self) -> tuple[str, ...]:
        """`scores`, and `signatures` where a scorer makes them."""
        signs = any(hasattr(scorer, "signature") for scorer in self.scorers)
        return ("scores", "signatures") if signs else ("scores",)

    @property
    def resources(self) -> Resources:
        """A few pictures at native size; more where a network runs."""
        return Resources(gpus=self.gpus, memory_mb=4096 if self.weights else 768)

    def params(self) -> Mapping[str, Any]:
        """Which features of which pictures."""
        features = [feature_identity(scorer.extractor) for scorer in self.scorers]
        models = [scorer.model for scorer in self.scorers]
        return {
            "features": features, "models": models, "rate": self.rate, "frames": self.frames,
            "weights": self.weights,
        }  # fmt: skip

    def items(self, tables: Tables) -> Sequence[Item]:
        """One per clip that is long enough."""
        return [Item(c["clip_id"], c["video"]["sha256"], c) for c in kept_clips(tables)]

    def work(self, item: Item) -> Outcome:
        """Measure a clip."""
        clip = item.payload
        clip_range = clip_range_of(self.root, clip["video"], clip["t0_ns"], clip["t1_ns"])
        video = (
            clip_range.evenly(self.frames) if self.rate is None else clip_range.at_rate(self.rate)
        )
        try:
            found = measured(video, [scorer.extractor for scorer in self.scorers])
        except VideoError as error:
            return Outcome(self.failed(item, str(error)), FAILED, str(error))
        rows: dict[str, list[TableRow]] = {table: [] for table in self.outputs}
        for scorer in self.scorers:
            self._read(item, scorer, found, rows)
        problems = sorted(set(found.failures.values()))
        if problems:
            return Outcome(rows, FAILED, "; ".join(problems))
        return Outcome(rows)

    def _read(
        self, item: Item, scorer: Scorer, found: Extraction, rows: dict[str, list[TableRow]]
    ) -> None:
        table = found.tables.get(scorer.extractor)
        if table is None:
            why = found.failures.get(scorer.extractor, "it was not computed")
            rows["scores"] += _without_values(item, scorer, why)
            return
        numbers = scorer.read(table)
        for metric in scorer.metrics:
            rows["scores"].append(_score(item, scorer, metric, numbers[metric]))
        if (signature := getattr(scorer, "signature", None)) is not None:
            rows["signatures"].append({"clip_id": item.id, **signature(table)})

    def failed(self, item: Item, reason: str) -> Mapping[str, Sequence[TableRow]]:
        """Every score without a value."""
        rows = [row for scorer in self.scorers for row in _without_values(item, scorer, reason)]
        return {"scores": rows}


def measured(video: ClipVideo, extractors: Sequence[Extractor]) -> Extraction:
    """Features of a clip: from the benchmark's cache, or computed in one pass and kept there.

    Raises:
        VideoError: the pictures cannot be read.
    """
    cache = FeatureCache(default_cache_folder())
    keys = {e: cache_key(video.info.sha256, e, _digests(e)) for e in extractors}
    known = {e: table for e, key in keys.items() if (table := cache.get(key)) is not None}
    missing = [e for e in keys if e not in known]
    found = extract(video, missing) if missing else Extraction()
    for extractor, table in found.tables.items():
        cache.put(keys[extractor], table)  # type: ignore[index]  # only what was asked for
    for extractor, table in known.items():
        found.tables[extractor] = table
    return found


def _digests(extractor: Extractor) -> dict[str, str]:
    return {name: found.sha256 for name, found in resolved_weights(extractor).items()}


def _score(item: Item, scorer: Scorer, metric: str, number: Number) -> TableRow:
    row = _row(item, scorer, metric, number.n_frames)
    if not np.isfinite(number.value):
        return {**row, "value": None, "status": FAILED, "reason": "not a finite number"}
    return {**row, "value": number.value, "status": OK, "reason": ""}


def _without_values(item: Item, scorer: Scorer, reason: str) -> list[TableRow]:
    return [
        {**_row(item, scorer, metric, 0), "value": None, "status": FAILED, "reason": reason}
        for metric in scorer.metrics
    ]


def _row(item: Item, scorer: Scorer, metric: str, n_frames: int) -> dict[str, Any]:
    return {
        "clip_id": item.id,
        "metric": metric,
        "n_frames": n_frames,
        "model": scorer.model,
        "version": scorer.extractor.version,
    }
