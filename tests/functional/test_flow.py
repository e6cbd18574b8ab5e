"""Flow, warping, visibility and speed: known motion, plain loops, and what must not matter."""

from __future__ import annotations

import math

import cv2
import numpy as np
import pytest
from clipkit import panning, still
from hypothesis import given
from hypothesis import strategies as st

from mirabench import functional as F
from mirabench.functional.flow import mean_of_largest


def smooth_field(height: int, width: int, seed: int, size: float = 3.0) -> np.ndarray:
    """(H, W, 2) of slowly varying vectors."""
    coarse = np.random.default_rng(seed).normal(0, size, (3, 4, 2)).astype(np.float32)
    return cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)


def look_up(picture: np.ndarray, x: float, y: float) -> float:
    """Bilinear, the border repeated."""
    height, width = picture.shape
    left, top = math.floor(x), math.floor(y)
    total = 0.0
    for row, part_y in ((top, 1 - (y - top)), (top + 1, y - top)):
        for column, part_x in ((left, 1 - (x - left)), (left + 1, x - left)):
            at = picture[min(max(row, 0), height - 1), min(max(column, 0), width - 1)]
            total += part_x * part_y * float(at)
    return total


class TestOpticalFlow:
    @pytest.mark.parametrize(("dx", "dy"), [(2, 0), (0, 3), (-1, 2)])
    def test_a_translated_picture_has_that_flow(self, dx: int, dy: int) -> None:
        flow = F.optical_flow(panning(3, dx=dx, dy=dy))
        inner = flow[:, 16:-16, 16:-16].reshape(-1, 2)
        # the window moves over the texture, so what it shows goes the other way
        assert np.median(inner, axis=0) == pytest.approx([-dx, -dy], abs=0.1)

    def test_a_static_clip_has_none(self) -> None:
        assert np.abs(F.optical_flow(still(3))).max() < 0.01

    def test_the_way_back_is_the_flow_of_the_clip_played_backwards(self) -> None:
        clip = panning(4, dx=2.0)
        backward = F.optical_flow(clip[::-1])[::-1]
        assert np.median(backward[..., 0]) == pytest.approx(2.0, abs=0.1)
        assert np.array_equal(backward[0], F.optical_flow(clip[[1, 0]])[0])

    def test_pairs_do_not_depend_on_the_frames_around_them(self) -> None:
        clip = panning(4, dx=1.0)
        assert np.array_equal(F.optical_flow(clip)[2], F.optical_flow(clip[2:])[0])

    @pytest.mark.parametrize("size", [(5, 7), (31, 40), (40, 31)])
    def test_small_pictures_have_flow_of_their_own_size(self, size: tuple[int, int]) -> None:
        frames = np.random.default_rng(0).integers(0, 255, (2, *size, 3), dtype=np.uint8)
        assert F.optical_flow(frames).shape == (1, *size, 2)

    @pytest.mark.parametrize("size", [(20, 25), (31, 40), (40, 31), (32, 32), (32, 50)])
    def test_is_opencvs_on_pictures_of_at_least_32_pixels_a_side(
        self, size: tuple[int, int]
    ) -> None:
        frames = F.luma(panning(2, dx=1.0, size=(size[1], size[0])))
        missing = [(0, max(0, 32 - side)) for side in size]
        before, after = (np.pad(frame, missing, mode="edge") for frame in frames)
        dis = cv2.DISOpticalFlow_create(cv2.DISOPTICAL_FLOW_PRESET_ULTRAFAST)
        dis.setFinestScale(1)
        dis.setPatchStride(6)
        dis.setGradientDescentIterations(16)
        plain = dis.calc(before, after, None)[: size[0], : size[1]]
        assert np.array_equal(F.optical_flow(frames)[0], plain)

    def test_settings_reach_it(self) -> None:
        clip = panning(2, dx=1.3, dy=0.4)
        usual = F.optical_flow(clip)
        for other in ({"finest_scale": 2}, {"patch_stride": 4}, {"iterations": 2}):
            assert not np.array_equal(F.optical_flow(clip, **other), usual), other

    def test_one_frame_has_no_pair(self) -> None:
        assert F.optical_flow(still(1)).shape == (0, 96, 160, 2)


class TestWarp:
    def test_equals_the_definition_written_plainly(self) -> None:
        picture = np.random.default_rng(0).uniform(0, 255, (12, 15)).astype(np.float32)
        flow = smooth_field(12, 15, 1)
        flow = np.round(flow * 32).astype(np.float32) / 32  # remap looks up at 1/32 px
        plain = [
            [look_up(picture, x + flow[y, x, 0], y + flow[y, x, 1]) for x in range(15)]
            for y in range(12)
        ]
        assert F.warp(picture, flow) == pytest.approx(np.array(plain), abs=1e-3)

    def test_a_later_frame_lies_over_the_earlier_one(self) -> None:
        clip = F.luma(panning(2, dx=3.0, dy=-2.0))
        flow = np.broadcast_to(np.float32([-3, 2]), (96, 160, 2)).copy()
        moved = F.warp(clip[1], flow)
        assert np.array_equal(moved[8:-8, 8:-8], clip[0][8:-8, 8:-8])

    def test_colour_is_warped_channel_by_channel(self) -> None:
        picture = np.random.default_rng(0).integers(0, 255, (9, 9, 3), dtype=np.uint8)
        flow = smooth_field(9, 9, 2)
        one_by_one = [F.warp(np.ascontiguousarray(picture[..., c]), flow) for c in range(3)]
        assert np.array_equal(F.warp(picture, flow), np.stack(one_by_one, axis=2))


