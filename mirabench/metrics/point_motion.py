"""Motion strength by tracked points, as share of the picture's diagonal per second.

- `point_motion`, `point_motion_tapir`: m = mean over points of (1 / T_p) sum |x_{t+1} - x_t| / (D dt), over the
  steps in which the point is seen; mean over windows of two seconds.
- `subject_motion`, `subject_motion_tapir`: the same of the points that move by themselves, less the camera's
  motion; 0 where nothing does.

Those without a suffix follow corners by KLT, the others a grid of points by BootsTAPIR. See
`mirabench.functional.point_motion`.

Source: VMBench, arXiv 2503.10076 (perceptible amplitude score: the subject's motion less the background's).
Differences: there a detector and a segmenter name the subject and the speeds are subtracted as numbers; here
the subject is what departs from the camera's homography, and the difference is of vectors, so that a subject
that the camera follows moves. MiraBench's tracking strength counts early frames up to 29 times, in pixels,
hidden or not.

When not to trust it: an object that fills most of the picture is taken for the camera; parallax above 0.03
diagonals per second counts as a subject; KLT loses what turns or blurs.
"""

from __future__ import annotations

import numpy as np

from mirabench.errors import MetricError, NotApplicable
from mirabench.features.api import FeatureRef
from mirabench.metrics.api import ClipFormula, ClipInputs, Curve, Measured, MetricSpec


def window_mean(clip: ClipInputs, key: str, column: str) -> Measured:
    """Mean of a column over the windows in which points could be followed.

    Raises:
        NotApplicable: the clip has one frame.
        MetricError: nothing could be followed.
    """
    windows = clip[key]
    if not len(windows["points"]):
        raise NotApplicable("the clip has one frame: motion needs at least two")
    known = windows["points"] > 0
    if not known.any():
        raise MetricError("no point could be followed: the picture has no texture to track")
    values = np.asarray(windows[column], np.float64)[known]
    return Measured(float(values.mean()), curve=Curve(windows["seconds"][known], values))


ERROR, SUBJECT_ERROR = 0.1, 0.7
"""What a codec, blur or grain moves: a small subject by up to two thirds, as was seen on rendered clips."""


def _row(name: str, summary: str, feature: str, column: str, worsened_by: float) -> ClipFormula:
    spec = MetricSpec(
        name=name,
        version=1,
        dimension="motion strength",
        summary=summary,
        unit="diagonals/s",
        range=(0.0, float("inf")),
        higher_is_better=True,
        needs={feature: FeatureRef.of(feature)},
        degenerate_when=("too-short", "black", "textureless", "erratic", "dissolving"),
        source="VMBench, arXiv 2503.10076, perceptible amplitude score",
        resolution_invariant=column
        != "subject",  # half the size moved a subject of a rendered clip by 12 %
        fps_invariant=True,
        relative_error=SUBJECT_ERROR if column == "subject" else ERROR,
        worsened_by=("freeze_tail", worsened_by),
    )
    return ClipFormula(spec, window_mean, (feature, column))


_ALL, _SUBJECT = "How fast tracked points move", "How fast points move that move by themselves"
POINT_MOTION = _row("point_motion", f"{_ALL} (KLT)", "klt_paths", "motion", 0.7)
SUBJECT_MOTION = _row("subject_motion", f"{_SUBJECT} (KLT)", "klt_paths", "subject", 0.9)
POINT_MOTION_TAPIR = _row(
    "point_motion_tapir", f"{_ALL} (BootsTAPIR)", "tapir_paths", "motion", 0.7
)
SUBJECT_MOTION_TAPIR = _row(
    "subject_motion_tapir", f"{_SUBJECT} (BootsTAPIR)", "tapir_paths", "subject", 0.9
)
