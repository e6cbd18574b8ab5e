"""Temporal consistency without weights: what changes in the picture besides motion.

Formulas: `mirabench.functional.warping_error` and `temporal_flicker` on frames an eighth of a second apart.
Dense flow both ways; the later frame is moved back along the flow; on pixels visible in both
(forward-backward check) the luma that differs is judged block by block against what the picture holds there.

- `warping_error`: share of the picture whose error is more than a displacement by 0.15 % of the diagonal would
  leave. Lai et al., ECCV 2018 (E_warp) take the mean squared difference, which blur, bars and less contrast
  make smaller.
- `temporal_flicker`: share of the picture whose brightness changes by more than 4 % of the picture's contrast.
- `masked_interpolation_error`, `masked_interpolation_error_raft`: the frame between two ticks against the one
  that smooth motion from tick to tick would show (Jiang et al., CVPR 2018, equation 4), by the same judgement;
  what one of the outer frames does not show is taken out (DynamicEval's idea).

A still picture proves nothing, so time counts as unexplained in which frames repeat what was shown (held,
frozen, looping), or undo the change before (out of order); a pair across a hard cut is wholly unexplained. Of 1
% of the picture, which the method leaves in clean clips, only a twentieth counts.

When not to trust it: fast motion beyond what the flow finds shows up as error; light that should change counts;
what alternates 8 times per second exactly goes unseen by the flow, and only the pulse of all frames sees it.
"""

from __future__ import annotations

import numpy as np

from mirabench.errors import MetricError, NotApplicable
from mirabench.features.api import FeatureRef, FeatureTable
from mirabench.functional.steadiness import repeated_frames, undone_share, unsteady_share
from mirabench.functional.unexplained import mean_unexplained
from mirabench.metrics.api import ClipFormula, ClipInputs, Curve, Measured, MetricSpec
from mirabench.metrics.health import PULSE, cut_positions
from mirabench.shapes import Bool, Float64

MOTION = FeatureRef.of("motion")
ROUNDING = 1e-6
"""Seconds by which times of two features may differ."""
SAME_WITHIN = 1.5
"""% of the picture by which other moments, half a frame away, may change a clean clip's value."""
ENCODING_ERROR = 0.1
"""% of the picture: the largest that encoding again at a quality that looks the same did to six clips, three of
them real (0.096 to `warping_error`, 0.073 to `temporal_flicker`; `benchmarks/remeasured.py --part budget`)."""
QUICK_SECONDS = 0.05
"""Frames further apart are not asked whether they undo each other: a hand-held camera sways so fast."""
NOTHING_MOVES = (
    "too-short", "black", "textureless", "static", "frozen", "duplicate-frames", "looping",
    "erratic", "dissolving",
)  # fmt: skip


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


def unsteady(clip: ClipInputs, column: str) -> Measured:
    """What a column of `residual` leaves unexplained, in % of picture and time, with its curve.

    Raises:
        NotApplicable: the clip has one frame.
    """
    table, pulse = clip["residual"], clip["pulse"]
    if not len(table["seconds"]):
        raise NotApplicable(
            "the clip has too few frames: warping needs two, interpolation needs three"
        )
    until = table["until"] if "until" in table else table["seconds"]
    cut = spans_cut(until - table["dt"], until, pulse)
    shares = np.where(cut, 1.0, table[column])
    weights = np.where(cut, 1.0, table[f"{column}_weight"])
    share = unsteady_share(
        mean_unexplained(shares, weights), repeated_share(pulse), trembling_share(pulse)
    )
    return Measured(100 * share, curve=Curve(table["seconds"], 100 * shares))


def spans_cut(
    starts: Float64[np.ndarray, " N"], ends: Float64[np.ndarray, " N"], pulse: FeatureTable
) -> Bool[np.ndarray, " N"]:
    """Within which of the intervals between these times, in s, there is a hard cut."""
    cuts = pulse["seconds"][cut_positions(pulse["signature"])]
    return np.asarray(
        ((cuts > starts[:, None] + ROUNDING) & (cuts <= ends[:, None] + ROUNDING)).any(axis=1)
    )


def repeated_share(pulse: FeatureTable) -> float:
    """Share of the time after the first frame in which frames repeat what was shown."""
    repeated = repeated_frames(pulse["change"], pulse["signature"])[1:]
    return float(np.average(repeated, weights=np.diff(pulse["seconds"])))


def trembling_share(pulse: FeatureTable) -> float:
    """Part of the change that the next frame undoes; 0 where frames are too far apart to tell."""
    if not np.median(np.diff(pulse["seconds"])) <= QUICK_SECONDS:
        return 0.0
    return undone_share(pulse["signature"])


def _row(
    name: str, summary: str, column: str, source: str, feature: str = "motion_residual"
) -> ClipFormula:
    spec = MetricSpec(
        name=name,
        version=5 if feature == "motion_residual" else 2,
        dimension="temporal consistency",
        summary=summary,
        unit="% of the picture",
        range=(0.0, 100.0),
        higher_is_better=False,
        needs={"residual": FeatureRef.of(feature), "pulse": PULSE},
        degenerate_when=NOTHING_MOVES,
        source=source,
        resolution_invariant=True,
        fps_invariant=True,
        same_within=SAME_WITHIN,
        relative_error=0.05,
        absolute_error=ENCODING_ERROR,
        worsened_by=("flicker", 0.05),
    )
    return ClipFormula(spec, unsteady, (column,))


WARPING_ERROR = _row(
    "warping_error",
    "How much of the picture changes otherwise than by its motion",
    "change",
    "Lai et al., ECCV 2018, judged against the picture's own detail",
)
TEMPORAL_FLICKER = _row(
    "temporal_flicker",
    "How much of the picture changes its brightness otherwise than by its motion",
    "light",
    "mirabench: block means of the motion-compensated difference against the picture's contrast",
)
_MASKED = (
    "How much of the picture is not half-way between its neighbours, where both show it, by {} flow"
)
_SOURCE = "Jiang et al., CVPR 2018, equation 4; occlusions taken out as in DynamicEval"
MASKED_INTERPOLATION_ERROR = _row(
    "masked_interpolation_error",
    _MASKED.format("DIS"),
    "error",
    _SOURCE,
    "interpolation_residual",
)
MASKED_INTERPOLATION_ERROR_RAFT = _row(
    "masked_interpolation_error_raft",
    _MASKED.format("RAFT"),
    "error",
    _SOURCE,
    "raft_interpolation_residual",
)
