"""Distances between sets of vectors. Other libraries' answers: `tests/maths/test_distribution_libraries.py`."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mirabench import functional as F

DISTANCES = (F.frechet_distance, F.kernel_distance)


def sets(seed: int, dimensions: int = 3) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    return random.normal(size=(9, dimensions)), random.normal(0.5, 1.4, (7, dimensions))


class TestFrechet:
    @given(st.integers(0, 10_000))
    def test_in_one_dimension_it_is_the_distance_of_means_and_deviations(self, seed: int) -> None:
        one, two = sets(seed, 1)
        plain = (one.mean() - two.mean()) ** 2 + (one.std(ddof=1) - two.std(ddof=1)) ** 2
        assert F.frechet_distance(one, two) == pytest.approx(plain)

    @settings(deadline=None)
    @given(st.integers(0, 10_000))
    def test_equals_the_matrix_square_root_of_the_product(self, seed: int) -> None:
        one, two = sets(seed)
        s1, s2 = np.cov(one.T), np.cov(two.T)
        # the eigenvalues of S1 S2 are real and not negative: its root's trace is that of their roots
        root = np.sqrt(np.maximum(np.linalg.eigvals(s1 @ s2).real, 0)).sum()
        shift = one.mean(0) - two.mean(0)
        plain = shift @ shift + np.trace(s1) + np.trace(s2) - 2 * root
        assert F.frechet_distance(one, two) == pytest.approx(plain, rel=1e-6, abs=1e-9)

    def test_of_a_set_and_its_shifted_copy_is_the_squared_shift(self) -> None:
        one, _ = sets(0)
        assert F.frechet_distance(one, one + np.array([3.0, 0.0, 4.0])) == pytest.approx(25.0)

    @given(st.integers(0, 10_000), st.floats(0.1, 10))
    def test_grows_with_the_square_of_the_scale(self, seed: int, factor: float) -> None:
        one, two = sets(seed)
        once = F.frechet_distance(one, two)
        assert F.frechet_distance(one * factor, two * factor) == pytest.approx(
            once * factor**2, rel=1e-6
        )


class TestKernel:
    @given(st.integers(0, 10_000))
    def test_equals_the_double_sum_written_plainly(self, seed: int) -> None:
        one, two = sets(seed)

        def mean(a: np.ndarray, b: np.ndarray, same: bool) -> float:
            pairs = [
                (float(x @ y) / 3 + 1) ** 3
                for i, x in enumerate(a)
                for j, y in enumerate(b)
                if not (same and i == j)
            ]
            return float(np.mean(pairs))

        plain = mean(one, one, True) + mean(two, two, True) - 2 * mean(one, two, False)
        assert F.kernel_distance(one, two) == pytest.approx(plain)

    def test_of_two_samples_of_one_distribution_is_around_zero(self) -> None:
        random = np.random.default_rng(0)
        draws = [F.kernel_distance(*random.normal(size=(2, 12, 4))) for _ in range(400)]
        assert abs(np.mean(draws)) < 4 * np.std(draws) / 20
        assert min(draws) < 0 < max(draws)


@pytest.mark.parametrize("distance", DISTANCES, ids=lambda f: f.__name__)
class TestBoth:
    def test_is_symmetric(self, distance: object) -> None:
        assert callable(distance)
        for seed in range(20):
            one, two = sets(seed)
            assert distance(one, two) == pytest.approx(distance(two, one), rel=1e-9)

    def test_order_within_a_set_does_not_matter(self, distance: object) -> None:
        assert callable(distance)
        one, two = sets(1)
        shuffled = np.random.default_rng(2).permutation(one)
        assert distance(shuffled, two[::-1]) == pytest.approx(distance(one, two))

    def test_more_shift_is_further_away(self, distance: object) -> None:
        assert callable(distance)
        one, two = sets(3)
        found = [distance(one, two + shift) for shift in (0.5, 1.0, 2.0)]
        assert found == sorted(found)

    def test_whole_numbers_will_do(self, distance: object) -> None:
        assert callable(distance)
        one, two = np.array([[0, 1], [2, 3], [4, 4]]), np.array([[1, 1], [0, 2]])
        assert distance(one, two) == distance(one.astype(float), two.astype(float))
