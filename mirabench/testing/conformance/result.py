"""What a check of a metric found: pass, fail or skipped, and one sentence."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Verdict = Literal["pass", "fail", "skipped"]


@dataclass(frozen=True, slots=True)
class CheckResult:
    """One check of one metric."""

    metric: str
    """Name of the metric; of its class, when its spec has none."""
    check: str
    verdict: Verdict
    text: str
    """One sentence: what was seen, and for a failure what to do."""

    def __str__(self) -> str:
        return f"{self.verdict:7} {self.metric}: {self.check}: {self.text}"


@dataclass(frozen=True, slots=True)
class Found:
    """What a check says, before it is put beside its name."""

    verdict: Verdict
    text: str


def passed(text: str) -> Found:
    """The metric keeps what is asked."""
    return Found("pass", text)


def failed(text: str) -> Found:
    """The metric breaks what is asked; the text says how and what to do."""
    return Found("fail", text)


def skipped(text: str) -> Found:
    """Nothing can be said; the text says why."""
    return Found("skipped", text)
