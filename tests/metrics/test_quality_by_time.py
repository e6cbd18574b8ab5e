"""Scores of frames at fixed times, second by second, and the worst second."""

from __future__ import annotations

import numpy as np
import pytest

from mirabench.features.api import as_table
from mirabench.features.frame_embeddings import AestheticFrames
from mirabench.metrics.api import ClipInputs
from mirabench.suites.api import MetricChoice
from mirabench.video.frames import ArrayVideo

NAMES = ("aesthetic", "clip_iqa")


def clip(seconds: np.ndarray, values: np.ndarray) -> ClipInputs:
    table = as_table(seconds=seconds, rows=values[:, None].astype(np.float32))
    return ClipInputs(ArrayVideo(np.zeros((2, 4, 4, 3), np.uint8)).info, {"frames": table})


@pytest.mark.parametrize("name", NAMES)
def test_one_bad_second_hides_in_the_mean_and_shows_as_the_worst(name: str) -> None:
    seconds = np.arange(40) / 4
    values = np.where(np.floor(seconds) == 6, 0.0, 0.5)
    mean = MetricChoice(f"{name}_timed").build().compute(clip(seconds, values))
    worst = MetricChoice(f"{name}_worst_second").build().compute(clip(seconds, values))
    assert mean.value == pytest.approx(0.45)
    assert worst.value == 0.0
    assert worst.curve is not None
    assert worst.curve.seconds.tolist() == list(range(10))
    assert worst.curve.values.tolist() == [0.5] * 6 + [0.0] + [0.5] * 3


@pytest.mark.parametrize("name", NAMES)
def test_a_second_is_the_mean_of_its_frames(name: str) -> None:
    metric = MetricChoice(f"{name}_worst_second").build()
    found = metric.compute(
        clip(np.array([0.0, 0.25, 0.999999999, 1.5]), np.array([0.1, 0.9, 1.0, 0.6]))
    )
    assert found.value == pytest.approx(0.5)  # a frame a rounding before second 1 belongs to it
    assert found.curve.values.tolist() == pytest.approx([0.5, 0.8])


@pytest.mark.parametrize("fps", [12, 24, 60])
def test_the_same_moments_whatever_the_frame_rate(fps: int) -> None:
    info = ArrayVideo(np.zeros((2 * fps, 4, 4, 3), np.uint8), fps=fps).info
    chosen = AestheticFrames(rate=4.0).select(info)
    assert info.seconds[chosen] == pytest.approx(np.arange(8) / 4, abs=0.5 / fps)
