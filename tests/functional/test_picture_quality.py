"""Pictures measured so that damage earns nothing: known answers, bars, and what must not improve."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import clipkit
import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mirabench import functional as F
from mirabench.functional.active_picture import ActivePicture
from mirabench.functional.picture_quality import (
    BLOCK_CHANCE,
    JUST_VISIBLE,
    OCTAVES,
    VIVID,
    WHITE_NOISE,
)
from mirabench.testing import clips, degrade
from mirabench.video.decode import open_video
from mirabench.video.encode import write_video

Measure = Callable[[np.ndarray], np.ndarray]
MEASURES: tuple[Measure, ...] = (
    F.fine_detail,
    F.visible_noise,
    F.vividness,
    F.tonal_exposure,
    F.blockiness,
)
LUMA = [m for m in MEASURES if m is not F.vividness]
SCENE = clips.dolly(2, (192, 128)).frames


def mean(measure: Measure, frames: np.ndarray) -> float:
    return float(measure(frames).mean())


def barred(frames: np.ndarray, top: int, left: int, level: int = 0) -> np.ndarray:
    """The frames within bars of so many px, added around them."""
    edges = ((0, 0), (top, top), (left, left), (0, 0))
    return np.pad(frames, edges, constant_values=level)


class TestActivePicture:
    @settings(max_examples=40, deadline=None)
    @given(st.integers(4, 40), st.integers(0, 16), st.booleans())
    def test_bars_are_found_wherever_they_lie(self, bar: int, level: int, upright: bool) -> None:
        top, left = (0, bar) if upright else (bar, 0)
        frame = barred(SCENE[:1], top, left, level)[0]
        height, width = SCENE.shape[1:3]
        wanted = (
            (0, height, left + 1, left + width - 1)
            if upright
            else (top + 1, top + height - 1, 0, width)
        )
        assert F.active_picture(frame) == ActivePicture(*wanted)

    def test_bars_survive_a_codec(self) -> None:
        frame = barred(SCENE[:1], 20, 0)[0]
        coded = cv2.imdecode(cv2.imencode(".jpg", frame, [cv2.IMWRITE_JPEG_QUALITY, 70])[1], 1)
        found = F.active_picture(np.asarray(coded, np.uint8))
        assert 19 <= found.top <= 24
        assert 144 <= found.bottom <= 149

    @pytest.mark.parametrize("share", [1.0, 0.15])
    def test_a_scene_without_bars_is_whole(self, share: float) -> None:
        dim = (SCENE[0] * share).astype(np.uint8)
        assert F.active_picture(dim) == ActivePicture(0, 128, 0, 192)

    def test_a_dark_sky_and_a_dark_sea_are_no_bars(self) -> None:
        rows = np.concatenate(
            [np.zeros(30), np.linspace(0, 120, 34), np.linspace(120, 0, 34), np.zeros(30)]
        )
        soft = np.repeat(rows[:, None], 160, axis=1).astype(np.uint8)
        assert F.active_picture(soft) == ActivePicture(0, 128, 0, 160)

    def test_stars_on_black_are_no_picture_between_bars(self) -> None:
        sky = np.zeros((96, 160), np.uint8)
        sky[
            np.random.default_rng(0).integers(20, 76, 60),
            np.random.default_rng(1).integers(0, 160, 60),
        ] = 200
        assert F.active_picture(sky) == ActivePicture(0, 96, 0, 160)

    def test_black_alone_above_is_no_letterbox(self) -> None:
        frame = np.pad(SCENE[0], ((20, 0), (0, 0), (0, 0)))
        assert F.active_picture(frame) == ActivePicture(0, 148, 0, 192)

    @pytest.mark.parametrize("measure", MEASURES, ids=lambda m: m.__name__)
    def test_bars_change_no_measure(self, measure: Measure) -> None:
        inner = SCENE[:, 1:-1]  # the line beside each bar is given up
        whole = mean(measure, np.ascontiguousarray(inner))
        aligned = (
            barred(SCENE, 7, 0)[:, : 8 * ((128 + 14) // 8)]
            if measure is F.blockiness
            else barred(SCENE, 24, 0)
        )
        if measure is F.blockiness:
            return
        assert mean(measure, aligned) == pytest.approx(whole, abs=1e-9)


class TestFineDetail:
    def test_white_noise_falls_into_the_bands_as_said(self) -> None:
        noise = np.random.default_rng(0).normal(0, 1, (1000, 1000)).astype(np.float32)
        first, second, third = (cv2.GaussianBlur(noise, (0, 0), s) for s in OCTAVES)
        edges = noise - first
        finest = edges - cv2.GaussianBlur(edges, (0, 0), OCTAVES[0])
        bands = (finest, first - second, second - third)
        assert pytest.approx([float((b**2).mean()) for b in bands], rel=0.02) == list(WHITE_NOISE)

    @pytest.mark.parametrize("seed", range(3))
    def test_more_blur_is_less_detail_in_a_soft_clip_that_was_coded(
        self, seed: int, tmp_path: Path
    ) -> None:
        """Coding leaves about a tenth of the second octave in the first, however blurred the picture was."""
        clip = clipkit.panning(frames=3, dx=1.0, size=(160, 96), seed=seed)
        found = []
        for sigma in (0.0, 1.0, 2.0, 3.0):
            blurred = clipkit.blur(clip, sigma) if sigma else clip
            write_video(tmp_path / f"{sigma}.mp4", blurred)
            frames = np.concatenate(
                [b.data for b in open_video(tmp_path / f"{sigma}.mp4").frames()]
            )
            found.append(mean(F.fine_detail, frames))
        assert found == sorted(found, reverse=True)
        assert found[2] < 0.6 * found[0]

    def test_more_blur_is_less_detail(self) -> None:
        found = [
            mean(F.fine_detail, degrade.blur(SCENE, s) if s else SCENE) for s in (0, 0.6, 1, 2, 4)
        ]
        assert found == sorted(found, reverse=True)
        assert found[0] > 0.9
        assert found[3] < 0.3

    @pytest.mark.parametrize(
        "damage",
        [
            lambda f: degrade.noise(f, 6.0),
            lambda f: degrade.noise(f, 20.0),
            degrade.sharpened,
            degrade.captioned,
            degrade.watermarked,
            degrade.cropped,
            degrade.rescaled,
        ],
        ids=["noise", "strong noise", "sharpened", "captioned", "watermarked", "cropped", "rescaled"],
    )  # fmt: skip
    def test_damage_adds_none_to_a_sharp_picture(self, damage: Measure) -> None:
        assert mean(F.fine_detail, damage(SCENE)) <= mean(F.fine_detail, SCENE) + 0.02

    def test_a_noisy_blur_is_no_detail(self) -> None:
        blurred = degrade.blur(SCENE, 2.5)
        assert mean(F.fine_detail, degrade.noise(blurred, 6.0)) < mean(F.fine_detail, SCENE) / 2

    def test_a_flat_picture_has_none(self) -> None:
        assert F.fine_detail(np.full((2, 40, 40), 90, np.uint8)).tolist() == [0.0, 0.0]


class TestVisibleNoise:
    @pytest.mark.parametrize("sigma", [3.0, 6.0, 12.0])
    def test_it_reads_the_standard_deviation_above_the_threshold(self, sigma: float) -> None:
        noise = np.random.default_rng(2).normal(128, sigma, (1, 160, 160)).round().astype(np.uint8)
        assert F.visible_noise(noise)[0] + JUST_VISIBLE == pytest.approx(sigma, rel=0.1)

    def test_a_clean_scene_has_none_and_losing_detail_earns_nothing(self) -> None:
        for frames in (
            SCENE,
            degrade.blur(SCENE, 2.0),
            degrade.wobble(SCENE),
            degrade.cropped(SCENE),
        ):
            assert mean(F.visible_noise, frames) == 0.0

    def test_saturated_pixels_tell_nothing(self) -> None:
        white = np.random.default_rng(0).normal(300, 20, (1, 64, 64)).clip(0, 255).astype(np.uint8)
        assert F.visible_noise(white).tolist() == [0.0]


class TestVividness:
    def test_it_is_m3_of_a_picture_that_is_not_vivid(self) -> None:
        pale = degrade.saturation(clips.zoom(1, (64, 48)).frames, 0.2)
        assert F.vividness(pale)[0] == pytest.approx(F.colorfulness(pale)[0], rel=1e-5)

    def test_beyond_vivid_next_to_nothing_counts(self) -> None:
        vivid, garish = (degrade.saturation(clips.zoom(1, (64, 48)).frames, s) for s in (1.0, 2.5))
        assert VIVID < F.vividness(vivid)[0] < F.vividness(garish)[0] < VIVID + 3

    def test_blur_noise_and_blocks_change_no_colour(self) -> None:
        plain = mean(F.vividness, degrade.saturation(SCENE, 0.5))
        for change in (lambda f: degrade.blur(f, 2.0), lambda f: degrade.noise(f, 12.0)):
            found = mean(F.vividness, change(degrade.saturation(SCENE, 0.5)))
            assert found == pytest.approx(
                plain, rel=0.05
            )  # a blur of 2 px is two thirds of a pixel there


class TestTonalExposure:
    @pytest.mark.parametrize("exponent", [0.2, 0.35, 2.5, 4.0])
    def test_gamma_to_either_side_is_worse(self, exponent: float) -> None:
        assert mean(F.tonal_exposure, degrade.gamma(SCENE, exponent)) < mean(
            F.tonal_exposure, SCENE
        )

    @settings(max_examples=20, deadline=None)
    @given(st.floats(0.05, 0.6))
    def test_washing_out_earns_nothing(self, share: float) -> None:
        washed = degrade.contrast(SCENE, share)
        assert mean(F.tonal_exposure, washed) <= mean(F.tonal_exposure, SCENE) + 1e-9

    def test_one_tone_is_no_exposure(self) -> None:
        for level in (0, 128, 255):
            assert F.tonal_exposure(np.full((1, 32, 32), level, np.uint8)).tolist() == [0.0]


class TestBlockiness:
    @staticmethod
    def plain(grey: np.ndarray, block: int) -> float:
        def along(picture: np.ndarray) -> float:
            steps = [
                np.abs(picture[:, i + 1] - picture[:, i]).mean()
                for i in range(picture.shape[1] - 1)
            ]
            border = np.mean([s for i, s in enumerate(steps) if (i + 1) % block == 0])
            other = np.mean([s for i, s in enumerate(steps) if (i + 1) % block])
            return float((border - other) / (border + other + 1))

        excess = min(along(grey.astype(float)), along(grey.T.astype(float)))
        return max(0.0, excess - BLOCK_CHANCE) / (1 - BLOCK_CHANCE)

    @pytest.mark.parametrize(("block", "size"), [(8, (96, 160)), (8, (101, 155)), (4, (64, 64))])
    def test_equals_the_definition_written_plainly(self, block: int, size: tuple[int, int]) -> None:
        coarse = np.random.default_rng(0).integers(60, 200, (30, 45)).astype(np.uint8)
        grey = np.kron(coarse, np.ones((block, block), np.uint8))[: size[0], : size[1]]
        noisy = degrade.noise(grey[None, ..., None].repeat(3, -1), 3.0)[0, ..., 0]
        found = F.blockiness(np.ascontiguousarray(noisy)[None], block)[0]
        assert found == pytest.approx(self.plain(noisy, block), rel=1e-5)
        assert found > 0.5

    def test_the_far_edge_of_a_picture_is_no_border(self) -> None:
        board = ((np.indices((48, 48)) // 8).sum(axis=0) % 2 * 40).astype(np.uint8)
        # every step lies on a border: b = 40, a = 0
        assert F.blockiness(board[None])[0] == pytest.approx(
            (40 / 41 - BLOCK_CHANCE) / (1 - BLOCK_CHANCE)
        )

    def test_lines_in_one_direction_are_no_blocks(self) -> None:
        stripes = np.broadcast_to((np.arange(48) // 8 % 2 * 50).astype(np.uint8), (1, 48, 48))
        assert F.blockiness(np.ascontiguousarray(stripes)).tolist() == [0.0]

    @pytest.mark.parametrize(("side", "measured"), [(23, False), (24, True)])
    def test_three_blocks_are_needed(self, side: int, measured: bool) -> None:
        board = ((np.indices((side, side)) // 8).sum(axis=0) % 2 * 90).astype(np.uint8)
        assert (F.blockiness(board[None])[0] > 0) == measured

    @pytest.mark.parametrize("top", [24, 21])
    def test_the_grid_is_that_of_the_frame_whatever_its_bars(self, top: int) -> None:
        whole = SCENE.copy()
        whole[:, :top] = whole[:, 128 - top :] = 0
        blocky = degrade.blocks(whole, 0.9)
        assert mean(F.blockiness, blocky) > 0.15

    def test_text_and_distortion_are_no_blocks(self) -> None:
        for frames in (
            SCENE,
            degrade.captioned(SCENE),
            degrade.wobble(SCENE),
            degrade.watermarked(SCENE),
        ):
            assert mean(F.blockiness, frames) == 0.0


class TestAll:
    @pytest.mark.parametrize("measure", MEASURES, ids=lambda m: m.__name__)
    def test_frames_are_measured_one_by_one_whatever_their_company(self, measure: Measure) -> None:
        frames = np.concatenate([SCENE, degrade.blur(SCENE, 1.0)])
        alone = np.concatenate([measure(frames[i : i + 1]) for i in (2, 0, 3, 1)])
        assert measure(frames[[2, 0, 3, 1]]).tolist() == alone.tolist()
        assert alone.dtype == np.float64

    @pytest.mark.parametrize("measure", MEASURES, ids=lambda m: m.__name__)
    def test_no_frame_has_no_value(self, measure: Measure) -> None:
        assert measure(np.zeros((0, 32, 32, 3), np.uint8)).shape == (0,)

    @pytest.mark.parametrize("measure", LUMA, ids=lambda m: m.__name__)
    def test_colour_does_not_matter_where_luma_is_taken(self, measure: Measure) -> None:
        assert measure(SCENE).tolist() == measure(F.luma(SCENE)).tolist()

    @pytest.mark.parametrize("measure", MEASURES, ids=lambda m: m.__name__)
    def test_rows_and_columns_are_treated_alike(self, measure: Measure) -> None:
        turned = np.ascontiguousarray(SCENE.transpose(0, 2, 1, 3))
        assert measure(turned) == pytest.approx(measure(SCENE), rel=0.02, abs=0.005)

    @pytest.mark.parametrize("size", [(1, 1), (2, 2), (3, 50), (17, 16)])
    def test_tiny_pictures_have_finite_values(self, size: tuple[int, int]) -> None:
        frames = np.random.default_rng(0).integers(0, 256, (1, *size, 3)).astype(np.uint8)
        for measure in MEASURES:
            assert np.isfinite(measure(frames)).all(), measure
