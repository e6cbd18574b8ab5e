"""Feature `clip_sentences`: the sentences of a prompt's captions by CLIP, and those of other prompts."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from functools import cache
from typing import ClassVar

import numpy as np

from mirabench.errors import NotApplicable
from mirabench.features.api import FeatureTable, as_table
from mirabench.features.networks import network, running
from mirabench.inputs.prompts import ASPECTS, Prompt, read_prompts
from mirabench.inputs.sentences import sentences
from mirabench.shapes import Float32

CONTEXT = 77
"""Tokens that CLIP reads, start and end included."""
OTHERS = "mirabench-v2"
"""The bundled prompt set whose short captions are the other prompts' sentences."""


@cache
def other_sentences() -> tuple[str, ...]:
    """The distractors: one sentence a scene of the bundled set, always the same."""
    captions = [p.caption("short") or "" for p in read_prompts(OTHERS, ["short"]).values()]
    return tuple(found[0] for caption in captions if (found := sentences(caption)))


@cache
def others_digest() -> str:
    """Of the distractors, 16 hex digits: part of the protocol id."""
    return hashlib.sha256("\n".join(other_sentences()).encode()).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class ClipSentences:
    """Extractor of the feature `clip_sentences`, of the captions that were asked for, each sentence once.

    Columns: `rows` (S, 512), a sentence each, not normalised; `tokens` (S,), how many it has; `others` (K,
    512), the distractors that are no sentence of this prompt.
    """

    others: str = ""
    """Digest of the distractors; empty stands for those of this version."""
    name: ClassVar[str] = "clip_sentences"
    version: ClassVar[int] = 2
    weights: ClassVar[tuple[str, ...]] = ("clip-vit-b-32",)

    def __post_init__(self) -> None:
        found = others_digest()
        if self.others not in ("", found):
            raise ValueError(f"the distractors have the digest {found}, not {self.others!r}")
        object.__setattr__(self, "others", found)

    def text_of(self, prompt: Prompt) -> str:
        """The sentences of those of the six captions that the generator was given, as a JSON list.

        A text that holds none of them counts itself.

        Raises:
            NotApplicable: the prompt has no sentence.
        """
        captions = [prompt.captions[aspect] for aspect in ASPECTS if prompt.asks_for(aspect)]
        found = [s for caption in captions for s in sentences(caption)]
        if not found:
            found = sentences(prompt.text)
        if not found:
            raise NotApplicable("the prompt has no sentence")
        return json.dumps(list(dict.fromkeys(found)), ensure_ascii=False)

    def embed(self, text: str) -> FeatureTable:
        """The embeddings of a prompt's sentences and of the others."""
        from open_clip import get_tokenizer  # extra `torch`

        own: list[str] = json.loads(text)
        others = [s for s in other_sentences() if s not in own]
        encode = get_tokenizer("ViT-B-32").encode
        tokens = [len(encode(sentence)) + 2 for sentence in own]
        rows = embedded([*own, *others])
        return as_table(rows=rows[: len(own)], tokens=tokens, others=rows[len(own) :])


def embedded(texts: list[str], batch: int = 32) -> Float32[np.ndarray, "N D"]:
    """CLIP ViT-B/32's embeddings of texts, not normalised."""
    from mirabench.nets import clip  # extra `torch`
    from mirabench.nets.viclip import tokenize

    net = network("clip-vit-b-32", clip.load_text, part="text")
    rows = []
    for start in range(0, len(texts), batch):
        tokens = tokenize(texts[start : start + batch], length=CONTEXT)
        with running("fp32") as device:
            rows.append(net(tokens.to(device)).float().cpu().numpy())
    return np.concatenate(rows)
