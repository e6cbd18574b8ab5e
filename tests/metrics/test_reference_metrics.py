"""Formulas of the reference's learned metrics, on features written by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mirabench.features.api import FeatureTable, as_table
from mirabench.functional import embedding_consistency, tracking_strength
from mirabench.maths.distribution import KernelSums, Moments, frechet_distance
from mirabench.metrics.api import ClipInputs
from mirabench.metrics.caption_alignment import OVERALL_CONSISTENCY
from mirabench.metrics.interpolation import TEMPORAL_MOTION_SMOOTHNESS
from mirabench.metrics.learned_distances import FID, FVD, KVD
from mirabench.video.frames import ArrayVideo
from mirabench.video.sampling import lexical_linspace, linspace

INFO = ArrayVideo(np.zeros((4, 2, 2, 3), np.uint8)).info


def clip(**tables: FeatureTable) -> ClipInputs:
    return ClipInputs(INFO, tables)


class TestFrameConsistency:
    def test_equal_frames_are_perfectly_consistent(self) -> None:
        rows = np.tile(np.array([[3.0, 4.0]]), (5, 1))
        assert embedding_consistency(rows) == pytest.approx(np.ones(4))

    def test_by_hand(self) -> None:
        # right, up, left: cos with the last is 0 and 0; with the first 0 and -1, cut to 0
        rows = np.array([[1.0, 0.0], [0.0, 2.0], [-1.0, 0.0]])
        assert embedding_consistency(rows).tolist() == [0.0, 0.0]
        # 45 degrees from the first: (c + c) / 2
        assert embedding_consistency(np.array([[1.0, 0.0], [1.0, 1.0]])) == pytest.approx(
            np.sqrt(0.5)
        )

    @settings(max_examples=25, deadline=None)
    @given(st.integers(2, 12), st.integers(1, 5), st.integers(0, 10_000))
    def test_equals_the_definition_written_plainly(self, t: int, d: int, seed: int) -> None:
        rows = np.random.default_rng(seed).normal(size=(t, d))
        unit = [r / np.linalg.norm(r) for r in rows]
        plain = [
            (max(0.0, float(unit[i - 1] @ unit[i])) + max(0.0, float(unit[0] @ unit[i]))) / 2
            for i in range(1, t)
        ]
        assert embedding_consistency(rows).mean() == pytest.approx(np.mean(plain))


class TestTracking:
    def test_a_constant_drift_of_a_long_clip_reads_two_thirds_of_its_true_mean(self) -> None:
        """The reference repeats early frames: the mean time of its rows tends to T / 3, not T / 2."""
        frames = 400
        first = np.arange(0, frames - 4, 4)
        length = np.minimum(8, frames - first)
        tracks = np.zeros((len(first), 8, 1, 2))
        for window, start in zip(tracks, first, strict=True):
            window[:, 0, 0] = np.arange(start, start + 8)  # one px a frame to the right
        found = tracking_strength(tracks, first, length)
        assert found == pytest.approx(frames / 3, rel=0.02)

    def test_equals_the_concatenation_written_plainly(self) -> None:
        random = np.random.default_rng(0)
        first, length = np.array([0, 4, 8]), np.array([8, 8, 6])
        tracks = random.normal(size=(3, 8, 5, 2)) * 10
        so_far = np.zeros((14, 5, 2))
        rows = []
        for window, start, count in zip(tracks, first, length, strict=True):
            so_far[start : start + count] = window[:count]
            rows.append(so_far[: start + count].copy())
        everything = np.concatenate(rows)
        plain = np.linalg.norm(everything - everything[0], axis=-1).mean()
        assert tracking_strength(tracks, first, length) == pytest.approx(plain)


def test_smoothness_is_one_minus_the_error_as_share_of_full_scale() -> None:
    table = as_table(seconds=[0.1, 0.3], error=[0.0, 51.0])
    found = TEMPORAL_MOTION_SMOOTHNESS.compute(clip(interpolation=table))
    assert found.value == pytest.approx(0.9)


class TestAlignment:
    def measured(self, tokens: int) -> tuple[float, str]:
        video = as_table(embedding=np.array([1.0, 1.0]))
        text = as_table(embedding=np.array([2.0, 0.0]), tokens=tokens)
        found = OVERALL_CONSISTENCY.compute(clip(video=video, text=text))
        return found.value, found.status

    def test_is_the_cosine(self) -> None:
        assert self.measured(20) == (pytest.approx(np.sqrt(0.5)), "ok")

    def test_a_caption_cut_at_32_tokens_is_marked(self) -> None:
        assert self.measured(33) == (pytest.approx(np.sqrt(0.5)), "truncated")


def clips_of(groups: list[np.ndarray]) -> list[ClipInputs]:
    return [clip(vectors=as_table(rows=g)) for g in groups]


class TestDistances:
    random = np.random.default_rng(5)

    def test_a_set_equals_itself(self) -> None:
        same = clips_of([self.random.normal(size=(20, 6)) for _ in range(4)])
        assert FID.compare(same, same).value == pytest.approx(0.0, abs=1e-9)

    def test_frechet_of_shifted_sets_is_the_squared_shift(self) -> None:
        rows = self.random.normal(size=(50, 3))
        a, b = Moments.of(rows), Moments.of(rows + np.array([3.0, 0.0, 4.0]))
        assert frechet_distance(a, b) == pytest.approx(25.0)

    def test_frechet_equals_scipys_matrix_square_root(self) -> None:
        linalg = pytest.importorskip("scipy.linalg")
        one, two = self.random.normal(size=(80, 5)), self.random.normal(size=(90, 5)) * 2 + 1
        s1, s2 = np.cov(one.T), np.cov(two.T)
        shift = one.mean(0) - two.mean(0)
        plain = shift @ shift + np.trace(s1 + s2 - 2 * np.real(linalg.sqrtm(s1 @ s2)))
        assert frechet_distance(Moments.of(one), Moments.of(two)) == pytest.approx(plain)

    def test_kernel_distance_equals_the_double_sum_written_plainly(self) -> None:
        one = [self.random.normal(size=(n, 4)) for n in (2, 3)]
        two = [self.random.normal(size=(n, 4)) + 1 for n in (4, 1, 2)]
        x, y = np.concatenate(one), np.concatenate(two)

        def kernel(a: np.ndarray, b: np.ndarray) -> float:
            return float((a @ b / 4 + 1) ** 3)

        own = np.mean([kernel(a, b) for i, a in enumerate(x) for j, b in enumerate(x) if i != j])
        theirs = np.mean([kernel(a, b) for i, a in enumerate(y) for j, b in enumerate(y) if i != j])
        between = np.mean([kernel(a, b) for a in x for b in y])
        assert KernelSums.of(one, two).distance() == pytest.approx(own + theirs - 2 * between)

    def test_leaving_a_group_out_is_subtraction(self) -> None:
        one = [self.random.normal(size=(3, 4)) for _ in range(4)]
        two = [self.random.normal(size=(2, 4)) for _ in range(3)]
        sums = KernelSums.of(one, two)
        expected = KernelSums.of(one[:1] + one[2:], two).distance()
        assert sums.distance(without_own=1) == pytest.approx(expected)

    def test_its_mean_is_what_random_subsets_estimate(self) -> None:
        """KID's 100 random subsets, many times over, average to the number computed here."""
        x, y = self.random.normal(size=(30, 4)), self.random.normal(size=(30, 4)) + 0.5
        exact = KernelSums.of([x], [y]).distance()
        draws = []
        for _ in range(3000):
            i, j = self.random.permutation(30)[:10], self.random.permutation(30)[:10]
            draws.append(KernelSums.of([x[i]], [y[j]]).distance())
        assert np.mean(draws) == pytest.approx(exact, abs=4 * np.std(draws) / np.sqrt(len(draws)))

    def test_too_few_vectors_are_marked(self) -> None:
        logits = [
            clip(vectors=as_table(logits=self.random.normal(size=400), frames=100))
            for _ in range(5)
        ]
        found = FVD.compare(logits, logits)
        assert (found.status, found.n) == ("degenerate", 5)
        assert "800 are needed" in found.why
        assert KVD.compare(logits, logits).status == "ok"


class TestFrameChoice:
    def test_a_short_clip_gives_every_frame(self) -> None:
        info = ArrayVideo(np.zeros((9, 2, 2, 3), np.uint8)).info
        assert linspace(info, 100).tolist() == list(range(9))
        assert lexical_linspace(info, 100).tolist() == list(range(9))

    def test_a_long_clip_is_thinned_in_the_order_of_file_names(self) -> None:
        info = ArrayVideo(np.zeros((250, 1, 1, 3), np.uint8)).info
        names = sorted(f"frames_{i + 1}.png" for i in range(250))
        rows = np.linspace(0, 249, 100).astype(int)
        expected = sorted(int(names[r][7:-4]) - 1 for r in rows)
        assert lexical_linspace(info, 100).tolist() == expected
        assert linspace(info, 100)[[0, -1]].tolist() == [0, 249]
