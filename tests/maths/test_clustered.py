"""The mean over clusters and its error, by hand and against a direct computation."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mirabench.maths.clustered import Clusters


def test_equal_sizes_are_the_textbook() -> None:
    """Means of the prompts 1, 2, 3, 6: mean 3, squares around it 4 + 1 + 0 + 9, over 3."""
    values = [0.5, 1.5, 1.0, 3.0, 3.0, 3.0, 6.0, 6.0]
    found = Clusters.of(values, list("aabbccdd"))
    assert found.mean == 3.0
    assert found.spread == pytest.approx(math.sqrt(14 / 3))
    assert found.standard_error == pytest.approx(math.sqrt(14 / 3) / 2)
    # third powers -8, -1, 0, 27, over 4 and the cubed deviation
    assert found.skewness == pytest.approx(18 / 4 / (14 / 3) ** 1.5)


def test_unequal_sizes_are_a_ratio_by_hand() -> None:
    """Sums 6, 2, 4 of 3, 1, 2 clips: each is what the mean 2 makes of its clips, so nothing varies."""
    agreed = Clusters.of([2.0] * 6, ["a"] * 3 + ["b"] + ["c"] * 2)
    assert (agreed.mean, agreed.spread, agreed.standard_error) == (2.0, 0.0, 0.0)
    # sums 3, 9 of 3, 1 clips: mean 3, around it 3 - 9 and 9 - 3, each over the average of 2 clips
    found = Clusters.of([1.0, 1.0, 1.0, 9.0], list("aaab"))
    assert found.mean == 3.0
    assert found.residuals.tolist() == [-3.0, 3.0]
    assert found.standard_error == pytest.approx(3.0)


def test_the_error_of_a_ratio_is_what_other_prompts_show() -> None:
    """Sizes from 1 to 5 and values that depend on them: the formula against 4,000 draws."""
    random = np.random.default_rng(4)

    def draw() -> Clusters:
        sizes = random.integers(1, 6, 60).astype(float)
        return Clusters(sizes * random.normal(1 + 0.3 * sizes, 1.0), sizes)

    drawn = [draw() for _ in range(4000)]
    truth = np.std([d.mean for d in drawn])
    assert np.mean([d.standard_error for d in drawn[:400]]) == pytest.approx(truth, rel=0.04)


@settings(max_examples=40, deadline=None)
@given(
    values=st.lists(st.floats(-1e3, 1e3), min_size=2, max_size=20),
    step=st.floats(-1e3, 1e3),
    factor=st.floats(0.1, 10),
)
def test_shifting_and_scaling_do_what_they_should(
    values: list[float], step: float, factor: float
) -> None:
    labels = [f"p{i % 4}" for i in range(len(values))]
    found = Clusters.of(values, labels)
    moved = Clusters.of([factor * v + step for v in values], labels)
    assert moved.mean == pytest.approx(factor * found.mean + step, rel=1e-6, abs=1e-6)
    assert moved.standard_error == pytest.approx(factor * found.standard_error, rel=1e-3, abs=1e-6)


def test_one_cluster_has_no_spread() -> None:
    found = Clusters.of([1.0, 2.0], ["a", "a"])
    assert (found.spread, found.standard_error, found.skewness) == (0.0, 0.0, 0.0)
