"""Clips are paired by prompt and seed, else by id, and never against what is known of them."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reportkit import clip

from mirabench.compare.pairs import pair_clips
from mirabench.report.model import VideoRecord


def ids(a: list[VideoRecord], b: list[VideoRecord]) -> list[tuple[str, str, str]]:
    return [(p.a.id, p.b.id, p.how) for p in pair_clips(a, b).pairs]


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        ("dog/seed-3", "dog/seed-3"),
        ("dog/seed-3", "videos/dog--seed-3"),
        ("dog/seed-3", "dog-03"),
        ("dog_seed3", "text of dog-3"),
        ("run7/clip--seed-3", "dog/3"),
    ],
)
def test_the_seed_is_read_from_any_usual_name(ours: str, theirs: str) -> None:
    assert ids([clip(ours, "dog")], [clip(theirs, "dog")]) == [(ours, theirs, "prompt and seed")]


def test_seeds_find_each_other_whatever_their_order() -> None:
    a = [clip(f"dog/seed-{s}", "dog") for s in (0, 1, 2)]
    b = [clip(f"dog/seed-{s}", "dog") for s in (2, 0)]
    found = pair_clips(a, b)
    assert [(p.a.id, p.b.id) for p in found.pairs] == [
        ("dog/seed-0", "dog/seed-0"),
        ("dog/seed-2", "dog/seed-2"),
    ]
    assert found.only_a == ("dog/seed-1",)
    assert found.only_b == ()


def test_a_number_in_the_prompt_is_no_seed() -> None:
    a = [clip("scene-1", "scene-1"), clip("scene-2", "scene-2")]
    b = [clip("scene-1-seed-9", "scene-1"), clip("scene-2-seed-8", "scene-2")]
    # the seeds of the first run are unknown, and there is one clip of each prompt
    assert [how for _, _, how in ids(a, b)] == ["prompt", "prompt"]


def test_known_seeds_that_differ_are_no_pair() -> None:
    assert ids([clip("dog/seed-1", "dog")], [clip("dog/seed-2", "dog")]) == []


def test_several_clips_of_unknown_seed_are_not_guessed() -> None:
    a = [clip("dog-a", "dog"), clip("dog-b", "dog")]
    b = [clip("dog-c", "dog"), clip("dog-d", "dog")]
    assert ids(a, b) == []


def test_without_prompts_the_id_decides() -> None:
    a = [clip("one"), clip("two")]
    found = pair_clips(a, [clip("two"), clip("three")])
    assert [(p.a.id, p.how, p.cluster) for p in found.pairs] == [("two", "clip id", "clip:two")]
    assert (found.only_a, found.only_b) == (("one",), ("three",))


def test_one_id_for_two_prompts_is_no_pair() -> None:
    assert ids([clip("0001", "dog")], [clip("0001", "cat")]) == []


def test_one_prompt_id_for_two_texts_is_no_pair() -> None:
    a = [clip("p1/seed-0", "p1", text="A dog.")]
    assert ids(a, [clip("p1/seed-0", "p1", text="A cat.")]) == []


def test_the_prompt_of_either_side_is_the_cluster() -> None:
    (pair,) = pair_clips([clip("x")], [clip("x", "dog")]).pairs
    assert pair.cluster == "prompt:dog"


def test_two_clips_of_one_seed_go_by_their_ids() -> None:
    a = [clip("x/dog-seed-1", "dog"), clip("y/dog-seed-1", "dog")]
    assert [how for _, _, how in ids(a, a)] == ["clip id", "clip id"]


@settings(max_examples=50, deadline=None)
@given(
    names=st.lists(
        st.tuples(st.sampled_from(["dog", "cat", None]), st.integers(0, 4)), unique=True, max_size=8
    ),
    data=st.data(),
)
def test_a_run_paired_with_itself_pairs_all_in_any_order(
    names: list[tuple[str | None, int]], data: st.DataObject
) -> None:
    clips = [clip(f"{prompt or 'none'}/seed-{seed}", prompt) for prompt, seed in names]
    shuffled = data.draw(st.permutations(clips))
    found = pair_clips(clips, shuffled)
    assert [(p.a.id, p.b.id) for p in found.pairs] == [(c.id, c.id) for c in clips]
    assert found.only_a == found.only_b == ()
