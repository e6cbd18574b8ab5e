"""Agreement with people: known answers, ties, independent implementations, honest intervals."""

from __future__ import annotations

from itertools import combinations
from typing import ClassVar

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from mirabench.alignment import agreement
from mirabench.alignment.agreement import (
    accuracy,
    agree_with_pairs,
    agree_with_ratings,
    correlation,
    kendall,
    spearman,
)
from mirabench.alignment.ceiling import ceiling
from mirabench.alignment.ratings import Pair, Rated, Ratings

NUMBERS = some.lists(some.tuples(some.integers(0, 4), some.integers(0, 4)), min_size=3, max_size=12)


def rated(*ratings: float, prompts: str = "", models: str = "") -> list[Rated]:
    """Videos 0, 1, ... with these ratings; a letter each for prompt and model."""
    return [
        Rated(str(n), {"": float(r)}, models[n : n + 1], prompts[n : n + 1])
        for n, r in enumerate(ratings)
    ]


def scores(*values: float) -> dict[str, float]:
    return {str(n): float(v) for n, v in enumerate(values)}


class TestRatings:
    def test_the_same_order_is_one_whatever_the_scale(self) -> None:
        found = agree_with_ratings(scores(1, 10, 100, 1000), rated(1, 2, 3, 4))
        assert found.spearman.value == found.kendall.value == 1.0

    def test_the_opposite_order_is_minus_one(self) -> None:
        found = agree_with_ratings(scores(4, 3, 2, 1), rated(1, 2, 3, 4))
        assert found.spearman.value == found.kendall.value == -1.0

    def test_a_constant_metric_has_no_correlation_and_half_the_pairs(self) -> None:
        found = agree_with_ratings(scores(1, 1, 1, 1), rated(1, 2, 3, 4, prompts="aabb"))
        assert found.spearman.value is None
        assert found.accuracy.value == 0.5

    def test_pairs_are_those_of_one_prompt(self) -> None:
        found = agree_with_ratings(scores(1, 2, 9, 8), rated(1, 2, 3, 4, prompts="aabb"))
        assert (found.accuracy.value, found.accuracy.n, found.accuracy.clusters) == (0.5, 2, 2)

    def test_pairs_that_people_tie_are_left_out(self) -> None:
        found = agree_with_ratings(scores(1, 2, 9, 8), rated(1, 2, 4, 4, prompts="aabb"))
        assert (found.accuracy.value, found.accuracy.n) == (1.0, 1)

    def test_without_prompts_there_are_no_pairs(self) -> None:
        assert agree_with_ratings(scores(1, 2, 3), rated(1, 2, 3)).accuracy.n == 0

    def test_models_are_compared_by_their_means(self) -> None:
        found = agree_with_ratings(
            scores(1, 9, 2, 6, 3, 4), rated(1, 2, 2, 3, 3, 4, models="xyxyzz")
        )
        # means: x 1.5, y 7.5, z 3.5 against 1.5, 2.5, 3.5
        assert (found.model_spearman.value, found.model_spearman.n) == (0.5, 3)

    def test_two_models_are_too_few_and_said_so(self) -> None:
        found = agree_with_ratings(scores(1, 2, 3), rated(1, 2, 3, models="xyy")).model_spearman
        assert (found.value, found.n) == (None, 2)

    def test_videos_without_a_score_are_left_out(self) -> None:
        found = agree_with_ratings({"0": 1.0, "2": 2.0, "3": 3.0}, rated(1, 9, 2, 3))
        assert (found.spearman.value, found.spearman.n) == (1.0, 3)

    @settings(deadline=None, max_examples=50)  # the first one imports a library
    @given(NUMBERS)
    def test_kendall_is_its_definition(self, pairs: list[tuple[int, int]]) -> None:
        ours, theirs = (np.array(side, float) for side in zip(*pairs, strict=True))
        signs = [
            (np.sign(ours[i] - ours[j]), np.sign(theirs[i] - theirs[j]))
            for i, j in combinations(range(len(ours)), 2)
        ]
        total = sum(a * b for a, b in signs)
        spread = sum(a != 0 for a, _ in signs) * sum(b != 0 for _, b in signs)
        found = kendall(ours, theirs)
        assert (np.isnan(found) and not spread) or found == pytest.approx(total / spread**0.5)

    @settings(deadline=None, max_examples=50)  # the first one imports a library
    @given(NUMBERS)
    def test_spearman_is_that_of_pandas(self, pairs: list[tuple[int, int]]) -> None:
        import pandas

        ours, theirs = (pandas.Series(side, dtype=float) for side in zip(*pairs, strict=True))
        expected = (
            ours.rank().corr(theirs.rank()) if ours.nunique() > 1 < theirs.nunique() else np.nan
        )
        found = spearman(ours.to_numpy(), theirs.to_numpy())
        assert found == pytest.approx(expected, nan_ok=True)


