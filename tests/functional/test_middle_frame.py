"""The frame between two others: known motion, a known occluder, uneven times."""

from __future__ import annotations

import clipkit
import numpy as np
import pytest

from mirabench.functional.arrays import luma
from mirabench.functional.flow import warp
from mirabench.functional.middle_frame import interpolation_residual, middle_frame


def moves(dx: float, size: tuple[int, int] = (96, 160)) -> np.ndarray:
    return np.broadcast_to(np.float32([dx, 0]), (*size, 2)).copy()


@pytest.mark.parametrize("share", [0.25, 0.5, 0.75])
def test_even_motion_is_met_at_any_share_of_the_time(share: float) -> None:
    frames = luma(clipkit.panning(5, dx=2.0))
    middle = round(4 * share)
    made = middle_frame(frames[0], frames[4], moves(-8), moves(8), share)
    inner = (slice(4, -4), slice(12, -12))
    difference = made.picture.astype(int)[inner] - frames[middle].astype(int)[inner]
    assert np.abs(difference).mean() < 1.0
    assert made.shown[inner].all()
    found = interpolation_residual(
        (frames[0], frames[middle], frames[4]), moves(-8), moves(8), share
    )
    assert found.share < 0.01
    late = interpolation_residual((frames[0], frames[1], frames[4]), moves(-8), moves(8), 0.75)
    assert late.share > 0.5  # the time, and not the order, says where things are


def occluder() -> tuple[list[np.ndarray], np.ndarray, np.ndarray]:
    """A square of 32 px that moves 16 px to the right over a still ground in three frames; exact flows."""
    ground, body = luma(clipkit.still(1, seed=1))[0], luma(clipkit.still(1, seed=2))[0]
    frames, masks = [], []
    for left in (40, 48, 56):
        frame = ground.copy()
        frame[32:64, left : left + 32] = body[32:64, 40:72]
        frames.append(frame)
        mask = np.zeros(ground.shape, bool)
        mask[32:64, left : left + 32] = True
        masks.append(mask)
    forward, backward = (np.zeros((*ground.shape, 2), np.float32) for _ in range(2))
    forward[masks[0], 0], backward[masks[2], 0] = 16, -16
    return frames, forward, backward


def test_what_is_covered_in_one_frame_is_not_shown() -> None:
    frames, forward, backward = occluder()
    made = middle_frame(frames[0], frames[2], forward, backward)
    assert not made.shown[40:56, 42:46].any()  # behind the square in the first frame
    assert not made.shown[40:56, 82:86].any()  # behind it in the last
    assert made.shown[:28].all()
    assert made.shown[68:].all()


def test_occlusion_is_no_error_and_the_unmasked_difference_is() -> None:
    """The official smoothness counts every pixel; the same picture without the mask is largely wrong there."""
    frames, forward, backward = occluder()
    made = middle_frame(frames[0], frames[2], forward, backward)
    difference = np.abs(made.picture.astype(float) - frames[1])
    assert difference.mean() > 1.0
    assert difference[made.shown].mean() < 0.2 * difference.mean()
    assert interpolation_residual(tuple(frames), forward, backward).share < 0.01  # type: ignore[arg-type]


def test_a_body_that_is_there_only_in_the_middle_counts_wholly() -> None:
    frames = luma(clipkit.still(3))
    frames[1, 24:72, 40:100] = 255 - frames[1, 24:72, 40:100]
    share = 48 * 60 / frames[0].size
    found = interpolation_residual(tuple(frames), moves(0), moves(0))  # type: ignore[arg-type]
    assert found.share == pytest.approx(share, rel=0.5)
    assert found.share > 0.8 * share


def test_beyond_the_border_nothing_is_shown() -> None:
    frames = luma(clipkit.panning(3, dx=8.0))
    made = middle_frame(frames[0], frames[2], moves(-16), moves(16))
    assert not made.shown[:, :6].any()
    assert not made.shown[:, -6:].any()
    assert made.shown[:, 20:-20].all()
    assert warp(frames[0], moves(0)).tolist() == frames[0].tolist()
