"""Captions cut into sentences, and margins over other prompts' sentences."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mirabench import functional as F
from mirabench.errors import NotApplicable
from mirabench.features.api import as_table
from mirabench.features.sentence_text import ClipSentences, other_sentences, others_digest
from mirabench.inputs.prompts import Prompt, read_prompts
from mirabench.inputs.sentences import sentences
from mirabench.metrics.api import ClipInputs
from mirabench.metrics.sentence_alignment import (
    CAPTION_SHARE_READ,
    SENTENCE_ALIGNMENT,
    SENTENCE_ALIGNMENT_WORST,
)
from mirabench.video.frames import ArrayVideo

VIDEO = ArrayVideo(np.zeros((2, 4, 4, 3), np.uint8)).info


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("A dog runs. It barks!", ["A dog runs.", "It barks!"]),
        ("A dog runs", ["A dog runs"]),
        ("Mr. Brown, e.g. Sam, at 3.5 m. He goes.", ["Mr. Brown, e.g. Sam, at 3.5 m.", "He goes."]),
        ("J. S. Bach plays. 12 birds fly.", ["J. S. Bach plays.", "12 birds fly."]),
        ('"Stop!" She turns ... (It rains.) Night', ['"Stop!"', "She turns ...", "(It rains.)", "Night"]),
        ("One line\nanother line.\n\n", ["One line", "another line."]),
        ("", []),
        (" . ", ["."]),
    ],
)  # fmt: skip
def test_sentences_end_where_people_end_them(text: str, found: list[str]) -> None:
    assert sentences(text) == found


@given(st.text(alphabet="aA. !?\n\"'1", max_size=60))
def test_no_word_is_lost_and_none_is_empty(text: str) -> None:
    found = sentences(text)
    assert "".join("".join(found).split()) == "".join(text.split())
    assert all(found)


def test_margins_are_cosines_less_the_others_mean() -> None:
    random = np.random.default_rng(0)
    frames, own, others = (random.normal(size=(n, 5)) for n in (3, 2, 4))
    plain = [
        np.mean([
            F.cosine_similarity(v, u) - np.mean([F.cosine_similarity(v, k) for k in others])
            for v in frames
        ])
        for u in own
    ]  # fmt: skip
    assert F.sentence_margins(frames, own, others) == pytest.approx(plain)
    assert F.sentence_margins(3 * frames, own / 2, 7 * others) == pytest.approx(plain)


def clip(tokens: list[int]) -> ClipInputs:
    rows = np.array([[1.0, 0.0], [0.6, 0.8], [0.0, 1.0]])[: len(tokens)]
    text = as_table(rows=rows, tokens=tokens, others=np.array([[0.0, 1.0], [0.0, -1.0]]))
    frames = as_table(seconds=[0.0], rows=np.array([[2.0, 0.0]]))
    return ClipInputs(VIDEO, {"frames": frames, "text": text})


def test_the_mean_and_the_worst_sentence() -> None:
    found = clip([10, 20, 77])
    assert SENTENCE_ALIGNMENT.compute(found).value == pytest.approx((1 + 0.6 + 0) / 3)
    assert SENTENCE_ALIGNMENT_WORST.compute(found).value == pytest.approx(0.0)
    assert SENTENCE_ALIGNMENT.compute(found).status == "ok"
    assert CAPTION_SHARE_READ.compute(found).value == 1.0


def test_what_is_beyond_the_context_is_said() -> None:
    found = clip([10, 20, 154])
    measured = SENTENCE_ALIGNMENT.compute(found)
    assert measured.status == "truncated"
    assert "1 of 3 sentences" in measured.why and "58%" in measured.why  # 107 of 184
    assert CAPTION_SHARE_READ.compute(found).value == pytest.approx(107 / 184)


def test_the_text_is_the_captions_that_were_asked_for_each_sentence_once() -> None:
    captions = {"short": "A dog.", "dense": "A dog. It runs.", "style": ""}
    text_of = ClipSentences().text_of
    untold = Prompt("p", "A dog.", captions, text_is_told=False)
    assert json.loads(text_of(untold)) == ["A dog.", "It runs."]
    assert json.loads(text_of(Prompt("p", "A dog.", captions))) == ["A dog."]
    assert json.loads(text_of(Prompt("p", "Dense: A dog.  It\nruns.", captions))) == [
        "A dog.",
        "It runs.",
    ]
    assert json.loads(text_of(Prompt("p", "Another text.", captions))) == ["Another text."]
    assert json.loads(ClipSentences().text_of(Prompt("p", "Only text."))) == ["Only text."]
    with pytest.raises(NotApplicable, match="no sentence"):
        ClipSentences().text_of(Prompt("p", " "))


def test_the_distractors_are_fixed_and_part_of_the_identity() -> None:
    assert len(other_sentences()) == len(set(other_sentences())) >= 30
    assert ClipSentences().others == others_digest() == "3cd76e68c36e9af3"
    with pytest.raises(ValueError, match="the distractors have the digest"):
        ClipSentences(others="0" * 16)


def test_own_sentences_are_no_distractors(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[list[str]] = []

    def embedded(texts: list[str]) -> np.ndarray:
        asked.append(texts)
        return np.ones((len(texts), 4), np.float32)

    pytest.importorskip("open_clip")
    monkeypatch.setattr("mirabench.features.sentence_text.embedded", embedded)
    prompt = next(iter(read_prompts("mirabench-v2", ["short"]).values()))
    feature = ClipSentences()
    table = feature.embed(feature.text_of(prompt))
    own = json.loads(feature.text_of(prompt))
    assert asked[0][: len(own)] == own
    assert not set(own) & set(asked[0][len(own) :])
    assert len(table["others"]) == len(set(other_sentences()) - set(own)) < len(other_sentences())
    assert len(table["rows"]) == len(table["tokens"]) == len(own)
