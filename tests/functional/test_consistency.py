"""What changes besides motion: known answers, and what must not improve it."""

from __future__ import annotations

from collections.abc import Callable

import clipkit
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mirabench import functional as F
from mirabench.functional.consistency import block_mean, mean_absolute, residual
from mirabench.functional.steadiness import (
    loop_period,
    repeated_frames,
    undone_share,
    unsteady_share,
)
from mirabench.functional.unexplained import (
    mean_unexplained,
    unexplained_change,
    unexplained_light,
)
from mirabench.testing import degrade

MEASURES = (F.warping_error, F.temporal_flicker)


def nothing_moves(frames: np.ndarray) -> np.ndarray:
    return np.zeros((len(frames) - 1, *frames.shape[1:3], 2), np.float32)


def ways(clip: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return F.optical_flow(clip), F.optical_flow(clip[::-1])[::-1]


def measured(measure: Callable[..., np.ndarray], clip: np.ndarray) -> float:
    return float(measure(clip, *ways(clip)).mean())


def ramp(slope: float, height: int = 90, width: int = 160) -> np.ndarray:
    """Luma that rises to the right by `slope` levels per px, back and forth: a slope everywhere."""
    x = np.abs((np.arange(width) * slope + 60) % 240 - 120) + 60
    return np.tile(x.round().astype(np.uint8), (height, 1))


class TestWarpingError:
    def test_of_a_known_displacement_against_a_known_slope(self) -> None:
        one = np.tile((np.arange(160) + 40).astype(np.uint8), (90, 1))  # 1 level per px
        percent = np.hypot(90, 160) / 100
        for px in (1, 2, 5):
            frames = np.stack([one, one + np.uint8(px)])  # light that looks like px of motion
            displaced = px / (percent + 0.6)
            beyond = (max(0.0, displaced - 0.15) + min(displaced, 0.15) / 20) ** 2
            none = nothing_moves(frames)
            found = F.warping_error(frames, none, none)[0]
            assert found == pytest.approx(
                100 * beyond / (beyond + 0.25), rel=0.08
            )  # less slope at the ends

    def test_the_later_frame_is_moved_back_along_the_flow(self) -> None:
        clip = clipkit.panning(2, dx=4.0, dy=1.0)
        right = np.broadcast_to(np.float32([-4, -1]), (1, 96, 160, 2)).copy()
        assert F.warping_error(clip, right, -right)[0] == 0.0
        assert F.warping_error(clip, -right, right)[0] > 50.0

    def test_only_pixels_that_both_frames_show_count(self) -> None:
        frames = clipkit.still(2)
        frames[1, :, :80] = 255 - frames[1, :, :80]  # differs on the left
        there, back = nothing_moves(frames), nothing_moves(frames)
        assert F.warping_error(frames, there, back)[0] > 40.0
        back[0, :, :88] = 5.0  # the left half does not come back: it was covered
        assert F.warping_error(frames, there, back)[0] < 1.0

    @pytest.mark.parametrize("measure", MEASURES, ids=lambda f: f.__name__)
    def test_nothing_to_judge_by_is_the_worst_value(
        self, measure: Callable[..., np.ndarray]
    ) -> None:
        black = np.zeros((2, 36, 64), np.uint8)
        none = nothing_moves(black)
        assert measure(black, none, none).tolist() == [100.0]
        clip = clipkit.still(2)
        assert measure(clip, nothing_moves(clip) + 500, nothing_moves(clip)).tolist() == [100.0]

    def test_black_bars_do_not_count(self) -> None:
        clip = clipkit.noise(clipkit.panning(2, dx=2.0), 10.0)
        barred = degrade.letterboxed(clip, 0.25)
        assert measured(F.warping_error, barred) > 0.8 * measured(F.warping_error, clip)

    @pytest.mark.parametrize("seed", [0, 1])
    @pytest.mark.parametrize(
        "hide",
        [
            lambda c: degrade.contrast(c, 0.35),
            lambda c: degrade.blur(c, 1.5),
            lambda c: degrade.rescaled(c, 0.5),
            degrade.letterboxed,
        ],
        ids=["wash-out", "blur", "rescale", "letterbox"],
    )
    def test_what_hides_an_error_hardly_improves_it(
        self, hide: Callable[[np.ndarray], np.ndarray], seed: int
    ) -> None:
        bent = degrade.wobble(clipkit.panning(16, dx=2.0, seed=seed), 9.0)[::3]
        assert measured(F.warping_error, hide(bent)) > 0.6 * measured(F.warping_error, bent)

    def test_more_of_each_damage_is_more_error(self) -> None:
        clip = clipkit.panning(3, dx=2.0)
        for damage, strengths in ((clipkit.noise, (0, 12, 30)), (clipkit.flicker, (0, 0.05, 0.15))):
            found = [measured(F.warping_error, damage(clip, s)) for s in strengths]
            assert found == sorted(found)
            assert found[0] < 1.0 < found[-1]


class TestTemporalFlicker:
    def test_of_known_light_against_the_contrast(self) -> None:
        one = ramp(3.0)
        for levels in (1, 8, 20):
            frames = np.stack([one, one + np.uint8(levels)])
            light = levels / (one.std() + 2)
            share = (max(0.0, light - 0.04) + min(light, 0.04) / 20) ** 2
            none = nothing_moves(frames)
            found = F.temporal_flicker(frames, none, none)[0]
            assert found == pytest.approx(100 * share / (share + 0.04), rel=1e-3)

    @given(st.floats(0.3, 1.0))
    @settings(max_examples=10, deadline=None)
    def test_less_contrast_changes_it_little(self, share: float) -> None:
        clip = clipkit.flicker(clipkit.still(2), 0.06)
        none = nothing_moves(clip)
        whole = F.temporal_flicker(clip, none, none)[0]
        assert F.temporal_flicker(degrade.contrast(clip, share), none, none)[0] == pytest.approx(
            whole, rel=0.25
        )

    def test_grain_is_hardly_flicker(self) -> None:
        grain = clipkit.noise(clipkit.panning(2, dx=2.0), 12.0)
        assert measured(F.temporal_flicker, grain) < 0.3 * measured(F.warping_error, grain)

    def test_brighter_in_one_place_and_darker_in_another_do_not_cancel(self) -> None:
        frames = np.stack([ramp(3.0)] * 2)
        frames[1, :, :80] += 15
        frames[1, :, 80:] -= 15
        none = nothing_moves(frames)
        assert F.temporal_flicker(frames, none, none)[0] > 30.0

    def test_black_bars_do_not_raise_the_contrast(self) -> None:
        clip = clipkit.flicker(clipkit.still(2) // 2 + 100, 0.05)
        barred = degrade.letterboxed(clip, 0.2)
        none = nothing_moves(clip)
        assert F.temporal_flicker(barred, none, none)[0] == pytest.approx(
            F.temporal_flicker(clip, none, none)[0], rel=0.15
        )


class TestOverTheClip:
    def test_of_one_per_cent_a_twentieth_counts(self) -> None:
        at_most = mean_unexplained(np.array([0.01, 0.01]), np.ones(2))
        assert at_most == pytest.approx(0.01 / 20 / (0.99 + 0.01 / 20))
        assert mean_unexplained(np.ones(2), np.ones(2)) == pytest.approx(1.0)
        assert mean_unexplained(np.zeros(2), np.zeros(2)) == 1.0

    @given(st.floats(0, 1), st.floats(0, 1))
    def test_of_two_clips_the_one_with_more_is_never_the_better_one(
        self, a: float, b: float
    ) -> None:
        one, two = (mean_unexplained(np.array([x]), np.ones(1)) for x in sorted((a, b)))
        assert one <= two
        assert one < two or abs(a - b) < 1e-12

    @given(st.floats(0, 1), st.floats(0, 1), st.floats(0, 1))
    def test_each_part_only_makes_it_worse(self, a: float, b: float, c: float) -> None:
        assert unsteady_share(a, b, c) >= max(a, b, c) - 1e-12
        assert unsteady_share(a, b, c) <= 1.0

    def test_a_loop_repeats_from_its_second_round_on(self) -> None:
        lap = np.cumsum(np.random.default_rng(0).normal(0, 9, (20, 48)), axis=0).astype(np.float32)
        film = np.concatenate([lap, lap, lap])
        assert loop_period(film) == 20
        found = repeated_frames(np.full(60, 9.0), film)
        assert not found[:20].any()
        assert found[20:].all()
        assert loop_period(np.concatenate([lap, lap + 5])) is None

    def test_a_film_that_hardly_moves_can_loop_too(self) -> None:
        there = np.linspace(0, 0.5, 7)[:, None] * np.linspace(-1, 1, 48) + 100
        lap = np.concatenate([there, there[-2:0:-1]]).astype(np.float32)
        assert loop_period(np.concatenate([lap] * 4)) == len(lap)
        drift = np.linspace(0, 1, 48)[:, None] * np.linspace(-1, 1, 48) + 100
        grain = np.random.default_rng(1).normal(0, 0.05, drift.shape)
        assert loop_period((drift + grain).astype(np.float32)) is None
        assert loop_period((100 + grain).astype(np.float32)) is None

    def test_frames_in_order_undo_nothing_and_swapped_ones_do(self) -> None:
        walk = np.linspace(0, 200, 48)[:, None] * np.linspace(-1, 1, 48) + 100
        order = np.arange(48) ^ 1
        assert undone_share(walk.astype(np.float32)) == 0.0
        assert undone_share(walk[order].astype(np.float32)) > 0.9

    def test_the_noise_of_a_still_picture_is_no_trembling(self) -> None:
        grid = np.random.default_rng(0).normal(0, 0.02, (48, 48)).astype(np.float32)
        assert undone_share(grid + np.linspace(0, 200, 48, dtype=np.float32)) < 0.1


def test_a_mean_over_nothing_is_zero() -> None:
    assert mean_absolute(np.ones((3, 3), np.float32), np.zeros((3, 3), bool)) == 0.0


def test_a_block_that_is_hardly_visible_does_not_count_in_the_mean() -> None:
    visible = np.ones((18, 32), bool)
    visible[:2, :2] = False
    difference = np.zeros((18, 32), np.float32)
    difference[0, 0] = 144.0
    assert block_mean(difference, visible) == 0.0
    visible[0, 0] = True
    assert block_mean(difference, visible) == pytest.approx(1.0)


def test_the_residual_is_later_minus_earlier() -> None:
    one, two = np.full((2, 3, 3), [[[10]], [[250]]], np.uint8)
    assert residual(one, two, np.zeros((3, 3, 2), np.float32)).tolist() == [[240.0] * 3] * 3
    assert residual(two, one, np.zeros((3, 3, 2), np.float32)).tolist() == [[-240.0] * 3] * 3


@pytest.mark.parametrize("judge", [unexplained_change, unexplained_light])
def test_weight_falls_with_what_is_shown(judge: Callable[..., object]) -> None:
    one = ramp(3.0)
    still = np.zeros((*one.shape, 2), np.float32)
    whole = judge(one, one, still, np.ones(one.shape, bool))
    half = np.ones(one.shape, bool)
    half[:, :80] = False
    part = judge(one, one, still, half)
    assert part.weight == pytest.approx(whole.weight / 2, rel=0.1)  # type: ignore[attr-defined]


@pytest.mark.parametrize("measure", MEASURES, ids=lambda f: f.__name__)
def test_pairs_are_measured_one_by_one(measure: Callable[..., np.ndarray]) -> None:
    clip = clipkit.noise(clipkit.panning(4), 8.0)
    forward, backward = ways(clip)
    whole = measure(clip, forward, backward)
    alone = [measure(clip[i : i + 2], forward[i : i + 1], backward[i : i + 1])[0] for i in range(3)]
    assert whole.tolist() == alone
    assert measure(clip[:1], forward[:0], backward[:0]).shape == (0,)
