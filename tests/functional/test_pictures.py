"""Measures of single pictures: by hand, by plain loops, and by what a degradation must do."""

from __future__ import annotations

import math

import clipkit
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mirabench import functional as F

FRAME_MEASURES = (F.sharpness, F.blur_effect, F.noise, F.colorfulness, F.exposure)


def random_frames(count: int = 3, size: tuple[int, int] = (40, 33), seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (count, *size, 3), dtype=np.uint8)


def moving_mean(row: np.ndarray, taps: int) -> np.ndarray:
    """With the ends mirrored, their pixel included."""
    half = taps // 2
    padded = [*row[:half][::-1], *row, *row[-half:][::-1]]
    return np.array([sum(padded[i : i + taps]) / taps for i in range(len(row))])


def blur_along_rows(picture: np.ndarray, taps: int) -> float:
    before = after = 0.0
    for row in picture.astype(float):
        blurred = moving_mean(row, taps)
        for i in range(1, len(row)):
            step = abs(row[i] - row[i - 1])
            before += step
            after += max(0.0, step - abs(blurred[i] - blurred[i - 1]))
    return 1 - after / before


class TestSharpness:
    @pytest.mark.parametrize("taps", [3, 9])
    def test_equals_the_definition_written_plainly(self, taps: int) -> None:
        grey = F.luma(random_frames(1))[0]
        plain = max(blur_along_rows(grey, taps), blur_along_rows(grey.T, taps))
        assert F.blur_effect(grey[None], taps)[0] == pytest.approx(plain, rel=1e-5)
        assert F.sharpness(grey[None], taps)[0] == pytest.approx(1 - plain, rel=1e-5)

    def test_the_direction_with_more_blur_counts(self) -> None:
        stripes = np.zeros((1, 32, 32), np.uint8)
        stripes[:, :, ::2] = 200
        smooth_down = np.broadcast_to(np.arange(32, dtype=np.uint8)[:, None], (32, 32))
        both = (stripes // 4 + smooth_down).astype(np.uint8)
        along = blur_along_rows(both[0], 9), blur_along_rows(both[0].T, 9)
        assert along[1] > along[0] + 0.3
        assert F.blur_effect(both)[0] == pytest.approx(along[1], rel=1e-5)

    def test_is_one_minus_the_blur_effect_over_nine_pixels(self) -> None:
        frames = random_frames(2)
        assert F.sharpness(frames).tolist() == (1 - F.blur_effect(frames, 9)).tolist()
        assert F.blur_effect(frames).tolist() == F.blur_effect(frames, 9).tolist()

    def test_a_plain_picture_is_blurred(self) -> None:
        assert F.sharpness(np.full((1, 8, 8), 77, np.uint8)).tolist() == [0.0]

    def test_more_blur_is_less_sharp(self) -> None:
        clip = clipkit.still(1)
        found = [F.sharpness(clipkit.blur(clip, s))[0] for s in (0.0, 0.7, 1.5, 3.0)]
        assert found == sorted(found, reverse=True)
        assert found[0] > 2 * found[-1]


class TestNoise:
    @staticmethod
    def plain(grey: np.ndarray) -> float:
        """Immerkaer's mask on the tenth of the usable pixels with the weakest edges."""
        import cv2

        picture = grey.astype(np.float32)
        smooth = cv2.GaussianBlur(picture, (0, 0), 2.0).astype(float)
        found = []
        for y in range(1, len(grey) - 1):
            for x in range(1, len(grey[0]) - 1):
                if not 4 < smooth[y, x] < 251:
                    continue
                window = smooth[y - 1 : y + 2, x - 1 : x + 2]
                dx = (window[:, 2] - window[:, 0]) @ (1, 2, 1)
                dy = (window[2] - window[0]) @ (1, 2, 1)
                mask = picture[y - 1 : y + 2, x - 1 : x + 2] * [[1, -2, 1], [-2, 4, -2], [1, -2, 1]]
                found.append((math.hypot(dx, dy), abs(float(mask.sum()))))
        edges = np.array([edge for edge, _ in found])
        flat = [answer for edge, answer in found if edge <= np.quantile(edges, 0.1)]
        return math.sqrt(math.pi / 2) / 6 * float(np.mean(flat))

    def test_equals_the_definition_written_plainly(self) -> None:
        grey = F.luma(clipkit.noise(clipkit.still(1), 9.0))
        grey[:, :20, :30] = 255  # saturated, so that it does not count
        assert F.noise(grey)[0] == pytest.approx(self.plain(grey[0]), rel=1e-3)

    @pytest.mark.parametrize("sigma", [2.0, 5.0, 12.0])
    def test_reads_the_standard_deviation(self, sigma: float) -> None:
        grain = np.random.default_rng(1).normal(128, sigma, (1, 200, 300))
        assert F.noise(grain.round().astype(np.uint8))[0] == pytest.approx(sigma, rel=0.05)

    @pytest.mark.parametrize(("low", "seen"), [(3, False), (4, True), (250, True), (251, False)])
    def test_saturated_pixels_do_not_count(self, low: int, seen: bool) -> None:
        board = np.indices((40, 40)).sum(axis=0) % 2 + low  # smoothed, it is half a level above
        assert (F.noise(board[None].astype(np.uint8))[0] > 0) == seen

    @pytest.mark.parametrize(("side", "measured"), [(9, False), (10, True)])
    def test_fewer_than_64_pixels_say_nothing(self, side: int, measured: bool) -> None:
        # the border does not count: 7 x 7 = 49 or 8 x 8 = 64 pixels are left
        grain = np.random.default_rng(0).integers(100, 140, (1, side, side), dtype=np.uint8)
        assert (F.noise(grain)[0] > 0) == measured


class TestColorfulness:
    def test_equals_the_definition_written_plainly(self) -> None:
        frame = random_frames(1)[0].astype(float)
        opponent = [(r - g, (r + g) / 2 - b) for r, g, b in frame.reshape(-1, 3)]
        (m1, m2), (s1, s2) = np.mean(opponent, axis=0), np.std(opponent, axis=0)
        plain = math.sqrt(s1**2 + s2**2) + 0.3 * math.sqrt(m1**2 + m2**2)
        assert F.colorfulness(random_frames(1))[0] == pytest.approx(plain, rel=1e-5)

    def test_by_hand(self) -> None:
        # R - G is 60 and 0: mean and deviation 30; (R + G) / 2 - B is 30 and 0: 15 and 15
        frame = np.array([[[[60, 0, 0], [9, 9, 9]]]], np.uint8)
        assert F.colorfulness(frame)[0] == pytest.approx(1.3 * math.hypot(30, 15))

    @given(st.integers(0, 255), st.integers(1, 5), st.integers(1, 5))
    def test_grey_has_none(self, level: int, height: int, width: int) -> None:
        assert F.colorfulness(np.full((1, height, width, 3), level, np.uint8)).tolist() == [0.0]


class TestExposure:
    def test_equals_the_definition_written_plainly(self) -> None:
        grey = F.luma(random_frames(2))
        plain = [
            np.mean([math.exp(-((v / 255 - 0.5) ** 2) / 0.08) for v in g.ravel()]) for g in grey
        ]
        assert F.exposure(grey) == pytest.approx(np.array(plain))

    def test_black_and_white_are_equally_bad_and_grey_is_best(self) -> None:
        levels = np.arange(256, dtype=np.uint8)[:, None, None]
        found = F.exposure(levels)
        assert found == pytest.approx(found[::-1])
        assert int(found.argmax()) in (127, 128)
        assert found[0] == pytest.approx(math.exp(-0.25 / 0.08))


class TestAll:
    @pytest.mark.parametrize("measure", FRAME_MEASURES, ids=lambda f: f.__name__)
    def test_frames_are_measured_one_by_one_whatever_their_company(self, measure: object) -> None:
        frames = random_frames(4)
        assert callable(measure)
        alone = np.concatenate([measure(frames[i : i + 1]) for i in (2, 0, 3, 1)])
        assert measure(frames[[2, 0, 3, 1]]).tolist() == alone.tolist()
        assert alone.dtype == np.float64

    @pytest.mark.parametrize("measure", FRAME_MEASURES, ids=lambda f: f.__name__)
    def test_no_frame_has_no_value(self, measure: object) -> None:
        assert callable(measure)
        assert measure(np.zeros((0, 32, 32, 3), np.uint8)).shape == (0,)

    @pytest.mark.parametrize(
        "measure", [m for m in FRAME_MEASURES if m is not F.colorfulness], ids=lambda f: f.__name__
    )
    def test_colour_does_not_matter_where_luma_is_taken(self, measure: object) -> None:
        frames = random_frames(2)
        assert callable(measure)
        assert measure(frames).tolist() == measure(F.luma(frames)).tolist()

    @settings(max_examples=20, deadline=None)
    @given(st.integers(0, 1000))
    def test_rows_and_columns_are_treated_alike(self, seed: int) -> None:
        frames = random_frames(1, (32, 32), seed)
        turned = np.ascontiguousarray(frames.transpose(0, 2, 1, 3))
        for measure in (F.sharpness, F.noise, F.colorfulness, F.exposure):
            assert measure(turned)[0] == pytest.approx(measure(frames)[0], rel=1e-4), measure

    def test_luma_weighs_green_most(self) -> None:
        frames = random_frames(1)
        plain = frames[0].astype(float) @ (0.299, 0.587, 0.114)
        assert np.abs(F.luma(frames)[0] - plain).max() <= 0.51
