"""`report.json`: the versioned schema of what a run found.

A report is deterministic: the same inputs give the same bytes, whatever the number of workers or the
chunk size. Times and host facts are in `run.json` beside it.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, ValidationError

from mirabench.errors import ReportError
from mirabench.report.strict import StrictModel

SCHEMA_VERSION = "1.3"


class SuiteRecord(StrictModel):
    """Which suite was measured."""

    name: str
    version: int
    digest: str = Field(description="Over everything in the suite that can change a number.")


class ScoreRecord(StrictModel):
    """One number for one clip."""

    value: float
    status: Literal["ok", "degenerate", "truncated"]
    protocol: str = Field(
        description="Key into `protocols`; numbers with other keys do not compare."
    )
    why: str = Field("", description="Why the status is not `ok`.")
    minutes: list[float] | None = Field(
        None,
        description="Mean of the metric's curve over each minute, of clips of a minute or more.",
    )
    drift: float | None = Field(
        None,
        description="Its mean over the last third less that over the first, of the same clips.",
    )
    drift_low: float | None = Field(None, description="Lower end of the 95 % interval.")
    drift_high: float | None = Field(None, description="Upper end.")


class VideoRecord(StrictModel):
    """One clip: facts, scores, and why scores are missing."""

    id: str
    path: str
    prompt_id: str | None = Field(None, description="Clips of one prompt are one cluster.")
    prompt: str | None = Field(None, description="What the generator was asked for.")
    sha256: str | None = None
    width: int | None = None
    height: int | None = None
    fps: float | None = None
    num_frames: int | None = None
    duration_seconds: float | None = None
    error: str | None = Field(None, description="Why the video could not be read at all.")
    health: dict[str, str] = Field(default_factory=dict, description="Flag -> what was seen.")
    scores: dict[str, ScoreRecord] = Field(default_factory=dict)
    failures: dict[str, str] = Field(default_factory=dict, description="Metric -> reason.")
    not_applicable: dict[str, str] = Field(
        default_factory=dict, description="Metric -> why it does not apply to this clip."
    )


class ReferenceRecord(StrictModel):
    """One reference clip."""

    id: str
    path: str
    sha256: str | None = None
    error: str | None = None


class MetricSummary(StrictModel):
    """A metric over all clips. `mean` is over scores whose status is `ok` or `truncated`."""

    dimension: str
    unit: str
    higher_is_better: bool
    scope: Literal["clip", "set"]
    summary: str
    range_low: float | None = None
    range_high: float | None = None
    mean: float | None = Field(None, description="Absent when no clip has a score that counts.")
    mean_of_all: float | None = Field(
        None,
        description="Over every number, degenerate ones too, as the public MiraBench code averages; "
        "absent for distances between sets.",
    )
    ci_low: float | None = Field(
        None, description="95 % confidence interval; absent below five clusters."
    )
    ci_high: float | None = None
    n: int = Field(description="Clips behind the mean.")
    coverage: float = Field(description="n over the clips the metric applies to, 0 to 1.")
    clusters: int = Field(description="Prompts (or clips without one) behind the interval.")
    degenerate: int = Field(0, description="Clips with a number that does not count.")
    truncated: int = Field(
        0, description="Clips whose number counts but saw only part of the input."
    )
    failed: int = 0
    not_applicable: int = 0
    status: Literal["ok", "degenerate", "failed"] = "ok"
    why: str = Field("", description="Why the status is not `ok`.")
    protocols: list[str] = Field(default_factory=list)
    reference_low: float | None = Field(
        None, description="10 % quantile over the reference clips; absent below five of them."
    )
    reference_high: float | None = Field(None, description="90 % quantile.")
    reference_clips: int = Field(0, description="Reference clips behind the two.")
    standardised: float | None = Field(
        None, description="Mean at the reference's mix of motion, over its bins that are covered."
    )
    standardised_coverage: float | None = Field(
        None, description="Weight of these bins, 0 to 1; absent where nothing was standardised."
    )
    still: float | None = Field(None, description="What a still picture of a clip scores.")


class Report(StrictModel):
    """What a run found."""

    schema_version: str = SCHEMA_VERSION
    suite: SuiteRecord
    partial: bool = Field(description="Whether any clip or metric failed.")
    summary: dict[str, MetricSummary]
    skipped: dict[str, str] = Field(
        default_factory=dict, description="Metrics this run could not compute at all, and why."
    )
    videos: list[VideoRecord]
    reference: list[ReferenceRecord] = Field(default_factory=list)
    protocols: dict[str, dict[str, Any]] = Field(description="Protocol id -> what it stands for.")
    provenance: dict[str, Any] = Field(
        description="Versions, seeds and settings behind the numbers."
    )

    def to_json(self) -> str:
        """The text of `report.json`."""
        return json.dumps(self.model_dump(mode="json"), indent=2, ensure_ascii=False) + "\n"

    @property
    def failed_videos(self) -> list[VideoRecord]:
        """Clips that could not be read, or that a metric failed on."""
        return [v for v in self.videos if v.error or v.failures]


def load_report(path: str | Path) -> Report:
    """Read a `report.json`, or the one in a run's folder.

    Raises:
        ReportError: the file is missing, no JSON, or of another schema.
    """
    path = Path(path)
    if path.is_dir():
        path = path / "report.json"
    try:
        raw = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ReportError(f"cannot read the report {path}: {error.strerror or error}") from error
    except ValueError as error:
        raise ReportError(f"{path} is not JSON: {error}") from error
    found = raw.get("schema_version") if isinstance(raw, dict) else None
    if not isinstance(found, str) or found.split(".")[0] != SCHEMA_VERSION.split(".")[0]:
        raise ReportError(
            f"{path} has schema version {found!r}, this mirabench reads {SCHEMA_VERSION}: "
            "run `mirabench evaluate` again, its features are cached"
        )
    try:
        return Report.model_validate(raw)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        raise ReportError(f"{path} is not a valid report: {place}: {first['msg']}") from error
