"""`attacks.json`: what was attacked, what was declared, what was seen."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Literal

from pydantic import Field, ValidationError

from mirabench.errors import ReportError
from mirabench.report.strict import StrictModel

SCHEMA_VERSION = "1.0"

Verdict = Literal["caught", "fooled", "stays", "moved", "not applicable", "failed", "undeclared"]
VERDICTS: dict[Verdict, str] = {
    "caught": "reacts as declared, or its score is no longer `ok`",
    "stays": "does not move, as declared",
    "fooled": "ranks the degraded copy as high as the clean clip, or improves",
    "moved": "moves although nothing that it measures has changed",
    "not applicable": "cannot be judged: the clean clip has no valid score, or the worst one",
    "failed": "cannot be computed",
    "undeclared": "has no declared reaction; nothing is judged",
}
"""Verdict -> what it says of a metric."""


class AttackRecord(StrictModel):
    """One attack of the run."""

    name: str
    version: int
    kind: str
    does: str
    pretends: str


class MetricRecord(StrictModel):
    """One metric of the suite, as it was attacked."""

    name: str
    version: int
    dimension: str
    higher_is_better: bool
    unit: str
    spread: float | None = Field(None, description="Standard deviation over the clean clips.")
    spread_clips: int = Field(0, description="Clean clips with a sound score behind the spread.")
    published: bool = Field(False, description="Whether the reference has it, network or not.")
    skipped: str = Field("", description="Why it was not run on any clip.")


class Reading(StrictModel):
    """What a metric said of one clip."""

    value: float | None = None
    status: Literal["ok", "degenerate", "truncated", "failed", "not_applicable"]
    why: str = ""

    @property
    def sound(self) -> bool:
        """Whether the number counts."""
        return self.status in ("ok", "truncated")


class Case(StrictModel):
    """One metric on one clip under one attack."""

    clip: str
    attack: str
    metric: str
    declared: Literal["drop", "rise", "stay", "no gain"] | None
    honest: Reading
    attacked: Reading
    gain: float | None = Field(
        None, description="How much better the attacked value is, in spreads; below 0 is worse."
    )
    verdict: Verdict
    by_value: Verdict = Field(
        description="The verdict if every value counted, whatever its status."
    )
    why: str = Field("", description="Why the case is not judged.")


class AttackReport(StrictModel):
    """All cases of a run."""

    schema_version: str = SCHEMA_VERSION
    suite: str
    suite_version: int
    suite_digest: str
    mirabench: str
    tolerance: float = Field(description="In spreads.")
    clips: dict[str, str] = Field(description="Clean clip -> what it is.")
    attacks: list[AttackRecord]
    metrics: list[MetricRecord]
    cases: list[Case]

    def to_json(self) -> str:
        """The text of `attacks.json`."""
        return json.dumps(self.model_dump(mode="json"), indent=1, ensure_ascii=False) + "\n"

    def drops(self, *, by_value: bool = False) -> tuple[int, int]:
        """(N, M): in N of M judged cases with a declared drop, the clean clip ranks above its degraded copy."""
        verdicts = [
            c.by_value if by_value else c.verdict for c in self.cases if c.declared == "drop"
        ]
        caught = verdicts.count("caught")
        return caught, caught + verdicts.count("fooled")

    def caught_by_value(self) -> int:
        """How many of the drops that `drops` counts as caught show in the value too."""
        found = [c for c in self.cases if c.declared == "drop" and c.verdict == "caught"]
        return sum(c.by_value == "caught" for c in found)


def load_attacks(path: Path) -> AttackReport:
    """Read an `attacks.json`.

    Raises:
        ReportError: the file is missing, no JSON, or not of this schema.
    """
    try:
        return AttackReport.model_validate_json(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ReportError(f"cannot read {path}: {error.strerror or error}") from error
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"])) or "the file"
        raise ReportError(f"{path} is not an attacks.json: {place}: {first['msg']}") from error
