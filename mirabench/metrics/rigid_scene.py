"""3D consistency: how much of a clip shows one rigid scene, by two views at a time and by all of them at once.

Views are frames at fixed times (4 a second), at most 480 px wide or high, with SIFT keypoints; the rows
ending in `_lightglue` take DISK's and LightGlue's matches instead (the features' parameter `matcher`).

- `epipolar_agreement`: mean over views of the mean over *all* ratio-test matches, of both directions, of
  exp(-d^2 / 2 sigma^2), d the Sampson distance to one fundamental matrix, sigma a thousandth of the diagonal.
  The pair of a view is the one of least baseline that shows depth: Torr's GRIC decides F against H.
- `registered_share`: share of the views that COLMAP registers in the longest model of their stretch of 12 s.
- `reprojection_error`: mean over all keypoints of the distance to their point in the model, in thousandths of
  the diagonal; a keypoint without a point, and every keypoint of an unregistered view, counts as 4.
- `track_length`: mean over all keypoints of the time in which their point is seen, 0 without a point.

A view that shows no depth (nothing moved, a plane, a turning camera) or repeats an earlier one is no evidence
and counts as the worst value; where that is half of the views, so does the clip, and the status is
`degenerate`. Views that contradict each other are the worst value and nothing else: a failed reconstruction is
a finding, not a gap.

Source: Torr, IJCV 50(1), 2002 (GRIC); Hartley and Zisserman, 11.4.3 (Sampson); Schoenberger and Frahm, CVPR
2016 (COLMAP); registration and failure as signals of consistency: Paul et al., SysCON3D, arXiv 2605.18754.
Differences from MiraBench's five numbers: see `docs/metrics/rigid_scene.md`.

When not to trust it: what moves by itself is no part of the rigid scene and lowers all four; a cut within a
stretch counts against it; a scene with little texture has few keypoints.
"""

from __future__ import annotations

from collections import Counter

import numpy as np

from mirabench.errors import NotApplicable
from mirabench.features.api import FeatureRef, FeatureTable
from mirabench.functional.two_views import NO_EVIDENCE
from mirabench.metrics.api import ClipFormula, ClipInputs, Curve, Measured, MetricSpec

VIEWS_PER_SECOND = 4.0
WORST_ERROR = 4.0


def view_mean(clip: ClipInputs, key: str, column: str, scale: float, worst: float) -> Measured:
    """Mean of a column over all views, times `scale`; `worst` where half of the views show no depth.

    Raises:
        NotApplicable: the clip has one view.
    """
    views = clip[key]
    if not len(views["seconds"]):
        raise NotApplicable("too short: one view, and a scene needs two")
    values = np.asarray(views[column], np.float64) * scale
    case = undefined_case(views)
    return Measured(
        # what few views agree on by chance, where the rest shows no depth, is no evidence either
        worst if case else float(values.mean()),
        status="degenerate" if case else "ok",
        why=case,
        curve=Curve(views["seconds"], values),
    )


def undefined_case(views: FeatureTable) -> str:
    """In words, why half the views or more are no evidence for or against a scene; empty when they are."""
    states = Counter(views["state"].tolist())
    silent = {state: n for state, n in states.items() if state in NO_EVIDENCE}
    if 2 * sum(silent.values()) < sum(states.values()):
        return ""
    most = max(silent, key=lambda state: (silent[state], state))
    return f"{most}: {sum(silent.values())} of {sum(states.values())} views show no depth"


def _row(  # a row of the table: keywords all but the first four
    name: str,
    summary: str,
    column: str,
    scale: float = 1.0,
    *,
    matcher: str = "sift",
    unit: str = "",
    top: float = 1.0,
    higher: bool = True,
) -> ClipFormula:
    feature = "view_pairs" if column == "agreement" else "registration"
    learned = matcher != "sift"
    spec = MetricSpec(
        name=f"{name}_{matcher}" if learned else name,
        version=1 if learned else 2,
        dimension="3D consistency",
        summary=f"{summary}, by LightGlue" if learned else summary,
        unit=unit,
        range=(0.0, top),
        higher_is_better=higher,
        needs={
            feature: FeatureRef.of(feature, matcher=matcher) if learned else FeatureRef.of(feature)
        },
        degenerate_when=("black", "textureless", "static", "frozen", "looping", "hard-cuts"),
        source="SysCON3D, arXiv 2605.18754; Torr, IJCV 50(1), 2002",
        resolution_invariant=False,
        fps_invariant=True,
        relative_error=0.05 if column == "agreement" else 0.1,
        worsened_by=("freeze_tail", 0.9),
    )
    worst = WORST_ERROR if column == "error" else 0.0
    return ClipFormula(spec, view_mean, (feature, column, scale, worst))


def _agreement(matcher: str) -> ClipFormula:
    summary = "How far all matches of two views agree with one rigid scene"
    return _row("epipolar_agreement", summary, "agreement", matcher=matcher)


def _registered(matcher: str) -> ClipFormula:
    summary = "Share of the views that one reconstruction holds"
    return _row("registered_share", summary, "registered", matcher=matcher)


def _error(matcher: str) -> ClipFormula:
    return _row(
        "reprojection_error",
        "How far keypoints fall from the scene that was reconstructed",
        "error",
        matcher=matcher,
        unit="thousandths of the diagonal",
        top=WORST_ERROR,
        higher=False,
    )


def _track(matcher: str) -> ClipFormula:
    return _row(
        "track_length",
        "For how long a keypoint keeps its place in the scene",
        "track",
        1 / VIEWS_PER_SECOND,
        matcher=matcher,
        unit="s",
        top=float("inf"),
    )


EPIPOLAR_AGREEMENT, EPIPOLAR_AGREEMENT_LIGHTGLUE = _agreement("sift"), _agreement("lightglue")
REGISTERED_SHARE, REGISTERED_SHARE_LIGHTGLUE = _registered("sift"), _registered("lightglue")
REPROJECTION_ERROR, REPROJECTION_ERROR_LIGHTGLUE = _error("sift"), _error("lightglue")
TRACK_LENGTH, TRACK_LENGTH_LIGHTGLUE = _track("sift"), _track("lightglue")
