"""`compare.json`: the schema of what a comparison found. Equal reports give equal bytes."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any, Literal

from pydantic import Field

from mirabench.report.model import SuiteRecord
from mirabench.report.strict import StrictModel

SCHEMA_VERSION = "2.0"

Verdict = Literal[
    "better", "worse", "equivalent", "open", "higher", "lower", "no test", "nothing to compare"
]
"""`higher` and `lower` are for metrics that describe; the last two for what could not be compared."""


class Side(StrictModel):
    """One run's number for a metric as its own report states it, over all of its clips."""

    mean: float | None = None
    ci_low: float | None = None
    ci_high: float | None = None
    n: int = 0
    protocols: list[str] = Field(default_factory=list)


class LeftOut(StrictModel):
    """Pairs without a difference, and on which side the reason lies; a pair may count on both."""

    pairs: int = 0
    degenerate_a: int = Field(
        default=0, description="A number that says nothing, such as of a still."
    )
    degenerate_b: int = 0
    failed_a: int = 0
    failed_b: int = 0
    not_applicable: int = 0
    lost: int = Field(
        default=0, description="Pairs that count in the run compared with, and not in this one."
    )


class Difference(StrictModel):
    """One metric in two runs. Differences are the run minus the one it is compared with."""

    dimension: str
    unit: str
    higher_is_better: bool
    descriptive: bool = Field(
        default=False, description="Whether more is no better: such as motion strength."
    )
    scope: Literal["clip", "set"]
    summary: str
    a: Side = Field(description="The run that is compared with.")
    b: Side
    why: str = Field(
        default="",
        description="Why there is no test, why it is open, or why a gain is not called better.",
    )
    n: int = Field(default=0, description="Pairs of clips behind the difference.")
    prompts: int = Field(default=0, description="Prompts behind it.")
    mean_a: float | None = Field(default=None, description="Over the pairs; `a` is over all clips.")
    mean_b: float | None = None
    mean: float | None = Field(default=None, description="Mean difference over the pairs.")
    ci_low: float | None = Field(
        default=None, description="95 % confidence interval of the expected difference."
    )
    ci_high: float | None = None
    p: float | None = Field(
        default=None,
        description="Over prompts, that the expected difference is 0; this metric alone.",
    )
    p_holm: float | None = Field(
        default=None, description="After Holm, over all tests of the file."
    )
    effect_size: float | None = Field(default=None, description="Cohen's d_z over prompts.")
    needed_prompts: int | None = Field(
        default=None, description="Prompts that would show a difference of this size 4 times of 5."
    )
    score_sd: float | None = Field(
        default=None, description="Standard deviation of the scores of both runs' paired clips."
    )
    smallest_difference: float | None = Field(
        default=None, description="Of interest; what is smaller is neither better nor worse."
    )
    smallest_difference_origin: Literal["given", "error", "spread"] | None = Field(
        default=None, description="The user, the metric's own error, or the spread of scores."
    )
    error_band: float | None = Field(
        default=None, description="Of the error budget: a difference within it may be no real one."
    )
    verdict: Verdict
    left_out: LeftOut = LeftOut()
    truncated: int = Field(
        default=0, description="Pairs used although one clip was seen only in part."
    )
    by_prompt: dict[str, float] = Field(
        default_factory=dict, description="Prompt (or clip without one) -> mean difference."
    )


class PairRecord(StrictModel):
    """Two clips that were asked for the same."""

    a: str = Field(description="The clip's id in the run that is compared with.")
    b: str
    prompt: str = Field(description="The cluster that it counts for, a key of `by_prompt`.")
    how: str


class Overall(StrictModel):
    """The verdict over all dimensions."""

    verdict: Literal["better", "worse", "equivalent", "open"]
    why: str = ""
    dimensions: dict[str, Verdict] = Field(
        description="Dimension -> the verdict of its metrics; open where they do not agree."
    )


class Contrast(StrictModel):
    """One run against the one it is compared with."""

    name: str
    overall: Overall
    pairs: list[PairRecord]
    only_a: list[str] = Field(description="Ids of clips that have no partner.")
    only_b: list[str]
    metrics: dict[str, Difference]
    most_different: list[str] = Field(
        description="Prompts by how much they differ over all metrics, most first."
    )

    @property
    def paired(self) -> dict[str, int]:
        """How clips were paired -> how many pairs."""
        return dict(Counter(pair.how for pair in self.pairs))

    def named(self, verdict: Verdict) -> list[str]:
        """The metrics of a verdict."""
        return [name for name, d in self.metrics.items() if d.verdict == verdict]


class RunRecord(StrictModel):
    """A run that takes part."""

    name: str
    path: str
    suite: SuiteRecord
    clips: int


class Comparison(StrictModel):
    """What differs between one run and others."""

    schema_version: str = SCHEMA_VERSION
    reference: RunRecord = Field(description="The run that the others are compared with.")
    runs: list[RunRecord]
    contrasts: list[Contrast]
    remarks: list[str] = Field(description="What a reader must know before the numbers.")
    method: dict[str, Any] = Field(description="How the numbers were made: seeds, level, versions.")

    def to_json(self) -> str:
        """The text of `compare.json`."""
        return json.dumps(self.model_dump(mode="json"), indent=2, ensure_ascii=False) + "\n"

    @property
    def worse(self) -> bool:
        """Whether any run is significantly worse on any metric."""
        return any(contrast.named("worse") for contrast in self.contrasts)
