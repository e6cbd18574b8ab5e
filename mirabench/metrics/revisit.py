"""Whether a place looks the same when the camera comes back to it: `revisit_error`.

Views once per second; those at which the camera's path, or the look of the film, leads back to an earlier view
after it was elsewhere (feature `revisits`). The earlier view is laid over the later one, flow follows what that
misses, and the share of the picture that still differs is the error, judged as in `warping_error`; the score is
the mean over returns, less the 1 % that the method leaves.

Source: mirabench; the question is that of WorldScore's and MIND's revisits. The public MiraBench code compares
with the frame before and the first one, wherever the camera is. When not to trust it: what moved on its own
meanwhile counts as change; a path is followed by turn, scale and shift only, so a place that has changed beyond
recognition is found again after pans, zooms and rolls, and not after a walk through a deep scene.
"""

from __future__ import annotations

from mirabench.errors import NotApplicable
from mirabench.features.api import FeatureRef
from mirabench.functional.unexplained import mean_unexplained
from mirabench.metrics.api import ClipFormula, ClipInputs, Curve, Measured, MetricSpec
from mirabench.metrics.health import PULSE
from mirabench.metrics.temporal import NOTHING_MOVES, SAME_WITHIN


def changed_at_return(clip: ClipInputs) -> Measured:
    """Mean share of the picture that looks otherwise at a return, in %, with its curve.

    Raises:
        NotApplicable: the film comes back to no place that it had left.
    """
    table = clip["revisits"]
    if not len(table["seconds"]):
        raise NotApplicable("the film comes back to no place that it had left")
    share = mean_unexplained(table["change"], table["change_weight"])
    return Measured(100 * share, curve=Curve(table["seconds"], 100 * table["change"]))


REVISIT_ERROR = ClipFormula(
    MetricSpec(
        name="revisit_error",
        version=1,
        dimension="temporal consistency",
        summary="How much of a place looks otherwise when the camera comes back to it",
        unit="% of the picture",
        range=(0.0, 100.0),
        higher_is_better=False,
        needs={"revisits": FeatureRef.of("revisits"), "pulse": PULSE},
        degenerate_when=NOTHING_MOVES,
        source="mirabench: registered views, after WorldScore's and MIND's revisits",
        resolution_invariant=True,
        fps_invariant=True,
        same_within=SAME_WITHIN,
        relative_error=0.05,
    ),
    changed_at_return,
)
