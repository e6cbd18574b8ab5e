"""Ready-made clips move exactly as they say, and their captions are true."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
import pytest

import mirabench
from mirabench.errors import InputError
from mirabench.testing import clips, films
from mirabench.testing.cameras import rotation_homography
from mirabench.testing.clips import SyntheticClip
from mirabench.testing.places import yard
from mirabench.testing.scenes import exact_flow

SIZE = (128, 72)


def agreement(clip: SyntheticClip, caption: str | None = None) -> float:
    asked = caption or clip.captions["camera"]
    return mirabench.score(clip.frames, "camera_motion_agreement", prompt=asked, cache=False).value


@pytest.mark.parametrize("pixels", [(3.0, 0.0), (-2.0, 1.0), (0.0, -4.0)])
def test_a_pan_moves_every_pixel_by_its_flow(pixels: tuple[float, float]) -> None:
    clip = clips.pan(4, SIZE, pixels=pixels)
    dx, dy = (int(step) for step in clip.facts["flow"])
    assert (dx, dy) == (-pixels[0], -pixels[1])
    for before, after in zip(clip.frames, clip.frames[1:], strict=False):
        moved = np.roll(before, (dy, dx), axis=(0, 1))
        assert np.array_equal(moved[5:-5, 5:-5], after[5:-5, 5:-5])


def test_a_pan_by_half_pixels_is_as_sharp_between_pixels() -> None:
    frames = clips.pan(5, SIZE, pixels=(0.5, 0.0)).frames
    assert np.array_equal(frames[0][:, 1:], frames[2][:, :-1])
    detail = [cv2.Laplacian(f, cv2.CV_64F).var() for f in frames]
    assert np.ptp(detail) < 0.08 * np.mean(detail)  # linear weights lose a seventh


@pytest.mark.parametrize("factor", [1.05, 0.95])
def test_a_zoom_scales_by_its_factor(factor: float) -> None:
    frames = clips.zoom(5, SIZE, factor=factor).frames
    near, far = (frames[-1], frames[0]) if factor > 1 else (frames[0], frames[-1])
    scale, (x, y) = max(factor, 1 / factor) ** 4, ((SIZE[0] - 1) / 2, (SIZE[1] - 1) / 2)
    matrix = np.array([[scale, 0, x - scale * x], [0, scale, y - scale * y]])
    grown = cv2.warpAffine(far, matrix, SIZE, flags=cv2.INTER_LINEAR)
    assert np.abs(grown.astype(float) - near).mean() < (2 if factor > 1 else 3)


def test_a_roll_by_a_quarter_turns_a_square_picture_clockwise() -> None:
    before, after = clips.roll(2, (64, 64), degrees=90.0).frames
    assert np.abs(np.rot90(before, -1).astype(int) - after).max() <= 1


def test_a_turn_is_its_homography_and_a_dolly_is_not() -> None:
    for clip, same in ((clips.turn(6, SIZE), True), (clips.dolly(6, SIZE), False)):
        one, two = clip.facts["cameras"][0], clip.facts["cameras"][-1]
        found = exact_flow(clip.facts["scene"], 0.0, one, 5 / clip.fps, two)
        y, x = np.nonzero(found.visible)
        mapped = np.column_stack([x, y, np.ones(len(x))]) @ rotation_homography(one, two).T
        landed = np.column_stack([x, y]) + found.flow[y, x]
        error = np.abs(mapped[:, :2] / mapped[:, 2:] - landed).max()
        assert (error < 1e-6) == same


def test_only_the_ball_moves_before_a_still_camera() -> None:
    clip = clips.ball(2, SIZE)
    one, two = clip.facts["cameras"]
    found = exact_flow(clip.facts["scene"], 0.0, one, 1 / clip.fps, two)
    moving = np.linalg.norm(np.nan_to_num(found.flow), axis=-1) > 1e-9
    assert 0.005 < moving.mean() < 0.1
    still = ~cv2.dilate(moving.astype(np.uint8), np.ones((9, 9))).astype(bool)
    assert np.array_equal(clip.frames[0][still], clip.frames[1][still])
    # what the ball comes to cover is in the first picture and hidden in the second
    hidden = ~found.visible & ~moving
    assert 0 < hidden.sum() < moving.sum()


TRUE_CAPTIONS: list[Callable[[], SyntheticClip]] = [
    lambda: clips.still(24, SIZE),
    lambda: clips.pan(24, SIZE, pixels=(-1.5, 0.0)),
    lambda: clips.pan(24, SIZE, pixels=(0.0, 2.0)),
    lambda: clips.zoom(24, SIZE, factor=0.99),
    lambda: clips.roll(24, SIZE),
    lambda: clips.turn(30, SIZE, yaw=0.0, pitch=8.0),
    lambda: clips.dolly(30, SIZE, metres_per_second=-0.6),
    lambda: clips.truck(30, SIZE, metres_per_second=0.8),
    lambda: clips.handheld(30, SIZE),
    lambda: clips.ball(30, SIZE),
    lambda: clips.ball(30, SIZE, yaw=9.0),
]


@pytest.mark.parametrize("make", TRUE_CAPTIONS)
def test_the_camera_caption_is_true(make: Callable[[], SyntheticClip]) -> None:
    assert agreement(make()) > 0.8


def test_a_pan_under_a_plain_sky_is_no_roll() -> None:
    path = films.moving(SIZE, (0.0, 0.0, -1.2), yaw=(-14.0, 7.0), lens=films.YARD_LENS)
    pan = SyntheticClip("pan", films.film(yard(), path, 24), {}, {})
    assert agreement(pan, "The camera rolls.") < 0.2


def test_a_clip_is_the_same_each_time_and_another_by_another_seed() -> None:
    for make in (clips.pan, clips.handheld):
        first, again, other = (make(3, SIZE, seed).frames for seed in (1, 1, 2))
        assert np.array_equal(first, again)
        assert not np.array_equal(first, other)


def test_black_and_flat_are_named_so() -> None:
    assert clips.flat(2, SIZE, level=0).name == "black"
    assert clips.flat(2, SIZE).frames.std() == 0


def test_a_zoom_by_nothing_is_refused() -> None:
    with pytest.raises(InputError, match="positive factor"):
        clips.zoom(3, SIZE, factor=0.0)
