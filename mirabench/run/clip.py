"""One clip through a plan: open, find or compute features, measure. Runs in worker processes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from mirabench.errors import VideoError
from mirabench.features.api import Extractor, FeatureTable
from mirabench.features.cache import FeatureCache, cache_key
from mirabench.metrics.api import (
    ClipInputs,
    ClipMetric,
    Failure,
    Measured,
    NotApplicable,
    Score,
)
from mirabench.metrics.health import PULSE, Health, assess
from mirabench.run.plan import STRIP, Plan, protocol_of
from mirabench.run.stream import Extraction, extract, reason_for
from mirabench.samples import Sample
from mirabench.video.decode import FrameCountError, open_video
from mirabench.video.frames import CHUNK_BYTES, Video, VideoInfo


@dataclass(frozen=True, slots=True)
class ClipTask:
    """All that a worker needs to score one clip."""

    sample: Sample
    plan: Plan
    cache: Path | None
    threads: int = 1
    chunk_bytes: int = CHUNK_BYTES
    fps: float | None = None


@dataclass(frozen=True, slots=True, eq=False)
class ClipResult:
    """What was found out about one clip."""

    sample_id: str
    info: VideoInfo | None = None
    error: str = ""
    """Why the video could not be read; empty when it could."""
    health: Health = field(default_factory=lambda: Health({}))
    scores: Mapping[str, Score] = field(default_factory=dict)
    failures: Mapping[str, Failure] = field(default_factory=dict)
    kept: Mapping[Extractor, FeatureTable] = field(default_factory=dict)
    """Tables that set metrics and the page still need."""
    missing: Mapping[Extractor, str] = field(default_factory=dict)
    """Why a feature that a set metric needs could not be computed."""
    cached: int = 0
    """Features that came from the cache."""
    computed: int = 0


def score_clip(task: ClipTask) -> ClipResult:
    """Score one clip. Never raises: what goes wrong becomes the result's error or failures."""
    try:
        return _score(task)
    except VideoError as error:
        return ClipResult(task.sample.id, error=str(error))
    except Exception as error:  # the worker boundary: one clip's bug must not lose the others
        return ClipResult(task.sample.id, error=reason_for(error))


def _score(task: ClipTask) -> ClipResult:
    video = _opened(task, exact=False)
    try:
        found = _features(task, video)
    except FrameCountError:
        video = _opened(task, exact=True)
        found = _features(task, video)
    pulse = found.extraction.tables.get(PULSE.resolve())
    if pulse is not None and len(pulse["seconds"]) != video.info.num_frames:
        # an earlier run learnt by decoding that this container miscounts
        video = _opened(task, exact=True)
    return _measure_all(task, video.info, found)


def _opened(task: ClipTask, *, exact: bool) -> Video:
    source = task.sample.source
    if isinstance(source, Path) and not source.exists():
        raise VideoError(f"there is no file {source}: correct the path or remove it from the list")
    return open_video(source, fps=task.fps, exact=exact)


@dataclass(frozen=True, slots=True, eq=False)
class _Found:
    extraction: Extraction
    cached: int
    computed: int


def _features(task: ClipTask, video: Video) -> _Found:
    """Tables from the cache, and the rest in one pass, kept for the next run."""
    cache = FeatureCache(task.cache) if task.cache is not None else None
    keys = {e: cache_key(video.info.sha256, e) for e in task.plan.extractors}
    hits: dict[Extractor, FeatureTable] = {}
    if cache is not None:
        hits = {e: t for e, key in keys.items() if (t := cache.get(key)) is not None}
    rest = [e for e in task.plan.extractors if e not in hits]
    fresh = Extraction()
    if rest:
        fresh = extract(video, rest, threads=task.threads, chunk_bytes=task.chunk_bytes)
        if cache is not None:
            for extractor, table in fresh.tables.items():
                cache.put(keys[extractor], table)
    computed = len(fresh.tables)
    fresh.tables.update(hits)
    return _Found(fresh, len(hits), computed)


def _measure_all(task: ClipTask, info: VideoInfo, found: _Found) -> ClipResult:
    tables, missing = found.extraction.tables, found.extraction.failures
    pulse = tables.get(PULSE.resolve())
    health = assess(pulse, info) if pulse is not None else Health({})
    scores: dict[str, Score] = {}
    failures: dict[str, Failure] = {}
    for metric in task.plan.clip_metrics:
        outcome = _measure(metric, task.sample, info, found.extraction, health)
        if isinstance(outcome, Score):
            scores[metric.spec.name] = outcome
        else:
            failures[metric.spec.name] = outcome
    later = {ref.resolve() for m in task.plan.set_metrics for ref in m.spec.needs.values()}
    later.add(STRIP.resolve())
    return ClipResult(
        task.sample.id,
        info,
        health=health,
        scores=scores,
        failures=failures,
        kept={e: t for e, t in tables.items() if e in later},
        missing={e: why for e, why in missing.items() if e in later},
        cached=found.cached,
        computed=found.computed,
    )


def _measure(
    metric: ClipMetric, sample: Sample, info: VideoInfo, extraction: Extraction, health: Health
) -> Score | Failure:
    needs = {key: ref.resolve() for key, ref in metric.spec.needs.items()}
    for extractor in needs.values():
        if extractor in extraction.failures:
            return Failure(extraction.failures[extractor])
    inputs = ClipInputs(
        info, {k: extraction.tables[e] for k, e in needs.items()}, sample.prompt, sample.id
    )
    try:
        measured = metric.compute(inputs)
    except NotApplicable as error:
        return Failure(str(error), kind="not_applicable")
    except Exception as error:  # the worker boundary, for one metric
        return Failure(reason_for(error))
    return _score_of(metric, measured, info, health)


def _score_of(metric: ClipMetric, measured: Measured, info: VideoInfo, health: Health) -> Score:
    protocol, _ = protocol_of(metric, [info.decoder])
    why = health.why(metric.spec.degenerate_when)
    if why:
        return Score(measured.value, "degenerate", protocol, why, measured.curve)
    return Score(measured.value, measured.status, protocol, measured.why, measured.curve)
