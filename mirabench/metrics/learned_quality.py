"""Visual quality by networks: `aesthetic_quality` and `imaging_quality` of the reference, `clip_iqa`.

`aesthetic_quality`: mean over frames of LAION's linear head on the normalised CLIP ViT-L/14 embedding, about 1
to 10. `imaging_quality`: mean over frames of MUSIQ (SPAQ), about 0 to 100, longer side at most 512. Source:
MiraData, arXiv 2407.06358; public code `evaluation/aesthetic_quality.py:51-70`, `imaging_quality.py:9-51`.

`clip_iqa`, for who may not use MUSIQ's parameters: mean over frames of the share of "Good photo." against
"Bad photo." in CLIP ViT-B/32 (Wang et al., AAAI 2023, who take ResNet-50 without its position table).

When not to trust it: all are tastes learned from stills, biased to saturated and stylised pictures; CLIP
sees the centre square only; measured correlations with people on generated video are 0.45 and 0.36.
"""

from __future__ import annotations

from mirabench.features.api import FeatureRef
from mirabench.metrics.api import ClipFormula, ClipInputs, Curve, Measured, MetricSpec

UNBOUNDED = (float("-inf"), float("inf"))


def frame_mean(clip: ClipInputs) -> Measured:
    """Mean of a network's score over frames."""
    table = clip["frames"]
    values = table["rows"].reshape(-1).astype(float)
    return Measured(float(values.mean()), curve=Curve(table["seconds"], values))


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
