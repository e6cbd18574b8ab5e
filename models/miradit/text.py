"""Prompts to text tokens: Flan-T5's encoder, 77 tokens, no mask.

No mask is passed anywhere: the padding takes part in the text attention, and the released weights
are used to it. An empty text is the unconditional prompt.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence

import torch
from torch import Tensor
from transformers import PreTrainedTokenizerBase, T5EncoderModel

MAX_TOKENS = 77
"""Including the end mark. Dense captions are longer: training never saw their tails."""

log = logging.getLogger(__name__)


@torch.no_grad()
def encode_prompts(
    tokenizer: PreTrainedTokenizerBase,
    encoder: T5EncoderModel,
    prompts: Sequence[str],
    *,
    device: torch.device | str | None = None,
) -> Tensor:
    """Text tokens (B, 77, C) in the encoder's dtype; a text that is cut is named in a warning."""
    ids = tokenizer(
        list(prompts),
        max_length=MAX_TOKENS,
        padding="max_length",
        truncation=True,
        return_tensors="pt",
    ).input_ids
    for prompt, kept in zip(prompts, ids, strict=True):
        lost = cut_text(tokenizer, prompt, kept)
        if lost:
            log.warning("the prompt is longer than %d tokens; cut: %r", MAX_TOKENS, lost)
    states: Tensor = encoder(ids.to(device or encoder.device)).last_hidden_state
    return states


def cut_text(tokenizer: PreTrainedTokenizerBase, prompt: str, kept: Tensor) -> str:
    """The end of a prompt that its kept token ids do not hold; empty when nothing is cut."""
    # verbose=False: transformers' own warning would say less
    every = tokenizer(prompt, add_special_tokens=False, verbose=False).input_ids
    room = MAX_TOKENS - tokenizer.num_special_tokens_to_add()
    if len(every) <= room or len(kept) < MAX_TOKENS:
        return ""
    return str(tokenizer.decode(every[room:]))
