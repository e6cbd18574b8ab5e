"""What pair a rater is shown: evenly drawn, with checks and repeats."""

from __future__ import annotations

import random
from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from miraboard.votes.draw import APART, Drawn, Shown, draw_ballot


def test_pairs_prompts_and_sides_are_drawn_evenly() -> None:
    films = dict.fromkeys("abc", frozenset(f"p{i}" for i in range(4)))
    toss = random.Random(1)
    drawn = [draw_ballot(films, [], toss) for _ in range(6000)]
    pairs = [d for d in drawn if d is not None and d.kind == "pair"]
    counts = Counter((d.left, d.right, d.prompt) for d in pairs)
    assert len(counts) == 3 * 2 * 4
    expected = len(pairs) / len(counts)
    chi = sum((n - expected) ** 2 / expected for n in counts.values())
    assert chi < 49.7  # 0.1 % of chi square with 23 degrees of freedom


def test_checks_and_repeats_come_at_their_rate() -> None:
    films = dict.fromkeys("abc", frozenset(f"p{i}" for i in range(40)))
    toss = random.Random(2)
    earlier: list[Shown] = []
    for number in range(3000):
        d = draw_ballot(films, earlier[-200:], toss)
        assert d is not None
        earlier.append(Shown(str(number), d.prompt, d.left, d.right, d.kind))
    kinds = Counter(s.kind for s in earlier)
    assert 0.06 < kinds["repeat"] / 3000 < 0.11
    assert 0.06 < (kinds["same"] + kinds["damaged"]) / 3000 < 0.11
    assert 0.3 < kinds["same"] / (kinds["same"] + kinds["damaged"]) < 0.7


@given(st.integers(0, 10_000), st.integers(0, 30))
def test_every_ballot_is_what_it_says(seed: int, length: int) -> None:
    films = {"a": frozenset("xy"), "b": frozenset("yz"), "c": frozenset("z"), "d": frozenset()}
    toss = random.Random(seed)
    earlier: list[Shown] = []
    for number in range(length + 1):
        d = draw_ballot(films, earlier, toss)
        assert d is not None
        _is_sound(d, films, earlier)
        earlier.append(Shown(str(number), d.prompt, d.left, d.right, d.kind))


def _is_sound(d: Drawn, films: dict[str, frozenset[str]], earlier: list[Shown]) -> None:
    assert d.prompt in films[d.left] and d.prompt in films[d.right]
    assert (d.left == d.right) == (d.kind in ("same", "damaged")) == bool(d.answer)
    if d.kind == "repeat":
        (before,) = [s for s in earlier if s.id == d.again]
        assert {before.left, before.right} == {d.left, d.right} and before.prompt == d.prompt
        assert before in earlier[:-APART] and before.kind == "pair"


def test_who_never_had_a_check_gets_one_early() -> None:
    films = dict.fromkeys("abc", frozenset(["p"]))
    for seed in range(50):
        earlier = [Shown(str(i), "p", "a", "b", "pair") for i in range(3)]
        d = draw_ballot(films, earlier, random.Random(seed))
        assert d is not None and d.answer


def test_without_two_films_of_a_prompt_there_is_no_pair() -> None:
    assert draw_ballot({"a": frozenset("x"), "b": frozenset("y")}, [], random.Random(0)) is None
