"""Statistics of paired differences: answers by hand, and what simulation says of interval, p and power."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import kstest

from mirabench.compare.statistics import (
    FEWEST_PROMPTS,
    FLIPS,
    holm,
    needed_prompts,
    paired_difference,
    sign_flip,
    smallest_p,
)
from mirabench.errors import InputError, MissingExtraError
from mirabench.report import interval
from mirabench.report.interval import mean_interval

Draw = Callable[[np.random.Generator, int], np.ndarray]


class TestByHand:
    def test_a_constant_difference_in_six_prompts(self) -> None:
        found = paired_difference([0.5] * 6, list("abcdef"))
        assert (found.mean, found.low, found.high) == (0.5, 0.5, 0.5)
        assert found.p == 2 / 2**6
        assert found.effect_size is None
        assert found.needed_prompts == FEWEST_PROMPTS

    def test_no_difference_at_all(self) -> None:
        found = paired_difference([0.0] * 8, list("abcdefgh"))
        assert (found.mean, found.low, found.high, found.p) == (0, 0, 0, 1)
        assert found.effect_size is None
        assert found.needed_prompts is None

    def test_one_prompt_says_nothing_about_others(self) -> None:
        found = paired_difference([1.0, 2.0, 3.0], ["a"] * 3)
        assert (found.mean, found.n, found.clusters) == (2.0, 3, 1)
        assert found.low is found.high is found.p is found.effect_size is None

    def test_sign_flips_counted_by_hand(self) -> None:
        # of the eight sign patterns of 1, 2, 4 only +++ and --- are as far out as 7
        assert sign_flip([1, 2, 4]) == 2 / 8
        # |1 + 2 - 4| = 1: every pattern is as far out
        assert sign_flip([1, 2, -4]) == 1.0

    def test_effect_size_is_mean_over_deviation(self) -> None:
        # means of the prompts 1, 2, 3: mean 2, standard deviation 1
        found = paired_difference([0.0, 2.0, 2.0, 2.0, 3.0, 3.0], ["a", "a", "b", "b", "c", "c"])
        assert found.effect_size == pytest.approx(2.0)

    def test_the_mean_weighs_clips_not_prompts(self) -> None:
        found = paired_difference([0.0, 0.0, 0.0, 4.0], ["a", "a", "a", "b"])
        assert found.mean == 1.0

    def test_the_interval_is_the_one_of_reports(self) -> None:
        values = np.random.default_rng(1).normal(size=20)
        prompts = [f"p{i % 7}" for i in range(20)]
        found, report = paired_difference(values, prompts), mean_interval(values.tolist(), prompts)
        assert (found.mean, found.low, found.high) == (report.mean, report.low, report.high)

    def test_holm_by_hand(self) -> None:
        found = holm([0.03, None, 0.01, 0.04])
        assert found[1] is None
        assert [found[0], found[2], found[3]] == pytest.approx([0.06, 0.03, 0.06])
        assert holm([None]) == [None]

    @pytest.mark.parametrize(
        ("effect", "prompts"), [(0.2, 199), (0.5, 34), (0.8, 15), (1.0, 10)], ids=str
    )
    def test_needed_prompts_are_those_of_the_textbook(self, effect: float, prompts: int) -> None:
        # G*Power 3.1, paired t test, two-sided, alpha 0.05, power 0.8
        assert needed_prompts(effect) == needed_prompts(-effect) == prompts

    def test_the_switch_to_the_normal_approximation_is_not_seen(self) -> None:
        sizes = np.geomspace(0.02, 0.04, 30)
        found = [needed_prompts(size) for size in sizes]
        expected = [((1.959964 + 0.841621) / size) ** 2 for size in sizes]
        assert found == pytest.approx(expected, rel=1e-3)
        assert found == sorted(found, reverse=True)

    def test_nothing_needs_no_prompts(self) -> None:
        assert needed_prompts(0.0) is None

    def test_the_smallest_p_is_reached(self) -> None:
        for prompts in (2, 6, 13, 40):
            assert sign_flip([1.0 + i for i in range(prompts)]) == smallest_p(prompts)


class TestWhateverTheNumbers:
    numbers = st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=12)

    @settings(max_examples=25, deadline=None)
    @given(values=numbers, data=st.data())
    def test_order_of_pairs_does_not_matter(self, values: list[float], data: st.DataObject) -> None:
        prompts = [f"p{i % 3}" for i in range(len(values))]
        order = data.draw(st.permutations(range(len(values))))
        found = paired_difference(values, prompts)
        again = paired_difference([values[i] for i in order], [prompts[i] for i in order])
        assert again.p == found.p
        assert again.mean == pytest.approx(found.mean, rel=1e-9, abs=1e-6)
        assert again.low == pytest.approx(found.low, rel=1e-9, abs=1e-6)

    @settings(max_examples=25, deadline=None)
    @given(values=numbers)
    def test_exchanging_the_runs_mirrors_the_result(self, values: list[float]) -> None:
        prompts = [f"p{i}" for i in range(len(values))]
        found = paired_difference(values, prompts)
        other = paired_difference([-v for v in values], prompts)
        assert other.mean == -found.mean
        assert other.p == found.p
        assert other.needed_prompts == found.needed_prompts
        assert found.low is not None and other.high is not None
        assert other.high == pytest.approx(-found.low, rel=1e-9, abs=1e-9)

    @settings(max_examples=25, deadline=None)
    @given(values=numbers)
    def test_all_is_in_its_range(self, values: list[float]) -> None:
        found = paired_difference(values, [f"p{i}" for i in range(len(values))])
        assert found.low is not None and found.high is not None and found.p is not None
        assert found.low <= found.mean <= found.high
        assert 0 < found.p <= 1
        if found.needed_prompts is not None:
            assert found.needed_prompts >= FEWEST_PROMPTS

    @settings(max_examples=25, deadline=None)
    @given(
        p_values=st.lists(st.none() | st.floats(0, 1), max_size=12),
    )
    def test_holm_only_raises_and_keeps_the_order(self, p_values: list[float | None]) -> None:
        pairs = [(p, q) for p, q in zip(p_values, holm(p_values), strict=True) if p is not None]
        assert all(q is not None and p <= q <= 1 for p, q in pairs)
        corrected = [q for _, q in sorted(pairs)]
        assert corrected == sorted(corrected)


class TestBySimulation:
    """Seeded. Prompts have their own difference; three seeds scatter around it."""

    @staticmethod
    def normal(random: np.random.Generator, prompts: int) -> np.ndarray:
        return random.normal(0, 1, prompts)

    @staticmethod
    def skewed(random: np.random.Generator, prompts: int) -> np.ndarray:
        return random.exponential(1, prompts) - 1  # skewness 2

    @pytest.mark.parametrize(
        ("prompts", "runs", "draw", "least"),
        [
            (10, 600, normal, 0.92),
            (10, 600, skewed, 0.89),
            (30, 500, normal, 0.92),
            (30, 500, skewed, 0.91),
            (150, 300, normal, 0.92),
            (150, 300, skewed, 0.92),
        ],
    )
    def test_the_interval_holds_the_truth_about_95_times_of_100(
        self, prompts: int, runs: int, draw: Draw, least: float, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(interval, "RESAMPLES", 1000)
        random = np.random.default_rng(prompts)
        labels = [f"p{i}" for i in np.repeat(np.arange(prompts), 3)]
        held = 0
        for _ in range(runs):
            values = np.repeat(draw(random, prompts), 3) + random.normal(0, 0.5, prompts * 3)
            found = mean_interval(values.tolist(), labels)
            assert found.low is not None and found.high is not None
            held += found.low <= 0 <= found.high
        assert least <= held / runs <= 0.98

    def test_clips_taken_for_prompts_would_be_too_sure(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(interval, "RESAMPLES", 500)
        random = np.random.default_rng(3)
        held = 0
        for _ in range(200):
            values = np.repeat(random.normal(0, 1, 20), 4) + random.normal(0, 0.2, 80)
            found = mean_interval(values.tolist(), [f"c{i}" for i in range(80)])
            assert found.low is not None and found.high is not None
            held += found.low <= 0 <= found.high
        assert held / 200 < 0.75

    @pytest.mark.parametrize("prompts", [10, 20], ids=["exact", "random flips"])
    def test_p_is_uniform_when_nothing_differs(self, prompts: int) -> None:
        random = np.random.default_rng(prompts)
        found = [sign_flip(random.laplace(0, 1, prompts)) for _ in range(200)]
        assert kstest(found, "uniform").pvalue > 0.01
        assert np.mean(np.asarray(found) <= 0.05) == pytest.approx(0.05, abs=0.04)

    @pytest.mark.parametrize("effect", [1.8, 1.4, 1.0, 0.9])
    def test_the_needed_prompts_show_the_effect_4_times_of_5(self, effect: float) -> None:
        prompts = needed_prompts(effect)
        assert prompts is not None
        random = np.random.default_rng(17)
        seen = [sign_flip(random.normal(effect, 1, prompts)) <= 0.05 for _ in range(250)]
        assert np.mean(seen) == pytest.approx(0.8, abs=0.09)

    def test_fewer_prompts_than_needed_do_not(self) -> None:
        prompts = needed_prompts(0.7)
        assert prompts == 19
        random = np.random.default_rng(17)
        seen = [sign_flip(random.normal(0.7, 1, prompts // 2)) <= 0.05 for _ in range(200)]
        assert np.mean(seen) < 0.65


class TestBadInput:
    def test_nothing_to_compare(self) -> None:
        with pytest.raises(InputError, match="one cluster each"):
            paired_difference([], [])

    def test_a_difference_without_its_prompt(self) -> None:
        with pytest.raises(InputError, match="one cluster each"):
            paired_difference([1.0, 2.0], ["a"])

    @pytest.mark.parametrize("value", [math.nan, math.inf])
    def test_a_difference_that_is_no_number(self, value: float) -> None:
        with pytest.raises(InputError, match="not finite"):
            paired_difference([1.0, value], ["a", "b"])

    def test_a_missing_library_names_its_extra(self, monkeypatch: pytest.MonkeyPatch) -> None:
        from mirabench.compare import statistics

        monkeypatch.setitem(sys.modules, "scipy.stats", None)
        statistics._library.cache_clear()
        with pytest.raises(MissingExtraError, match=r"\.\[stats\]"):
            sign_flip([1.0, 2.0])
        statistics._library.cache_clear()


def test_random_flips_are_seeded() -> None:
    sums = np.random.default_rng(2).normal(0.2, 1, 30)
    assert sign_flip(sums) == sign_flip(sums)
    assert sign_flip(sums) > 1 / (FLIPS + 1)
