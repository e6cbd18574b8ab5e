"""Temporal consistency by frame embeddings: `temporal_dino_consistency`, `temporal_clip_consistency`.

Formula: z_t is a frame's embedding, normalised to length 1; score = mean over t = 2..T of
(cos+(z_{t-1}, z_t) + cos+(z_1, z_t)) / 2, cos+ = max(0, cosine). Source: MiraData, arXiv 2407.06358;
public code `evaluation/temporal_dino_consistency.py:15-50`, `temporal_clip_consistency.py`.

Known differences from the reference: none in the formula; see docs/precision.md for the networks'. When
not to trust it: a static clip scores 1 and is `degenerate` here (the reference counts it); slow drift is
seen only through the comparison with the first frame; the mean depends on the frame rate.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from mirabench.errors import MetricError
from mirabench.features.api import FeatureRef
from mirabench.metrics.api import ClipInputs, Curve, Measured, MetricSpec
from mirabench.metrics.health import PULSE


def consistency(rows: NDArray[np.floating]) -> NDArray[np.float64]:
    """(T-1,) for each frame after the first, mean of its positive cosines with the last and the first.

    Args:
        rows: (T, D) embeddings, any length.
    """
    z = rows.astype(np.float64)
    z /= np.maximum(np.linalg.norm(z, axis=1, keepdims=True), 1e-12)
    last = (z[1:] * z[:-1]).sum(axis=1)
    first = z[1:] @ z[0]
    return np.asarray((np.maximum(last, 0) + np.maximum(first, 0)) / 2)


def _measured(clip: ClipInputs) -> Measured:
    table = clip["frames"]
    if len(table["rows"]) < 2:
        raise MetricError("the clip has one frame: consistency needs at least two")
    values = consistency(table["rows"])
    return Measured(float(values.mean()), curve=Curve(table["seconds"][1:], values))


def _spec(name: str, feature: FeatureRef, network: str) -> MetricSpec:
    return MetricSpec(
        name=name,
        version=1,
        dimension="temporal consistency",
        summary=f"How alike frames stay to the one before and to the first, seen by {network}",
        unit="",
        range=(0.0, 1.0),
        higher_is_better=True,
        needs={"frames": feature, "pulse": PULSE},
        degenerate_when=("static",),
        source="MiraData, arXiv 2407.06358; public code",
    )


@dataclass(frozen=True, slots=True)
class TemporalDinoConsistency:
    """`temporal_dino_consistency`."""

    spec: ClassVar[MetricSpec] = _spec(
        "temporal_dino_consistency", FeatureRef.of("dino_frames"), "DINO ViT-B/16"
    )

    def compute(self, clip: ClipInputs) -> Measured:
        """Mean positive cosine, 0 to 1."""
        return _measured(clip)


@dataclass(frozen=True, slots=True)
class TemporalClipConsistency:
    """`temporal_clip_consistency`."""

    spec: ClassVar[MetricSpec] = _spec(
        "temporal_clip_consistency", FeatureRef.of("clip_frames", model="ViT-B/32"), "CLIP ViT-B/32"
    )

    def compute(self, clip: ClipInputs) -> Measured:
        """Mean positive cosine, 0 to 1."""
        return _measured(clip)
