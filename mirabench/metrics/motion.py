"""Motion strength without weights, as share of the picture's diagonal per second.

Formulas: `mirabench.functional.flow_magnitude`, `camera_motion`, `object_motion`, `track_displacement`.
With dt the time between two frames and D the diagonal in px:

- `flow_magnitude`: mean over pairs of (mean of the fastest 5 % of |flow|) / (D dt). The 5 % are those of
  MiraBench's dynamic_degree; dividing by D and dt makes it independent of resolution and frame rate.
- `camera_motion`: mean over pairs of (mean |H x - x|) / (D dt), H the homography fitted to the flow.
- `object_motion`: mean over pairs of (mean of the fastest 5 % of |flow - (H x - x)|) / (D dt), over a
  grid of pixels visible in both frames.
- `track_displacement`: mean over one-second windows of the net speed of KLT tracks. Net: a track that
  trembles in place has moved nowhere, so jitter that inflates `flow_magnitude` does not count here.

Source: Wu et al. (MiraData), arXiv 2407.06358, section 4.2; homography split as in field practice
(DEVIL, arXiv 2407.01094, and others). When not to trust it: an object that fills most of the picture is
taken for the camera; parallax of a deep scene counts as object motion; more motion is not better video.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from mirabench.errors import MetricError, NotApplicable
from mirabench.features.api import FeatureRef, FeatureTable
from mirabench.functional.flow import diagonals_per_second
from mirabench.metrics.api import ClipFormula, ClipInputs, Curve, Measured, MetricSpec
from mirabench.metrics.health import PULSE
from mirabench.metrics.temporal import MOTION, pairs_within_shots

UNIT = "diagonals/s"
LIGHT_SHARE = 0.01
"""Median flicker a pair (share of full scale) above which plain places seem to move; see
`mirabench.metrics.temporal`. Filmed and rendered clips stay below half of it."""
_NOTHING_SEEN = ("too-short", "black", "textureless", "erratic", "dissolving")


def diagonal(table: FeatureTable) -> float:
    """Diagonal of the analysed picture in px."""
    return float(np.hypot(table.number("width"), table.number("height")))


def mean_speed(clip: ClipInputs, column: str) -> Measured:
    """Mean of a column of `motion` (px) over pairs within a shot, in diagonals per second."""
    motion = clip["motion"]
    kept = pairs_within_shots(motion, clip["pulse"])
    values = diagonals_per_second(motion[column], motion["dt"], diagonal(motion))
    # weighting by dt gives distance over time: a variable frame rate does not tilt the mean
    mean = np.average(values[kept], weights=motion["dt"][kept])
    return Measured(float(mean), curve=Curve(motion["seconds"][kept], values[kept]))


def speed_unless_light_changes(clip: ClipInputs, column: str) -> Measured:
    """Mean speed, degenerate where the light changes so much that the fastest flow is a guess."""
    found = mean_speed(clip, column)
    light = float(np.median(clip["motion"]["flicker"]))
    if light <= LIGHT_SHARE:
        return found
    why = f"flicker: the light changes by {light:.1%} of full scale a frame, and flow follows it"
    return replace(found, status="degenerate", why=why)


def camera_speed(clip: ClipInputs, column: str) -> Measured:
    """Mean speed of the fitted camera field.

    Raises:
        NotApplicable: the clip has one frame.
        MetricError: no camera could be fitted to any pair.
    """
    inliers = clip["motion"]["camera_inliers"]
    if len(inliers) and not (inliers > 0).any():
        raise MetricError("no camera could be fitted to the flow of any pair of frames")
    return mean_speed(clip, column)


def track_speed(clip: ClipInputs) -> Measured:
    """Mean over windows of the mean net speed of tracks, diagonals per second.

    Raises:
        NotApplicable: the clip has one frame.
        MetricError: nothing could be followed.
    """
    tracks = clip["tracks"]
    followed = tracks["corners"] > 0
    if not len(followed):
        raise NotApplicable("the clip has one frame: motion needs at least two")
    if not followed.any():
        raise MetricError("no corner could be followed: the picture has no texture to track")
    values = tracks["speed"] / diagonal(tracks)
    curve = Curve(tracks["seconds"][followed], values[followed])
    return Measured(float(values[followed].mean()), curve=curve)


def _spec(name: str, summary: str, source: str, feature: FeatureRef = MOTION) -> MetricSpec:
    return MetricSpec(
        name=name,
        version=2,
        dimension="motion strength",
        summary=summary,
        unit=UNIT,
        range=(0.0, float("inf")),
        higher_is_better=True,
        needs={feature.name: feature, "pulse": PULSE},
        degenerate_when=_NOTHING_SEEN,
        source=source,
        resolution_invariant=True,
        fps_invariant=True,
        relative_error=0.05,
        worsened_by=("freeze_tail", 0.7),
    )


FLOW_MAGNITUDE = ClipFormula(
    _spec(
        "flow_magnitude",
        "How fast the fastest twentieth of the picture moves",
        "MiraData, arXiv 2407.06358, dynamic degree; DIS flow, normalised by diagonal and time",
    ),
    speed_unless_light_changes,
    ("top5",),
)
CAMERA_MOTION = ClipFormula(
    _spec(
        "camera_motion",
        "How fast the picture moves as a whole",
        "mirabench: homography fitted to DIS flow by RANSAC",
    ),
    camera_speed,
    ("camera",),
)
OBJECT_MOTION = ClipFormula(
    _spec(
        "object_motion",
        "How fast the fastest twentieth moves against the camera's motion",
        "mirabench: DIS flow minus the fitted camera field",
    ),
    speed_unless_light_changes,
    ("object",),
)
TRACK_DISPLACEMENT = ClipFormula(
    _spec(
        "track_displacement",
        "How far tracked points get in a second",
        "MiraData, arXiv 2407.06358, tracking strength; KLT tracks, normalised",
        FeatureRef.of("tracks"),
    ),
    track_speed,
)
