"""One clip through a plan: open, find or compute features, measure. Runs in worker processes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from time import perf_counter
from typing import Any

from mirabench.errors import MirabenchError, NotApplicable, VideoError, reason_for
from mirabench.features.api import AnyExtractor, Extractor, FeatureTable, TextExtractor, weights_of
from mirabench.features.cache import FeatureCache, cache_key
from mirabench.features.networks import resolved_weights, use_device
from mirabench.features.stream import Extraction, extract
from mirabench.inputs.prompts import Prompt
from mirabench.inputs.remote import RemoteClip, fetched
from mirabench.inputs.samples import Sample
from mirabench.metrics.api import ClipInputs, ClipMetric, Failure, Measured, Score
from mirabench.metrics.health import INTEGRITY, PULSE, Health, assess
from mirabench.run.facts import (
    CACHE,
    FETCH,
    METRICS,
    OPEN,
    ClipFacts,
    clocked,
    peak_bytes,
    this_worker,
)
from mirabench.run.plan import STRIP, Plan, protocol_of
from mirabench.video.decode import FrameCountError, open_video
from mirabench.video.frames import CHUNK_BYTES, Video, VideoInfo
from mirabench.video.limits import MAX_PIXELS
from mirabench.weights import ResolvedWeights, card
from mirabench.weights.licence import require_licence


@dataclass(frozen=True, slots=True)
class ClipTask:
    """All that a worker needs to score one clip."""

    sample: Sample
    plan: Plan
    cache: Path | None
    threads: int = 1
    chunk_bytes: int = CHUNK_BYTES
    fps: float | None = None
    device: str = "auto"
    max_pixels: int = MAX_PIXELS
    """Of a frame that is decoded."""
    noncommercial: bool = False
    """Whether weights whose licence forbids commercial use may be used."""


@dataclass(frozen=True, slots=True)
class WeightUse:
    """Parameters that were computed with."""

    sha256: str
    verified: bool
    """Whether more than the user's word says that they are the official ones."""
    licence: str
    non_commercial: bool

    @classmethod
    def of(cls, found: ResolvedWeights) -> WeightUse:
        """Of a file on this machine."""
        which = found.card
        return cls(found.sha256, found.verified, which.licence, which.non_commercial)


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
    protocols: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """Protocol id -> what it stands for, of the scores."""
    weights: Mapping[str, WeightUse] = field(default_factory=dict)
    kept: Mapping[AnyExtractor, FeatureTable] = field(default_factory=dict)
    """Tables that set metrics and the page still need."""
    missing: Mapping[AnyExtractor, str] = field(default_factory=dict)
    """Why a feature that a set metric needs could not be computed."""
    cached: int = 0
    """Features that came from the cache."""
    computed: int = 0
    cache_troubles: Mapping[str, str] = field(default_factory=dict)
    """Kind of trouble with the cache -> the first of it, in a sentence."""
    facts: ClipFacts = field(default_factory=ClipFacts)
    """What it took."""


def score_clip(task: ClipTask) -> ClipResult:
    """Score one clip. Never raises: what goes wrong becomes the result's error or failures."""
    source = task.sample.source
    try:
        if isinstance(source, RemoteClip):
            return _score_fetched(task, source)
        return _score(task)
    except VideoError as error:
        return ClipResult(task.sample.id, error=str(error))
    except Exception as error:  # the worker boundary: one clip's bug must not lose the others
        return ClipResult(task.sample.id, error=reason_for(error))


def _score_fetched(task: ClipTask, clip: RemoteClip) -> ClipResult:
    """Score a clip from its address; what is said of it names the address, not the copy."""
    began = perf_counter()
    with fetched(clip.url) as here:
        seconds = perf_counter() - began
        local = replace(task, sample=replace(task.sample, source=here))
        try:
            result = _score(local)
        except VideoError as error:
            raise VideoError(str(error).replace(str(here), clip.url)) from error
    assert result.info is not None  # it was read
    taken = replace(result.facts, seconds={**result.facts.seconds, FETCH: seconds})
    return replace(result, info=replace(result.info, path=clip.url), facts=taken)


