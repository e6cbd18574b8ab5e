"""Windows of 16 frames at 8 a second: which frames, how many windows, in bounded memory."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from mirabench.errors import NotApplicable
from mirabench.features.clip_windows import FRAMES, I3dPool, WindowSession, tick_frames
from mirabench.features.stream import extract
from mirabench.video.frames import ArrayVideo
from mirabench.video.sampling import at_times


def film(frames: int, fps: float) -> ArrayVideo:
    """Frame i is of level i."""
    data = (
        np.zeros((frames, 4, 4, 3), np.uint8)
        + np.arange(frames, dtype=np.uint8)[:, None, None, None]
    )
    return ArrayVideo(data, fps=fps)


@settings(max_examples=60, deadline=None)
@given(
    st.integers(1, 200),
    st.sampled_from([5, 6, 12, 24, 25, 29.97, 30, 60]),
    st.sampled_from([2.0, 8.0]),
)
def test_ticks_have_the_frames_of_at_times_each_nearest(
    frames: int, fps: float, rate: float
) -> None:
    info = film(min(frames, 200), fps).info
    order = tick_frames(info, rate)
    assert np.unique(order).tolist() == at_times(info, rate).tolist()
    seconds = info.seconds
    for tick, frame in zip(np.arange(len(order)) / rate, order.tolist(), strict=True):
        assert abs(seconds[frame] - tick) <= np.abs(seconds - tick).min() + 1e-6


def test_a_slow_film_repeats_frames_so_that_two_seconds_stay_two_seconds() -> None:
    order = tick_frames(film(12, 4).info, 8.0)
    assert order[:6].tolist() == [0, 0, 1, 1, 2, 2]


class Recorder:
    """Stands for a network: gives the level of each frame of a window."""

    def __init__(self) -> None:
        self.windows: list[list[int]] = []

    def __call__(self, video: Tensor) -> Tensor:
        assert video.shape[:3] == (1, 3, FRAMES)
        self.windows.append(video[0, 0, :, 0, 0].round().int().tolist())
        return video[:, :, :, 0, 0].flatten(1)


@pytest.mark.parametrize("chunk", [1, 7, 1000])
def test_each_window_is_two_seconds_whatever_the_batches(chunk: int) -> None:
    video = film(120, 24)
    net = Recorder()
    order = tick_frames(video.info, 8.0)[:32]
    session = WindowSession(
        order, 8.0, net, lambda f: torch.from_numpy(f).permute(0, 3, 1, 2).float(), "fp32"
    )
    for batch in video.frames(chunk_bytes=48 * chunk):
        session.push(batch)
    table = session.finish()
    assert net.windows == [list(range(0, 48, 3)), list(range(48, 96, 3))]
    assert table["seconds"].tolist() == [0.0, 2.0]
    assert table["rows"].shape == (2, 48)


def test_what_is_shorter_than_a_window_is_not_applicable() -> None:
    found = extract(film(40, 24), [I3dPool()])
    (reason,) = found.not_applicable.values()
    assert "too short: 1.67 s" in reason
    with pytest.raises(NotApplicable):
        I3dPool().open(film(40, 24).info)
    assert Fraction(len(tick_frames(film(48, 24).info, 8.0))) == FRAMES
