"""Clip results become a report: records, summaries, distances between sets, and what the page shows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from mirabench.errors import MetricError, reason_for
from mirabench.features.api import FeatureTable, weights_of
from mirabench.inputs.remote import RemoteClip
from mirabench.inputs.samples import Sample, Source, generator_facts, path_text
from mirabench.metrics.api import ClipInputs, Curve, SetFormula, SetMeasured, SetMetric
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
from mirabench.run.reference import ReferenceStatistics
from mirabench.run.score import Scored
from mirabench.suites.api import unwrapped
from mirabench.video.frames import Video

BAND = (0.1, 0.9)
"""Quantiles over the reference clips between which the band lies."""
FEWEST_FOR_A_BAND = 5
"""Reference clips below which these quantiles say nothing."""


def assemble(job: Job, scored: Scored) -> Report:
    """The report of a job whose clips were scored.

    A clip or a metric that failed is in it with its reason.
    """
    generated, reference = scored.generated, scored.reference
    videos: list[VideoRecord] = []
    protocols: dict[str, dict[str, Any]] = {}
    for sample, result in zip(job.generated, generated, strict=True):
        videos.append(record_of(job, sample, result))
        protocols |= {k: dict(what) for k, what in result.protocols.items() if k not in protocols}
    decoders = sorted({r.info.decoder for r in scored.each() if r.info})
    weights = {name: use for r in scored.each() for name, use in r.weights.items()}
    statistics = job.statistics
    if statistics is not None:
        decoders = sorted({*decoders, *statistics.decoders})
    summaries: dict[str, MetricSummary] = {}
    for metric in job.plan.clip_metrics:
        summaries[metric.spec.name] = summarise_clips(metric, videos)
    for distance in job.plan.set_metrics:
        outcome = _compare(distance, job, scored, weights)
        protocol = ""
        if not isinstance(outcome, MetricError):
            digests = {name: use.sha256 for name, use in weights.items()}
            protocol, protocols_of_set = protocol_of(distance, decoders, digests)
            protocols[protocol] = protocols_of_set
        summaries[distance.spec.name] = summarise_set(distance.spec, outcome, len(videos), protocol)
    _add_bands(job, summaries, reference)
    used = {p for s in summaries.values() for p in s.protocols}
    references = [_reference(s, r) for s, r in zip(job.reference, reference, strict=True)]
    if statistics is not None:
        references = [
            ReferenceRecord(id=clip["id"], path=statistics.name, sha256=clip["sha256"])
            for clip in statistics.clips
        ]
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
    if job.statistics is not None:
        held = job.statistics
        settings["reference"] = {"name": held.name, "sha256": held.sha256, **held.made}
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
    if isinstance(source, Path | RemoteClip):
        return path_text(source)
    return source.info.path if isinstance(source, Video) else "array"


def _add_bands(
    job: Job, summaries: Mapping[str, MetricSummary], reference: Sequence[ClipResult]
) -> None:
    """Between which values 80 % of the reference clips lie, for each clip metric."""
    for metric in job.plan.clip_metrics:
        name = metric.spec.name
        if job.statistics is not None:
            values = job.statistics.values.get(name, np.empty(0)).tolist()
        else:
            scores = [r.scores[name] for r in reference if name in r.scores]
            values = [s.value for s in scores if s.status != "degenerate"]
        if len(values) >= FEWEST_FOR_A_BAND:
            summary = summaries[name]
            low, high = np.quantile(values, BAND).tolist()
            summary.reference_low, summary.reference_high = low, high
            summary.reference_clips = len(values)


def _compare(
    metric: SetMetric, job: Job, scored: Scored, weights: Mapping[str, WeightUse]
) -> SetMeasured | MetricError:
    generated, reference = scored.generated, scored.reference
    try:
        ours = inputs_of(metric, job.generated, generated)
        if job.statistics is not None:
            return _against(metric, ours, job.statistics, weights)
        theirs = inputs_of(metric, job.reference, reference)
        if not ours or not theirs:
            _raise_what_is_missing(metric, scored)
        return metric.compare(ours, theirs)
    except Exception as error:  # the boundary: one distance must not lose the report
        return MetricError(reason_for(error))


def _against(
    metric: SetMetric,
    ours: Sequence[ClipInputs],
    statistics: ReferenceStatistics,
    weights: Mapping[str, WeightUse],
) -> SetMeasured:
    """A distance to clips of which only a file is left."""
    formula = unwrapped(metric)
    if not isinstance(formula, SetFormula):
        raise MetricError(f"it compares clips themselves, which {statistics.name} does not hold")
    cards = {c for ref in metric.spec.needs.values() for c in weights_of(ref.resolve())}
    used = {name: use.sha256 for name, use in weights.items() if name in cards}
    if other := statistics.other_weights(used):
        raise MetricError(other)
    return formula.between(formula.described(ours), statistics.vectors[metric.spec.name])


def _raise_what_is_missing(metric: SetMetric, scored: Scored) -> None:
    for extractor in (ref.resolve() for ref in metric.spec.needs.values()):
        for result in scored.each():
            if extractor in result.missing:
                raise MetricError(result.missing[extractor])


def inputs_of(
    metric: SetMetric, samples: Sequence[Sample], results: Sequence[ClipResult]
) -> list[ClipInputs]:
    """What a set metric may look at, of the clips that have all it needs and are not damaged."""
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


def page_extras(job: Job, scored: Scored) -> Mapping[str, ClipExtras]:
    """What the page shows beside the report: clip id -> film strip and curves, read when asked for."""
    return _Extras(job, scored)


class _Extras(Mapping[str, ClipExtras]):
    """A page of many clips needs one after the other, and memory for one."""

    def __init__(self, job: Job, scored: Scored) -> None:
        self._places = {sample.id: place for place, sample in enumerate(job.generated)}
        self._results = scored.generated
        self._strip = STRIP.resolve()

    def __getitem__(self, clip: str) -> ClipExtras:
        result = self._results[self._places[clip]]
        curves: dict[str, Curve] = {
            n: s.curve for n, s in result.scores.items() if s.curve is not None
        }
        return ClipExtras(result.kept.get(self._strip), curves)

    def __iter__(self) -> Iterator[str]:
        return iter(self._places)

    def __len__(self) -> int:
        return len(self._places)
