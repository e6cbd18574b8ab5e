"""Intervals of means: confidence intervals for the expected score, and none below five prompts."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from statistics import NormalDist

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mirabench.maths.clustered import Clusters
from mirabench.report import interval
from mirabench.report.interval import (
    FEWEST_CLUSTERS,
    Interval,
    bootstrap_tail,
    bounds,
    expanded_tail,
    mean_interval,
    why_no_interval,
)

NUMBERS = st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=30)
SOME = st.lists(st.floats(-1e3, 1e3), min_size=5, max_size=12)


def own(values: list[float]) -> list[str]:
    """Every value its own cluster."""
    return [f"{i:03}" for i in range(len(values))]


@given(NUMBERS)
@settings(max_examples=30, deadline=None)
def test_the_mean_lies_inside_from_five_values_on(values: list[float]) -> None:
    found = mean_interval(values, own(values))
    assert found.mean == pytest.approx(float(np.mean(values)), rel=1e-9, abs=1e-9)
    assert (found.n, found.clusters) == (len(values), len(values))
    assert (found.low is None) == (found.high is None) == (len(values) < FEWEST_CLUSTERS)
    if found.low is not None and found.high is not None:
        assert found.low <= found.mean <= found.high


@given(SOME, st.floats(-100, 100), st.floats(0.1, 10))
@settings(max_examples=30, deadline=None)
def test_shifting_and_scaling_scores_does_so_to_the_interval(
    values: list[float], step: float, factor: float
) -> None:
    found = mean_interval(values, own(values))
    moved = mean_interval([factor * v + step for v in values], own(values))
    width = found.high - found.low
    assert moved.low == pytest.approx(factor * found.low + step, abs=1e-3 * width * factor + 1e-4)
    assert moved.high == pytest.approx(factor * found.high + step, abs=1e-3 * width * factor + 1e-4)


@given(SOME)
@settings(max_examples=30, deadline=None)
def test_negated_scores_have_the_mirrored_interval(values: list[float]) -> None:
    found, mirrored = (mean_interval(v, own(values)) for v in (values, [-v for v in values]))
    assert (mirrored.low, mirrored.high) == pytest.approx((-found.high, -found.low), abs=1e-6)


def test_four_prompts_have_no_interval_however_many_clips() -> None:
    found = mean_interval([float(i) for i in range(40)], [f"p{i % 4}" for i in range(40)])
    assert (found.low, found.high, found.n, found.clusters) == (None, None, 40, 4)
    assert why_no_interval(4).startswith(
        "intervals need at least 5 prompts (clips without a prompt"
    )
    assert why_no_interval(4).endswith(", and there are 4")
    assert why_no_interval(1).endswith(", and there is 1")
    assert why_no_interval(5) == ""


def test_equal_values_have_an_interval_of_no_width() -> None:
    found = mean_interval([0.1] * 7, own([1.0] * 7))
    assert found.low == found.mean == found.high


@pytest.mark.parametrize(("value", "clips"), [(0.9, 9), (0.8, 20)], ids=["below", "above"])
def test_equal_values_contain_their_mean_however_it_was_rounded(value: float, clips: int) -> None:
    """The mean over clips and the one over prompts differ in the last digit."""
    labels = [f"p{i % 6}" for i in range(clips)]
    found = mean_interval([value] * clips, labels)
    assert found.mean != Clusters.of([value] * clips, labels).mean
    assert found.low <= found.mean <= found.high


def test_it_is_never_narrower_than_students_t() -> None:
    """Of 1 .. 5: 3 -+ 2.776445 sqrt(2.5 / 5), and the bootstrap of five values reaches farther."""
    found = mean_interval([1.0, 2.0, 3.0, 4.0, 5.0], own([1.0] * 5))
    half = 2.776445105 * (2.5 / 5) ** 0.5
    assert found.low < 3 - half
    assert found.high > 3 + half
    # of many normal values both are the same but for a few percent
    many = np.random.default_rng(0).normal(size=400).tolist()
    found = mean_interval(many, own(many))
    student = 1.96 * np.std(many) / 20
    assert student * 0.99 < found.mean - found.low < student * 1.06


def test_it_reaches_farther_where_the_long_tail_is() -> None:
    skewed = np.random.default_rng(1).exponential(size=30).tolist()
    found = mean_interval(skewed, own(skewed))
    assert found.high - found.mean > 1.15 * (found.mean - found.low)
    # on the short side Student's t of 29 degrees of freedom is the farther one
    error = np.std(skewed, ddof=1) / 30**0.5
    assert found.mean - found.low == pytest.approx(2.045230 * error, rel=1e-6)


def test_a_value_far_off_does_not_send_the_bound_to_infinity() -> None:
    found = mean_interval([1.0, 1.0, 1.0, 1.0, 2.0], own([1.0] * 5))
    error = 0.2  # standard deviation 0.4472 over sqrt(5)
    assert found.high <= 1.2 + interval.FARTHEST * 2.7765 * error
    assert found.low >= 1.2 - interval.FARTHEST * 2.7765 * error


def test_clips_of_one_prompt_do_not_pose_as_many() -> None:
    """Ten copies of each of five values know no more than the five."""
    five = [1.0, 2.0, 3.0, 4.0, 9.0]
    copies = [v for v in five for _ in range(10)]
    prompts = [str(i) for i in range(5) for _ in range(10)]
    alone, together = mean_interval(five, own(five)), mean_interval(copies, prompts)
    naive = mean_interval(copies, own(copies))
    assert (together.low, together.high) == pytest.approx((alone.low, alone.high))
    assert naive.high - naive.low < 0.6 * (together.high - together.low)


def test_prompts_weigh_by_their_clips() -> None:
    """A prompt of many clips moves the mean, and the interval is around the mean over clips."""
    values = [1.0] * 20 + [5.0, 5.5, 4.5, 5.2, 4.8]
    prompts = ["big"] * 20 + list("abcde")
    found = mean_interval(values, prompts)
    assert found.mean == pytest.approx(1.8)
    assert found.low <= 1.8 <= found.high
    assert found.high > 4  # without the big prompt the mean would be 5


def test_a_bounded_metric_is_cut_to_its_range() -> None:
    assert Interval(0.9, 0.7, 1.2, 5, 5).within(0.0, 1.0) == Interval(0.9, 0.7, 1.0, 5, 5)
    assert Interval(0.1, -0.2, 0.4, 5, 5).within(0.0, float("inf")).low == 0.0
    assert Interval(0.1, None, None, 1, 1).within(0.0, 1.0).low is None
    assert Interval(0.1, -0.2, None, 1, 1).within(0.0, 1.0).low == -0.2
    # every clip at an end of the range
    assert Interval(1.0, 0.9, 1.1, 5, 5).within(0.0, 1.0).high == 1.0
    assert Interval(0.0, -0.1, 0.1, 5, 5).within(0.0, 1.0).low == 0.0
    # a mean outside says that the range is not the metric's: nothing is cut
    assert Interval(1.5, 1.2, 1.8, 5, 5).within(0.0, 1.0).high == 1.8


def test_the_tails_of_a_percentile_bootstrap_by_hand() -> None:
    # Student's t at 0.975 is 2.776445 of 4 degrees and 2.093024 of 19; times sqrt(n / (n - 1))
    assert expanded_tail(5) == pytest.approx(
        NormalDist().cdf(-2.776445 * math.sqrt(5 / 4)), rel=1e-5
    )
    assert expanded_tail(20) == pytest.approx(
        NormalDist().cdf(-2.093024 * math.sqrt(20 / 19)), rel=1e-5
    )


def test_the_tails_of_the_bootstrap_t_by_hand() -> None:
    assert bootstrap_tail(25) == pytest.approx(0.025 * (1 - 1.5 / 5))
    assert bootstrap_tail(100) == pytest.approx(0.025 * (1 - 1.5 / 10))


def studentised(groups: Clusters, resamples: int) -> np.ndarray:
    """The error of each resample's mean over its own standard error, from its own sums and sizes."""
    count = len(groups)
    picks = np.random.default_rng(interval.SEED).integers(0, count, (resamples, count))
    drawn = [Clusters(groups.sums[p], groups.sizes[p]) for p in picks]
    spread = [d for d in drawn if d.spread > 1e-9]
    return np.array([(d.mean - groups.mean) / d.standard_error for d in spread])


