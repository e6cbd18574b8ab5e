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
from scipy.stats import t as student_t

from mirabench.compare.statistics import (
    FEWEST_PROMPTS,
    FLIPS,
    LEVEL,
    allowed_skewness,
    holm,
    needed_prompts,
    paired_difference,
    sign_flip,
    skewed_p,
    smallest_p,
    transformed,
)
from mirabench.errors import InputError, MissingExtraError
from mirabench.maths.clustered import Clusters
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

    def test_two_prompts_have_a_p_and_an_effect_but_no_interval(self) -> None:
        found = paired_difference([1.0, 3.0], ["a", "b"])
        assert (found.mean, found.low, found.high, found.n, found.clusters) == (
            2.0,
            None,
            None,
            2,
            2,
        )
        assert sign_flip([1.0, 3.0]) == 0.5  # of four sign patterns ++ and --
        assert found.p == skewed_p(Clusters(np.array([1.0, 3.0]), np.ones(2))) > 0.5
        assert found.effect_size == pytest.approx(math.sqrt(2))  # deviation sqrt(2)
        assert found.needed_prompts == needed_prompts(math.sqrt(2))

    def test_eight_pairs_of_four_prompts_all_told(self) -> None:
        # means of the prompts 0.5, 1, 1.5, 3: mean 1.5, deviation sqrt((1 + 0.25 + 0 + 2.25) / 3)
        values = [0.25, 0.75, 1.0, 1.0, 1.0, 2.0, 2.0, 4.0]
        found = paired_difference(values, list("aabbccdd"))
        effect = 1.5 / math.sqrt(3.5 / 3)
        assert (found.mean, found.low, found.n, found.clusters) == (1.5, None, 8, 4)
        assert found.effect_size == pytest.approx(effect)
        assert found.needed_prompts == needed_prompts(effect) != FEWEST_PROMPTS

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

    def test_needed_prompts_are_the_textbooks_and_some_more_for_unknown_skewness(self) -> None:
        # G*Power 3.1, paired t test, two-sided, alpha 0.05, power 0.8: 199, 34, 15
        assert [needed_prompts(effect) for effect in (0.2, 0.5, 0.8)] == [205, 40, 21]
        assert needed_prompts(-0.5) == needed_prompts(0.5)

    def test_more_effect_never_needs_more_prompts(self) -> None:
        found = [needed_prompts(size) for size in np.geomspace(0.05, 12, 40)]
        assert found == sorted(found, reverse=True)
        assert found[-1] == FEWEST_PROMPTS

    def test_the_switch_to_the_normal_approximation_is_not_seen(self) -> None:
        sizes = np.geomspace(0.02, 0.04, 30)
        found = [needed_prompts(size) for size in sizes]
        expected = [((1.959964 + 0.841621) / size) ** 2 for size in sizes]
        assert found == pytest.approx(expected, rel=3e-3)
        assert found == sorted(found, reverse=True)

    def test_nothing_needs_no_prompts(self) -> None:
        assert needed_prompts(0.0) is None
        assert needed_prompts(math.inf) == needed_prompts(-math.inf) == FEWEST_PROMPTS

    def test_a_million_and_one_stands_for_all_beyond(self) -> None:
        assert needed_prompts(1e-4) == needed_prompts(1e-9) == 1_000_001

    def test_the_smallest_p_is_reached(self) -> None:
        for prompts in (2, 6, 13, 40):
            assert sign_flip([1.0 + i for i in range(prompts)]) == smallest_p(prompts)


