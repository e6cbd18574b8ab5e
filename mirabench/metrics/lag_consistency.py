"""How alike a film stays over time: likeness of its moments as a function of the seconds between them.

S(L) = mean over t of cos(z_t, z_{t+L}), z an embedding of the frames nearest to eight ticks a second; L = 1/4,
1/2, 1, 2 ... 64 s, up to half the clip (`mirabench.functional.similarity_over_lag`). Three numbers are read
from the curve, for each of three embeddings (DINO ViT-B/16, CLIP ViT-B/32, and `thumbnails`, without weights):

- `*_lag_similarity`: mean of S over log L, negative means as 0;
- `*_lag_drift`: how much S falls each time the lag doubles (least squares over log L), rises as 0;
- `*_lag_return`: how much of the lost likeness comes back at a larger lag, which is how a loop shows.

Source: mirabench, after VBench#206; MiraBench compares with the frame before and the first one only. Unlike
there, time counts as lost in which frames repeat what was shown, or undo the change before: a still is
perfectly alike, and that is no merit. The curve shows S itself, at every lag.

When not to trust it: likeness is not quality, and a film that moves more is less alike, so compare at equal
motion (`standardised` in the report); numbers of clips of different lengths look over different lags.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from mirabench.errors import NotApplicable
from mirabench.features.api import FeatureRef, FeatureTable
from mirabench.functional.lags import (
    lagged_similarity,
    mean_over_octaves,
    octave_lags,
    similarity_over_lag,
    slope_per_octave,
    strongest_return,
)
from mirabench.functional.steadiness import unsteady_share
from mirabench.metrics.api import ClipFormula, ClipInputs, Curve, Measured, MetricSpec
from mirabench.metrics.health import PULSE
from mirabench.metrics.temporal import NOTHING_MOVES, repeated_share, trembling_share
from mirabench.shapes import Float64

RATE = 8.0
"""Frames per second."""


def lost_over_lag(clip: ClipInputs, kind: str) -> Measured:
    """The likeness that is lost, by `kind` of number, with the curve of S over lag.

    `similarity` is 1 less what is lost; `drift` and `return` are the loss itself.
    """
    share = _KINDS[kind].lost(clip["frames"], clip.video.duration_seconds)
    pulse = clip["pulse"]
    lost = unsteady_share(share, repeated_share(pulse), trembling_share(pulse))
    return Measured(
        1.0 - lost if _KINDS[kind].higher_is_better else lost,
        curve=curve_over_lag(clip["frames"]),
    )


def likeness_lost(table: FeatureTable, duration: float) -> float:
    """1 less the mean over log lag of S."""
    similarity, lags = _octaves(table, duration)
    return 1.0 - max(0.0, mean_over_octaves(similarity, lags))


def likeness_drifted(table: FeatureTable, duration: float) -> float:
    """By how much S falls each time the lag doubles."""
    return min(1.0, max(0.0, -slope_per_octave(*_octaves(table, duration))))


def likeness_returned(table: FeatureTable, duration: float) -> float:
    """The greatest share of the lost likeness that comes back a second or more later."""
    del duration
    curve = curve_over_lag(table)
    return strongest_return(curve.values, step_of(table)).height


def curve_over_lag(table: FeatureTable) -> Curve:
    """S at every lag up to half the clip; `seconds` are the lags."""
    rows = table["rows"]
    half = len(rows) // 2 + 1
    return Curve(np.arange(half) * step_of(table), lagged_similarity(rows)[:half], over="lag")


def step_of(table: FeatureTable) -> float:
    """Usual seconds between two rows.

    Raises:
        NotApplicable: there is one row.
    """
    if len(table["seconds"]) < 2:
        raise NotApplicable("the clip has one frame: likeness over time needs at least two")
    return float(np.diff(table["seconds"]).mean())


def _octaves(
    table: FeatureTable, duration: float
) -> tuple[Float64[np.ndarray, " K"], Float64[np.ndarray, " K"]]:
    """S at each lag of the ladder.

    Raises:
        NotApplicable: the clip is shorter than a second: one lag has no slope.
    """
    lags = octave_lags(duration)
    if len(lags) < 2:
        raise NotApplicable(
            f"the clip lasts {duration:.2f} s: likeness over lags needs at least 1 s, so that two "
            "lags are seen over half of it"
        )
    return similarity_over_lag(table["rows"], table["seconds"], lags), lags


class _Kind(NamedTuple):
    summary: str
    lost: Callable[[FeatureTable, float], float]
    """From a table of embeddings and the clip's duration in s to the share that is lost, 0 to 1."""
    higher_is_better: bool
    unit: str
    relative_error: float


_KINDS = {
    "similarity": _Kind(
        "How alike moments are, averaged over the octaves of their distance in time,",
        likeness_lost, True, "", 0.03,
    ),
    "drift": _Kind(
        "How much likeness is lost each time two moments are twice as far apart,",
        likeness_drifted, False, "per octave", 0.05,
    ),
    "return": _Kind(
        "How much of the lost likeness comes back later, as in a loop,",
        likeness_returned, False, "", 0.1,
    ),
}  # fmt: skip


def _row(embedding: str, kind: str, feature: FeatureRef, network: str) -> ClipFormula:
    number = _KINDS[kind]
    spec = MetricSpec(
        name=f"{embedding}_lag_{kind}",
        version=1,
        dimension="temporal consistency",
        summary=f"{number.summary} seen by {network}; the curve is over lag",
        unit=number.unit,
        range=(0.0, 1.0),
        higher_is_better=number.higher_is_better,
        needs={"frames": feature, "pulse": PULSE},
        degenerate_when=NOTHING_MOVES,
        source="mirabench, after VBench#206",
        resolution_invariant=True,
        fps_invariant=True,
        same_within=0.01,
        relative_error=number.relative_error,
    )
    return ClipFormula(spec, lost_over_lag, (kind,))


_DINO = FeatureRef.of("dino_frames", rate=RATE), "DINO ViT-B/16"
_CLIP = FeatureRef.of("clip_frames", model="ViT-B/32", rate=RATE), "CLIP ViT-B/32"
_THUMBNAIL = FeatureRef.of("thumbnails"), "thumbnails"
DINO_LAG_SIMILARITY = _row("dino", "similarity", *_DINO)
DINO_LAG_DRIFT = _row("dino", "drift", *_DINO)
DINO_LAG_RETURN = _row("dino", "return", *_DINO)
CLIP_LAG_SIMILARITY = _row("clip", "similarity", *_CLIP)
CLIP_LAG_DRIFT = _row("clip", "drift", *_CLIP)
CLIP_LAG_RETURN = _row("clip", "return", *_CLIP)
THUMBNAIL_LAG_SIMILARITY = _row("thumbnail", "similarity", *_THUMBNAIL)
THUMBNAIL_LAG_DRIFT = _row("thumbnail", "drift", *_THUMBNAIL)
THUMBNAIL_LAG_RETURN = _row("thumbnail", "return", *_THUMBNAIL)
