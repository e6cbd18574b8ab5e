"""How far every other frame is from the middle of its neighbours along the flow: `flow_interpolation_error`.

Formula: 100 / 255 * mean over odd frames k of mean |M_k - f_k| over pixels that both neighbours show, M_k the
frame half-way between f_{k-1} and f_{k+1} along RAFT's flow (feature `flow_interpolation`). It asks what
`temporal_motion_smoothness` asks, with parameters that may be used commercially. Source: the measure of the
reference with the interpolation of Jiang et al., CVPR 2018, equation 4.

When not to trust it: where flow fails (large motion, occlusion, flat regions) it blames the clip for it; a
static clip has no error and is `degenerate`; a higher frame rate makes it smaller.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from mirabench.features.api import FeatureRef
from mirabench.metrics.api import ClipInputs, Curve, Measured, MetricSpec
from mirabench.metrics.health import PULSE


@dataclass(frozen=True, slots=True)
class FlowInterpolationError:
    """`flow_interpolation_error`."""

    spec: ClassVar[MetricSpec] = MetricSpec(
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
    )

    def compute(self, clip: ClipInputs) -> Measured:
        """Mean over odd frames, % of full scale."""
        table = clip["interpolation"]
        values = 100.0 * table["error"] / 255.0
        return Measured(float(values.mean()), curve=Curve(table["seconds"], values))
