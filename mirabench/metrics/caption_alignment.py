"""Text alignment by ViCLIP, as the reference has it: five captions against one video embedding.

Formula: cosine of the ViCLIP-L/14 embeddings of eight frames and of a caption. `overall_consistency` uses the
dense caption. Source: MiraData, arXiv 2407.06358; public code `evaluation/text_video_consistency.py:117-130`.

Known differences: a missing caption gives no score here; the reference scores the text "nan". When not to
trust it: ViCLIP reads 32 tokens at most; where a caption is longer the status is `truncated` with the part
that was read. Values lie close together (about 0.1 to 0.3): compare differences, not levels.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from mirabench.features.api import FeatureRef
from mirabench.metrics.api import ClipInputs, Measured, MetricSpec

READ_TOKENS = 32


def _spec(name: str, aspect: str, what: str) -> MetricSpec:
    return MetricSpec(
        name=name,
        version=1,
        dimension="text alignment",
        summary=f"How well the video fits {what} (ViCLIP)",
        unit="",
        range=(-1.0, 1.0),
        higher_is_better=True,
        needs={
            "video": FeatureRef.of("viclip_video"),
            "text": FeatureRef.of("viclip_text", aspect=aspect),
        },
        needs_prompt=True,
        source="MiraData, arXiv 2407.06358; public code",
    )


def _cosine(clip: ClipInputs) -> Measured:
    video = clip["video"]["embedding"].astype(np.float64)
    text = clip["text"]["embedding"].astype(np.float64)
    value = float(video @ text / (np.linalg.norm(video) * np.linalg.norm(text)))
    tokens = int(clip["text"].number("tokens"))
    if tokens > READ_TOKENS:
        why = f"{READ_TOKENS} of the caption's {tokens} tokens were read"
        return Measured(value, "truncated", why)
    return Measured(value)


@dataclass(frozen=True, slots=True)
class CameraAlignment:
    """`camera_alignment`."""

    spec: ClassVar[MetricSpec] = _spec("camera_alignment", "camera", "its camera caption")

    def compute(self, clip: ClipInputs) -> Measured:
        """Cosine, -1 to 1."""
        return _cosine(clip)


@dataclass(frozen=True, slots=True)
class MainObjectAlignment:
    """`main_object_alignment`."""

    spec: ClassVar[MetricSpec] = _spec(
        "main_object_alignment", "main_object", "its main object caption"
    )

    def compute(self, clip: ClipInputs) -> Measured:
        """Cosine, -1 to 1."""
        return _cosine(clip)


@dataclass(frozen=True, slots=True)
class BackgroundAlignment:
    """`background_alignment`."""

    spec: ClassVar[MetricSpec] = _spec(
        "background_alignment", "background", "its background caption"
    )

    def compute(self, clip: ClipInputs) -> Measured:
        """Cosine, -1 to 1."""
        return _cosine(clip)


@dataclass(frozen=True, slots=True)
class StyleAlignment:
    """`style_alignment`."""

    spec: ClassVar[MetricSpec] = _spec("style_alignment", "style", "its style caption")

    def compute(self, clip: ClipInputs) -> Measured:
        """Cosine, -1 to 1."""
        return _cosine(clip)


@dataclass(frozen=True, slots=True)
class OverallConsistency:
    """`overall_consistency`."""

    spec: ClassVar[MetricSpec] = _spec("overall_consistency", "dense", "its dense caption")

    def compute(self, clip: ClipInputs) -> Measured:
        """Cosine, -1 to 1."""
        return _cosine(clip)
