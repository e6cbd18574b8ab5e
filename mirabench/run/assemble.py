"""Clip results become a report: records, summaries, distances between sets, and what the page shows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from mirabench.errors import MetricError, reason_for
from mirabench.features.api import FeatureTable
from mirabench.inputs.samples import Sample, Source, generator_facts
from mirabench.metrics.api import ClipInputs, Curve, SetMeasured, SetMetric
from mirabench.report.build import summarise_clips, summarise_set, video_record
from mirabench.report.model import (
    MetricSummary,
    ReferenceRecord,
    Report,
    SuiteRecord,
    VideoRecord,
)
from mirabench.report.page_clips import ClipExtras
from mirabench.report.provenance import provenance
from mirabench.run.clip import ClipResult, WeightUse
from mirabench.run.plan import STRIP, protocol_of
from mirabench.run.prepare import Job
from mirabench.run.score import Scored
from mirabench.video.frames import Video


def assemble(job: Job, scored: Scored) -> Report:
    """The report of a job whose clips were scored.

    A clip or a metric that failed is in it with its reason.
    """
    generated, reference = scored.generated, scored.reference
    videos = [record_of(job, s, r) for s, r in zip(job.generated, generated, strict=True)]
    results = (*generated, *reference)
    decoders = sorted({r.info.decoder for r in results if r.info})
    weights = {name: use for r in results for name, use in r.weights.items()}
    protocols = {key: dict(what) for r in generated for key, what in r.protocols.items()}
    summaries: dict[str, MetricSummary] = {}
    for metric in job.plan.clip_metrics:
        summaries[metric.spec.name] = summarise_clips(metric, videos)
    for distance in job.plan.set_metrics:
        outcome = _compare(distance, job, generated, reference)
        protocol = ""
        if not isinstance(outcome, MetricError):
            digests = {name: use.sha256 for name, use in weights.items()}
            protocol, protocols_of_set = protocol_of(distance, decoders, digests)
            protocols[protocol] = protocols_of_set
        summaries[distance.spec.name] = summarise_set(distance.spec, outcome, len(videos), protocol)
    used = {p for s in summaries.values() for p in s.protocols}
    references = [_reference(s, r) for s, r in zip(job.reference, reference, strict=True)]
    return Report(
        suite=SuiteRecord(
            name=job.suite.name, version=job.suite.version, digest=job.suite.digest()
        ),
        partial=any(v.error or v.failures for v in videos)
        or any(r.error for r in references)
        or any(s.status == "failed" for s in summaries.values()),
        summary={c.name: summaries[c.name] for c in job.suite.metrics if c.name in summaries},
        skipped=dict(job.plan.skipped),
        videos=videos,
        reference=references,
        protocols={key: protocols[key] for key in sorted(used)},
        provenance=provenance(_settings(job, weights)),
    )


def _settings(job: Job, weights: Mapping[str, WeightUse]) -> dict[str, Any]:
    settings: dict[str, Any] = {"frame_rate_of_frame_folders": job.fps or 24.0}
    if weights:
        settings["weights"] = {name: asdict(weights[name]) for name in sorted(weights)}
    if generators := generator_facts(job.generated):
        settings["generator"] = generators
    return settings


def record_of(job: Job, sample: Sample, result: ClipResult) -> VideoRecord:
    """The record of one clip."""
    failures = dict(result.failures)
    record = video_record(
        sample.id,
        _path_of(sample.source),
        sample.prompt,
        info=result.info,
        error=result.error,
        health=result.health.flags,
        scores=result.scores,
        failures=failures,
    )
    if result.error:
        record.failures = {m.spec.name: result.error for m in job.plan.clip_metrics}
    return record


def _reference(sample: Sample, result: ClipResult) -> ReferenceRecord:
    return ReferenceRecord(
        id=sample.id,
        path=_path_of(sample.source),
        sha256=result.info.sha256 if result.info else None,
        error=result.error or result.health.why(()) or None,
    )


def _path_of(source: Source) -> str:
    if isinstance(source, Path):
        return source.as_posix()
    return source.info.path if isinstance(source, Video) else "array"


def _compare(
    metric: SetMetric, job: Job, generated: Sequence[ClipResult], reference: Sequence[ClipResult]
) -> SetMeasured | MetricError:
    try:
        ours = _inputs(metric, job.generated, generated)
        theirs = _inputs(metric, job.reference, reference)
        if not ours or not theirs:
            _raise_what_is_missing(metric, (*generated, *reference))
        return metric.compare(ours, theirs)
    except Exception as error:  # the boundary: one distance must not lose the report
        return MetricError(reason_for(error))


def _raise_what_is_missing(metric: SetMetric, results: Sequence[ClipResult]) -> None:
    for extractor in (ref.resolve() for ref in metric.spec.needs.values()):
        for result in results:
            if extractor in result.missing:
                raise MetricError(result.missing[extractor])


def _inputs(
    metric: SetMetric, samples: Sequence[Sample], results: Sequence[ClipResult]
) -> list[ClipInputs]:
    needs = {key: ref.resolve() for key, ref in metric.spec.needs.items()}
    found = []
    for sample, result in zip(samples, results, strict=True):
        tables: dict[str, FeatureTable] = {
            k: result.kept[e] for k, e in needs.items() if e in result.kept
        }
        damaged = result.health.why(())  # its frames are not those of the clip
        if result.info is not None and len(tables) == len(needs) and not damaged:
            found.append(ClipInputs(result.info, tables, sample.prompt, sample.id))
    return found


def page_extras(job: Job, scored: Scored) -> dict[str, ClipExtras]:
    """What the page shows beside the report: clip id -> film strip and curves."""
    strip = STRIP.resolve()
    extras = {}
    for sample, result in zip(job.generated, scored.generated, strict=True):
        curves: dict[str, Curve] = {
            n: s.curve for n, s in result.scores.items() if s.curve is not None
        }
        extras[sample.id] = ClipExtras(result.kept.get(strip), curves)
    return extras
