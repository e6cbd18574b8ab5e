"""Frames by time: the nearest to each tick, whatever the frame rate."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mirabench.errors import InputError
from mirabench.video.frames import IntArray, VideoInfo
from mirabench.video.sampling import at_times, every_frame

MILLISECOND = Fraction(1, 1000)
FPS = st.sampled_from(
    [Fraction(12), Fraction(24000, 1001), Fraction(24), Fraction(30), Fraction(60)]
)
RATES = st.sampled_from([1.0, 2.0, 7.3, 8.0, 10.0])
GAPS = st.lists(st.integers(1, 400), min_size=1, max_size=120)


def film(ticks: list[int] | IntArray, time_base: Fraction) -> VideoInfo:
    times = np.asarray(ticks, np.int64)
    average = Fraction(len(times)) / (int(times[-1] + 1) * time_base)
    return VideoInfo("film", "", 4, 4, average, time_base, times, "array")


def regular(seconds: float, fps: Fraction) -> VideoInfo:
    return film(np.arange(max(1, round(seconds * fps))), 1 / fps)


@given(st.floats(0.2, 30), FPS, RATES)
def test_each_tick_is_met_within_half_a_frame(seconds: float, fps: Fraction, rate: float) -> None:
    video = regular(seconds, fps)
    looked_at = video.seconds[at_times(video, rate)]
    ticks = np.arange(0, video.seconds[-1], 1 / rate)
    missed = np.abs(looked_at[None, :] - ticks[:, None]).min(axis=1)
    assert missed.max() <= 0.5 / fps + 1e-6


@given(st.floats(1, 30), FPS, FPS, RATES)
def test_two_rates_of_one_film_are_looked_at_at_the_same_moments(
    seconds: float, one: Fraction, other: Fraction, rate: float
) -> None:
    slower = min(one, other)
    rate = min(rate, float(slower))
    ticks = np.arange(0, seconds - 1 / slower, 1 / rate)
    films = [regular(seconds, fps) for fps in (one, other)]
    first, second = (video.seconds[at_times(video, rate)][: len(ticks)] for video in films)
    assert np.abs(first - second).max() <= 0.5 / one + 0.5 / other + 1e-6


@given(GAPS, RATES)
def test_at_a_varying_rate_the_frames_are_those_nearest_to_the_ticks(
    gaps: list[int], rate: float
) -> None:
    video = film(np.cumsum([0, *gaps]), MILLISECOND)
    seconds = video.seconds
    ends = seconds[-1] + (seconds[-1] - seconds[-2]) / 2
    ticks = np.arange(0, ends + 1e-6, 1 / rate)
    distance = np.abs(seconds[None, :] - ticks[:, None])
    nearest = (distance <= distance.min(axis=1, keepdims=True) + 2e-6).argmax(axis=1)
    assert at_times(video, rate).tolist() == np.unique(nearest).tolist()


@given(GAPS)
def test_a_film_slower_than_the_clock_gives_all_its_frames(gaps: list[int]) -> None:
    video = film(np.cumsum([0, *(gap + 125 for gap in gaps)]), MILLISECOND)
    assert at_times(video, 8).tolist() == every_frame(video).tolist()


@given(GAPS, RATES)
def test_the_choice_depends_on_time_alone(gaps: list[int], rate: float) -> None:
    ticks = np.cumsum([0, *gaps])
    assert np.array_equal(
        at_times(film(ticks, MILLISECOND), rate), at_times(film(ticks * 90, MILLISECOND / 90), rate)
    )


def test_of_two_frames_equally_near_the_earlier_is_taken() -> None:
    assert at_times(regular(1.0, Fraction(12)), 8).tolist() == [0, 1, 3, 4, 6, 7, 9, 10]


def test_a_single_frame_is_looked_at() -> None:
    assert at_times(film([0], MILLISECOND), 8).tolist() == [0]


@pytest.mark.parametrize("rate", [0.0, -8.0, float("inf"), float("nan")])
def test_a_rate_that_looks_at_nothing_is_refused(rate: float) -> None:
    with pytest.raises(InputError, match="positive"):
        at_times(regular(1.0, Fraction(24)), rate)
