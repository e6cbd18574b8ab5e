"""Known answers, and the conformance kit."""

import numpy as np
from mirabench_letterbox import LetterboxShare

import mirabench
from mirabench.testing import assert_conforms, clips


def share(frames: np.ndarray) -> float:
    """The metric's value for frames; the package must be installed."""
    return mirabench.score(frames, "letterbox_share", cache=False).value


def test_bars_of_a_quarter() -> None:
    frames = np.full((8, 80, 120, 3), 200, np.uint8)
    assert share(frames) == 0.0
    frames[:, :10] = frames[:, -10:] = 0
    assert share(frames) == 0.25


def test_bars_on_all_sides() -> None:
    frames = np.full((8, 80, 120, 3), 200, np.uint8)
    frames[:, :20] = frames[:, -20:] = 0
    frames[:, :, :30] = frames[:, :, -30:] = 0
    assert share(frames) == 0.75


def test_a_picture_without_bars() -> None:
    assert share(clips.pan(8, (160, 96)).frames) == 0.0


def test_it_conforms() -> None:
    assert_conforms(LetterboxShare())
