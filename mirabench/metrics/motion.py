"""Motion strength without weights, as share of the picture's diagonal per second.

Pairs are frames a twelfth of a second apart (`mirabench.features.speeds`), D the diagonal in px, dt their time:

- `flow_magnitude`: mean over pairs of (mean of the fastest 5 % of |flow|) / (D dt). The 5 % are those of
  MiraBench's dynamic_degree; dividing by D and dt makes it independent of resolution and frame rate.
- `camera_motion`: mean over pairs of (mean |H x - x|) / (D dt), H the homography fitted to the flow.
- `object_motion`: mean over pairs of (mean of the fastest 5 % of |flow - (H x - x)|) / (D dt).

The flow is taken on smoothed luma and read on a grid of cells that both frames show and that have structure
for the picture's own contrast; each cell's velocity is the mean of three neighbouring pairs
(`mirabench.functional.speeds`).

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
from mirabench.metrics.api import ClipFormula, ClipInputs, Curve, Measured, MetricSpec
from mirabench.metrics.health import PULSE, cut_positions
from mirabench.shapes import Bool, Float64

UNIT = "diagonals/s"
SPEEDS = FeatureRef.of("speeds")
LIGHT_SHARE = 0.01
"""Median flicker a pair (share of full scale) above which plain places seem to move; see
`mirabench.metrics.temporal`. Filmed and rendered clips stay below half of it."""
JUMP = 3.0
"""How many times faster than its neighbours, and than three quarters of all pairs, a pair is that leaps."""
FEWEST_PAIRS = 5
"""Pairs below which nothing is usual, and so nothing leaps."""
_NOTHING_SEEN = ("too-short", "black", "textureless", "erratic", "dissolving")


def diagonal(table: FeatureTable) -> float:
    """Diagonal of the analysed picture in px."""
    return float(np.hypot(table.number("width"), table.number("height")))


def mean_speed(clip: ClipInputs, column: str) -> Measured:
    """Mean of a column of `speeds` over pairs within a shot, weighted by their time.

    Pairs beside a hard cut or a leap were averaged with it, and count only where there are no others.

    Raises:
        NotApplicable: the clip has one frame.
        MetricError: every pair spans a hard cut.
    """
    table = clip["speeds"]
    kept = within_shots(table, clip["pulse"]) & ~jumps(table["alone"])
    inner = (
        kept
        & np.pad(kept, 1, constant_values=True)[2:]
        & np.pad(kept, 1, constant_values=True)[:-2]
    )
    kept = inner if inner.any() else kept
    # weighting by dt gives distance over time: a variable frame rate does not tilt the mean
    mean = np.average(table[column][kept], weights=table["dt"][kept])
    return Measured(float(mean), curve=Curve(table["seconds"][kept], table[column][kept]))


def jumps(fastest: Float64[np.ndarray, " N"]) -> Bool[np.ndarray, " N"]:
    """(N,) which pairs are a leap, not a motion: one alone, far beyond its neighbours and most of the clip.

    A film that starts over leaps back to its first frame within one pair. What holds each frame for a while
    moves in many pairs, and stays.

    Args:
        fastest: Of each pair, how fast its fastest twentieth moves.

    Example:
        >>> jumps(np.array([1.0, 1.0, 9.0, 1.0, 1.0])).tolist()
        [False, False, True, False, False]
        >>> jumps(np.array([0.0, 2.0, 0.0, 2.0, 0.0])).any()
        np.False_
    """
    usual = JUMP * np.percentile(fastest, 75) if len(fastest) else 0.0
    beside = np.pad(fastest, 1, mode="edge" if len(fastest) else "empty")
    alone = fastest > JUMP * np.maximum(beside[:-2], beside[2:])
    return np.asarray(alone & (fastest > usual) & (len(fastest) >= FEWEST_PAIRS))


def within_shots(table: FeatureTable, pulse: FeatureTable) -> Bool[np.ndarray, " N"]:
    """(N,) which pairs of sampled frames have no hard cut between them.

    Raises:
        NotApplicable: there is no pair.
        MetricError: no pair is left.
    """
    ends = table["seconds"]
    if not len(ends):
        raise NotApplicable("the clip has one frame: motion needs at least two")
    cuts = pulse["seconds"][cut_positions(pulse["signature"])]
    starts = ends - table["dt"]
    kept = ~((cuts > starts[:, None] + 1e-9) & (cuts <= ends[:, None] + 1e-9)).any(axis=1)
    if not kept.any():
        raise MetricError("every pair of frames is a hard cut: there is no motion to follow")
    return np.asarray(kept)


def speed_unless_light_changes(clip: ClipInputs, column: str) -> Measured:
    """Mean speed, degenerate where the light changes so much that the fastest flow is a guess."""
    found = mean_speed(clip, column)
    light = float(np.median(clip["speeds"]["light"]))
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
    inliers = clip["speeds"]["camera_inliers"]
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


def _spec(
    name: str,
    summary: str,
    source: str,
    feature: FeatureRef = SPEEDS,
    version: int = 4,
    relative_error: float = 0.05,
) -> MetricSpec:
    return MetricSpec(
        name=name,
        version=version,
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
        relative_error=relative_error,
        worsened_by=("freeze_tail", 0.7),
    )


FLOW_MAGNITUDE = ClipFormula(
    _spec(
        "flow_magnitude",
        "How fast the fastest twentieth of the picture moves",
        "MiraData, arXiv 2407.06358, dynamic degree; DIS flow, normalised by diagonal and time",
    ),
    speed_unless_light_changes,
    ("fastest",),
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
        relative_error=0.1,
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
        version=2,
    ),
    track_speed,
)
