"""Motion strength without weights, as share of the picture's diagonal per second.

Formula, with dt the time between two frames and D the diagonal in px:

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

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from mirabench.errors import MetricError
from mirabench.features.api import FeatureRef, FeatureTable
from mirabench.metrics.api import ClipInputs, Curve, Measured, MetricSpec
from mirabench.metrics.health import PULSE
from mirabench.metrics.temporal import MOTION, pairs_within_shots

UNIT = "diagonals/s"
_NEEDS = {"motion": MOTION, "pulse": PULSE}
LIGHT_SHARE = 0.01
"""Median flicker a pair (share of full scale) above which plain places seem to move; see
`mirabench.metrics.temporal`. Filmed and rendered clips stay below half of it."""
_NOTHING_SEEN = ("too-short", "black", "textureless", "erratic", "dissolving")


def diagonal(table: FeatureTable) -> float:
    """Diagonal of the analysed picture in px."""
    return float(np.hypot(table.number("width"), table.number("height")))


def _per_second(clip: ClipInputs, column: str) -> Measured:
    motion = clip["motion"]
    kept = pairs_within_shots(motion, clip["pulse"])
    values = motion[column] / (motion["dt"] * diagonal(motion))
    # weighting by dt gives distance over time: a variable frame rate does not tilt the mean
    mean = np.average(values[kept], weights=motion["dt"][kept])
    return Measured(float(mean), curve=Curve(motion["seconds"][kept], values[kept]))


def _unless_light_changes(clip: ClipInputs, found: Measured) -> Measured:
    """The value, degenerate where the light changes so much that the fastest flow is a guess."""
    light = float(np.median(clip["motion"]["flicker"]))
    if light <= LIGHT_SHARE:
        return found
    why = f"flicker: the light changes by {light:.1%} of full scale a frame, and flow follows it"
    return replace(found, status="degenerate", why=why)


def _spec(name: str, summary: str, source: str) -> MetricSpec:
    return MetricSpec(
        name=name,
        version=2,
        dimension="motion strength",
        summary=summary,
        unit=UNIT,
        range=(0.0, float("inf")),
        higher_is_better=True,
        needs=_NEEDS,
        degenerate_when=_NOTHING_SEEN,
        source=source,
        resolution_invariant=True,
        fps_invariant=True,
        worsened_by=("freeze_tail", 0.7),
    )


@dataclass(frozen=True, slots=True)
class FlowMagnitude:
    """`flow_magnitude`."""

    spec: ClassVar[MetricSpec] = _spec(
        "flow_magnitude",
        "How fast the fastest twentieth of the picture moves",
        "MiraData, arXiv 2407.06358, dynamic degree; DIS flow, normalised by diagonal and time",
    )

    def compute(self, clip: ClipInputs) -> Measured:
        """Mean speed of the fastest 5 % of pixels, diagonals per second."""
        return _unless_light_changes(clip, _per_second(clip, "top5"))


@dataclass(frozen=True, slots=True)
class CameraMotion:
    """`camera_motion`."""

    spec: ClassVar[MetricSpec] = _spec(
        "camera_motion",
        "How fast the picture moves as a whole",
        "mirabench: homography fitted to DIS flow by RANSAC",
    )

    def compute(self, clip: ClipInputs) -> Measured:
        """Mean speed of the fitted camera field, diagonals per second."""
        if not (clip["motion"]["camera_inliers"] > 0).any():
            raise MetricError("no camera could be fitted to the flow of any pair of frames")
        return _per_second(clip, "camera")


@dataclass(frozen=True, slots=True)
class ObjectMotion:
    """`object_motion`."""

    spec: ClassVar[MetricSpec] = _spec(
        "object_motion",
        "How fast the fastest twentieth moves against the camera's motion",
        "mirabench: DIS flow minus the fitted camera field",
    )

    def compute(self, clip: ClipInputs) -> Measured:
        """Mean residual speed of the fastest 5 % of grid points, diagonals per second."""
        return _unless_light_changes(clip, _per_second(clip, "object"))


@dataclass(frozen=True, slots=True)
class TrackDisplacement:
    """`track_displacement`."""

    spec: ClassVar[MetricSpec] = MetricSpec(
        name="track_displacement",
        version=2,
        dimension="motion strength",
        summary="How far tracked points get in a second",
        unit=UNIT,
        range=(0.0, float("inf")),
        higher_is_better=True,
        needs={"tracks": FeatureRef.of("tracks"), "pulse": PULSE},
        degenerate_when=_NOTHING_SEEN,
        source="MiraData, arXiv 2407.06358, tracking strength; KLT tracks, normalised",
        resolution_invariant=True,
        fps_invariant=True,
        worsened_by=("freeze_tail", 0.7),
    )

    def compute(self, clip: ClipInputs) -> Measured:
        """Mean over windows of the mean net speed of tracks, diagonals per second."""
        tracks = clip["tracks"]
        followed = tracks["corners"] > 0
        if not len(followed):
            raise MetricError("the clip has one frame: motion needs at least two")
        if not followed.any():
            raise MetricError("no corner could be followed: the picture has no texture to track")
        values = tracks["speed"] / diagonal(tracks)
        curve = Curve(tracks["seconds"][followed], values[followed])
        return Measured(float(values[followed].mean()), curve=curve)
