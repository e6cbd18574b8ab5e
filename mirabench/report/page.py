"""`report.html`: placeholder until the page lands."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from mirabench.features.api import FeatureTable
from mirabench.metrics.api import Curve
from mirabench.report.model import Report


@dataclass(frozen=True, slots=True, eq=False)
class ClipExtras:
    """What the page shows of a clip beyond the report."""

    strip: FeatureTable | None = None
    """Feature `film_strip`; `mirabench.features.film_strip.pictures` takes it apart."""
    curves: Mapping[str, Curve] = field(default_factory=dict)
    """Metric -> value over time."""


def render_page(report: Report, extras: Mapping[str, ClipExtras]) -> str:
    """One self-contained HTML page."""
    return "<!doctype html>"
