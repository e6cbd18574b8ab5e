"""FID-infinity on samples of known Gaussians; the unbiased MMD under the null."""

from __future__ import annotations

import numpy as np
import pytest

from mirabench.errors import MetricError
from mirabench.maths.distribution import KernelSums, Moments, frechet_distance, squared
from mirabench.maths.extrapolation import fewest_vectors, frechet_infinity

D = 6
SPREAD = np.diag([1.0, 0.5, 2.0, 1.0, 1.5, 0.8])
SHIFT = np.array([0.5, 0, 0, -0.3, 0, 0])
TRUTH = float(SHIFT @ SHIFT + ((np.diag(SPREAD) - 1) ** 2).sum())
"""|m|^2 + tr(I + S - 2 S^1/2) of N(0, I) against N(m, S), S diagonal with roots `SPREAD`."""


def sides(seed: int, clips: int = 40, rows: int = 2) -> tuple[list[np.ndarray], list[np.ndarray]]:
    random = np.random.default_rng(seed)
    one = [random.normal(size=(rows, D)) for _ in range(clips)]
    two = [random.normal(size=(rows, D)) @ SPREAD + SHIFT for _ in range(clips + 10)]
    return one, two


def test_the_frechet_distance_of_gaussians_is_the_closed_form() -> None:
    random = np.random.default_rng(0)
    one = Moments.of(random.normal(size=(200_000, D)))
    two = Moments.of(random.normal(size=(200_000, D)) @ SPREAD + SHIFT)
    assert frechet_distance(one, two) == pytest.approx(TRUTH, rel=0.02)


def test_the_extrapolation_is_nearer_the_truth_than_the_samples_distance() -> None:
    found = [frechet_infinity(*sides(seed), seed=seed) for seed in range(12)]
    bias = np.mean([f.of_sample for f in found]) - TRUTH
    left = np.mean([f.value for f in found]) - TRUTH
    assert bias > 0.2
    assert abs(left) < bias / 2


def test_alike_sets_are_at_no_distance_on_average() -> None:
    values = []
    for seed in range(12):
        random = np.random.default_rng(seed)
        one, two = ([random.normal(size=(3, 3)) for _ in range(30)] for _ in range(2))
        values.append(frechet_infinity(one, two).value)
    assert abs(np.mean(values)) < 3 * np.std(values) / np.sqrt(len(values)) + 0.02
    assert min(values) < 0  # no cut at 0, which would be a bias


def test_the_seed_decides_and_is_the_only_chance() -> None:
    one, two = sides(1)
    assert frechet_infinity(one, two, seed=3) == frechet_infinity(one, two, seed=3)
    assert frechet_infinity(one, two, seed=3).value != frechet_infinity(one, two, seed=4).value
    assert frechet_infinity(one, two, seed=3).of_sample == pytest.approx(
        frechet_infinity(one, two, seed=4).of_sample
    )


def test_too_few_vectors_are_refused_and_just_enough_are_not() -> None:
    needed = fewest_vectors(D)
    assert needed == 4 * D
    random = np.random.default_rng(0)
    enough = [random.normal(size=(1, D)) for _ in range(needed)]
    frechet_infinity(enough, enough)
    with pytest.raises(MetricError, match=rf"{needed - 1} vectors .*, {needed} are needed"):
        frechet_infinity(enough[1:], enough)


def test_the_interval_needs_five_groups() -> None:
    random = np.random.default_rng(0)
    one, two = ([random.normal(size=(12, 2)) for _ in range(n)] for n in (4, 9))
    assert frechet_infinity(one, two).standard_error is None


def test_the_squared_kernel_is_unbiased_under_the_null_and_grows_apart() -> None:
    values, apart = [], []
    for seed in range(60):
        random = np.random.default_rng(seed)
        one, two = ([random.normal(size=(1, 4)) + 0.5 for _ in range(8)] for _ in range(2))
        values.append(KernelSums.of(one, two, squared).distance())
        apart.append(KernelSums.of(one, [v + 1.5 for v in two], squared).distance())
    assert abs(np.mean(values)) < 3 * np.std(values) / np.sqrt(len(values))
    assert min(values) < 0
    assert np.mean(apart) > 10 * np.std(values)


def test_the_squared_kernel_equals_the_sum_over_pairs() -> None:
    random = np.random.default_rng(0)
    one, two = ([random.normal(size=(2, 3)) for _ in range(3)] for _ in range(2))
    a, b = np.concatenate(one), np.concatenate(two)

    def within(x: np.ndarray) -> float:
        pairs = [(x[i] @ x[j] / 3) ** 2 for i in range(len(x)) for j in range(len(x)) if i != j]
        return float(np.mean(pairs))

    between = np.mean([(p @ q / 3) ** 2 for p in a for q in b])
    plain = within(a) + within(b) - 2 * between
    assert KernelSums.of(one, two, squared).distance() == pytest.approx(plain)
