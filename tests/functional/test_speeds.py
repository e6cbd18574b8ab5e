"""Speeds between two pictures: known shifts, and damage that leaves the motion as it is."""

from __future__ import annotations

from itertools import pairwise

import clipkit
import cv2
import numpy as np
import pytest

import mirabench
from mirabench import functional as F
from mirabench.features.speeds import (
    FINEST_SCALE,
    ITERATIONS,
    PATCH_STRIDE,
    SpeedsOfMotion,
)
from mirabench.features.stream import extract
from mirabench.functional.flow import dis_flow, fastest
from mirabench.functional.speeds import (
    _believed,
    by_cells,
    cell_centres,
    cell_motion,
    speeds,
    speeds_of,
    steadied,
    structured,
)
from mirabench.testing import clips, degrade, films
from mirabench.testing.places import room
from mirabench.video.frames import ArrayVideo

FLOW = dis_flow(FINEST_SCALE, PATCH_STRIDE, ITERATIONS)
THREE = ("flow_magnitude", "camera_motion", "object_motion")


def lumas(clip: np.ndarray) -> list[np.ndarray]:
    return [cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY) for frame in clip]


def test_a_shift_is_the_cameras() -> None:
    found = speeds(*lumas(clipkit.panning(2, dx=6.0, dy=2.5)), FLOW)
    assert found.camera == pytest.approx(6.5, rel=0.02)
    assert found.fastest == pytest.approx(6.5, rel=0.05)
    assert found.object < 0.3


def test_two_equal_pictures_stand_still() -> None:
    found = speeds(*lumas(clipkit.still(2)), FLOW)
    assert found == (0.0, 0.0, 0.0, 0.0, 1.0)


def test_structure_is_measured_against_the_pictures_own_contrast() -> None:
    picture = lumas(clips.ball(1, (160, 96)).frames)[0]
    washed = np.round(picture * 0.35 + 80).astype(np.uint8)
    grainy = lumas(degrade.noise(np.stack([np.stack([picture] * 3, axis=-1)]), sigma=12.0))[0]
    clean = structured(picture, 8)
    assert 0.1 < clean.mean() < 0.9
    assert (clean != structured(washed, 8)).mean() < 0.03
    assert (structured(cv2.GaussianBlur(grainy, (0, 0), 1.5), 8) & ~clean).mean() < 0.1


def test_cells_are_means_around_their_middles() -> None:
    columns = np.tile(np.arange(32, dtype=np.float32), (16, 1))
    centres = cell_centres((16, 32), 8)
    assert centres.tolist()[:2] == [[3.5, 3.5], [11.5, 3.5]]
    assert by_cells(columns, 8).ravel().tolist() == centres[:, 0].tolist()


@pytest.mark.parametrize("seed", [0, 7])
def test_half_the_size_moves_half_as_many_pixels(seed: int) -> None:
    one, two = lumas(clipkit.panning(2, dx=7.0, dy=3.0, size=(320, 180), seed=seed))
    small = [cv2.resize(x, (160, 90), interpolation=cv2.INTER_AREA) for x in (one, two)]
    whole, half = speeds(one, two, FLOW), speeds(*small, FLOW)
    assert half.camera == pytest.approx(whole.camera / 2, rel=0.02)
    assert half.fastest == pytest.approx(whole.fastest / 2, rel=0.06)


def test_the_metrics_are_the_speeds_at_twelve_moments_a_second() -> None:
    clip = clipkit.panning(13, dx=2.0)
    cells = [cell_motion(a, b, FLOW) for a, b in pairwise(lumas(clip)[::2])]
    near = [
        min(max(i - 1, 0), len(cells) - 3) for i in range(len(cells))
    ]  # three pairs around each
    found = [
        speeds_of(steadied(cells[at : at + 3], [1 / 12] * 3, i - at)) for i, at in enumerate(near)
    ]
    per_second = 12 / np.hypot(160, 96)
    for name, column in zip(THREE, ("fastest", "camera", "object"), strict=True):
        mean = np.mean([getattr(f, column) for f in found]) * per_second
        assert mirabench.score(clip, name, fps=24, cache=False).value == pytest.approx(mean)