def _score(task: ClipTask) -> ClipResult:
    use_device(task.device)
    seconds: dict[str, float] = {}
    with clocked(seconds, OPEN):
        video = _opened(task, exact=False)
    try:
        found = _features(task, video, seconds)
    except FrameCountError:
        with clocked(seconds, OPEN):
            video = _opened(task, exact=True)
        found = _features(task, video, seconds)
    pulse = found.extraction.tables.get(PULSE.resolve())
    if pulse is not None and len(pulse["seconds"]) != video.info.num_frames:
        # an earlier run learnt by decoding that this container miscounts
        with clocked(seconds, OPEN):
            video = _opened(task, exact=True)
    with clocked(seconds, METRICS):
        result = _measure_all(task, video.info, found)
    return replace(result, facts=_facts(seconds, found.extraction))


def _facts(seconds: Mapping[str, float], extraction: Extraction) -> ClipFacts:
    networks = {e.name for e in extraction.tables if weights_of(e)}
    return ClipFacts(
        {**seconds, **extraction.seconds},
        extraction.feature_seconds,
        tuple(sorted(networks)),
        peak_bytes=peak_bytes(),
        worker=this_worker(),
    )


def _opened(task: ClipTask, *, exact: bool) -> Video:
    source = task.sample.source
    if isinstance(source, Path) and not source.exists():
        raise VideoError(f"there is no file {source}: correct the path or remove it from the list")
    assert not isinstance(source, RemoteClip)  # score_clip() fetched it
    return open_video(source, fps=task.fps, exact=exact, max_pixels=task.max_pixels)


@dataclass(frozen=True, slots=True, eq=False)
class _Found:
    extraction: Extraction
    weights: Mapping[str, WeightUse]
    cached: int
    computed: int
    cache_troubles: Mapping[str, str]


def _features(task: ClipTask, video: Video, seconds: dict[str, float]) -> _Found:
    """Tables from the cache, and the rest in one pass, kept for the next run."""
    cache = FeatureCache(task.cache) if task.cache is not None else None
    result = Extraction()
    weights: dict[str, WeightUse] = {}
    keys = _keys(task, video, result, weights)
    if cache is not None:
        with clocked(seconds, CACHE):
            result.tables |= {e: t for e, key in keys.items() if (t := cache.get(key)) is not None}
    cached = len(result.tables)
    fresh = _fresh(task, video, [e for e in keys if e not in result.tables])
    if cache is not None:
        with clocked(seconds, CACHE):
            for extractor, table in fresh.tables.items():
                cache.put(keys[extractor], table)
    result.tables |= fresh.tables
    result.seconds, result.feature_seconds = fresh.seconds, fresh.feature_seconds
    result.failures |= fresh.failures
    result.not_applicable |= fresh.not_applicable
    troubles = cache.troubles if cache is not None else {}
    return _Found(result, weights, cached, len(fresh.tables), troubles)


def _keys(
    task: ClipTask, video: Video, result: Extraction, weights: dict[str, WeightUse]
) -> dict[AnyExtractor, str]:
    """Each feature's name in the cache; those that cannot be computed are noted as failures."""
    keys: dict[AnyExtractor, str] = {}
    for extractor in task.plan.extractors:
        try:
            content = _content(extractor, task.sample.prompt, video)
            for name in weights_of(extractor):
                require_licence(card(name), noncommercial=task.noncommercial)
            used = {
                name: WeightUse.of(found) for name, found in resolved_weights(extractor).items()
            }
        except NotApplicable as error:
            result.not_applicable[extractor] = str(error)
            continue
        except MirabenchError as error:
            result.failures[extractor] = str(error)
            continue
        weights |= used
        keys[extractor] = cache_key(content, extractor, {n: w.sha256 for n, w in used.items()})
    return keys


