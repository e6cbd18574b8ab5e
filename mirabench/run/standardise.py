"""Temporal metrics at the reference's motion, and what a still scores: beside the raw mean, in the report.

Whoever moves less is smoother. So the mean over clips is also given at a fixed mix of motion: bins and their
weights are quarters of the reference's clips by `flow_magnitude` (`dynamic_degree` where a suite has only
that), and a generator that fills none of a bin is not measured there. The still is the first frame of the
first clip that could be read, two seconds long: a metric that it wins says nothing alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from mirabench.inputs.remote import at_hand
from mirabench.inputs.samples import Sample
from mirabench.maths.standardise import MotionBins, standardised_mean
from mirabench.metrics.api import DIMENSIONS, ClipMetric
from mirabench.report.model import Report, VideoRecord
from mirabench.run.clip import ClipTask, score_clip
from mirabench.run.prepare import Job
from mirabench.run.score import Options, Scored
from mirabench.video.decode import open_video
from mirabench.video.frames import ArrayVideo, Video

MOTION = ("flow_magnitude", "dynamic_degree")
"""Metrics by which clips are sorted, best first."""
STANDARDISED = DIMENSIONS[0]
"""Dimension whose metrics less motion improves."""
STILL_FRAMES, STILL_RATE = 16, 8


def standardise(report: Report, job: Job, scored: Scored, options: Options) -> None:
    """Add the standardised mean, its coverage and the still's score to the summaries of temporal metrics.

    Adds nothing without a reference of twenty clips whose motion counts.
    """
    name, bins = _motion_bins(job, scored)
    metrics = [m for m in job.plan.clip_metrics if m.spec.dimension == STANDARDISED]
    if bins is None or not metrics:
        return
    still = _still_scores(metrics, job, scored, options)
    for metric in metrics:
        summary = report.summary[metric.spec.name]
        values, motion = _pairs(report.videos, metric.spec.name, name)
        found = standardised_mean(values, motion, bins)
        summary.standardised, summary.standardised_coverage = found.mean, found.coverage
        summary.still = still.get(metric.spec.name)


def _motion_bins(job: Job, scored: Scored) -> tuple[str, MotionBins | None]:
    """The metric of motion that both sides have, and its bins; None without a reference that allows them."""
    planned = {m.spec.name for m in job.plan.clip_metrics}
    for name in MOTION:
        if name in planned:
            return name, MotionBins.of(_of_reference(job, scored, name))
    return "", None


def _of_reference(job: Job, scored: Scored, name: str) -> list[float]:
    if job.statistics is not None:
        return [float(v) for v in job.statistics.values.get(name, np.empty(0))]
    scores = [r.scores[name] for r in scored.reference if name in r.scores]
    return [s.value for s in scores if s.status != "degenerate"]


def _pairs(
    videos: Sequence[VideoRecord], metric: str, motion: str
) -> tuple[list[float], list[float]]:
    """Values of a metric that count, and the motion of the same clips."""
    both = [v for v in videos if metric in v.scores and motion in v.scores]
    counted = [v for v in both if v.scores[metric].status != "degenerate"]
    return [v.scores[metric].value for v in counted], [v.scores[motion].value for v in counted]


def _still_scores(
    metrics: Sequence[ClipMetric], job: Job, scored: Scored, options: Options
) -> Mapping[str, float]:
    """What a still of the first clip that could be read scores, whatever the status; empty without one."""
    for sample, result in zip(job.generated, scored.generated, strict=True):
        if result.info is not None:
            with at_hand(sample.source) as source:
                video = open_video(source, fps=job.fps, max_pixels=options.max_pixels)
                still = _still(video)
            plan = replace(
                job.plan, clip_metrics=tuple(metrics), set_metrics=(),
                extractors=tuple(dict.fromkeys(r.resolve() for m in metrics for r in m.spec.needs.values())),
            )  # fmt: skip
            task = ClipTask(
                Sample("still", still, sample.prompt), plan, options.cache,
                device=options.device, noncommercial=options.noncommercial,
            )  # fmt: skip
            return {name: score.value for name, score in score_clip(task).scores.items()}
    return {}


def _still(video: Video) -> ArrayVideo:
    first = next(iter(video.frames(chunk_bytes=1))).data[:1]
    return ArrayVideo(np.repeat(first, STILL_FRAMES, axis=0), fps=STILL_RATE, name="still")