class TestVisible:
    def test_equals_the_definition_written_plainly(self) -> None:
        forward = (
            np.round(smooth_field(14, 18, 3, 1.0) * 32).astype(np.float32) / 32
        )  # remap's steps
        backward = -forward
        backward = backward + np.float32(np.random.default_rng(4).normal(0, 0.6, backward.shape))
        found = F.visible_in_both(forward, backward)
        disagree = 0
        for y in range(14):
            for x in range(18):
                w = forward[y, x]
                to = x + w[0], y + w[1]
                v = np.array([look_up(backward[..., c], *to) for c in (0, 1)])
                inside = 0 <= to[0] <= 17 and 0 <= to[1] <= 13
                missed = ((w + v) ** 2).sum()
                bound = 0.01 * ((w**2).sum() + (v**2).sum()) + 0.5
                if abs(missed - bound) > 1e-3:
                    disagree += bool(found[y, x]) != bool(inside and missed <= bound)
        assert 0.2 < found.mean() < 0.9
        assert disagree == 0

    @pytest.mark.parametrize(("missing", "visible"), [(0.70, True), (0.72, False)])
    def test_half_a_squared_pixel_may_be_missed(self, missing: float, visible: bool) -> None:
        still_field = np.zeros((5, 5, 2), np.float32)
        back = np.full((5, 5, 2), (missing, 0), np.float32)
        # the squares are 0.49 and 0.5184, the bounds 0.5049 and 0.5052
        assert F.visible_in_both(still_field, back).all() == visible

    @pytest.mark.parametrize(("missing", "visible"), [(6.6, True), (6.8, False)])
    def test_a_hundredth_of_both_squared_lengths_more(self, missing: float, visible: bool) -> None:
        # 50 px there and 50 - m back: m^2 is 43.6 and 46.2, 0.01 (2500 + (50 - m)^2) + 0.5 is 44.3 and 44.2
        there = np.zeros((1, 101, 2), np.float32)
        there[..., 0] = 50
        back = np.zeros_like(there)
        back[..., 0] = -50 + missing
        assert bool(F.visible_in_both(there, back)[0, 0]) == visible

    @pytest.mark.parametrize(
        ("shift", "seen"),
        [((1, 0), [[1, 1, 0]] * 3), ((-1, 0), [[0, 1, 1]] * 3),
         ((0, 1), [[1] * 3, [1] * 3, [0] * 3]), ((0, -1), [[0] * 3, [1] * 3, [1] * 3])],
    )  # fmt: skip
    def test_what_leaves_the_picture_is_not_seen(
        self, shift: tuple[int, int], seen: list[list[int]]
    ) -> None:
        there = np.broadcast_to(np.float32(shift), (3, 3, 2)).copy()
        assert F.visible_in_both(there, -there).astype(int).tolist() == seen


class TestFlowMagnitude:
    def test_equals_the_definition_written_plainly(self) -> None:
        flow = np.stack([smooth_field(20, 30, s) for s in range(3)])
        seconds = np.array([0.04, 0.05, 0.1])
        plain = []
        for field, dt in zip(flow, seconds, strict=True):
            lengths = sorted(math.hypot(*v) for v in field.reshape(-1, 2))
            plain.append(np.mean(lengths[-30:]) / (dt * math.hypot(20, 30)))  # 5 % of 600
        assert F.flow_magnitude(flow, seconds) == pytest.approx(np.array(plain))

    def test_of_a_pan_is_its_speed(self) -> None:
        flow = np.broadcast_to(np.float32([3, 4]), (2, 6, 8, 2)).copy()
        assert F.flow_magnitude(flow, 1 / 24) == pytest.approx(np.full(2, 5 * 24 / 10))

    @given(st.floats(0.1, 10), st.floats(0.01, 1))
    def test_is_proportional_to_the_flow_and_to_the_rate(self, factor: float, dt: float) -> None:
        flow = smooth_field(9, 12, 0)[None]
        once = F.flow_magnitude(flow, 1.0)
        assert F.flow_magnitude(flow * factor, dt) == pytest.approx(once * factor / dt, rel=1e-4)

    @given(st.integers(0, 10_000))
    def test_only_lengths_matter(self, seed: int) -> None:
        random = np.random.default_rng(seed)
        field = random.normal(size=(6, 7, 2))
        shuffled = random.permutation(field.reshape(-1, 2)).reshape(6, 7, 2)
        assert F.flow_magnitude(shuffled[None], 1.0) == pytest.approx(
            F.flow_magnitude(field[None], 1.0)
        )
        assert F.flow_magnitude(-field[None], 1.0) == pytest.approx(
            F.flow_magnitude(field[None], 1.0)
        )

    def test_the_share_is_of_the_pixels_and_at_least_one_counts(self) -> None:
        field = np.zeros((1, 10, 10, 2), np.float32)
        field[0, 0, :, 0] = np.arange(1, 11)
        diagonal = math.hypot(10, 10)
        assert F.flow_magnitude(field, 1.0)[0] * diagonal == pytest.approx(8.0)  # 6 to 10
        assert F.flow_magnitude(field, 1.0, share=0.1)[0] * diagonal == pytest.approx(5.5)
        assert F.flow_magnitude(field, 1.0, share=0.0)[0] * diagonal == pytest.approx(10.0)


@given(st.lists(st.floats(-1e6, 1e6), max_size=50), st.floats(0, 1))
def test_the_mean_of_the_largest_is_that_of_the_sorted_end(
    values: list[float], share: float
) -> None:
    wanted = sorted(values)[len(values) - max(1, int(len(values) * share)) :]
    expected = float(np.mean(wanted)) if values else 0.0
    assert mean_of_largest(np.array(values), share) == pytest.approx(expected, abs=1e-6)
