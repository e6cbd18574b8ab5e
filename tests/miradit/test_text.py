"""Text tokens: 77 of them, padding unmasked, and what is cut is named."""

from __future__ import annotations

import torch

from miradit.text import MAX_TOKENS, encode_prompts


def test_padding_takes_part_without_a_mask(tokenizer, text_encoder):
    states = encode_prompts(tokenizer, text_encoder, ["red ball", ""])
    assert states.shape == (2, MAX_TOKENS, 24)
    ids = tokenizer(["red ball", ""], padding="max_length", max_length=77, return_tensors="pt")
    unmasked = text_encoder(ids.input_ids).last_hidden_state
    masked = text_encoder(ids.input_ids, ids.attention_mask).last_hidden_state
    torch.testing.assert_close(states, unmasked)
    assert (states - masked).abs().max() > 1e-3


def test_a_long_prompt_is_cut_and_the_cut_text_is_named(tokenizer, text_encoder, caplog):
    prompt = " ".join(["red"] * 80 + ["ball", "moves"])
    states = encode_prompts(tokenizer, text_encoder, [prompt])
    kept = encode_prompts(tokenizer, text_encoder, [" ".join(["red"] * 76)])
    torch.testing.assert_close(states, kept)
    assert "red red red red ball moves" in caplog.text
    assert "longer than 77 tokens" in caplog.text


def test_a_prompt_of_exactly_77_tokens_is_not_reported(tokenizer, text_encoder, caplog):
    encode_prompts(tokenizer, text_encoder, [" ".join(["red"] * 76)])
    assert not caplog.text
