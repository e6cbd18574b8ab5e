"""How far tracked points get."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mirabench import functional as F
from mirabench.errors import MetricError


class TestDisplacement:
    @given(st.integers(2, 8), st.integers(1, 6), st.integers(0, 10_000))
    def test_equals_the_definition_written_plainly(self, t: int, n: int, seed: int) -> None:
        random = np.random.default_rng(seed)
        tracks, visible = random.normal(0, 30, (t, n, 2)), random.random((t, n)) < 0.7
        seconds = np.cumsum(random.uniform(0.01, 0.1, t))
        speeds = []
        for k in range(n):
            frames = [f for f in range(t) if visible[f, k]]
            if len(frames) > 1:
                (x1, y1), (x2, y2) = tracks[frames[0], k], tracks[frames[-1], k]
                speeds.append(
                    math.hypot(x2 - x1, y2 - y1) / (seconds[frames[-1]] - seconds[frames[0]])
                )
        if not speeds:
            with pytest.raises(MetricError, match="seen in two frames"):
                F.track_displacement(tracks, visible, seconds, 100.0)
            return
        found = F.track_displacement(tracks, visible, seconds, 100.0)
        assert found == pytest.approx(np.mean(speeds) / 100)

    def test_a_point_that_trembles_gets_nowhere(self) -> None:
        tracks = np.zeros((5, 1, 2))
        tracks[1::2] = 9.0
        assert F.track_displacement(tracks, np.ones((5, 1), bool), np.arange(5.0), 10.0) == 0.0

    @given(st.permutations(range(4)), st.floats(0.1, 10))
    def test_order_of_points_and_place_do_not_matter(self, order: list[int], factor: float) -> None:
        random = np.random.default_rng(1)
        tracks, visible = random.normal(size=(6, 4, 2)), np.ones((6, 4), bool)
        visible[0, 1] = visible[5, 2] = False
        once = F.track_displacement(tracks, visible, np.arange(6.0), 7.0)
        again = F.track_displacement(tracks[:, order] + 3.0, visible[:, order], np.arange(6.0), 7.0)
        scaled = F.track_displacement(tracks * factor, visible, np.arange(6.0), 7.0 * factor)
        assert (again, scaled) == pytest.approx((once, once))


def test_points_that_lived_no_time_have_no_speed() -> None:
    end = np.array([[3.0, 4.0], [6.0, 8.0], [1.0, 0.0]])
    found = F.net_speed(np.zeros((3, 2)), end, np.array([0.5, 2.0, 0.0]))
    assert found.tolist() == [10.0, 5.0]


class TestTrackingStrength:
    def test_by_hand(self) -> None:
        """Two windows of two frames, one apart: the second answer repeats frame 0 and corrects frame 1."""
        first_answer = [[[0.0, 0.0]], [[6.0, 8.0]]]  # 0 and 10 px from the origin
        # frame 1 is 5 away after all, frame 2 is 20 away
        second_answer = [[[3.0, 4.0]], [[0.0, 20.0]]]
        moving = np.array([first_answer, second_answer])
        standing = np.zeros_like(moving)
        tracks = np.concatenate([moving, standing], axis=2)
        # rows of the point that moves: 0, 10; then 0, 5, 20
        found = F.tracking_strength(tracks, np.array([0, 1]), np.array([2, 2]))
        assert found == pytest.approx((0 + 10 + 0 + 5 + 20) / 5 / 2)

    def test_rows_beyond_the_clip_do_not_count(self) -> None:
        tracks = np.array([[[[0.0, 0.0]], [[3.0, 4.0]], [[900.0, 900.0]]]])
        assert F.tracking_strength(tracks, np.array([0]), np.array([2])) == 2.5

    def test_no_window_is_no_number(self) -> None:
        none = np.zeros(0, np.int64)
        with pytest.raises(MetricError, match="no window"):
            F.tracking_strength(np.zeros((0, 8, 4, 2)), none, none)

    @given(st.integers(0, 1000), st.permutations(range(3)))
    def test_the_order_of_points_does_not_matter(self, seed: int, order: list[int]) -> None:
        tracks = np.random.default_rng(seed).normal(size=(2, 4, 3, 2))
        windows = np.array([0, 2]), np.array([4, 3])
        shuffled = F.tracking_strength(tracks[:, :, order], *windows)
        assert shuffled == pytest.approx(F.tracking_strength(tracks, *windows))
        moved = F.tracking_strength(tracks + 5.0, *windows)
        assert moved == pytest.approx(F.tracking_strength(tracks, *windows))
