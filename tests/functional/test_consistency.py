"""What changes besides motion: by hand, by plain loops, and against the metrics on whole clips."""

from __future__ import annotations

from itertools import pairwise

import clipkit
import numpy as np
import pytest

import mirabench
from mirabench import functional as F
from mirabench.functional.consistency import block_mean, mean_absolute, residual

MEASURES = (F.warping_error, F.temporal_flicker)


def nothing_moves(frames: np.ndarray) -> np.ndarray:
    return np.zeros((len(frames) - 1, *frames.shape[1:3], 2), np.float32)


def ways(clip: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return F.optical_flow(clip), F.optical_flow(clip[::-1])[::-1]


class TestWarpingError:
    def test_of_a_still_camera_is_the_mean_absolute_difference(self) -> None:
        clip = np.random.default_rng(0).integers(0, 256, (3, 20, 30, 3), dtype=np.uint8)
        none = nothing_moves(clip)
        grey = F.luma(clip).astype(float)
        plain = [100 * np.abs(b - a).mean() / 255 for a, b in pairwise(grey)]
        assert F.warping_error(clip, none, none) == pytest.approx(np.array(plain))

    def test_only_pixels_that_both_frames_show_count(self) -> None:
        frames = np.full((2, 4, 6), 100, np.uint8)
        frames[1, :, :3] = 151  # differs on the left
        there, back = nothing_moves(frames), nothing_moves(frames)
        assert F.warping_error(frames, there, back).tolist() == [10.0]
        back[0, :, :3] = 5.0  # the left half does not come back: it was covered
        assert F.warping_error(frames, there, back).tolist() == [0.0]
        back[:], there[0, :, 3:] = 0.0, (9.0, 0.0)  # the right half leaves the picture
        assert F.warping_error(frames, there, back).tolist() == [20.0]

    def test_the_later_frame_is_moved_back_along_the_flow(self) -> None:
        clip = clipkit.panning(2, dx=4.0, dy=1.0)
        right = np.broadcast_to(np.float32([-4, -1]), (1, 96, 160, 2)).copy()
        assert F.warping_error(clip, right, -right)[0] == 0.0
        assert F.warping_error(clip, -right, right)[0] > 5.0

    def test_nothing_visible_is_no_error(self) -> None:
        frames = np.stack([np.zeros((4, 4), np.uint8), np.full((4, 4), 255, np.uint8)])
        gone = nothing_moves(frames) + np.float32(100)
        for measure in MEASURES:
            assert measure(frames, gone, -gone).tolist() == [0.0]


class TestTemporalFlicker:
    def test_equals_the_definition_written_plainly(self) -> None:
        random = np.random.default_rng(1)
        difference = random.normal(2, 20, (18, 32)).astype(np.float32)  # blocks of 2 x 2
        visible = random.random((18, 32)) < 0.4
        found = []
        for top in range(0, 18, 2):
            for left in range(0, 32, 2):
                cut = (slice(top, top + 2), slice(left, left + 2))
                if visible[cut].mean() >= 0.25:
                    found.append(abs(difference[cut][visible[cut]].mean()))
        assert block_mean(difference, visible) == pytest.approx(np.mean(found), rel=1e-5)

    def test_light_that_changes_counts_and_grain_hardly(self) -> None:
        clip = clipkit.still(2) // 2
        lit = np.stack([clip[0], clip[1] + 20])
        grain = clipkit.noise(clip, 20.0)
        none = nothing_moves(clip)
        assert F.temporal_flicker(lit, none, none)[0] == pytest.approx(100 * 20 / 255, rel=1e-3)
        assert (
            F.temporal_flicker(grain, none, none)[0] < 0.3 * F.warping_error(grain, none, none)[0]
        )

    def test_brighter_in_one_place_and_darker_in_another_do_not_cancel(self) -> None:
        frames = np.full((2, 9, 16), 100, np.uint8)
        frames[1, :, :8], frames[1, :, 8:] = 110, 90
        none = nothing_moves(frames)
        assert F.temporal_flicker(frames, none, none) == pytest.approx(np.array([100 * 10 / 255]))

    @pytest.mark.parametrize(("seen", "counts"), [(1, True), (0, False)])
    def test_a_block_counts_from_a_quarter_on(self, seen: int, counts: bool) -> None:
        visible = np.ones((18, 32), bool)
        visible[:2, :2] = False
        visible[:seen, :1] = True  # of four pixels
        difference = np.zeros((18, 32), np.float32)
        difference[0, 0] = 144.0
        assert block_mean(difference, visible) == pytest.approx(1.0 if counts else 0.0)


def test_a_mean_over_nothing_is_zero() -> None:
    assert mean_absolute(np.ones((3, 3), np.float32), np.zeros((3, 3), bool)) == 0.0


def test_the_residual_is_later_minus_earlier() -> None:
    one, two = np.full((2, 3, 3), [[[10]], [[250]]], np.uint8)
    assert residual(one, two, np.zeros((3, 3, 2), np.float32)).tolist() == [[240.0] * 3] * 3
    assert residual(two, one, np.zeros((3, 3, 2), np.float32)).tolist() == [[-240.0] * 3] * 3


@pytest.mark.parametrize("measure", MEASURES, ids=lambda f: f.__name__)
def test_the_metric_of_a_clip_is_the_mean_of_the_function(measure: object) -> None:
    """No cut and no repeated frame, and small enough not to be shrunk: nothing is left out or prepared."""
    clip = clipkit.flicker(clipkit.panning(12, dx=1.5, dy=0.5), 0.02)
    assert callable(measure)
    metric = mirabench.score(clip, measure.__name__, cache=False).value
    assert measure(clip, *ways(clip)).mean() == metric


@pytest.mark.parametrize("measure", MEASURES, ids=lambda f: f.__name__)
def test_pairs_are_measured_one_by_one(measure: object) -> None:
    clip = clipkit.noise(clipkit.panning(4), 8.0)
    forward, backward = ways(clip)
    assert callable(measure)
    whole = measure(clip, forward, backward)
    alone = [measure(clip[i : i + 2], forward[i : i + 1], backward[i : i + 1])[0] for i in range(3)]
    assert whole.tolist() == alone
    assert measure(clip[:1], forward[:0], backward[:0]).shape == (0,)
