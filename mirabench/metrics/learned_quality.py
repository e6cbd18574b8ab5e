"""Visual quality by networks: `aesthetic_quality` and `imaging_quality` of the reference, `clip_iqa`.

`aesthetic_quality`: mean over frames of LAION's linear head on the normalised CLIP ViT-L/14 embedding, about
1 to 10. `imaging_quality`: mean over frames of MUSIQ (SPAQ), about 0 to 100, longer side at most 512. Source:
MiraData, arXiv 2407.06358; public code `evaluation/aesthetic_quality.py:51-70`, `imaging_quality.py:9-51`.

`clip_iqa`, for who may not use MUSIQ's parameters: mean over frames of the share of "Good photo." against
"Bad photo." in CLIP ViT-B/32 (Wang et al., AAAI 2023, who take ResNet-50 without its position table).

`aesthetic_timed`, `clip_iqa_timed`: the same at four frames per second, the nearest to each tick, so that the
frame rate of the file changes nothing; `aesthetic_worst_second`, `clip_iqa_worst_second`: the least mean over
the frames of one second, which a mean over the clip hides.

When not to trust it: all are tastes learned from stills, biased to saturated and stylised pictures; CLIP sees
the centre square only; measured correlations with people on generated video are 0.45 and 0.36.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from mirabench.features.api import FeatureRef
from mirabench.metrics.api import ClipFormula, ClipInputs, Curve, Measured, MetricSpec

UNBOUNDED = (float("-inf"), float("inf"))
RATE = 4.0
"""Frames per second of the metrics by time."""


def frame_mean(clip: ClipInputs) -> Measured:
    """Mean of a network's score over frames."""
    table = clip["frames"]
    values = table["rows"].reshape(-1).astype(float)
    return Measured(float(values.mean()), curve=Curve(table["seconds"], values))


def second_means(clip: ClipInputs) -> Curve:
    """A network's score second by second: the mean over the frames of each."""
    table = clip["frames"]
    values = table["rows"].reshape(-1).astype(float)
    whole = np.floor(table["seconds"] + 1e-6)
    starts = np.unique(whole)
    return Curve(starts, np.array([values[whole == start].mean() for start in starts]))


def timed(clip: ClipInputs, pooled: str) -> Measured:
    """The `mean` over frames at fixed times, or the `worst` second; the curve is second by second."""
    curve = second_means(clip)
    value = curve.values.min() if pooled == "worst" else clip["frames"]["rows"].mean(dtype=float)
    return Measured(float(value), curve=curve)


def _timed(
    name: str,
    summary: str,
    feature: str,
    source: str,
    pooled: str,
    value_range: tuple[float, float] = UNBOUNDED,
) -> ClipFormula:
    row = _row(name, summary, feature, source, value_range=value_range)
    needs = {"frames": FeatureRef.of(feature, rate=RATE)}
    return ClipFormula(replace(row.spec, needs=needs, fps_invariant=True), timed, (pooled,))


def _row(
    name: str,
    summary: str,
    feature: str,
    source: str,
    *,
    value_range: tuple[float, float] = UNBOUNDED,
    non_commercial: bool = False,
) -> ClipFormula:
    spec = MetricSpec(
        name=name,
        version=1,
        dimension="visual quality",
        summary=summary,
        unit="",
        range=value_range,
        higher_is_better=True,
        needs={"frames": FeatureRef.of(feature)},
        degenerate_when=("black",),
        source=source,
        non_commercial=non_commercial,
    )
    return ClipFormula(spec, frame_mean)


AESTHETIC_QUALITY = _row(
    "aesthetic_quality",
    "How well people would like its frames as pictures (LAION aesthetic head)",
    "aesthetic_frames",
    "MiraData, arXiv 2407.06358; LAION aesthetic predictor",
)
IMAGING_QUALITY = _row(
    "imaging_quality",
    "Technical quality of its frames (MUSIQ trained on SPAQ)",
    "musiq_frames",
    "MiraData, arXiv 2407.06358; Ke et al., ICCV 2021",
    non_commercial=True,
)
CLIP_IQA = _row(
    "clip_iqa",
    "How much nearer its frames are to a good photo than to a bad one (CLIP ViT-B/32)",
    "clip_iqa_frames",
    "Wang et al., AAAI 2023 (CLIP-IQA), with ViT-B/32",
    value_range=(0.0, 1.0),
)
_LAION = "LAION aesthetic predictor, by time"
_IQA = "Wang et al., AAAI 2023, with ViT-B/32, by time"
AESTHETIC_TIMED = _timed(
    "aesthetic_timed",
    "How well people would like its frames as pictures, four a second (LAION aesthetic head)",
    "aesthetic_frames",
    _LAION,
    "mean",
)
AESTHETIC_WORST_SECOND = _timed(
    "aesthetic_worst_second",
    "How well people would like the worst second of it (LAION aesthetic head)",
    "aesthetic_frames",
    _LAION,
    "worst",
)
CLIP_IQA_TIMED = _timed(
    "clip_iqa_timed",
    "How much nearer its frames are to a good photo than to a bad one, four a second (CLIP ViT-B/32)",
    "clip_iqa_frames",
    _IQA,
    "mean",
    (0.0, 1.0),
)
CLIP_IQA_WORST_SECOND = _timed(
    "clip_iqa_worst_second",
    "How much nearer the worst second is to a good photo than to a bad one (CLIP ViT-B/32)",
    "clip_iqa_frames",
    _IQA,
    "worst",
    (0.0, 1.0),
)
