"""Intervals say where the mean of other clips of the kind would lie, and say nothing of one clip."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mirabench.report.interval import expanded_tail, mean_interval, student_quantile

NUMBERS = st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=30)


def own(values: list[float]) -> list[str]:
    """Every value its own cluster."""
    return [str(i) for i in range(len(values))]


@given(NUMBERS)
@settings(max_examples=30, deadline=None)
def test_the_mean_lies_inside_and_order_does_not_matter(values: list[float]) -> None:
    found = mean_interval(values, own(values))
    assert found.mean == pytest.approx(float(np.mean(values)), rel=1e-9, abs=1e-9)
    assert (found.n, found.clusters) == (len(values), len(values))
    if found.low is not None and found.high is not None:
        assert found.low <= found.mean <= found.high


def test_one_clip_has_no_interval() -> None:
    found = mean_interval([3.0], ["a"])
    assert (found.mean, found.low, found.high) == (3.0, None, None)


def test_equal_values_have_an_interval_of_no_width() -> None:
    found = mean_interval([2.0, 2.0, 2.0], own([1, 1, 1]))
    assert (found.low, found.high) == (2.0, 2.0)


def test_clips_of_one_prompt_do_not_pose_as_many() -> None:
    """Ten copies of each of five values know no more than the five."""
    five = [1.0, 2.0, 3.0, 4.0, 9.0]
    copies = [v for v in five for _ in range(10)]
    prompts = [str(i) for i in range(5) for _ in range(10)]
    alone, together = mean_interval(five, own(five)), mean_interval(copies, prompts)
    naive = mean_interval(copies, own(copies))
    assert (together.low, together.high) == pytest.approx((alone.low, alone.high))
    assert naive.high - naive.low < 0.6 * (together.high - together.low)


@pytest.mark.slow
@pytest.mark.parametrize("n", [6, 10, 30])
def test_the_interval_covers_the_truth_about_95_times_of_100(n: int) -> None:
    random = np.random.default_rng(n)
    hits, trials = 0, 300
    for _ in range(trials):
        sample = random.normal(5.0, 2.0, n)
        found = mean_interval(sample.tolist(), own(sample.tolist()))
        hits += found.low <= 5.0 <= found.high
    # three standard errors of the simulation, and the method's own shortfall at n = 6
    assert hits / trials == pytest.approx(0.95, abs=0.05)


@pytest.mark.parametrize("freedom", [1, 2, 3, 7, 10, 29, 150])
def test_student_quantiles_equal_scipys(freedom: int) -> None:
    stats = pytest.importorskip("scipy.stats")
    for probability in (0.9, 0.975, 0.995):
        expected = stats.t.ppf(probability, freedom)
        assert student_quantile(probability, freedom) == pytest.approx(expected, rel=1e-9)


def test_small_samples_get_wider_tails() -> None:
    assert expanded_tail(5) < expanded_tail(20) < expanded_tail(1000) < 0.025
