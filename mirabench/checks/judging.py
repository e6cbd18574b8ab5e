"""From a report and a requirement to an result. Pure: reads no file and computes no feature."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mirabench.checks.regression import Change, change
from mirabench.checks.requirement import Requirement
from mirabench.checks.result import Finding, RequirementResult
from mirabench.errors import ReportError
from mirabench.metrics.health import FLAGS, NOTES
from mirabench.report.model import MetricSummary, Report, VideoRecord
from mirabench.report.table import number


@dataclass(frozen=True, slots=True)
class Baseline:
    """An earlier report, and what to call it."""

    name: str
    report: Report


def judge(
    report: Report, asked: Requirement, baseline: Baseline | None = None
) -> RequirementResult:
    """Hold a report against a requirement.

    Args:
        report: What was found.
        asked: What must hold.
        baseline: The report behind `not_worse_than`; needed when that is asked for.
    """
    metric = asked.metric
    if metric not in report.summary:
        why = report.skipped.get(metric, "the suite does not measure it")
        return RequirementResult(asked, "error", (f"{metric} was not measured: {why}",))
    summary = report.summary[metric]
    finding = Finding.of(summary, report.videos, metric)
    problems = [
        *_refused(report, asked),
        *_missing(report, summary, asked),
        *_out_of_bounds(report, finding, asked),
    ]
    moved: Change | None = None
    if asked.not_worse_than is not None:
        try:
            moved = _against(report, asked, baseline)
        except ReportError as error:
            return RequirementResult(asked, "error", (str(error),), finding=finding)
        problems += moved.problems
    return RequirementResult(
        asked,
        "failed" if problems else "passed",
        tuple(problems),
        (*_notes(finding, asked, moved), *_doubts(report, asked)),
        finding,
        moved,
        worst_clip=_clip_to_look_at(report, asked, moved) if problems else "",
    )


def _against(report: Report, asked: Requirement, baseline: Baseline | None) -> Change:
    if baseline is None:
        raise ReportError(
            f"{asked.metric} must not be worse than {asked.not_worse_than}, and there is no baseline: "
            "name the report of an earlier run"
        )
    return change(report, baseline.report, asked.metric, baseline.name)


def _missing(report: Report, summary: MetricSummary, asked: Requirement) -> list[str]:
    """Too few valid scores: a check must not pass because the bad clips fell out of the mean."""
    why = summary.why or _first_reason(report, asked.metric)
    if asked.has_bounds and (summary.mean is None or summary.status != "ok"):
        return [f"{asked.metric} has no valid score: {why}"]
    if summary.coverage >= asked.coverage:
        return []
    return [
        f"{asked.metric} covers {summary.coverage:.0%} of the clips, min_coverage is "
        f"{asked.coverage:.0%}: {why}"
    ]


def _refused(report: Report, asked: Requirement) -> list[str]:
    """Clips that raise a flag which is not tolerated, whatever their numbers."""
    return [
        f"{v.id} is {flag}: {v.health[flag]}"
        for flag in asked.refuse
        for v in report.videos
        if flag in v.health
    ]


def _doubts(report: Report, asked: Requirement) -> list[str]:
    """What is tolerated and still to be known of the files."""
    notes = []
    for flag in NOTES:
        clips = sum(flag in v.health for v in report.videos)
        if clips and flag not in asked.refuse:
            notes.append(f"{clips} of {len(report.videos)} clips {flag}: {FLAGS[flag]}")
    return notes


def _out_of_bounds(report: Report, finding: Finding, asked: Requirement) -> list[str]:
    if asked.each_clip:
        values = [(f" of {v.id}", v.scores[asked.metric].value) for v in _counting(report, asked)]
    else:
        values = [] if finding.value is None else [("", finding.value)]
    return [
        f"{asked.metric}{of} is {number(value)}, {side} {word} {bound:g}"
        for of, value in values
        for side, word, bound in _broken(value, asked)
    ]


def _broken(value: float, asked: Requirement) -> list[tuple[str, str, float]]:
    found = []
    if asked.min is not None and value < asked.min:
        found.append(("below", "min", asked.min))
    if asked.max is not None and value > asked.max:
        found.append(("above", "max", asked.max))
    return found


def _counting(report: Report, asked: Requirement) -> Sequence[VideoRecord]:
    return [
        v
        for v in report.videos
        if asked.metric in v.scores and v.scores[asked.metric].status != "degenerate"
    ]


def _first_reason(report: Report, metric: str) -> str:
    for video in report.videos:
        why = _lost(video, metric)
        if why:
            return f"{video.id}: {why}"
    return "no clip was scored"


def _lost(video: VideoRecord, metric: str) -> str:
    """Why a clip has no valid score; empty when it has, or when it is not asked for one."""
    if metric in video.scores:
        score = video.scores[metric]
        return score.why if score.status == "degenerate" else ""
    return video.error or video.failures.get(metric, "")


def _notes(finding: Finding, asked: Requirement, moved: Change | None) -> list[str]:
    notes = []
    for word, bound in (("min", asked.min), ("max", asked.max)):
        if bound is not None and not asked.each_clip and finding.holds(bound):
            notes.append(
                f"{word} {bound:g} lies within the interval: other clips may tell otherwise"
            )
    if moved is not None and moved.undecided:
        notes.append(f"no change can be shown: {moved.undecided}")
    if moved is not None and moved.unpaired:
        notes.append(f"{moved.unpaired} clips have no partner in the baseline or in this run")
    return notes


def _clip_to_look_at(report: Report, asked: Requirement, moved: Change | None) -> str:
    """The one that lost most, or has no number, or is furthest out of bounds."""
    if len(report.videos) == 1:
        return report.videos[0].id
    if moved is not None and moved.worst_clip:
        return moved.worst_clip
    scored = [
        (_excess(v.scores[asked.metric].value, asked), v.id) for v in _counting(report, asked)
    ]
    if scored and (asked.each_clip or max(scored)[0] > 0):
        return max(scored)[1]
    lost = [
        v.id
        for v in report.videos
        if any(flag in v.health for flag in asked.refuse) or _lost(v, asked.metric)
    ]
    return lost[0] if lost else ""


def _excess(value: float, asked: Requirement) -> float:
    """How far out of bounds; negative inside."""
    sides = [asked.min - value] if asked.min is not None else []
    sides += [value - asked.max] if asked.max is not None else []
    return max(sides, default=0.0)
