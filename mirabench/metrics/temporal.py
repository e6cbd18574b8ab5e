"""Temporal consistency without weights: what changes in the picture besides motion.

Formulas: `mirabench.functional.warping_error` and `temporal_flicker`. For each pair of neighbouring frames,
dense flow both ways; the later frame is moved back along the flow; on pixels visible in both
(forward-backward check) the luma that differs is the error.

- `warping_error`: mean absolute difference, in % of full scale. Lai et al., ECCV 2018 (E_warp) use the
  squared difference and an occlusion mask by the same check; absolute values are less ruled by edges.
- `temporal_flicker`: mean over a 16x9 grid of blocks of the absolute *mean* difference, in % of full
  scale. Averaging within a block cancels texture, noise and interpolation, and leaves light.

When not to trust it: a static clip has error 0 (status `degenerate`); fast motion beyond what the flow
finds shows up as error; neighbouring frames of a low frame rate are further apart, so compare clips of
one rate. Hard cuts are excluded from the mean and named in the clip's health.
"""

from __future__ import annotations

import numpy as np

from mirabench.errors import MetricError, NotApplicable
from mirabench.features.api import FeatureRef, FeatureTable
from mirabench.metrics.api import ClipFormula, ClipInputs, Curve, Measured, MetricSpec
from mirabench.metrics.health import PULSE, SAME_LEVELS, cut_positions
from mirabench.shapes import Bool

MOTION = FeatureRef.of("motion")
_NOTHING_MOVES = (
    "too-short", "black", "textureless", "static", "frozen", "duplicate-frames", "looping",
    "erratic", "dissolving",
)  # fmt: skip


def pair_mean(clip: ClipInputs, column: str, scale: float) -> Measured:
    """Mean of a column of `motion` over changing pairs within a shot, times `scale`, with its curve."""
    motion = clip["motion"]
    kept = pairs_within_shots(motion, clip["pulse"])
    changed = kept & (clip["pulse"]["change"][1:] >= SAME_LEVELS)
    if changed.any():
        kept = changed  # a repeated frame is no evidence of consistency: it would dilute the error
    values = motion[column] * scale
    return Measured(float(values[kept].mean()), curve=Curve(motion["seconds"][kept], values[kept]))


def pairs_within_shots(motion: FeatureTable, pulse: FeatureTable) -> Bool[np.ndarray, " N"]:
    """(N,) which pairs of neighbouring frames do not span a hard cut.

    Raises:
        NotApplicable: the clip has fewer than two frames.
        MetricError: no pair is left.
    """
    pairs = len(motion["seconds"])
    if pairs == 0:
        raise NotApplicable("the clip has one frame: motion needs at least two")
    kept = np.ones(pairs, dtype=bool)
    kept[cut_positions(pulse["signature"]) - 1] = False
    if not kept.any():
        raise MetricError("every pair of frames is a hard cut: there is no motion to follow")
    return kept


def _row(name: str, summary: str, column: str, source: str) -> ClipFormula:
    spec = MetricSpec(
        name=name,
        version=2,
        dimension="temporal consistency",
        summary=summary,
        unit="% of full scale",
        range=(0.0, 100.0),
        higher_is_better=False,
        needs={"motion": MOTION, "pulse": PULSE},
        degenerate_when=_NOTHING_MOVES,
        source=source,
        resolution_invariant=False,
        fps_invariant=False,
        relative_error=0.05,
        worsened_by=("flicker", 0.05),
    )
    return ClipFormula(spec, pair_mean, (column, 100.0))


WARPING_ERROR = _row(
    "warping_error",
    "What changes between neighbouring frames besides motion",
    "warp_error",
    "Lai et al., ECCV 2018, with DIS flow and absolute differences",
)
TEMPORAL_FLICKER = _row(
    "temporal_flicker",
    "Luminance that changes from frame to frame although nothing moved there",
    "flicker",
    "mirabench: block means of the motion-compensated difference",
)
