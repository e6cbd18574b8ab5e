"""The camera's motion and what it leaves: cameras that are known, degenerate pairs, and the metrics."""

from __future__ import annotations

import math

import cv2
import numpy as np
import pytest
from clipkit import panning, still, texture

from mirabench import functional as F
from mirabench.functional.camera import at_grid, fit_camera, grid, is_textured

HEIGHT, WIDTH = 96, 160
SEEN = np.ones((HEIGHT, WIDTH), bool)
GREY = F.luma(texture(HEIGHT, WIDTH)[None])[0]


def flow_of(matrix: list[list[float]]) -> np.ndarray:
    """(H, W, 2) where a homography takes each pixel, as vectors."""
    y, x = np.mgrid[:HEIGHT, :WIDTH].astype(np.float64)
    moved = np.stack([x, y, np.ones_like(x)], axis=-1) @ np.array(matrix, np.float64).T
    return (moved[..., :2] / moved[..., 2:] - np.stack([x, y], axis=-1)).astype(np.float32)


def about_the_centre(scale: float, degrees: float) -> list[list[float]]:
    turned = cv2.getRotationMatrix2D((WIDTH / 2, HEIGHT / 2), -degrees, scale)
    return [*turned.tolist(), [0.0, 0.0, 1.0]]


class TestFitCamera:
    def test_a_shift_is_read_as_it_is(self) -> None:
        camera = fit_camera(GREY, flow_of([[1, 0, 3], [0, 1, -2], [0, 0, 1]]), SEEN)
        assert camera[2:] == pytest.approx((3.0, -2.0, 1.0, 0.0, 1.0), abs=1e-4)
        assert camera.length == pytest.approx(math.hypot(3, 2), rel=1e-4)
        assert camera.left_length == pytest.approx(0.0, abs=1e-3)

    @pytest.mark.parametrize(
        ("scale", "degrees"), [(1.05, 0.0), (0.95, 0.0), (1.0, 3.0), (1.02, -2.0)]
    )
    def test_zoom_and_roll_are_read_at_the_centre(self, scale: float, degrees: float) -> None:
        camera = fit_camera(GREY, flow_of(about_the_centre(scale, degrees)), SEEN)
        assert camera.scale == pytest.approx(scale, abs=1e-4)
        assert camera.rotation == pytest.approx(math.radians(degrees), abs=1e-4)
        assert (camera.shift_x, camera.shift_y) == pytest.approx((0.0, 0.0), abs=1e-2)

    def test_a_perspective_is_read_as_its_jacobian_at_the_centre(self) -> None:
        matrix = np.array([[1.02, 0.01, 2], [-0.02, 0.99, 1], [2e-4, -1e-4, 1]])

        def taken(x: float, y: float) -> np.ndarray:
            u = matrix @ (x, y, 1)
            return u[:2] / u[2]

        x, y, step = WIDTH / 2, HEIGHT / 2, 1e-3
        jacobian = np.stack(
            [(taken(x + step, y) - taken(x - step, y)) / (2 * step),
             (taken(x, y + step) - taken(x, y - step)) / (2 * step)], axis=1,
        )  # fmt: skip
        camera = fit_camera(GREY, flow_of(matrix.tolist()), SEEN)
        assert (camera.shift_x, camera.shift_y) == pytest.approx(
            tuple(taken(x, y) - (x, y)), abs=1e-2
        )
        assert camera.scale == pytest.approx(math.sqrt(np.linalg.det(jacobian)), abs=1e-3)
        turn = math.atan2(jacobian[1, 0] - jacobian[0, 1], jacobian[0, 0] + jacobian[1, 1])
        assert camera.rotation == pytest.approx(turn, abs=1e-3)

    def test_an_object_is_left_over(self) -> None:
        flow = flow_of([[1, 0, 3], [0, 1, 0], [0, 0, 1]])
        flow[20:60, 40:90] += np.float32([0, 6])
        camera = fit_camera(GREY, flow, SEEN)
        inside = at_grid(np.abs(flow[..., 1]) > 1)
        assert camera.shift_x == pytest.approx(3.0, abs=1e-3)
        assert camera.inliers == pytest.approx(1 - inside.mean())
        assert camera.left_length == pytest.approx(6.0, abs=1e-3)
        assert len(camera.left) == len(inside)

    def test_what_is_not_seen_is_not_believed(self) -> None:
        flow = flow_of([[1, 0, 3], [0, 1, 0], [0, 0, 1]])
        flow[:, :60] = -9.0
        visible = SEEN.copy()
        visible[:, :60] = False
        camera = fit_camera(GREY, flow, visible)
        assert camera.shift_x == pytest.approx(3.0, abs=1e-3)
        assert len(camera.left) == at_grid(visible).sum()
        assert camera.left_length == pytest.approx(0.0, abs=1e-3)

    def test_plain_places_are_not_believed(self) -> None:
        flow = flow_of([[1, 0, 3], [0, 1, 0], [0, 0, 1]])
        sky = GREY.copy()
        sky[:60] = 128
        flow[:60] = 0.0
        camera = fit_camera(sky, flow, SEEN)
        assert camera.shift_x == pytest.approx(3.0, abs=1e-3)

    @pytest.mark.parametrize(("points", "fitted"), [(11, False), (12, True)])
    def test_twelve_points_are_needed(self, points: int, fitted: bool) -> None:
        visible = np.zeros_like(SEEN)
        for x, y in grid(HEIGHT, WIDTH).astype(int)[np.linspace(0, 239, points).astype(int)]:
            visible[y, x] = True
        camera = fit_camera(GREY, flow_of([[1, 0, 3], [0, 1, 1], [0, 0, 1]]), visible)
        assert (camera.inliers > 0) == fitted
        assert len(camera.left) == points
        if not fitted:
            assert camera[2:] == (0.0, 0.0, 1.0, 0.0, 0.0)
            assert camera.left_length == pytest.approx(math.hypot(3, 1), rel=1e-5)

    @pytest.mark.parametrize(("px", "inliers"), [(9e-4, 1.0), (0.0, 1.0)])
    def test_where_nothing_moves_the_camera_stands(self, px: float, inliers: float) -> None:
        camera = fit_camera(GREY, np.full((HEIGHT, WIDTH, 2), px, np.float32), SEEN)
        assert camera[2:] == (0.0, 0.0, 1.0, 0.0, inliers)

    def test_a_thousandth_of_a_pixel_is_motion_and_a_hair_less_is_none(self) -> None:
        for px, seen in ((1.05e-3, 1.05e-3), (0.95e-3, 0.0)):
            flow = np.zeros((HEIGHT, WIDTH, 2), np.float32)
            flow[..., 0] = px
            assert fit_camera(GREY, flow, SEEN).shift_x == pytest.approx(seen, abs=3e-5)

    @pytest.mark.parametrize(("px", "explained"), [(0.95, True), (1.05, False)])
    def test_what_is_off_by_a_pixel_is_not_explained(self, px: float, explained: bool) -> None:
        flow = flow_of([[1, 0, 3], [0, 1, 0], [0, 0, 1]])
        dot = np.zeros_like(SEEN)
        dot[44, 84] = True  # one point of the grid, which moves no fit
        flow[dot] += np.float32([0, px])
        inliers = fit_camera(GREY, flow, SEEN).inliers * 240
        assert inliers == pytest.approx(240 if explained else 239)

    def test_a_flow_that_no_camera_makes_has_few_inliers(self) -> None:
        flow = np.random.default_rng(0).normal(0, 20, (HEIGHT, WIDTH, 2)).astype(np.float32)
        assert fit_camera(GREY, flow, SEEN).inliers < 0.2

    def test_a_mirror_is_no_camera(self) -> None:
        camera = fit_camera(GREY, flow_of([[-1, 0, WIDTH], [0, 1, 0], [0, 0, 1]]), SEEN)
        assert (camera.inliers, camera.scale) == (0.0, 1.0)


