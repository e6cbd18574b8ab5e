"""Pure arithmetic on features: one file, one metric or one family that shares a formula."""

from mirabench.metrics.api import (
    ClipInputs,
    ClipMetric,
    Curve,
    Failure,
    Measured,
    MetricSpec,
    Score,
    SetMeasured,
    SetMetric,
)

__all__ = [
    "ClipInputs",
    "ClipMetric",
    "Curve",
    "Failure",
    "Measured",
    "MetricSpec",
    "Score",
    "SetMeasured",
    "SetMetric",
]
