"""Clip results become a report: records, summaries over clips, distances between sets."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from mirabench.errors import InputError, MetricError
from mirabench.functional.horizon import MINUTE, late_minus_early, minute_means
from mirabench.inputs.prompts import Prompt
from mirabench.maths.student import student_quantile
from mirabench.metrics.api import ClipMetric, Curve, Failure, MetricSpec, Score, SetMeasured
from mirabench.report.interval import CONFIDENCE, FEWEST_CLUSTERS, mean_interval
from mirabench.report.model import MetricSummary, ScoreRecord, VideoRecord
from mirabench.video.frames import VideoInfo


def video_record(
    sample_id: str,
    path: str,
    prompt: Prompt | None,
    *,
    info: VideoInfo | None,
    error: str,
    health: Mapping[str, str],
    scores: Mapping[str, Score],
    failures: Mapping[str, Failure],
) -> VideoRecord:
    """The record of one clip."""
    facts: dict[str, Any] = {}
    if info is not None:
        facts = {
            "sha256": info.sha256,
            "width": info.width,
            "height": info.height,
            "fps": round(float(info.fps), 6),
            "num_frames": info.num_frames,
            "duration_seconds": round(info.duration_seconds, 6),
        }
    return VideoRecord(
        id=sample_id,
        path=path,
        prompt_id=prompt.id if prompt else None,
        prompt=prompt.text if prompt else None,
        error=error or None,
        health=dict(health),
        scores={
            name: ScoreRecord(
                value=s.value,
                status=s.status,
                protocol=s.protocol,
                why=s.why,
                **_horizon(s.curve, info.duration_seconds if info is not None else 0.0),
            )
            for name, s in scores.items()
        },
        failures={n: f.reason for n, f in failures.items() if f.kind == "failed"},
        not_applicable={n: f.reason for n, f in failures.items() if f.kind == "not_applicable"},
        **facts,
    )


def _horizon(curve: Curve | None, duration: float) -> dict[str, Any]:
    """What a long clip's curve says minute by minute; empty for a clip of less than a minute.

    A curve that says nothing of the first or of the last third has no drift.
    """
    if curve is None or curve.over != "time" or duration < MINUTE or not len(curve.values):
        return {}
    found: dict[str, Any] = {"minutes": minute_means(curve.seconds, curve.values).tolist()}
    try:
        drift = late_minus_early(curve.seconds, curve.values, duration)
    except InputError:
        return found
    return found | {"drift": drift.difference, "drift_low": drift.low, "drift_high": drift.high}


def _described(spec: MetricSpec) -> dict[str, Any]:
    low, high = spec.range
    return {
        "dimension": spec.dimension,
        "unit": spec.unit,
        "higher_is_better": spec.higher_is_better,
        "scope": spec.scope,
        "summary": spec.summary,
        "range_low": low if math.isfinite(low) else None,
        "range_high": high if math.isfinite(high) else None,
    }


def summarise_clips(metric: ClipMetric, videos: Sequence[VideoRecord]) -> MetricSummary:
    """A metric over clips. Degenerate scores are counted and left out of the mean, but not of `mean_of_all`."""
    name = metric.spec.name
    scored = [(v, v.scores[name]) for v in videos if name in v.scores]
    counted = [(v, s) for v, s in scored if s.status != "degenerate"]
    not_applicable = sum(name in v.not_applicable for v in videos)
    failed = len(videos) - len(scored) - not_applicable
    applicable = len(videos) - not_applicable
    interval: dict[str, Any] = {"clusters": 0}
    if scored:
        interval["mean_of_all"] = float(np.mean([s.value for _, s in scored]))
    if counted:
        found = mean_interval(
            [s.value for _, s in counted], [cluster_of(v) for v, _ in counted]
        ).within(*metric.spec.range)
        interval |= {
            "mean": found.mean, "ci_low": found.low, "ci_high": found.high, "clusters": found.clusters
        }  # fmt: skip
    return MetricSummary(
        **_described(metric.spec),
        **interval,
        n=len(counted),
        coverage=len(counted) / applicable if applicable else 0.0,
        degenerate=len(scored) - len(counted),
        truncated=sum(s.status == "truncated" for _, s in counted),
        failed=failed,
        not_applicable=not_applicable,
        status="ok" if counted or not failed else "failed",
        why="" if counted else _why_nothing(videos, name),
        protocols=sorted({s.protocol for _, s in scored}),
    )


def cluster_of(video: VideoRecord) -> str:
    """Clips of one prompt are one cluster; a clip without a prompt is its own."""
    return f"prompt:{video.prompt_id}" if video.prompt_id is not None else f"clip:{video.id}"


def _why_nothing(videos: Sequence[VideoRecord], name: str) -> str:
    for video in videos:
        if name in video.scores:
            return video.scores[name].why
        reason = video.failures.get(name) or video.not_applicable.get(name)
        if reason:
            return reason
    return "no clip could be read"


def summarise_set(
    spec: MetricSpec, outcome: SetMeasured | MetricError, videos: int, protocol: str
) -> MetricSummary:
    """A distance between sets, with the interval that its standard error makes with Student's t."""
    if isinstance(outcome, MetricError):
        return MetricSummary(
            **_described(spec), n=0, coverage=0.0, clusters=0, failed=videos, status="failed",
            why=str(outcome),
        )  # fmt: skip
    low, high = _set_interval(spec, outcome)
    return MetricSummary(
        **_described(spec),
        mean=outcome.value,
        ci_low=low,
        ci_high=high,
        n=outcome.n,
        coverage=outcome.n / videos if videos else 0.0,
        clusters=outcome.n,
        status="degenerate" if outcome.status == "degenerate" else "ok",
        why=outcome.why,
        protocols=[protocol],
    )


def _set_interval(spec: MetricSpec, outcome: SetMeasured) -> tuple[float | None, float | None]:
    """Value -+ Student's t with the degrees of freedom of the standard error, cut to the metric's range."""
    freedom = outcome.degrees_of_freedom
    if freedom is None:
        freedom = outcome.n - 1
    if outcome.standard_error is None or outcome.n < FEWEST_CLUSTERS:
        return None, None
    half = outcome.standard_error * student_quantile(1 - (1 - CONFIDENCE) / 2, freedom)
    low, high = outcome.value - half, outcome.value + half
    if spec.range[0] <= outcome.value <= spec.range[1]:
        low, high = max(low, spec.range[0]), min(high, spec.range[1])
    return low, high