class TestWhateverTheNumbers:
    numbers = st.lists(st.floats(-1e6, 1e6), min_size=5, max_size=12)

    @settings(max_examples=25, deadline=None)
    @given(values=numbers, data=st.data())
    def test_order_of_pairs_does_not_matter(self, values: list[float], data: st.DataObject) -> None:
        prompts = [f"p{i % 5}" for i in range(len(values))]
        order = data.draw(st.permutations(range(len(values))))
        found = paired_difference(values, prompts)
        again = paired_difference([values[i] for i in order], [prompts[i] for i in order])
        assert again.p == pytest.approx(found.p, rel=1e-6)
        assert again.mean == pytest.approx(found.mean, rel=1e-9, abs=1e-6)
        assert again.low == pytest.approx(found.low, rel=1e-9, abs=1e-6)

    @settings(max_examples=25, deadline=None)
    @given(values=numbers)
    def test_exchanging_the_runs_mirrors_the_result(self, values: list[float]) -> None:
        prompts = [f"p{i}" for i in range(len(values))]
        found = paired_difference(values, prompts)
        other = paired_difference([-v for v in values], prompts)
        assert other.mean == -found.mean
        assert other.p == pytest.approx(found.p, rel=1e-9)
        assert other.needed_prompts == found.needed_prompts
        assert found.low is not None and other.high is not None
        assert other.high == pytest.approx(-found.low, rel=1e-9, abs=1e-6)

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

    @staticmethod
    def log_normal(random: np.random.Generator, prompts: int) -> np.ndarray:
        return random.lognormal(0, 1, prompts) - math.exp(0.5)  # skewness 6

    @staticmethod
    def heavy(random: np.random.Generator, prompts: int) -> np.ndarray:
        return random.standard_t(3, prompts)

    @pytest.mark.parametrize("draw", [normal, skewed, log_normal, heavy], ids=lambda d: d.__name__)
    @pytest.mark.parametrize("prompts", [8, 12, 20])
    def test_a_family_of_17_metrics_of_mean_zero_is_rarely_called(
        self, prompts: int, draw: Draw
    ) -> None:
        """docs/compare.md has 2,000 runs a cell; sign flips alone err in half of log-normal families."""
        random, runs = np.random.default_rng(prompts), 150
        labels = np.ones(prompts)
        false = 0
        for _ in range(runs):
            columns = [draw(random, prompts) for _ in range(17)]
            ps = [skewed_p(Clusters(c, labels)) for c in columns]
            # p is the larger one of two: flips only where they can matter
            false += any(
                p <= LEVEL / 17 and sign_flip(c) <= LEVEL / 17
                for p, c in zip(ps, columns, strict=True)
            )
        assert false / runs <= 0.06

    def test_sign_flips_alone_would_be(self) -> None:
        """What the correction for skewness is for."""
        random, runs, prompts = np.random.default_rng(1), 15, 10
        false = sum(
            any(sign_flip(self.log_normal(random, prompts)) <= LEVEL / 17 for _ in range(17))
            for _ in range(runs)
        )
        assert false / runs > 0.3

    @pytest.mark.parametrize("prompts", [10, 20], ids=["exact", "random flips"])
    def test_p_is_uniform_when_nothing_differs(self, prompts: int) -> None:
        random = np.random.default_rng(prompts)
        found = [sign_flip(random.laplace(0, 1, prompts)) for _ in range(200)]
        assert kstest(found, "uniform").pvalue > 0.01
        assert np.mean(np.asarray(found) <= 0.05) == pytest.approx(0.05, abs=0.04)

    @pytest.mark.parametrize("effect", [1.4, 0.8])
    def test_the_needed_prompts_show_the_effect_4_times_of_5(self, effect: float) -> None:
        prompts = needed_prompts(effect)
        assert prompts is not None
        assert self.power(effect, prompts) == pytest.approx(0.8, abs=0.13)

    def test_half_of_them_do_not(self) -> None:
        prompts = needed_prompts(0.7)
        assert prompts == 25
        assert self.power(0.7, prompts // 2) < 0.6

    @staticmethod
    def power(effect: float, prompts: int) -> float:
        random = np.random.default_rng(17)
        draws = [random.normal(effect, 1, prompts) for _ in range(100)]
        return float(
            np.mean([
                skewed_p(Clusters(d, np.ones(prompts))) <= LEVEL and sign_flip(d) <= LEVEL
                for d in draws
            ])
        )  # fmt: skip


class TestSkewness:
    def test_without_it_the_transformation_is_students_t_but_for_what_is_allowed(self) -> None:
        # s = 0.5, g = 1.28 sqrt(6 / 24) = 0.64: 0.5 - 0.64 0.25 / 3 + 0.4096 0.125 / 27 - 0.64 / 144
        assert allowed_skewness(0.0, 24) == pytest.approx(0.64)
        assert transformed(0.5, 0.64, 24) == pytest.approx(0.44411852)

    def test_it_is_taken_at_its_worst_within_what_is_allowed(self) -> None:
        """The cubic turns at g = 4.5 / s; beyond, more skewness would speak for the difference again."""
        found = [transformed(3.0, g, 20) for g in np.linspace(0, 8, 200)]
        assert found == sorted(found, reverse=True)

    def test_a_tail_on_the_other_side_speaks_against_a_difference(self) -> None:
        values = np.array([-0.2, 0.9, 1.0, 1.0, 1.1, 1.1, 1.2, 1.2])
        against = skewed_p(Clusters(values, np.ones(8)))
        mirrored = skewed_p(Clusters(2 * values.mean() - values, np.ones(8)))
        assert against > 3 * mirrored

    def test_equal_differences_are_left_to_the_sign_flips(self) -> None:
        assert skewed_p(Clusters(np.ones(7), np.ones(7))) == 0.0
        assert skewed_p(Clusters(np.zeros(7), np.ones(7))) == 1.0

    @pytest.mark.parametrize("mean", [0.7, -1.3])
    def test_p_without_skewness_is_halls_formula_and_students_tail(self, mean: float) -> None:
        """Deviation 1 (four times -1 and +1, over 7), so that the size is the mean."""
        values = mean + np.array([-1.0, 1.0] * 4) * math.sqrt(7 / 8)
        size, g = abs(mean), 1.28 * math.sqrt(6 / 8)
        moved = size - g * size**2 / 3 + g**2 * size**3 / 27 - g / 48
        expected = 2 * student_t.sf(moved * math.sqrt(8), 7)
        assert skewed_p(Clusters(values, np.ones(8))) == pytest.approx(expected, rel=1e-9)

    def test_a_difference_that_skewness_alone_explains_has_a_p_of_1(self) -> None:
        values = 0.01 + np.array([-1.0, 1.0] * 4)
        assert skewed_p(Clusters(values, np.ones(8))) == 1.0

    def test_p_is_the_larger_one(self) -> None:
        values = np.random.default_rng(2).normal(1.0, 1.0, 12)
        found = paired_difference(values, [f"p{i}" for i in range(12)])
        both = sign_flip(values), skewed_p(Clusters(values, np.ones(12)))
        assert found.p == pytest.approx(max(both), rel=1e-9)
        assert both[0] != both[1]


class TestBadInput:
    def test_nothing_to_compare(self) -> None:
        with pytest.raises(InputError, match="one cluster each"):
            paired_difference([], [])

    def test_a_difference_without_its_prompt(self) -> None:
        with pytest.raises(InputError, match="one cluster each"):
            paired_difference([1.0, 2.0], ["a"])

    @pytest.mark.parametrize("value", [math.nan, math.inf])
    def test_a_difference_that_is_no_number(self, value: float) -> None:
        with pytest.raises(InputError, match=r"^a difference is not finite"):
            paired_difference([1.0, value], ["a", "b"])

    def test_a_missing_library_names_its_extra(self, monkeypatch: pytest.MonkeyPatch) -> None:

        monkeypatch.setitem(sys.modules, "scipy.stats", None)
        with pytest.raises(MissingExtraError, match=r"\.\[stats\]"):
            sign_flip([1.0, 2.0])


def test_random_flips_are_seeded() -> None:
    sums = np.random.default_rng(2).normal(0.2, 1, 30)
    assert sign_flip(sums) == sign_flip(sums)
    assert sign_flip(sums) > 1 / (FLIPS + 1)
