"""A mean at a fixed mix of motion: by hand, against less motion, and with bins that nobody filled."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mirabench.errors import InputError
from mirabench.maths.standardise import MotionBins, standardised_mean

HALVES = MotionBins(np.array([1.0]), np.array([0.5, 0.5]))


def test_quarters_of_a_reference_weigh_a_quarter_each() -> None:
    found = MotionBins.of(np.random.default_rng(0).lognormal(size=400))
    assert found is not None
    assert found.weights == pytest.approx(np.full(4, 0.25))


@pytest.mark.parametrize(("clips", "any_bins"), [(19, False), (20, True)])
def test_a_reference_of_twenty_clips_has_bins(clips: int, any_bins: bool) -> None:
    assert (MotionBins.of(np.arange(float(clips))) is not None) == any_bins


def test_a_reference_that_hardly_differs_has_fewer_bins_and_still_weight_one() -> None:
    found = MotionBins.of(np.array([0.0] * 15 + [1.0] * 10))
    assert found is not None
    assert found.edges.tolist() == [0.0, 1.0]
    assert found.weights.tolist() == [0.0, 0.6, 0.4]


def test_who_moves_less_wins_the_mean_and_not_the_standardised_one() -> None:
    """Both generators score 0.9 at rest and 0.5 in motion; the raw mean (the official way) ranks them apart."""
    lazy = [0.9] * 45 + [0.5] * 5, [0.1] * 45 + [2.0] * 5
    busy = [0.9] * 5 + [0.5] * 45, [0.1] * 5 + [2.0] * 45
    assert np.mean(lazy[0]) > np.mean(busy[0]) + 0.3
    for one in (lazy, busy):
        assert standardised_mean(*one, HALVES) == standardised_mean(*busy, HALVES)
    assert standardised_mean(*lazy, HALVES).mean == pytest.approx(0.7)


@pytest.mark.parametrize("count", [0, 4])
def test_a_bin_of_fewer_than_five_is_missing_and_never_zero(count: int) -> None:
    found = standardised_mean([0.9] * 9 + [0.1] * count, [0.1] * 9 + [2.0] * count, HALVES)
    assert found.mean == pytest.approx(0.9)
    assert found.coverage == 0.5


def test_without_any_bin_there_is_no_number() -> None:
    found = standardised_mean([0.9] * 4, [0.1] * 4, HALVES)
    assert (found.mean, found.coverage) == (None, 0.0)


def test_what_equals_an_edge_belongs_above_it() -> None:
    assert standardised_mean([1.0] * 5, [1.0] * 5, HALVES).coverage == 0.5
    both = standardised_mean([1.0] * 5 + [0.0] * 5, [1.0] * 5 + [0.9] * 5, HALVES)
    assert both.mean == pytest.approx(0.5)


@given(st.lists(st.tuples(st.floats(-5, 5), st.floats(0, 3)), min_size=1, max_size=60))
@settings(max_examples=50)
def test_lies_among_the_values_and_ignores_the_order(clips: list[tuple[float, float]]) -> None:
    bins = MotionBins(np.array([0.5, 1.5]), np.array([0.2, 0.3, 0.5]))
    values, motion = map(list, zip(*clips, strict=True))
    found = standardised_mean(values, motion, bins)
    again = standardised_mean(values[::-1], motion[::-1], bins)
    assert found.coverage == again.coverage
    if found.mean is not None and again.mean is not None:
        assert found.mean == pytest.approx(again.mean, abs=1e-9)
        assert min(values) - 1e-9 <= found.mean <= max(values) + 1e-9


def test_weights_must_sum_to_one_and_pairs_match() -> None:
    with pytest.raises(InputError, match="1 edges need 2 weights of sum 1"):
        MotionBins(np.array([1.0]), np.array([0.5, 0.4]))
    with pytest.raises(InputError, match="2 values need as many motions, got 1"):
        standardised_mean([1.0, 2.0], [1.0], HALVES)