EQUAL = Clusters(np.array([1.0, 5.0, 3.0, 3.0, 3.0]), np.ones(5))
"""Some resamples hold the mean alone and have no spread."""
FOURS = Clusters(np.array([4.0, 9.0, 2.0, 30.0, 11.0, 7.0]), np.full(6, 4.0))
UNEQUAL = Clusters(
    np.array([1.0, 7.0, 2.0, 30.0, 4.5, 9.0, 3.0]), np.array([1.0, 3.0, 1.0, 6.0, 2.0, 2.0, 5.0])
)

OUTLIER = Clusters(np.array([0.0, 0.001, 0.002, 0.003, 10.0]), np.ones(5))
"""Resamples without the last are next to equal: their t has next to no bound."""


@pytest.mark.parametrize(
    "groups", [EQUAL, FOURS, UNEQUAL, OUTLIER], ids=["equal", "fours", "unequal", "outlier"]
)
def test_the_bootstrap_is_each_resamples_own_error_over_its_own_standard_error(
    groups: Clusters, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(interval, "RESAMPLES", 1000)
    resampled = studentised(groups, 1000)
    tail = bootstrap_tail(len(groups))
    below, above = np.quantile(resampled, [tail, 1 - tail])
    t = {5: 2.7764451052, 6: 2.5705818366, 7: 2.4469118511}[len(groups)]
    down, up = (min(max(reach, t), 3 * t) for reach in (above, -below))
    expected = groups.mean - groups.standard_error * down, groups.mean + groups.standard_error * up
    assert bounds(groups) == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("picks", [1, 7, 350, 10**6])
def test_how_many_resamples_are_drawn_at_a_time_does_not_matter(
    picks: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(interval, "RESAMPLES", 1000)
    expected = bounds(UNEQUAL)
    monkeypatch.setattr(interval, "MOST_PICKS", picks * len(UNEQUAL))
    assert bounds(UNEQUAL) == expected


def test_many_prompts_are_resampled_less_often(monkeypatch: pytest.MonkeyPatch) -> None:
    groups = Clusters(np.random.default_rng(1).exponential(size=30), np.ones(30))
    monkeypatch.setattr(interval, "MOST_PICKS", 3_000 * 30 + 29)
    found = bounds(groups)
    monkeypatch.setattr(interval, "MOST_PICKS", 10**6)
    monkeypatch.setattr(interval, "RESAMPLES", 3_000)
    assert bounds(groups) == found
    monkeypatch.setattr(interval, "RESAMPLES", 2_999)
    assert bounds(groups) != found


@pytest.mark.parametrize("unit", [1e-90, 1e90])
def test_units_of_any_size_give_the_interval_in_that_unit(unit: float) -> None:
    found = bounds(Clusters(unit * UNEQUAL.sums, UNEQUAL.sizes))
    assert [end / unit for end in found if end is not None] == pytest.approx(bounds(UNEQUAL))


def test_small_samples_get_wider_tails() -> None:
    assert expanded_tail(5) < expanded_tail(20) < expanded_tail(1000) < 0.025
    assert bootstrap_tail(5) < bootstrap_tail(20) < bootstrap_tail(1000) < 0.025


def test_the_same_scores_give_the_same_bytes() -> None:
    values = np.random.default_rng(3).normal(size=40).tolist()
    assert mean_interval(values, own(values)) == mean_interval(values, own(values))


def test_a_thousand_clips_take_no_time() -> None:
    values = np.random.default_rng(3).normal(size=1000).tolist()
    begun = time.process_time()
    mean_interval(values, own(values))
    assert time.process_time() - begun < 1.0  # about 0.06 s; a report has some twenty metrics


Draw = Callable[[np.random.Generator, tuple[int, int]], np.ndarray]


def _normal(random: np.random.Generator, shape: tuple[int, int]) -> np.ndarray:
    return random.normal(size=shape)


def _exponential(random: np.random.Generator, shape: tuple[int, int]) -> np.ndarray:
    return random.exponential(size=shape) - 1


def _log_normal(random: np.random.Generator, shape: tuple[int, int]) -> np.ndarray:
    return random.lognormal(size=shape) - np.exp(0.5)


def _heavy(random: np.random.Generator, shape: tuple[int, int]) -> np.ndarray:
    return random.standard_t(3, size=shape)


class TestBySimulation:
    """Seeded; docs/intervals.md has the table of 4,000 runs a cell, and how it was made."""

    @pytest.mark.parametrize("prompts", [5, 10, 30])
    @pytest.mark.parametrize(
        ("draw", "least"),
        [(_normal, 0.945), (_exponential, 0.935), (_log_normal, 0.91), (_heavy, 0.945)],
        ids=["normal", "exponential", "log-normal", "t with 3 degrees"],
    )
    def test_the_interval_covers_the_truth(
        self, draw: Draw, least: float, prompts: int, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(interval, "RESAMPLES", 1000)
        runs = 1000
        sizes = np.ones(prompts)
        held = 0
        for values in draw(np.random.default_rng(prompts), (runs, prompts)):
            low, high = bounds(Clusters(values, sizes))
            held += low <= 0 <= high
        assert least <= held / runs

    def test_so_it_does_over_prompts_of_unequal_sizes(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(interval, "RESAMPLES", 500)
        random, runs, prompts = np.random.default_rng(2), 600, 12
        held = 0
        for _ in range(runs):
            sizes = random.integers(1, 5, prompts).astype(float)
            own_means = random.normal(size=prompts) + 0.5 * (sizes - 2.5)
            # the expected ratio: E[s m(s)] / E[s] with s uniform on 1 .. 4
            truth = 0.5 * ((1 + 4 + 9 + 16) / 4 - 2.5 * 2.5) / 2.5
            low, high = bounds(Clusters(sizes * own_means, sizes))
            held += low <= truth <= high
        assert 0.93 <= held / runs <= 0.99

    def test_clips_taken_for_prompts_would_be_too_sure(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(interval, "RESAMPLES", 200)
        random = np.random.default_rng(3)
        held = 0
        for _ in range(200):
            values = np.repeat(random.normal(0, 1, 20), 4) + random.normal(0, 0.2, 80)
            low, high = bounds(Clusters(values, np.ones(80)))
            held += low <= 0 <= high
        assert held / 200 < 0.75

    def test_the_mean_of_a_new_sample_falls_outside_more_often(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Two means differ by sqrt(2) standard errors: 2 Phi(1.96 / sqrt(2)) - 1 = 0.83 at best."""
        monkeypatch.setattr(interval, "RESAMPLES", 200)
        random = np.random.default_rng(5)
        inside = 0
        for _ in range(600):
            first, second = random.normal(size=(2, 50))
            low, high = bounds(Clusters(first, np.ones(50)))
            inside += low <= second.mean() <= high
        assert inside / 600 == pytest.approx(0.84, abs=0.05)
