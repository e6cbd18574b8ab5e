"""Distances between sets: answers by hand, and the double sums that they are short for."""

from __future__ import annotations

import math

import numpy as np
import pytest

from mirabench.maths.distribution import (
    Kernel,
    KernelSums,
    Moments,
    Vectors,
    cubic,
    frechet_distance,
    kernel_blocks,
    kernel_distance,
    polynomial_kernel,
    squared,
)


def gaussian(mean: list[float], covariance: list[list[float]], count: int = 11) -> Moments:
    """The moments of `count` vectors with this mean and this unbiased covariance."""
    m, s = np.array(mean, dtype=np.float64), np.array(covariance, dtype=np.float64)
    return Moments(count, count * m, (count - 1) * s + count * np.outer(m, m))


class TestMoments:
    def test_two_vectors_by_hand(self) -> None:
        found = Moments.of(np.array([[0.0, 0.0], [2.0, 4.0]]))
        assert (found.count, found.total.tolist()) == (2, [2.0, 4.0])
        assert found.outer.tolist() == [[4.0, 8.0], [8.0, 16.0]]
        assert found.mean.tolist() == [1.0, 2.0]
        assert found.covariance.tolist() == [[2.0, 4.0], [4.0, 8.0]]  # squares 1 + 1, over 1

    def test_the_covariance_is_numpys(self) -> None:
        vectors = np.random.default_rng(0).normal(size=(9, 3))
        assert Moments.of(vectors).covariance == pytest.approx(np.cov(vectors, rowvar=False))

    def test_one_vector_does_not_vary(self) -> None:
        assert Moments.of(np.array([[3.0, 5.0]])).covariance.tolist() == [[0.0, 0.0], [0.0, 0.0]]

    def test_they_add_and_subtract(self) -> None:
        one, two = np.array([[1.0], [2.0]]), np.array([[4.0], [6.0], [8.0]])
        together = Moments.of(one) + Moments.of(two)
        assert (together.count, together.total.tolist()) == (5, [21.0])
        assert together.outer.tolist() == [[1.0 + 4 + 16 + 36 + 64]]
        rest = together - Moments.of(one)
        assert (rest.count, rest.total.tolist(), rest.outer.tolist()) == (3, [18.0], [[116.0]])


class TestFrechet:
    def test_along_axes_it_is_means_and_deviations(self) -> None:
        one, two = gaussian([0, 0], [[1, 0], [0, 4]]), gaussian([1, 2], [[4, 0], [0, 9]])
        # 1 + 4 between the means, (1 - 2)^2 + (2 - 3)^2 between the deviations
        assert frechet_distance(one, two) == pytest.approx(7.0)
        assert frechet_distance(two, one) == pytest.approx(7.0)

    def test_in_two_dimensions_the_root_has_a_closed_form(self) -> None:
        """tr (AB)^1/2 = sqrt(tr AB + 2 sqrt(det AB)): of these two tr AB is 10 and det AB is 12."""
        one, two = gaussian([0, 0], [[2, 1], [1, 2]]), gaussian([0, 3], [[1, 0], [0, 4]])
        expected = 9 + 4 + 5 - 2 * math.sqrt(10 + 2 * math.sqrt(12))
        assert frechet_distance(one, two) == pytest.approx(expected)
        assert frechet_distance(two, one) == pytest.approx(expected)

    def test_of_a_set_to_itself_it_is_nothing(self) -> None:
        own = Moments.of(np.random.default_rng(1).normal(size=(40, 6)))
        assert 0.0 <= frechet_distance(own, own) < 1e-9

    def test_fewer_vectors_than_dimensions_are_enough(self) -> None:
        """The covariance has rank 2, and rounding may make its other eigenvalues negative."""
        vectors = np.random.default_rng(2).normal(size=(3, 30))
        own, moved = Moments.of(vectors), Moments.of(vectors + 0.5)
        assert frechet_distance(own, moved) == pytest.approx(30 * 0.25, rel=1e-6)


class TestKernel:
    def test_by_hand(self) -> None:
        # (1 3 + 2 4) / 2 + 1 = 6.5
        found = polynomial_kernel(np.array([[1.0, 2.0]]), np.array([[3.0, 4.0], [0.0, 0.0]]))
        assert found.tolist() == [[6.5**3, 1.0]]

    def test_blocks_are_means_over_pairs(self) -> None:
        one = [np.array([[1.0], [3.0]]), np.array([[0.0]])]
        two = [np.array([[2.0]]), np.array([[1.0]]), np.array([[5.0]])]
        expected = [[(27 + 343) / 2, (8 + 64) / 2, (216 + 4096) / 2], [1.0, 1.0, 1.0]]
        assert kernel_blocks(one, two).tolist() == expected

    def test_a_group_is_not_compared_with_itself(self) -> None:
        own = np.array([[90.0, 1.0, 2.0], [3.0, 80.0, 5.0], [6.0, 7.0, 70.0]])  # 24 / 6
        theirs = np.array([[50.0, 4.0], [6.0, 40.0]])  # 10 / 2
        between = np.array([[1.0, 2.0], [3.0, 4.0], [5.0, 9.0]])  # 24 / 6
        assert kernel_distance(own, theirs, between) == 4 + 5 - 2 * 4


def every_pair(one: list[Vectors], two: list[Vectors], kernel: Kernel = cubic) -> float:
    """The unbiased squared MMD, as it is defined: over every pair of different vectors."""
    ours, theirs = np.concatenate(one), np.concatenate(two)

    def value(x: Vectors, y: Vectors) -> float:
        return float((x @ y / len(x) + 1) ** 3 if kernel is cubic else (x @ y / len(x)) ** 2)

    def within(side: Vectors) -> float:
        n = len(side)
        total = sum(value(side[i], side[j]) for i in range(n) for j in range(n) if i != j)
        return total / (n * (n - 1))

    between = np.mean([value(x, y) for x in ours for y in theirs])
    return within(ours) + within(theirs) - 2 * float(between)


@pytest.mark.parametrize("kernel", [cubic, squared])
@pytest.mark.parametrize("left", [None, 0, 1, 2])
@pytest.mark.parametrize("right", [None, 0, 3])
def test_leaving_a_group_out_is_the_distance_of_the_rest(
    left: int | None, right: int | None, kernel: Kernel
) -> None:
    random = np.random.default_rng(3)
    one = [random.normal(size=(n, 3)) for n in (2, 1, 4)]
    two = [random.normal(1.0, size=(n, 3)) for n in (3, 2, 1, 2)]
    found = KernelSums.of(one, two, kernel).distance(left, right)
    rest = [g for i, g in enumerate(one) if i != left], [g for i, g in enumerate(two) if i != right]
    assert found == pytest.approx(every_pair(*rest, kernel))