def test_what_trembles_goes_nowhere_and_what_moves_goes_on() -> None:
    there, back = (cell_motion(*lumas(clipkit.panning(2, dx=dx)), FLOW) for dx in (6.0, -6.0))
    assert speeds_of(steadied([there, there, there], [1 / 12] * 3, 1)).fastest == pytest.approx(
        speeds_of(there).fastest
    )
    assert speeds_of(steadied([there, back], [1 / 12] * 2, 0)).fastest < 1.0
    slower = speeds_of(steadied([there, there], [1.0, 3.0], 0))  # as far in thrice the time
    assert slower.fastest == pytest.approx(speeds_of(there).fastest / 2)


@pytest.mark.parametrize("frames", [1, 2, 3, 4, 7])
def test_each_pair_gives_one_row_in_order_however_few_there_are(frames: int) -> None:
    clip = ArrayVideo(clipkit.panning(frames, dx=3.0), fps=12)
    (table,) = extract(clip, [SpeedsOfMotion()]).tables.values()
    assert table["seconds"] == pytest.approx(np.arange(1, frames) / 12)
    assert table["camera"] == pytest.approx(36 / np.hypot(160, 96), rel=0.05)


@pytest.fixture(scope="module")
def at_rates() -> dict[int, np.ndarray]:
    """One second of one camera move, filmed at three rates."""
    path = films.pan_path((160, 90), 14.0)
    return {fps: films.film(room(2), path, fps + 1, fps) for fps in (12, 24, 60)}


def test_a_film_at_12_24_and_60_frames_a_second_moves_alike(
    at_rates: dict[int, np.ndarray],
) -> None:
    """In px from frame to frame, the official way, it moves several times as far at 12 as at 60."""
    per_frame = {fps: _official(clip) for fps, clip in at_rates.items()}
    assert per_frame[12] > 3 * per_frame[60]
    for name in THREE:
        found = [
            mirabench.score(at_rates[fps], name, fps=fps, cache=False).value for fps in at_rates
        ]
        assert found == pytest.approx([found[0]] * 3, rel=0.01), name


def _official(clip: np.ndarray) -> float:
    return float(np.mean([fastest(flow) for flow in F.optical_flow(clip)]))


def test_grain_moves_the_official_way_and_not_this_one(ball: np.ndarray) -> None:
    grainy = degrade.noise(ball, sigma=12.0)
    assert _official(grainy) > 1.25 * _official(ball)
    clean, noisy = (
        mirabench.score(c, "flow_magnitude", fps=8, cache=False).value for c in (ball, grainy)
    )
    assert noisy == pytest.approx(clean, rel=0.08)


@pytest.fixture(scope="module")
def ball() -> np.ndarray:
    return clips.ball(36, (320, 180), yaw=7.0).frames[::3]


DAMAGE = {
    "noise": lambda clip: degrade.noise(clip, sigma=12.0),
    "wash-out": lambda clip: degrade.contrast(clip, share=0.35),
    "sharpen": degrade.sharpened,
    "rescale": degrade.rescaled,
    "grey": lambda clip: degrade.saturation(clip, share=0.0),
}


@pytest.mark.parametrize("kind", DAMAGE)
def test_damage_to_the_picture_leaves_the_motion(kind: str, ball: np.ndarray) -> None:
    for name in ("flow_magnitude", "camera_motion"):
        clean = mirabench.score(ball, name, fps=8, cache=False).value
        damaged = mirabench.score(DAMAGE[kind](ball), name, fps=8, cache=False).value
        assert damaged == pytest.approx(clean, rel=0.08), name


def test_black_bars_leave_the_speed_of_the_picture() -> None:
    clip = clipkit.panning(4, dx=6.0, size=(192, 128))
    barred = degrade.letterboxed(clip)
    clean = mirabench.score(clip, "flow_magnitude", fps=8, cache=False).value
    assert mirabench.score(barred, "flow_magnitude", fps=8, cache=False).value == pytest.approx(
        clean, rel=0.05
    )


@pytest.mark.parametrize(("found", "counted"), [(10, 10), (6, 6), (5, 10), (0, 10)])
def test_a_picture_too_fast_to_be_found_again_counts_whole(found: int, counted: int) -> None:
    seen = np.zeros((2, 8), np.float32)
    seen.flat[:found] = 1.0
    texture = np.arange(16).reshape(2, 8) < 10
    assert _believed(seen, texture).sum() == counted
