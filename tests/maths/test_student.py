"""Student's t without scipy, held against scipy and against what can be computed by hand."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mirabench.maths.student import ALWAYS_NORMAL, student_quantile, student_tail

FREEDOM = (0.7, 1, 2, 3.5, 7, 10, 29.25, 150, 5000, ALWAYS_NORMAL)


@pytest.mark.parametrize("freedom", FREEDOM, ids=str)
def test_quantiles_equal_scipys_for_broken_degrees_of_freedom_too(freedom: float) -> None:
    stats = pytest.importorskip("scipy.stats")
    for probability in (0.1, 0.5, 0.9, 0.975, 0.9999):
        expected = float(stats.t.ppf(probability, freedom))
        assert student_quantile(probability, freedom) == pytest.approx(
            expected, rel=1e-9, abs=1e-12
        )


@pytest.mark.parametrize("freedom", FREEDOM, ids=str)
def test_far_tails_keep_their_digits(freedom: float) -> None:
    stats = pytest.importorskip("scipy.stats")
    for t in (-3.0, 0.0, 0.01, 1.0, 8.0, 40.0, 1e4):
        expected = float(stats.t.sf(t, freedom))
        assert student_tail(t, freedom) == pytest.approx(expected, rel=1e-9, abs=1e-300)


def test_one_and_two_degrees_of_freedom_by_hand() -> None:
    # Cauchy: tan(pi (p - 1/2)); two degrees: (2 p - 1) / sqrt(2 p (1 - p))
    assert student_quantile(0.75, 1) == pytest.approx(1.0)
    assert student_quantile(0.975, 1) == pytest.approx(math.tan(math.pi * 0.475))
    assert student_quantile(0.9, 2) == pytest.approx(0.8 / math.sqrt(0.18))


def test_nothing_lies_beyond_infinity_and_half_beyond_the_centre() -> None:
    assert student_tail(math.inf, 3) == 0.0
    assert student_tail(-math.inf, 3) == 1.0
    assert student_tail(0.0, 3) == 0.5


def test_with_many_degrees_of_freedom_it_is_the_normal_distribution() -> None:
    assert student_quantile(0.975, 10**9) == pytest.approx(1.959964, abs=1e-6)
    assert student_tail(1.959964, 10**9) == pytest.approx(0.025, abs=1e-7)


@settings(max_examples=50, deadline=None)
@given(t=st.floats(0, 1e3), freedom=st.floats(0.5, 500))
def test_the_tail_falls_and_is_symmetric(t: float, freedom: float) -> None:
    here = student_tail(t, freedom)
    assert 0 <= here <= 0.5
    assert student_tail(-t, freedom) == pytest.approx(1 - here)
    assert student_tail(t + 0.5, freedom) <= here
