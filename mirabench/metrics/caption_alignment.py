"""Text alignment by ViCLIP, as the reference has it: five captions against one video embedding.

Formula: cosine of the ViCLIP-L/14 embeddings of eight frames and of a caption. `overall_consistency` uses the
dense caption. Source: MiraData, arXiv 2407.06358; public code `evaluation/text_video_consistency.py:117-130`.

Known differences: a missing caption gives no score here; the reference scores the text "nan". When not to
trust it: ViCLIP reads 32 tokens at most; where a caption is longer the status is `truncated` with the part
that was read. Values lie close together (about 0.1 to 0.3): compare differences, not levels.
"""

from __future__ import annotations

from mirabench.features.api import FeatureRef
from mirabench.functional.embeddings import cosine_similarity
from mirabench.metrics.api import ClipFormula, ClipInputs, Measured, MetricSpec

READ_TOKENS = 32


def alignment(clip: ClipInputs) -> Measured:
    """Cosine of the video's and the caption's embedding, -1 to 1."""
    value = cosine_similarity(clip["video"]["embedding"], clip["text"]["embedding"])
    tokens = int(clip["text"].number("tokens"))
    if tokens <= READ_TOKENS:
        return Measured(value)
    return Measured(value, "truncated", f"{READ_TOKENS} of the caption's {tokens} tokens were read")


def _row(name: str, aspect: str) -> ClipFormula:
    caption = f"its {aspect.replace('_', ' ')} caption"
    spec = MetricSpec(
        name=name,
        version=1,
        dimension="text alignment",
        summary=f"How well the video fits {caption} (ViCLIP)",
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
    return ClipFormula(spec, alignment)


CAMERA_ALIGNMENT = _row("camera_alignment", "camera")
MAIN_OBJECT_ALIGNMENT = _row("main_object_alignment", "main_object")
BACKGROUND_ALIGNMENT = _row("background_alignment", "background")
STYLE_ALIGNMENT = _row("style_alignment", "style")
OVERALL_CONSISTENCY = _row("overall_consistency", "dense")
