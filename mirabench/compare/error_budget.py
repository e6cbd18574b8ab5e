"""The error budget: how far each number moves for reasons that say nothing about a clip, as a file.

`mirabench error-budget` writes it and `mirabench compare --error-budget` reads it: a difference within the band
of its metric is called neither better nor worse.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from pydantic import Field, ValidationError

from mirabench.errors import InputError
from mirabench.report.model import Report
from mirabench.report.strict import StrictModel

SCHEMA_VERSION = "1.0"


class SourceError(StrictModel):
    """What one source of error did to a metric's numbers, in the metric's unit."""

    typical: float = Field(ge=0, description="Median departure, over clips and versions.")
    largest: float = Field(ge=0)
    n: int = Field(description="Clips times versions that have a number on both sides.")


class MetricBudget(StrictModel):
    """The error budget of a metric."""

    unit: str
    protocols: list[str] = Field(description="What the numbers were measured with.")
    band: float = Field(ge=0, description="A remeasured number stays within so much on each side.")
    sources: dict[str, SourceError]


class ErrorBudget(StrictModel):
    """The error budgets of all metrics of a suite, measured on some clips."""

    schema_version: str = SCHEMA_VERSION
    clips: int
    margin: float = Field(description="Factor on the root of the sum of squares of the sources.")
    metrics: dict[str, MetricBudget]

    def to_json(self) -> str:
        """The text of the file."""
        return self.model_dump_json(indent=2) + "\n"

    def bands_for(self, reports: Iterable[Report]) -> dict[str, float]:
        """Metric -> band, of the metrics that are in these reports.

        Raises:
            InputError: a report measured a metric otherwise than the budget.
        """
        bands: dict[str, float] = {}
        for report in reports:
            for name in self.metrics.keys() & report.summary.keys():
                others = set(report.summary[name].protocols) - set(self.metrics[name].protocols)
                if others:
                    raise InputError(
                        f"the error budget measured {name} by {', '.join(self.metrics[name].protocols)}, a run "
                        f"by {', '.join(sorted(others))}: write the budget again with `mirabench error-budget`"
                    )
                bands[name] = self.metrics[name].band
        return bands


def read_error_budget(path: Path) -> ErrorBudget:
    """The budget in a file that `mirabench error-budget` wrote.

    Raises:
        InputError: it cannot be read, or is something else.
    """
    try:
        return ErrorBudget.model_validate_json(path.read_bytes())
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror or error}") from error
    except ValidationError as error:
        raise InputError(
            f"{path} is no error budget ({error.error_count()} fields are wrong): write one with "
            "`mirabench error-budget CLIPS... --output FILE`"
        ) from error
