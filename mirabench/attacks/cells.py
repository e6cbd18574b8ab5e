"""Cases gathered for people: one cell for each attack and metric, one row for each metric. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from mirabench.attacks.api import REACTIONS
from mirabench.attacks.model import AttackReport, Case, Verdict

WORST_FIRST: tuple[Verdict, ...] = ("fooled", "moved", "failed", "caught", "stays")
"""Which verdict a cell shows when its clips differ: the one that people must know of."""

MARKS: dict[Verdict, str] = {
    "caught": "✓",
    "stays": "=",
    "fooled": "✗",
    "moved": "~",
    "failed": "!",
    "not applicable": "·",
    "undeclared": "",
}
"""Verdict -> what stands for it in tables."""


@dataclass(frozen=True, slots=True)
class Cell:
    """One metric under one attack, over all clips."""

    verdict: Verdict
    clips: int
    """With this verdict."""
    judged: int
    """Clips with any judgement."""

    @property
    def mark(self) -> str:
        """The verdict's mark, with how many clips if not all of those judged."""
        mark = MARKS[self.verdict]
        return mark if self.clips == self.judged else f"{mark} {self.clips}/{self.judged}"


def cell_of(verdicts: Iterable[Verdict]) -> Cell:
    """What to show for the verdicts of several clips.

    Example:
        >>> cell_of(["caught", "fooled", "not applicable"]).mark
        '✗ 1/2'
    """
    counts = Counter(verdicts)
    judged = sum(counts[v] for v in WORST_FIRST)
    for verdict in WORST_FIRST:
        if counts[verdict]:
            passed = verdict in ("caught", "stays")  # both are right, so they do not split a cell
            clips = counts["caught"] + counts["stays"] if passed else counts[verdict]
            return Cell(verdict, clips, judged)
    return Cell("not applicable" if counts["not applicable"] else "undeclared", 0, 0)


def cells(report: AttackReport) -> dict[tuple[str, str], Cell]:
    """(attack, metric) -> cell."""
    found: dict[tuple[str, str], list[Verdict]] = {}
    for case in report.cases:
        found.setdefault((case.attack, case.metric), []).append(case.verdict)
    return {key: cell_of(verdicts) for key, verdicts in found.items()}


@dataclass(frozen=True, slots=True)
class Tally:
    """How often a metric did as it must."""

    right: int
    judged: int

    def __str__(self) -> str:
        return f"{self.right} of {self.judged}" if self.judged else "-"

    @property
    def percent(self) -> str:
        """The share, such as `86.0 %`; empty when nothing was judged."""
        return f"{100 * self.right / self.judged:.1f} %" if self.judged else ""


def headline(report: AttackReport) -> str:
    """The result in one line: all declared reactions first, then each kind.

    Example:
        `1444 of 1679 declared reactions hold (86.0 %): drop 402 of 419, no gain 461 of 574, ...`
    """
    every = tally(report.cases)
    if not every.judged:
        return "no declared reaction could be judged"
    kinds = ", ".join(
        f"{kind} {counted}" for kind in REACTIONS if (counted := tally(report.cases, kind)).judged
    )
    return f"{every} declared reactions hold ({every.percent}): {kinds}"


def tally(cases: Iterable[Case], declared: str | None = None, *, by_value: bool = False) -> Tally:
    """How many of the judged cases went as declared; failed ones are not judged.

    Args:
        cases: The cases to count.
        declared: Count this reaction only; every declared one when None.
        by_value: Let every value count, whatever its status.
    """
    chosen = (c for c in cases if c.declared is not None and declared in (None, c.declared))
    verdicts = [c.by_value if by_value else c.verdict for c in chosen]
    right = sum(v in ("caught", "stays") for v in verdicts)
    wrong = sum(v in ("fooled", "moved") for v in verdicts)
    return Tally(right, right + wrong)


def why_nothing(report: AttackReport, metric: str) -> str:
    """Why a metric has no judged case at all, in words; empty when it has one."""
    own = [case for case in report.cases if case.metric == metric]
    if any(case.honest.value is not None for case in own):
        return ""
    skipped = [m.skipped for m in report.metrics if m.name == metric and m.skipped]
    return next(iter(skipped or (case.honest.why for case in own)), "not run")


def faults(report: AttackReport, verdict: Verdict) -> list[Case]:
    """The cases of one verdict, in the order of the tables, one clip after the other."""
    attacks = [a.name for a in report.attacks]
    metrics = [m.name for m in report.metrics]
    chosen = [c for c in report.cases if c.verdict == verdict]
    return sorted(chosen, key=lambda c: (metrics.index(c.metric), attacks.index(c.attack), c.clip))
