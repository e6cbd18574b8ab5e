"""Pure arithmetic on features: one file, one metric or one family that shares a formula."""

from mirabench.metrics.api import (
    ClipFormula,
    ClipInputs,
    ClipMetric,
    Curve,
    Failure,
    Measured,
    MetricSpec,
    Score,
    SetFormula,
    SetMeasured,
    SetMetric,
)

__all__ = [
    "ClipFormula",
    "ClipInputs",
    "ClipMetric",
    "Curve",
    "Failure",
    "Measured",
    "MetricSpec",
    "Score",
    "SetFormula",
    "SetMeasured",
    "SetMetric",
]
