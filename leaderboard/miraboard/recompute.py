"""Aggregates again, from the rows, by mirabench's own `summarise_clips`; and what cannot be recomputed.

The clip metrics' means, intervals and counts follow from the rows, so they must agree. A distance between
sets does not: it needs every clip's features. It is held to its description, its range and its arithmetic, and
the board marks it as reported.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

from mirabench.errors import MetricError
from mirabench.metrics.api import ClipMetric, MetricSpec
from mirabench.report.build import summarise_clips, summarise_set
from mirabench.report.model import MetricSummary, Report
from miraboard.guard import Reason
from miraboard.tracks import Track

TOLERANCE = 1e-9
"""Relative; two versions of numpy may sum in another order."""
DESCRIPTION = (
    "dimension", "unit", "higher_is_better", "scope", "summary", "range_low", "range_high"
)  # fmt: skip
"""Fields of a summary that repeat the metric's own description."""


def check_aggregates(report: Report, track: Track) -> Iterator[Reason]:
    """Reasons to doubt the summaries of a report."""
    for name, spec in track.specs.items():
        if name in report.skipped and name in report.summary:
            yield Reason("told-twice", f"{name} is both skipped and summarised")
        elif name in report.summary:
            yield from _compare(report, name, track)
        elif spec.scope == "clip":
            yield Reason(
                "missing-metric", f"{name} was not measured: run the whole suite, with prompts"
            )
        elif name not in report.skipped:
            yield Reason("missing-metric", f"{name} is neither summarised nor told to be skipped")
    if report.partial != is_partial(report):
        yield Reason("forged-aggregate", f"partial is {report.partial}, the rows say otherwise")


def is_partial(report: Report) -> bool:
    """Whether any clip or metric of a report failed."""
    return (
        any(v.error or v.failures for v in report.videos)
        or any(r.error for r in report.reference)
        or any(s.status == "failed" for s in report.summary.values())
    )


def _compare(report: Report, name: str, track: Track) -> Iterator[Reason]:
    metric, found = track.metrics[name], report.summary[name]
    empty = summarise_set(metric.spec, MetricError(), 0, "")
    for key in DESCRIPTION:
        if getattr(found, key) != getattr(empty, key):
            yield Reason("metric-description", f"{name}: {key} is not what the suite says")
    if metric.spec.scope == "set":
        yield from _distance(found, metric.spec, len(report.videos))
    elif isinstance(metric, ClipMetric):
        yield from _differences(name, found, summarise_clips(metric, report.videos))


def _differences(name: str, found: MetricSummary, ours: MetricSummary) -> Iterator[Reason]:
    for key, value in ours.model_dump().items():
        told = getattr(found, key)
        if not _equal(told, value):
            yield Reason("forged-aggregate", f"{name}: {key} is {told!r}, the rows give {value!r}")


def _equal(a: object, b: object) -> bool:
    if isinstance(a, float) and isinstance(b, float):
        return math.isclose(a, b, rel_tol=TOLERANCE, abs_tol=1e-12)
    return a == b


def _distance(found: MetricSummary, spec: MetricSpec, clips: int) -> Iterator[Reason]:
    if found.status == "failed" or found.mean is None:
        if found.mean is not None or found.n:
            yield Reason("forged-aggregate", f"{spec.name} failed, yet has a value")
        return
    yield from _interval(found, spec)
    if not spec.range[0] <= found.mean <= spec.range[1]:
        yield Reason("out-of-range", f"{spec.name} is {found.mean:g}")
    counts = (found.degenerate, found.truncated, found.failed, found.not_applicable)
    if found.mean_of_all is not None or any(counts) or found.clusters != found.n:
        yield Reason("forged-aggregate", f"{spec.name} counts clips that a distance does not count")
    if not 1 < found.n <= clips or not _equal(found.coverage, found.n / clips):
        yield Reason("forged-aggregate", f"{spec.name}: n and coverage contradict {clips} clips")
    if len(found.protocols) != 1:
        yield Reason("unknown-protocol", f"{spec.name} has no protocol")


def _interval(found: MetricSummary, spec: MetricSpec) -> Iterator[Reason]:
    ends = [end for end in (found.ci_low, found.ci_high) if end is not None]
    if len(ends) == 1 or (found.mean is not None and ends and not ends[0] <= found.mean <= ends[1]):
        yield Reason("forged-aggregate", f"{spec.name}: the interval does not hold the value")
    if any(not spec.range[0] <= end <= spec.range[1] for end in ends):
        yield Reason("out-of-range", f"{spec.name}: the interval leaves the metric's range")