class TestPreferences:
    PAIRS: ClassVar = [
        Pair("a", "b", 1.0, "x", "y", "p"),
        Pair("c", "d", 0.0, "x", "z", "p"),
        Pair("e", "f", 0.5, "y", "z", "q"),
    ]

    def test_accuracy_counts_hits_among_decided_votes(self) -> None:
        given = {"a": 2.0, "b": 1.0, "c": 2.0, "d": 1.0, "e": 0.0, "f": 9.0}
        found = agree_with_pairs(given, self.PAIRS)
        assert (found.accuracy.value, found.accuracy.n, found.accuracy.clusters) == (0.5, 2, 1)
        assert found.spearman.n == 0

    def test_a_tie_of_the_metric_is_half_a_hit(self) -> None:
        assert accuracy({"a": 1.0, "b": 1.0, "c": 0.0, "d": 1.0}, self.PAIRS).value == 0.75

    def test_models_are_compared_by_their_share_of_wins(self) -> None:
        given = {"a": 2.0, "b": 1.0, "c": 1.0, "d": 2.0, "e": 1.0, "f": 1.0}
        # people and metric alike: x won 1 of 2, y 0.5 of 2, z 1.5 of 2
        found = agree_with_pairs(given, self.PAIRS).model_spearman
        assert (found.value, found.n) == (1.0, 3)


class TestIntervals:
    def test_one_prompt_has_none(self) -> None:
        found = agree_with_ratings(scores(1, 2, 3), rated(1, 2, 3, prompts="aaa"))
        assert (found.spearman.value, found.spearman.low) == (1.0, None)

    def test_contain_the_value_and_repeat(self) -> None:
        random = np.random.default_rng(1)
        ours = random.normal(size=40)
        theirs = ours + random.normal(size=40)
        prompts = [str(n // 2) for n in range(40)]
        found = correlation(ours, theirs, prompts, spearman)
        assert found.low < found.value < found.high
        assert found == correlation(ours, theirs, prompts, spearman)
        assert found.clusters == 20

    def test_clips_of_one_prompt_do_not_count_as_many(self) -> None:
        random = np.random.default_rng(2)
        ours, theirs = random.normal(size=(2, 20))
        alone = correlation(ours, theirs, [str(n) for n in range(20)], kendall)
        still = correlation(
            np.repeat(ours, 5), np.repeat(theirs, 5), [str(n // 5) for n in range(100)], kendall
        )
        assert still.high - still.low > 0.8 * (alone.high - alone.low)

    def test_cover_the_truth_about_as_often_as_they_say(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(agreement, "DRAWS", 200)
        random = np.random.default_rng(3)
        truth = (
            6 / np.pi * np.arcsin(0.6 / 2)
        )  # Spearman's rho of a normal pair with correlation 0.6
        prompts = [str(n // 2) for n in range(60)]
        hits = 0
        for _ in range(100):
            ours = random.normal(size=60)
            theirs = 0.6 * ours + 0.8 * random.normal(size=60)
            found = correlation(ours, theirs, prompts, spearman)
            hits += found.low <= truth <= found.high
        assert 88 <= hits <= 100


class TestCeiling:
    def test_raters_who_agree(self) -> None:
        videos = tuple(Rated(str(n), {"ann": n, "bob": 2.0 * n}, prompt="p") for n in range(4))
        found = ceiling(Ratings("plain", "rating", videos))
        assert found.raters == 2
        assert found.agreement.spearman.value == 1.0
        assert found.agreement.accuracy.value == 1.0

    def test_each_rater_is_held_against_the_mean_of_the_others(self) -> None:
        given = {"ann": (1, 2, 3), "bob": (1, 2, 3), "cyn": (3, 2, 1)}
        videos = tuple(
            Rated(str(n), {name: float(r[n]) for name, r in given.items()}) for n in range(3)
        )
        # ann and bob see a constant mean of the others, which is no order; cyn sees the opposite
        assert ceiling(Ratings("plain", "rating", videos)).agreement.spearman.value == -1.0

    def test_one_rater_alone_has_no_ceiling(self) -> None:
        videos = tuple(Rated(str(n), {"ann": float(n)}) for n in range(4))
        assert ceiling(Ratings("plain", "rating", videos)) is None

    def test_repeated_votes(self) -> None:
        votes = [Pair("a", "b", 1.0), Pair("b", "a", 0.0), Pair("a", "b", 0.0), Pair("c", "d", 1.0)]
        found = ceiling(Ratings("genai-bench", "overall", pairs=tuple(votes)))
        # the first two against a tie of the others: no majority; the third against two
        assert (found.agreement.accuracy.value, found.agreement.accuracy.n) == (0.0, 1)
