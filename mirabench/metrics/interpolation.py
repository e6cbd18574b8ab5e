"""How far every other frame is from what its neighbours predict.

- `temporal_motion_smoothness`: 1 - mean over odd frames of |AMT-S prediction - frame| / 255, as the
  reference has it. Source: MiraData, arXiv 2407.06358; public code
  `evaluation/motion_smoothness.py:102-158`.
- `flow_interpolation_error`: 100 / 255 * mean over odd frames k of mean |M_k - f_k| over pixels that both
  neighbours show, M_k the frame half-way between f_{k-1} and f_{k+1} along RAFT's flow (feature
  `flow_interpolation`). It measures the same with weights that allow commercial use. Source: the measure
  of the reference with the interpolation of Jiang et al., CVPR 2018, equation 4.

Known differences: none in the formula; see docs/precision.md for the networks'. When not to trust it: where
flow fails (large motion, occlusion, flat regions) it blames the clip for it; a static clip is predicted
perfectly and is `degenerate`; a higher frame rate makes the error smaller.
"""

from __future__ import annotations

from mirabench.features.api import FeatureRef
from mirabench.functional.interpolation import motion_smoothness, percent_of_full_scale
from mirabench.metrics.api import ClipFormula, ClipInputs, Curve, Measured, MetricSpec
from mirabench.metrics.health import PULSE


def smoothness(clip: ClipInputs) -> Measured:
    """1 minus the mean error as share of full scale."""
    table = clip["interpolation"]
    values = motion_smoothness(table["error"])
    return Measured(float(values.mean()), curve=Curve(table["seconds"], values))


def error(clip: ClipInputs) -> Measured:
    """Mean error over odd frames, % of full scale."""
    table = clip["interpolation"]
    values = percent_of_full_scale(table["error"])
    return Measured(float(values.mean()), curve=Curve(table["seconds"], values))


TEMPORAL_MOTION_SMOOTHNESS = ClipFormula(
    MetricSpec(
        name="temporal_motion_smoothness",
        version=1,
        dimension="temporal consistency",
        summary="How well AMT-S predicts every other frame from its neighbours",
        unit="",
        range=(0.0, 1.0),
        higher_is_better=True,
        needs={"interpolation": FeatureRef.of("interpolation"), "pulse": PULSE},
        degenerate_when=("static",),
        source="MiraData, arXiv 2407.06358; public code",
        non_commercial=True,
    ),
    smoothness,
)
FLOW_INTERPOLATION_ERROR = ClipFormula(
    MetricSpec(
        name="flow_interpolation_error",
        version=1,
        dimension="temporal consistency",
        summary="How far every other frame is from the middle of its neighbours along RAFT's flow",
        unit="% of full scale",
        range=(0.0, 100.0),
        higher_is_better=False,
        needs={"interpolation": FeatureRef.of("flow_interpolation"), "pulse": PULSE},
        degenerate_when=("static",),
        source="MiraBench's motion smoothness, with Jiang et al., CVPR 2018, equation 4",
    ),
    error,
)