class TestGrid:
    def test_its_points_are_eight_apart_and_half_of_that_from_the_border(self) -> None:
        points = grid(20, 30)
        assert points.tolist() == [[x, y] for y in (4, 12) for x in (4, 12, 20, 28)]

    def test_values_are_read_where_the_points_are(self) -> None:
        picture = np.random.default_rng(0).normal(size=(20, 30, 2)).astype(np.float32)
        plain = [picture[int(y), int(x)] for x, y in grid(20, 30)]
        assert np.array_equal(at_grid(picture), plain)

    @pytest.mark.parametrize("size", [(1, 1), (3, 9), (8, 8)])
    def test_small_pictures_have_a_point(self, size: tuple[int, int]) -> None:
        points = grid(*size)
        assert len(points) == len(at_grid(np.zeros(size, bool))) >= 1
        assert (points < size[::-1]).all()


def test_texture_is_a_spread_of_two_levels_around_a_pixel() -> None:
    ramp = (
        np.linspace(0, 6, 100) ** 2
    )  # steeper and steeper: plain on the left, textured on the right
    grey = np.broadcast_to(100 + ramp.astype(np.uint8), (40, 100)).copy()
    spread = [grey[13:28, x - 7 : x + 8].astype(float).std() >= 2.0 for x in range(7, 93)]
    assert 0.2 < np.mean(spread) < 0.8
    assert is_textured(grey)[20, 7:93].tolist() == spread


def test_texture_is_looked_for_seven_pixels_around() -> None:
    grey = np.full((40, 60), 100, np.uint8)
    grey[20, 30] = 140  # a deviation of 40 sqrt(1 / 225), 2.7 levels, where the window holds it
    found = np.argwhere(is_textured(grey))
    assert found.min(axis=0).tolist() == [13, 23]
    assert found.max(axis=0).tolist() == [27, 37]
    assert len(found) == 15 * 15


class TestSpeeds:
    def test_a_pan_is_the_camera_and_no_object(self) -> None:
        clip = panning(4, dx=3.0)
        ways = F.optical_flow(clip), F.optical_flow(clip[::-1])[::-1]
        expected = 3 * 24 / math.hypot(160, 96)
        assert F.camera_motion(clip, *ways, 1 / 24) == pytest.approx(np.full(3, expected), rel=0.03)
        assert F.object_motion(clip, *ways, 1 / 24).max() < 0.1 * expected

    def test_is_inverse_to_the_time_between_frames(self) -> None:
        clip = panning(3, dx=2.0)
        ways = F.optical_flow(clip), F.optical_flow(clip[::-1])[::-1]
        for measure in (F.camera_motion, F.object_motion):
            slow, fast = measure(clip, *ways, np.array([1.0, 0.5])), measure(clip, *ways, 0.25)
            assert fast == pytest.approx(slow * (4, 2))

    def test_a_static_clip_has_none(self) -> None:
        none = np.zeros((2, 96, 160, 2), np.float32)
        assert F.camera_motion(still(3), none, none, 1.0).tolist() == [0.0, 0.0]
        assert F.object_motion(still(3), none, none, 1.0).tolist() == [0.0, 0.0]
