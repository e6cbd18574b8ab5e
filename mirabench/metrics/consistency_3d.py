"""3D consistency: how well one rigid scene explains frames seconds apart (five numbers, one matching).

Definitions are the public MiraBench code's (see `mirabench.features.epipolar`): per pair of frames
`num_pts` matches survive the ratio test, `num_inliers` of them agree with one fundamental matrix to
3 px, `keep_ratio` is their quotient, `mean_err` and `rmse` are the distances of the inliers from their
epipolar lines in the second frame, px at 1280x720. Each number is the plain mean over pairs.

Known differences from the reference: none in value, with its random generator seeded (it is not, and its
five columns come from five different matchings; measured there: mean_err 0.777 to 0.835 on one clip). The
reference raises when a single pair fails and so drops the whole clip; here such pairs are left out of the
mean and counted.

When not to trust it: where most pairs are static, show a plane or a pure rotation, or have no texture,
the geometry is undefined and the status is `degenerate` with the case named; errors are over inliers, so
they cannot exceed about 3 px whatever the video, and `keep_ratio` carries most of the signal; gaps are
counted in frames, so clips of different frame rates are not comparable; moving objects count as
inconsistency.
"""

from __future__ import annotations

from collections import Counter

import numpy as np

from mirabench.errors import MetricError, NotApplicable
from mirabench.features.api import FeatureRef, FeatureTable
from mirabench.functional.epipolar import keep_ratio
from mirabench.metrics.api import ClipFormula, ClipInputs, Curve, Measured, MetricSpec

FEWEST_FRAMES = 15


def pair_mean(clip: ClipInputs, column: str) -> Measured:
    """Mean of one of the five numbers over the pairs that have it; every pair has a number of matches.

    Raises:
        NotApplicable: the clip is too short.
        MetricError: no pair has a fundamental matrix.
    """
    pairs = clip["epipolar"]
    if not len(pairs["measured"]):
        raise NotApplicable(
            f"too short: {clip.video.num_frames} frames, pairs are 10 to 60 frames apart "
            f"and need at least {FEWEST_FRAMES}"
        )
    kept = pairs["measured"] | (column == "num_pts")
    case = undefined_case(pairs)
    if not kept.any():
        raise MetricError(f"no pair of frames has a fundamental matrix: {case}")
    ratio = keep_ratio(pairs["num_inliers"], pairs["num_pts"])
    values = np.asarray(ratio if column == "keep_ratio" else pairs[column], np.float64)[kept]
    order = np.argsort(pairs["seconds"][kept], kind="stable")
    return Measured(
        float(values.mean()),
        status="degenerate" if case else "ok",
        why=case,
        curve=Curve(pairs["seconds"][kept][order], values[order]),
    )


def undefined_case(pairs: FeatureTable) -> str:
    """In words, why the geometry is undefined for half the pairs or more; empty when it is defined."""
    states = Counter(pairs["state"].tolist())
    total = sum(states.values())
    bad = total - states.pop("ok", 0)
    if 2 * bad < total:
        return ""
    name, _ = states.most_common(1)[0]
    return f"{name}: the geometry of {bad} of {total} pairs of frames is undefined"


def _row(
    column: str, summary: str, unit: str, top: float = float("inf"), *, higher: bool
) -> ClipFormula:
    spec = MetricSpec(
        name=f"consistency_3d_{column}",
        version=2,
        dimension="3D consistency",
        summary=summary,
        unit=unit,
        range=(0.0, top),
        higher_is_better=higher,
        needs={"epipolar": FeatureRef.of("epipolar")},
        degenerate_when=("black", "textureless", "static", "frozen", "looping", "hard-cuts"),
        source="MiraData, arXiv 2407.06358; public code, evaluation/consistency_3D.py",
        resolution_invariant=False,
        fps_invariant=False,
        relative_error=0.05,
        worsened_by=("wobble", 4.0),
    )
    return ClipFormula(spec, pair_mean, (column,))


NUM_PTS = _row("num_pts", "SIFT matches between distant frames", "matches", higher=True)
NUM_INLIERS = _row("num_inliers", "Matches that agree with one rigid scene", "matches", higher=True)
KEEP_RATIO = _row(
    "keep_ratio", "Share of matches that agree with one rigid scene", "", 1.0, higher=True
)
MEAN_ERR = _row(
    "mean_err", "Mean distance of inliers from their epipolar lines", "px at 1280x720", higher=False
)
RMSE = _row(
    "rmse",
    "Root mean square distance of inliers from their epipolar lines",
    "px at 1280x720",
    higher=False,
)
