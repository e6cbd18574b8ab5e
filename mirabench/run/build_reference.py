"""`mirabench reference build`: clips become a reference in a file."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from mirabench.errors import InputError
from mirabench.inputs.samples import collect
from mirabench.metrics.api import SetFormula
from mirabench.run.assemble import inputs_of
from mirabench.run.plan import make_plan
from mirabench.run.prepare import Inputs, Job, as_list
from mirabench.run.reference import ReferenceStatistics, identity_of, made_now
from mirabench.run.score import Options, Scored, score_clips
from mirabench.suites.api import Suite, load_suite, unwrapped
from mirabench.video.frames import VideoInfo


def prepare_reference(
    inputs: Inputs | Iterable[Inputs],
    *,
    suite: str | Path | Suite = "lite",
    metrics: Sequence[str] | None = None,
    fps: float | None = None,
) -> Job:
    """Find the reference clips and plan what a suite needs of them; computes nothing.

    Raises:
        InputError: no clips, or an unknown suite or metric.
    """
    chosen = load_suite(suite)
    if metrics is not None:
        chosen = chosen.only(metrics)
    samples = collect(as_list(inputs), role="reference")
    plan = make_plan(
        chosen,
        with_prompts=any(s.prompt for s in samples),
        with_reference=True,
        pictures=False,
    )
    return Job(chosen, plan, [], samples, fps)


def build_reference(job: Job, options: Options) -> ReferenceStatistics:
    """Score the clips of a job and keep what runs against them need.

    Raises:
        InputError: fewer than two clips could be read.
    """
    scored = score_clips(job, options)
    read = [r for r in scored.reference if r.info is not None]
    if len(read) < 2:
        reasons = [r.error for r in scored.reference if r.error]
        raise InputError(
            f"{len(read)} of {len(job.reference)} clips could be read, a reference needs two"
            + (f"; {reasons[0]}" if reasons else "")
        )
    return ReferenceStatistics(
        name="",
        sha256="",
        clips=[_facts(r.sample_id, r.info) for r in read if r.info is not None],
        identities={
            m.spec.name: identity_of(m) for m in (*job.plan.clip_metrics, *job.plan.set_metrics)
        },
        vectors=_vectors(job, scored),
        values=_values(job, scored),
        weights={name: use.sha256 for r in read for name, use in r.weights.items()},
        decoders=sorted({r.info.decoder for r in read if r.info is not None}),
        made=made_now(job.suite.name, job.suite.version),
    )


def _facts(clip_id: str, info: VideoInfo) -> dict[str, Any]:
    return {
        "id": clip_id,
        "sha256": info.sha256,
        "width": info.width,
        "height": info.height,
        "fps": round(float(info.fps), 6),
        "num_frames": info.num_frames,
    }


def _vectors(job: Job, scored: Scored) -> dict[str, Any]:
    found = {}
    for metric in job.plan.set_metrics:
        formula = unwrapped(metric)
        if isinstance(formula, SetFormula):
            rows = formula.described(inputs_of(metric, job.reference, scored.reference))
            if rows:
                found[metric.spec.name] = tuple(rows)
    return found


def _values(job: Job, scored: Scored) -> dict[str, Any]:
    found = {}
    for metric in job.plan.clip_metrics:
        name = metric.spec.name
        values = [
            r.scores[name].value
            for r in scored.reference
            if name in r.scores and r.scores[name].status != "degenerate"
        ]
        if values:
            found[name] = np.array(values, np.float64)
    return found
