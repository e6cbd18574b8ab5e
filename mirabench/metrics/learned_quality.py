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

from dataclasses import dataclass
from typing import ClassVar

from mirabench.features.api import FeatureRef
from mirabench.metrics.api import ClipInputs, Curve, Measured, MetricSpec


def _mean(clip: ClipInputs) -> Measured:
    table = clip["frames"]
    values = table["rows"].reshape(-1).astype(float)
    return Measured(float(values.mean()), curve=Curve(table["seconds"], values))


@dataclass(frozen=True, slots=True)
class AestheticQuality:
    """`aesthetic_quality`."""

    spec: ClassVar[MetricSpec] = MetricSpec(
        name="aesthetic_quality",
        version=1,
        dimension="visual quality",
        summary="How well people would like its frames as pictures (LAION aesthetic head)",
        unit="",
        range=(float("-inf"), float("inf")),
        higher_is_better=True,
        needs={"frames": FeatureRef.of("aesthetic_frames")},
        degenerate_when=("black",),
        source="MiraData, arXiv 2407.06358; LAION aesthetic predictor",
    )

    def compute(self, clip: ClipInputs) -> Measured:
        """Mean over frames, about 1 to 10."""
        return _mean(clip)


@dataclass(frozen=True, slots=True)
class ImagingQuality:
    """`imaging_quality`."""

    spec: ClassVar[MetricSpec] = MetricSpec(
        name="imaging_quality",
        version=1,
        dimension="visual quality",
        summary="Technical quality of its frames (MUSIQ trained on SPAQ)",
        unit="",
        range=(float("-inf"), float("inf")),
        higher_is_better=True,
        needs={"frames": FeatureRef.of("musiq_frames")},
        degenerate_when=("black",),
        source="MiraData, arXiv 2407.06358; Ke et al., ICCV 2021",
        non_commercial=True,
    )

    def compute(self, clip: ClipInputs) -> Measured:
        """Mean over frames, about 0 to 100."""
        return _mean(clip)


@dataclass(frozen=True, slots=True)
class ClipIqa:
    """`clip_iqa`."""

    spec: ClassVar[MetricSpec] = MetricSpec(
        name="clip_iqa",
        version=1,
        dimension="visual quality",
        summary="How much nearer its frames are to a good photo than to a bad one (CLIP ViT-B/32)",
        unit="",
        range=(0.0, 1.0),
        higher_is_better=True,
        needs={"frames": FeatureRef.of("clip_iqa_frames")},
        degenerate_when=("black",),
        source="Wang et al., AAAI 2023 (CLIP-IQA), with ViT-B/32",
    )

    def compute(self, clip: ClipInputs) -> Measured:
        """Mean over frames, 0 to 1."""
        return _mean(clip)