def _content(extractor: AnyExtractor, prompt: Prompt | None, video: Video) -> str:
    """What a feature looks at: the clip, or a text of its prompt."""
    if not isinstance(extractor, TextExtractor):
        return video.info.sha256
    if prompt is None:
        raise NotApplicable("the clip has no prompt")
    return f"text:{extractor.text_of(prompt)}"


def _fresh(task: ClipTask, video: Video, extractors: Sequence[AnyExtractor]) -> Extraction:
    """Compute features: those of frames in one decode pass, those of texts one by one."""
    of_frames = [e for e in extractors if isinstance(e, Extractor)]
    found = Extraction()
    if of_frames:
        found = extract(video, of_frames, threads=task.threads, chunk_bytes=task.chunk_bytes)
    for extractor in extractors:
        if isinstance(extractor, TextExtractor) and task.sample.prompt is not None:
            try:
                with clocked(found.feature_seconds, extractor.name):
                    text = extractor.text_of(task.sample.prompt)
                    found.tables[extractor] = extractor.embed(text)
            except Exception as error:  # the boundary: one feature's bug must not lose the others
                found.failures[extractor] = reason_for(error)
    return found


def _measure_all(task: ClipTask, info: VideoInfo, found: _Found) -> ClipResult:
    tables = found.extraction.tables
    missing = {**found.extraction.not_applicable, **found.extraction.failures}
    pulse = tables.get(PULSE.resolve())
    integrity = tables.get(INTEGRITY.resolve())
    health = assess(pulse, info, integrity) if pulse is not None else Health({})
    scores: dict[str, Score] = {}
    failures: dict[str, Failure] = {}
    protocols: dict[str, Mapping[str, Any]] = {}
    digests = {name: use.sha256 for name, use in found.weights.items()}
    for metric in task.plan.clip_metrics:
        outcome = _measure(metric, task.sample, info, found.extraction)
        if isinstance(outcome, Failure):
            failures[metric.spec.name] = outcome
            continue
        protocol, description = protocol_of(metric, [info.decoder], digests)
        protocols[protocol] = description
        scores[metric.spec.name] = _score_of(metric, outcome, health, protocol)
    later = {ref.resolve() for m in task.plan.set_metrics for ref in m.spec.needs.values()}
    later.add(STRIP.resolve())
    return ClipResult(
        task.sample.id,
        info,
        health=health,
        scores=scores,
        failures=failures,
        protocols=protocols,
        weights=found.weights,
        kept={e: t for e, t in tables.items() if e in later},
        missing={e: why for e, why in missing.items() if e in later},
        cached=found.cached,
        computed=found.computed,
        cache_troubles=found.cache_troubles,
    )


def _measure(
    metric: ClipMetric, sample: Sample, info: VideoInfo, extraction: Extraction
) -> Measured | Failure:
    needs = {key: ref.resolve() for key, ref in metric.spec.needs.items()}
    for extractor in needs.values():
        if extractor in extraction.not_applicable:
            return Failure(extraction.not_applicable[extractor], kind="not_applicable")
    for extractor in needs.values():
        if extractor in extraction.failures:
            return Failure(extraction.failures[extractor])
    inputs = ClipInputs(
        info, {k: extraction.tables[e] for k, e in needs.items()}, sample.prompt, sample.id
    )
    try:
        return metric.compute(inputs)
    except NotApplicable as error:
        return Failure(str(error), kind="not_applicable")
    except Exception as error:  # the worker boundary, for one metric
        return Failure(reason_for(error))


def _score_of(metric: ClipMetric, measured: Measured, health: Health, protocol: str) -> Score:
    why = health.why(metric.spec.degenerate_when)
    if why:
        return Score(measured.value, "degenerate", protocol, why, measured.curve)
    return Score(measured.value, measured.status, protocol, measured.why, measured.curve)
