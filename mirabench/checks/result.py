"""What a check found: the number, how far to trust it, the verdict, and how a person reads it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from mirabench.checks.regression import Change
from mirabench.checks.requirement import Requirement
from mirabench.report.model import MetricSummary, VideoRecord
from mirabench.report.table import number

Verdict = Literal["passed", "failed", "error"]
"""`error`: the check could not be made at all, such as a metric that needs prompts and got none."""


@dataclass(frozen=True, slots=True)
class Finding:
    """A metric over the clips of a check."""

    value: float | None
    """The number of the one clip, or the mean; None when no clip has a valid score."""
    low: float | None
    """95 % interval of the mean; None for one clip, whose number is what it is."""
    high: float | None
    status: str
    why: str
    """Why the status is not `ok`."""
    n: int
    """Clips whose number counts."""
    clips: int
    unit: str

    @classmethod
    def of(cls, summary: MetricSummary, videos: list[VideoRecord], metric: str) -> Finding:
        """From a report's summary; a single clip speaks for itself."""
        value, status, why = summary.mean, _status(summary), summary.why
        if len(videos) == 1 and metric in videos[0].scores:
            score = videos[0].scores[metric]
            value, status, why = score.value, str(score.status), score.why
        return cls(
            value,
            summary.ci_low,
            summary.ci_high,
            status,
            why,
            summary.n,
            len(videos),
            summary.unit,
        )

    def holds(self, value: float) -> bool:
        """Whether a value lies within the interval."""
        return self.low is not None and self.high is not None and self.low < value < self.high

    @property
    def interval(self) -> str:
        """The interval in words; empty where there is none."""
        if self.low is None or self.high is None:
            return ""
        return f"{number(self.low)} .. {number(self.high)}"


def _status(summary: MetricSummary) -> str:
    counts = {
        "degenerate": summary.degenerate,
        "truncated": summary.truncated,
        "failed": summary.failed,
        "not asked": summary.not_applicable,
    }
    parts = [f"{count} {word}" for word, count in counts.items() if count]
    return ", ".join(parts) or str(summary.status)


@dataclass(frozen=True, slots=True)
class RequirementResult:
    """One check, made."""

    requirement: Requirement
    verdict: Verdict
    problems: tuple[str, ...] = ()
    """One sentence for each thing that keeps it from passing."""
    notes: tuple[str, ...] = ()
    """What a reader should know although it passes."""
    finding: Finding | None = None
    change: Change | None = None
    worst_clip: str = ""
    """The id of the clip to look at: the furthest from what is asked."""
    strip: Path | None = None
    """Its film strip, once written."""

    @property
    def passed(self) -> bool:
        """Whether everything asked for holds."""
        return self.verdict == "passed"

    def showing(self, strip: Path) -> RequirementResult:
        """The same with a film strip."""
        return replace(self, strip=strip)

    def text(self) -> str:
        """All of it, for a terminal."""
        first = self.problems[0] if self.problems else f"{self.requirement}: {self.verdict}"
        facts = [("also", p) for p in self.problems[1:]] + self.facts()
        width = max((len(name) for name, _ in facts), default=0)
        return "\n".join([first, *(f"  {name:<{width}}  {text}" for name, text in facts)])

    def facts(self) -> list[tuple[str, str]]:
        """(name, text) of everything known beside the problems."""
        facts: list[tuple[str, str]] = []
        if self.finding is not None:
            facts += _facts_of(self.finding)
        if self.change is not None and not self.change.shifted:
            facts.append(("change", self.change.text()))
        facts += [("note", note) for note in self.notes]
        if self.worst_clip:
            facts.append(("clip", self.worst_clip))
        if self.strip is not None:
            facts.append(("film strip", str(self.strip)))
        return facts


def _facts_of(finding: Finding) -> list[tuple[str, str]]:
    unit = f" {finding.unit}" if finding.unit else ""
    over = f", mean of {finding.n} clips" if finding.n > 1 else ""
    value = "none" if finding.value is None else f"{number(finding.value)}{unit}{over}"
    facts = [("value", value)]
    if finding.interval:
        facts.append(("interval", f"{finding.interval} (95 %)"))
    facts.append(("status", finding.status))
    if finding.why:
        facts.append(("why", finding.why))
    return facts
