"""Likeness over lag: known embeddings have known curves, at any frame rate."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mirabench.errors import InputError, MetricError, NotApplicable
from mirabench.functional.lags import (
    lagged_similarity,
    mean_over_octaves,
    octave_lags,
    similarity_over_lag,
    slope_per_octave,
    strongest_return,
)
from mirabench.shapes import Float64
from mirabench.video.frames import ArrayVideo
from mirabench.video.sampling import at_times

RATE = 8.0
LAGS = octave_lags(16.0)


def moments(fps: float, seconds: float = 16.0) -> Float64[np.ndarray, " T"]:
    """When a film of this rate is looked at, 8 times per second."""
    frames = np.zeros((round(fps * seconds), 2, 2, 3), np.uint8)
    info = ArrayVideo(frames, fps=fps).info
    return np.asarray(info.seconds[at_times(info, RATE)])


def turning(seconds: Float64[np.ndarray, " T"], speed: float) -> Float64[np.ndarray, "T 2"]:
    """An embedding that turns by `speed` rad/s."""
    return np.stack([np.cos(speed * seconds), np.sin(speed * seconds)], axis=1)


class TestOctaves:
    @pytest.mark.parametrize(
        ("duration", "lags"),
        [
            (0.4, []),
            (0.5, [0.25]),
            (2.0, [0.25, 0.5, 1.0]),
            (1.97, [0.25, 0.5, 1.0]),
            (128.0, [0.25, 0.5, 1, 2, 4, 8, 16, 32, 64]),
            (600.0, [0.25, 0.5, 1, 2, 4, 8, 16, 32, 64]),
        ],
    )
    def test_reach_to_half_the_clip(self, duration: float, lags: list[float]) -> None:
        assert octave_lags(duration).tolist() == lags

    @given(st.floats(0, 1), st.floats(-0.1, 0.1))
    def test_a_line_over_octaves_has_its_middle_as_mean_and_its_slope(
        self, start: float, slope: float
    ) -> None:
        values = start + slope * np.arange(len(LAGS))
        assert mean_over_octaves(values, LAGS) == pytest.approx((values[0] + values[-1]) / 2)
        assert slope_per_octave(values, LAGS) == pytest.approx(slope, abs=1e-9)

    def test_octaves_weigh_alike_though_the_last_is_the_longest(self) -> None:
        values = np.zeros(len(LAGS))
        values[0] = 1.0  # half of the first of five octaves
        assert mean_over_octaves(values, LAGS) == pytest.approx(0.5 / (len(LAGS) - 1))

    def test_one_lag_is_its_own_mean_and_has_no_slope(self) -> None:
        assert mean_over_octaves(np.array([0.7]), np.array([0.25])) == 0.7
        with pytest.raises(NotApplicable, match="shorter than a second"):
            slope_per_octave(np.array([0.7]), np.array([0.25]))


class TestSimilarity:
    def test_of_equal_rows_is_one(self) -> None:
        rows = np.tile([3.0, 4.0], (128, 1))
        assert similarity_over_lag(rows, moments(24), LAGS) == pytest.approx(np.ones(len(LAGS)))

    @pytest.mark.parametrize("fps", [8, 12, 16, 24, 48, 60])
    @pytest.mark.parametrize("speed", [0.1, 0.7, 2.0])
    def test_of_a_turning_embedding_is_the_cosine_at_any_rate(
        self, fps: float, speed: float
    ) -> None:
        seconds = moments(fps)
        found = similarity_over_lag(turning(seconds, speed), seconds, LAGS)
        assert found == pytest.approx(np.cos(speed * LAGS), abs=1e-9)

    @given(st.floats(9, 120), st.floats(0, 1))
    @settings(max_examples=40)
    def test_at_rates_that_fit_no_tick_the_cosine_is_missed_by_little(
        self, fps: float, speed: float
    ) -> None:
        seconds = moments(fps)
        found = similarity_over_lag(turning(seconds, speed), seconds, LAGS)
        assert found == pytest.approx(np.cos(speed * LAGS), abs=0.02)

    def test_a_drift_of_a_known_angle_per_second_has_its_slope(self) -> None:
        seconds = moments(24)
        found = similarity_over_lag(turning(seconds, np.radians(3)), seconds, LAGS)
        expected = np.cos(np.radians(3) * LAGS)
        assert slope_per_octave(found, LAGS) == pytest.approx(slope_per_octave(expected, LAGS))
        assert slope_per_octave(found, LAGS) < 0

    @given(st.floats(0.01, 100))
    def test_lengths_of_the_rows_do_not_matter(self, factor: float) -> None:
        seconds = moments(24)
        rows = turning(seconds, 0.5)
        scaled = rows * (1 + factor * np.arange(len(rows)))[:, None]
        assert similarity_over_lag(scaled, seconds, LAGS) == pytest.approx(
            similarity_over_lag(rows, seconds, LAGS)
        )

    @given(st.integers(0, 10**6))
    @settings(max_examples=20)
    def test_is_the_mean_over_pairs_that_a_loop_finds(self, seed: int) -> None:
        random = np.random.default_rng(seed)
        rows, step = random.normal(size=(40, 5)), 0.125
        z = rows / np.linalg.norm(rows, axis=1, keepdims=True)
        found = similarity_over_lag(rows, np.arange(40) * step, np.array([0.25, 1.0]))
        for lag, k in zip(found, (2, 8), strict=True):
            assert lag == pytest.approx(np.mean([z[t] @ z[t + k] for t in range(40 - k)]))

    def test_a_lag_beyond_the_clip_is_not_measured(self) -> None:
        with pytest.raises(NotApplicable, match="4 s apart"):
            similarity_over_lag(np.ones((8, 2)), np.arange(8) / 8, np.array([4.0]))

    def test_times_must_be_as_many_as_rows(self) -> None:
        with pytest.raises(InputError, match="4 embeddings need 4 times"):
            similarity_over_lag(np.ones((4, 2)), np.arange(3.0), np.array([1.0]))

    def test_a_number_that_is_not_finite_is_refused(self) -> None:
        with pytest.raises(MetricError, match="finite"):
            similarity_over_lag(np.full((4, 2), np.nan), np.arange(4.0), np.array([1.0]))


class TestReturns:
    @given(st.integers(0, 10**6), st.sampled_from([3, 70, 130]))
    @settings(max_examples=20)
    def test_every_lag_at_once_is_each_lag_alone(self, seed: int, width: int) -> None:
        rows = np.random.default_rng(seed).normal(size=(30, width))
        lags = np.arange(1, 29) / 8
        alone = similarity_over_lag(rows, np.arange(30) / 8, lags)
        assert lagged_similarity(rows)[1:29] == pytest.approx(alone, abs=1e-9)

    @pytest.mark.parametrize("period", [1.0, 1.5, 4.0])
    def test_a_loop_is_found_with_its_period(self, period: float) -> None:
        rows = turning(np.arange(0, 16, 1 / RATE), 2 * np.pi / period)
        found = strongest_return(lagged_similarity(rows)[:65], 1 / RATE)
        assert found == (pytest.approx(period), pytest.approx(1.0))

    def test_what_swings_faster_than_once_per_second_is_motion(self) -> None:
        rows = turning(np.arange(0, 16, 1 / RATE), 2 * np.pi / 0.5)
        assert strongest_return(lagged_similarity(rows)[:8], 1 / RATE) == (0.0, 0.0)

    def test_a_clip_shown_twice_returns_wholly(self) -> None:
        rows = np.cumsum(np.random.default_rng(0).normal(size=(40, 16)), axis=0)
        twice = lagged_similarity(np.tile(rows, (2, 1)))[:41]
        assert strongest_return(twice, 1 / RATE) == (5.0, pytest.approx(1.0))

    @pytest.mark.parametrize("share", [0.25, 0.5, 0.75])
    def test_what_comes_back_in_part_has_that_height(self, share: float) -> None:
        lags = np.arange(64) / RATE
        similarity = np.where(lags < 4, 1 - 0.2 * lags, 0.2 + 0.8 * share)
        assert strongest_return(similarity, 1 / RATE).height == pytest.approx(share, abs=0.04)

    @pytest.mark.parametrize("speed", [0.0, 0.02, 0.1])
    def test_a_drift_returns_nothing(self, speed: float) -> None:
        rows = turning(np.arange(0, 16, 1 / RATE), speed)
        assert strongest_return(lagged_similarity(rows)[:65], 1 / RATE).height < 1e-6

    def test_a_random_walk_returns_little(self) -> None:
        heights = []
        for seed in range(20):
            rows = np.cumsum(np.random.default_rng(seed).normal(size=(80, 32)), axis=0) + 10
            heights.append(strongest_return(lagged_similarity(rows)[:41], 1 / RATE).height)
        assert np.mean(heights) < 0.1
        assert max(heights) < 0.5

    def test_a_camera_that_goes_and_comes_back_once_is_no_loop(self) -> None:
        there = np.linspace(0, 2, 64)
        rows = turning(np.concatenate([there, there[::-1]]), 1.0)
        assert strongest_return(lagged_similarity(rows)[:65], 1 / RATE).height < 0.3
