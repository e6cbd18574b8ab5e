"""The report as a terminal table."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from mirabench.metrics.health import NOTES
from mirabench.report.interval import FEWEST_CLUSTERS, why_no_interval
from mirabench.report.model import MetricSummary, Report

MOST_PROBLEMS = 20
"""Lines of problems shown; the rest is counted and stands in the files."""


def number(value: float | None) -> str:
    """Four significant digits, without exponent for everyday sizes.

    Example:
        >>> number(0.01234567), number(379.9667), number(None)
        ('0.01235', '380.0', '-')
    """
    if value is None:
        return "-"
    text = f"{value:#.4g}"
    return text.rstrip(".") if "e" not in text else f"{value:.3g}"


def interval(summary: MetricSummary) -> str:
    """The 95 % interval; a dash where a mean has none, which a note below the table explains."""
    if summary.ci_low is None or summary.ci_high is None:
        return "-" if summary.n else ""
    return f"{number(summary.ci_low)} .. {number(summary.ci_high)}"


def band(summary: MetricSummary) -> str:
    """Between which values 80 % of the reference clips lie; empty where nothing is known of them."""
    if summary.reference_low is None or summary.reference_high is None:
        return ""
    return f"{number(summary.reference_low)} .. {number(summary.reference_high)}"


def report_table(report: Report) -> RenderableType:
    """Metrics by dimension, then what went wrong."""
    table = Table(
        title=f"suite {report.suite.name} v{report.suite.version} ({report.suite.digest}), "
        f"{len(report.videos)} clips",
        title_justify="left",
        header_style="bold",
    )
    table.add_column("metric", no_wrap=True)
    table.add_column("mean", justify="right", no_wrap=True)
    table.add_column("95 % interval", no_wrap=True)
    banded = any(s.reference_clips for s in report.summary.values())
    if banded:
        table.add_column("reference 10-90 %", no_wrap=True)
    table.add_column("n", justify="right")
    table.add_column("coverage", justify="right")
    table.add_column("unit")
    table.add_column("status")
    dimension = ""
    for name, summary in report.summary.items():
        if summary.dimension != dimension:
            dimension = summary.dimension
            table.add_section()
            table.add_row(Text(dimension, style="bold cyan"))
        arrow = "↑" if summary.higher_is_better else "↓"
        table.add_row(
            f"  {name} {arrow}",
            number(summary.mean),
            interval(summary),
            *([band(summary)] if banded else []),
            str(summary.n),
            f"{summary.coverage:.0%}",
            summary.unit,
            _status(summary),
        )
    return Group(table, *(Text(line) for line in problems(report)))


def _status(summary: MetricSummary) -> Text:
    parts: list[str] = []
    if summary.status != "ok":
        parts.append(summary.status)
    for count, word in (
        (summary.degenerate, f"degenerate (mean with them {number(summary.mean_of_all)})"),
        (summary.truncated, "truncated"),
        (summary.failed if summary.scope == "clip" else 0, "failed"),
        (summary.not_applicable, "not asked"),
    ):
        if count:
            parts.append(f"{count} {word}")
    style = "" if not parts else "red" if "failed" in " ".join(parts) else "yellow"
    return Text(", ".join(parts) or "ok", style=style)


def problems(report: Report) -> Iterator[str]:
    """One line for each thing a reader should know, most serious first."""
    lines = list(_failures(report)) + list(_remarks(report))
    yield from lines[:MOST_PROBLEMS]
    if len(lines) > MOST_PROBLEMS:
        yield f"... and {len(lines) - MOST_PROBLEMS} more, in report.html and scores.csv"


def _failures(report: Report) -> Iterator[str]:
    broken = [(v.id, v.error) for v in report.videos] + [(r.id, r.error) for r in report.reference]
    for clip_id, error in broken:
        if error:
            yield f"✗ {clip_id}: {error}"
    for video in report.videos:
        if not video.error:
            for reason in dict.fromkeys(video.failures.values()):
                metrics = [m for m, r in video.failures.items() if r == reason]
                yield f"✗ {video.id}: {', '.join(metrics)}: {reason}"
    for name, summary in report.summary.items():
        if summary.scope == "set" and summary.status == "failed":
            yield f"✗ {name}: {summary.why}"


def interval_remarks(report: Report) -> Iterator[str]:
    """Why means have no interval, in as many lines as there are reasons."""
    without = [s for s in report.summary.values() if s.n and s.ci_low is None]
    most = max((s.clusters for s in without if s.scope == "clip"), default=FEWEST_CLUSTERS)
    if reason := why_no_interval(most):
        yield f"- no interval (-): {reason}"
    if any(s.scope == "set" for s in without):
        yield (
            "- a distance between sets without an interval has fewer than "
            f"{FEWEST_CLUSTERS} clips on a side, or its metric gives no standard error"
        )


def weight_remarks(report: Report) -> Iterator[str]:
    """What a reader must know about the weights behind the numbers."""
    weights: dict[str, dict[str, object]] = report.provenance.get("weights", {})
    unverified = [name for name, use in weights.items() if not use["verified"]]
    if unverified:
        yield f"! unverified weights, nothing vouches for them: {', '.join(unverified)}"
    restricted = [f"{n} ({use['licence']})" for n, use in weights.items() if use["non_commercial"]]
    if restricted:
        yield f"! weights for non-commercial use only: {', '.join(restricted)}"


def motion_remarks(report: Report) -> Iterator[str]:
    """Temporal metrics at the reference's motion, and what a still scores."""
    for name, summary in report.summary.items():
        if words := at_equal_motion(summary):
            yield f"- {name}: {words}"


def at_equal_motion(summary: MetricSummary) -> str:
    """The mean at the reference's motion, its coverage and the still's score, in words; empty without."""
    if summary.standardised_coverage is None:
        return ""
    still = "" if summary.still is None else f"; a still scores {number(summary.still)}"
    if summary.standardised is None:
        return f"no five clips in any quarter of the reference's motion{still}"
    return (
        f"at the reference's motion {number(summary.standardised)} "
        f"({summary.standardised_coverage:.0%} covered){still}"
    )


def drift_remarks(report: Report) -> Iterator[str]:
    """What of a long clip is worse or better at its end than at its beginning, beyond its interval."""
    for video in report.videos:
        for name, score in video.scores.items():
            low, high = score.drift_low, score.drift_high
            if score.drift is not None and low is not None and high is not None and low * high > 0:
                better = (score.drift > 0) == report.summary[name].higher_is_better
                yield (
                    f"{'-' if better else '!'} {video.id}: {name} {'rises' if low > 0 else 'falls'} from "
                    f"the first to the last third by {number(abs(score.drift))} "
                    f"({number(min(abs(low), abs(high)))} to {number(max(abs(low), abs(high)))})"
                )


def _remarks(report: Report) -> Iterator[str]:
    yield from interval_remarks(report)
    yield from motion_remarks(report)
    yield from drift_remarks(report)
    yield from weight_remarks(report)
    for name, reason in report.skipped.items():
        yield f"- {name} skipped: {reason}"
    for name, summary in report.summary.items():
        if summary.scope == "set" and summary.status == "degenerate":
            yield f"! {name}: {summary.why}"
    for video in report.videos:
        for flag, seen in video.health.items():
            yield f"{'-' if flag in NOTES else '!'} {video.id}: {flag}: {seen}"
        whys = dict.fromkeys(s.why for s in video.scores.values() if s.status == "degenerate")
        for why in whys:
            if not any(why.startswith(f"{flag}: ") for flag in video.health):
                yield f"! {video.id}: {why}"
