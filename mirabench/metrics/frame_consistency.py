"""Temporal consistency by frame embeddings: `temporal_dino_consistency`, `temporal_clip_consistency`.

Formula: `mirabench.functional.embedding_consistency`; z_t is a frame's embedding, normalised to length 1;
score = mean over t = 2..T of (cos+(z_{t-1}, z_t) + cos+(z_1, z_t)) / 2, cos+ = max(0, cosine). Source:
MiraData, arXiv 2407.06358; public code `evaluation/temporal_dino_consistency.py:15-50`,
`temporal_clip_consistency.py`.

Known differences from the reference: none in the formula; see docs/precision.md for the networks'. When
not to trust it: a static clip scores 1 and is `degenerate` here (the reference counts it); slow drift is
seen only through the comparison with the first frame; the mean depends on the frame rate.
"""

from __future__ import annotations

from mirabench.features.api import FeatureRef
from mirabench.functional.embeddings import embedding_consistency
from mirabench.metrics.api import ClipFormula, ClipInputs, Curve, Measured, MetricSpec
from mirabench.metrics.health import PULSE


def consistency(clip: ClipInputs) -> Measured:
    """Mean positive cosine over frames after the first, 0 to 1."""
    table = clip["frames"]
    values = embedding_consistency(table["rows"])
    return Measured(float(values.mean()), curve=Curve(table["seconds"][1:], values))


def _row(name: str, feature: FeatureRef, network: str) -> ClipFormula:
    spec = MetricSpec(
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
    return ClipFormula(spec, consistency)


TEMPORAL_DINO_CONSISTENCY = _row(
    "temporal_dino_consistency", FeatureRef.of("dino_frames"), "DINO ViT-B/16"
)
TEMPORAL_CLIP_CONSISTENCY = _row(
    "temporal_clip_consistency", FeatureRef.of("clip_frames", model="ViT-B/32"), "CLIP ViT-B/32"
)
