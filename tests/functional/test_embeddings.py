"""Consistency and similarity of embeddings."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mirabench import functional as F
from mirabench.errors import MetricError


def cosine(a: np.ndarray, b: np.ndarray) -> float:
    return float(
        sum(x * y for x, y in zip(a, b, strict=True)) / np.sqrt((a**2).sum() * (b**2).sum())
    )


class TestConsistency:
    @given(st.integers(2, 9), st.integers(1, 5), st.integers(0, 10_000))
    def test_equals_the_definition_written_plainly(self, t: int, d: int, seed: int) -> None:
        z = np.random.default_rng(seed).normal(size=(t, d))
        plain = [
            (max(0, cosine(z[i - 1], z[i])) + max(0, cosine(z[0], z[i]))) / 2 for i in range(1, t)
        ]
        assert F.embedding_consistency(z) == pytest.approx(np.array(plain), abs=1e-12)

    @given(st.integers(0, 10_000))
    def test_lengths_do_not_matter(self, seed: int) -> None:
        random = np.random.default_rng(seed)
        z, lengths = random.normal(size=(5, 3)), random.uniform(0.1, 10, (5, 1))
        assert F.embedding_consistency(z * lengths) == pytest.approx(F.embedding_consistency(z))

    def test_a_static_clip_is_perfectly_consistent(self) -> None:
        assert F.embedding_consistency(np.tile([[3.0, 4.0]], (4, 1))) == pytest.approx(np.ones(3))

    def test_opposite_frames_are_no_worse_than_unrelated_ones(self) -> None:
        assert F.embedding_consistency(np.array([[1.0, 0], [-1.0, 0], [0, 1.0]])).tolist() == [
            0.0,
            0.0,
        ]

    def test_one_frame_says_nothing(self) -> None:
        with pytest.raises(MetricError, match="one frame"):
            F.embedding_consistency(np.ones((1, 3)))

    def test_the_embeddings_are_left_as_they_were(self) -> None:
        z = np.array([[1.0, 2.0], [3.0, 4.0]])
        F.embedding_consistency(z)
        assert z.tolist() == [[1.0, 2.0], [3.0, 4.0]]


class TestCosine:
    @given(st.integers(1, 6), st.integers(0, 10_000), st.floats(0.01, 100))
    def test_equals_the_definition_and_ignores_lengths(
        self, d: int, seed: int, factor: float
    ) -> None:
        one, two = np.random.default_rng(seed).normal(size=(2, d))
        assert F.cosine_similarity(one, two) == pytest.approx(cosine(one, two))
        assert F.cosine_similarity(one * factor, two) == pytest.approx(cosine(one, two))
        assert F.cosine_similarity(two, one) == pytest.approx(cosine(one, two))
        assert F.cosine_similarity(-one, two) == pytest.approx(-cosine(one, two))

    @pytest.mark.parametrize("other", [(1.0, 2.0), (0.0, 0.0)])
    def test_nothing_has_no_direction(self, other: tuple[float, float]) -> None:
        for pair in ((np.zeros(2), np.array(other)), (np.array(other), np.zeros(2))):
            with pytest.raises(MetricError, match="no direction"):
                F.cosine_similarity(*pair)
