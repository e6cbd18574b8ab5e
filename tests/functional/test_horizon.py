"""A long film minute by minute: known means, known drifts, and how often the interval holds."""

from __future__ import annotations

import numpy as np
import pytest

from mirabench.errors import InputError
from mirabench.functional.horizon import Drift, late_minus_early, minute_means

SECONDS = np.arange(0, 600, 0.5)


def test_minutes_are_those_of_the_clock_and_empty_ones_are_left_out() -> None:
    values = np.floor(SECONDS / 60)
    assert minute_means(SECONDS, values).tolist() == list(range(10))
    kept = (SECONDS < 60) | (SECONDS >= 120)
    assert minute_means(SECONDS[kept], values[kept]).tolist() == [0, *range(2, 10)]
    assert minute_means(np.array([60 - 1e-12]), np.array([4.0])).tolist() == [4.0]


def test_a_line_drifts_by_two_thirds_of_its_rise() -> None:
    found = late_minus_early(SECONDS, SECONDS / 600, 600.0)
    assert found.difference == pytest.approx(2 / 3, abs=1e-3)
    assert found.low is not None
    assert found.high is not None
    assert 0.5 < found.low < found.difference < found.high < 0.8


def test_welchs_interval_by_hand() -> None:
    """Blocks of 5 s with means 0, 2, 0, 2 and 10, 14, 10, 14: variances 4/3 and 16/3, 4 blocks each."""
    seconds = np.arange(0, 60, 1.0)
    values = np.concatenate(
        [np.repeat([0, 2, 0, 2], 5), np.zeros(20), np.repeat([10, 14, 10, 14], 5)]
    )
    found = late_minus_early(seconds, values.astype(float), 60.0)
    error = np.sqrt((4 / 3 + 16 / 3) / 4)
    freedom = (1 / 3 + 4 / 3) ** 2 / ((1 / 3) ** 2 / 3 + (4 / 3) ** 2 / 3)
    assert freedom == pytest.approx(4.411, abs=1e-3)
    assert found.difference == 11.0
    assert found.high == pytest.approx(11 + 2.678 * error, abs=0.01)
    assert found.low == pytest.approx(11 - 2.678 * error, abs=0.01)


def test_a_film_without_drift_is_inside_about_nineteen_of_twenty_times() -> None:
    """Values that stay alike for two seconds; treating each as a sample of its own would miss far more."""
    random, inside = np.random.default_rng(0), 0
    for _ in range(200):
        noise = random.normal(size=SECONDS.size + 3)
        found = late_minus_early(SECONDS, np.convolve(noise, np.ones(4) / 4, "valid"), 600.0)
        assert found.low is not None
        assert found.high is not None
        inside += found.low <= 0 <= found.high
    assert 0.90 <= inside / 200 <= 0.99


@pytest.mark.parametrize(("duration", "any_interval"), [(45.0, False), (60.0, True)])
def test_a_minute_is_needed_for_an_interval(duration: float, any_interval: bool) -> None:
    seconds = np.arange(0, duration, 1.0)
    found = late_minus_early(seconds, seconds, duration)
    assert (found.low is not None) == any_interval
    assert isinstance(found, Drift)


def test_an_end_of_which_nothing_is_known_is_refused() -> None:
    with pytest.raises(InputError, match="the first or the last third of 90 s holds no value"):
        late_minus_early(np.arange(40.0), np.ones(40), 90.0)
