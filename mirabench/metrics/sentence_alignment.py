"""Text alignment by sentences: does each sentence of the captions fit the video better than other prompts' do?

For a frame v and a sentence u_j, the margin is cos(v, u_j) - mean over k of cos(v, u_k), u_k the sentences of
other prompts: a fixed list, one sentence of each scene of the bundled set `mirabench-v2` that is no sentence
of this prompt, so that a score never depends on who else is in the run. The margin of a sentence is its mean
over frames, two a second. `sentence_alignment` is the mean over the sentences of the captions that
the clip's generator was given, `sentence_alignment_worst` the least: what was asked for and is not there.
`caption_share_read` is the share of their tokens within CLIP's 77.

Source: CLIP (Radford et al., ICML 2021); margins and sentences are of this project, after ETVA (arXiv
2503.16867) and VQAScore (arXiv 2404.01291), which ask for parts of a prompt one by one.

When not to trust it: CLIP ViT-B/32 sees single frames at 224 px: neither movement nor order nor count. A
sentence about the camera or the style is no sentence about a frame. No agreement with people was measured
here.
"""

from __future__ import annotations

from mirabench.features.api import FeatureRef
from mirabench.functional.embeddings import sentence_margins
from mirabench.metrics.api import ClipFormula, ClipInputs, Measured, MetricSpec

CONTEXT = 77


def aligned(clip: ClipInputs, pooled: str) -> Measured:
    """The `mean` or the `worst` margin over sentences."""
    text = clip["text"]
    margins = sentence_margins(clip["frames"]["rows"], text["rows"], text["others"])
    value = float(margins.min() if pooled == "worst" else margins.mean())
    tokens = text["tokens"]
    cut = int((tokens > CONTEXT).sum())
    if not cut:
        return Measured(value)
    return Measured(
        value,
        "truncated",
        f"{cut} of {len(tokens)} sentences have more than {CONTEXT} tokens: {_share(clip):.0%} was read",
    )


def share_read(clip: ClipInputs) -> Measured:
    """Share of the captions' tokens that are read."""
    return Measured(_share(clip))


def _share(clip: ClipInputs) -> float:
    tokens = clip["text"]["tokens"]
    return float(tokens.clip(max=CONTEXT).sum() / tokens.sum())


def _spec(name: str, summary: str, low: float, high: float) -> MetricSpec:
    return MetricSpec(
        name=name,
        version=1,
        dimension="text alignment",
        summary=summary,
        unit="",
        range=(low, high),
        higher_is_better=True,
        needs={
            "frames": FeatureRef.of("clip_frames", rate=2.0),
            "text": FeatureRef.of("clip_sentences"),
        },
        needs_prompt=True,
        degenerate_when=("black",),
        source="CLIP, Radford et al., ICML 2021; margins over fixed other sentences",
    )


SENTENCE_ALIGNMENT = ClipFormula(
    _spec(
        "sentence_alignment",
        "How much better the sentences of its captions fit than other prompts' sentences (CLIP)",
        -2.0,
        2.0,
    ),
    aligned,
    ("mean",),
)
SENTENCE_ALIGNMENT_WORST = ClipFormula(
    _spec(
        "sentence_alignment_worst",
        "How much better the sentence that fits least fits than other prompts' sentences (CLIP)",
        -2.0,
        2.0,
    ),
    aligned,
    ("worst",),
)
CAPTION_SHARE_READ = ClipFormula(
    _spec(
        "caption_share_read",
        "Share of its captions' tokens within the network's context (CLIP, by sentences)",
        0.0,
        1.0,
    ),
    share_read,
)
