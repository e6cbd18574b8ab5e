"""The renderer's answers are exact: geometry to rounding error, flow as an estimator finds it."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from mirabench.testing.cameras import Camera, fundamental_matrix, rotation, rotation_homography
from mirabench.testing.places import room
from mirabench.testing.scenes import Body, Scene, exact_flow, render
from mirabench.testing.surfaces import Light, Rectangle, Sphere
from mirabench.testing.textures import Texture, structured

SIZE = (160, 90)
BEFORE = Camera(140, *SIZE, np.eye(3), np.array([0.0, 0.0, -0.8]))
AFTER = Camera(140, *SIZE, rotation(yaw=2.0), np.array([0.1, 0.0, -0.6]))
TURNED = Camera(140, *SIZE, rotation(yaw=3.0), np.array([0.0, 0.0, -0.8]))


def correspondences(after: Camera) -> tuple[np.ndarray, np.ndarray]:
    """(N, 2) and (N, 2) px: visible points in both pictures."""
    found = exact_flow(room(), 0.0, BEFORE, 0.0, after)
    y, x = np.nonzero(found.visible)
    points = np.column_stack([x, y]).astype(float)
    return points, points + found.flow[y, x]


def test_exact_flow_obeys_the_fundamental_matrix() -> None:
    one, two = correspondences(AFTER)
    matrix = fundamental_matrix(BEFORE, AFTER)
    ones = np.ones((len(one), 1))
    lines = np.hstack([one, ones]) @ matrix.T
    distance = np.abs((np.hstack([two, ones]) * lines).sum(1)) / np.hypot(lines[:, 0], lines[:, 1])
    assert len(one) > 0.5 * SIZE[0] * SIZE[1]
    assert distance.max() < 1e-6


def test_a_pure_turn_is_a_homography() -> None:
    one, two = correspondences(TURNED)
    mapped = np.hstack([one, np.ones((len(one), 1))]) @ rotation_homography(BEFORE, TURNED).T
    assert np.abs(mapped[:, :2] / mapped[:, 2:] - two).max() < 1e-6


def test_an_estimator_finds_the_exact_flow() -> None:
    grey = [cv2.cvtColor(render(room(), c).rgb, cv2.COLOR_RGB2GRAY) for c in (BEFORE, AFTER)]
    dis = cv2.DISOpticalFlow_create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    exact = exact_flow(room(), 0.0, BEFORE, 0.0, AFTER)
    error = np.linalg.norm(dis.calc(*grey, None) - exact.flow, axis=-1)
    assert np.median(error[exact.visible]) < 0.3


def test_what_leaves_the_picture_is_not_visible() -> None:
    found = exact_flow(room(), 0.0, BEFORE, 0.0, TURNED)
    y, x = np.nonzero(found.visible)
    landed = x + found.flow[y, x, 0]
    assert landed.min() >= -0.5
    assert landed.max() <= SIZE[0] - 0.5
    assert 0.5 < found.visible.mean() < 1.0


def test_nothing_moves_between_equal_views() -> None:
    found = exact_flow(room(), 0.0, BEFORE, 0.0, BEFORE)
    assert np.abs(found.flow[found.visible]).max() == pytest.approx(0, abs=1e-9)


def test_pictures_are_repeatable_and_seeds_differ() -> None:
    first, again = render(room(1), BEFORE), render(room(1), BEFORE)
    assert np.array_equal(first.rgb, again.rgb)
    assert not np.array_equal(first.rgb, render(room(2), BEFORE).rgb)


PAINT = Texture(structured(64, 64, 0))


def wall(depth: float, left: float, width: float) -> Rectangle:
    """Upright, facing the camera, 20 m high."""
    across, down = np.array([width, 0.0, 0.0]), np.array([0.0, 20.0, 0.0])
    return Rectangle(np.array([left, -10.0, depth]), across, down, PAINT)


def test_flow_and_occlusion_of_a_post_before_a_wall_are_those_worked_out_by_hand() -> None:
    # f = 100 px: a step of 0.2 m right moves the wall (10 m) by -2 px, the post (2 m) by -10 px.
    scene = Scene((Body((wall(10.0, -20.0, 40.0), wall(2.0, -0.2, 0.4))),))
    left = Camera(100, 101, 41)
    right = Camera(100, 101, 41, position=np.array([0.2, 0.0, 0.0]))
    found = exact_flow(scene, 0.0, left, 0.0, right)
    row = found.flow[20, :, 0]
    post = render(scene, left).surface[20] == 1
    assert np.flatnonzero(post).tolist() == list(range(40, 61))
    assert np.allclose(row[post], -10)
    assert np.allclose(row[~post], -2)
    # The post covers columns 30 to 50 of the second picture: wall columns 32 to 39 end behind it.
    hidden = [0, 1, *range(32, 40)]
    assert np.flatnonzero(~found.visible[20]).tolist() == hidden


def test_depth_is_along_the_optical_axis_and_infinite_in_the_sky() -> None:
    ball = Sphere(np.array([0.0, 0.0, 5.0]), 1.0, PAINT, np.eye(3))
    frame = render(Scene((Body((ball, wall(8.0, 0.0, 20.0))),)), Camera(50, 61, 61))
    assert frame.depth[30, 30] == pytest.approx(4.0)
    assert np.allclose(frame.depth[:, 45:], 8.0)
    assert np.isinf(frame.depth[30, 0])
    assert frame.surface[30, [0, 30, 60]].tolist() == [-1, 0, 1]
    # Seen under asin(1 / 5), the ball is 2 * 50 * tan(11.54 degrees) = 20.4 px wide.
    assert (frame.surface[30] == 0).sum() == 21


def test_a_turned_camera_sees_depth_in_its_own_axes() -> None:
    turned = Camera(50, 61, 61, rotation(yaw=60.0))
    across, down = np.array([0.0, 0.0, 80.0]), np.array([0.0, 80.0, 0.0])
    scene = Scene((Body((Rectangle(np.array([3.0, -40.0, -40.0]), across, down, PAINT),)),))
    # The ray along the axis reaches x = 3 after 3 / sin(60 degrees).
    assert render(scene, turned).depth[30, 30] == pytest.approx(3 / np.sin(np.pi / 3))


def test_a_rectangle_seen_edge_on_is_not_drawn() -> None:
    """Its plane goes through the camera: from a side it is a line, however large the focal length."""
    across, inward = np.array([4.0, 0.0, 0.0]), np.array([0.0, 0.0, 6.0])
    floor = Rectangle(np.array([-2.0, 0.0, 1.0]), across, inward, PAINT)
    for focal in (100.0, 1e7):
        camera = Camera(focal, 64, 48)
        assert floor.seen(camera, Light()) is None


def test_a_rectangle_in_the_plane_up_to_rounding_is_not_drawn_either() -> None:
    turn = np.array([[0.6, 0.8, 0.0], [-0.8, 0.6, 0.0], [0.0, 0.0, 1.0]])
    place = np.array([0.1, 0.7, -0.3])
    floor = Rectangle(
        turn @ np.array([-2.0, 0.0, 1.0]) + place,
        turn @ np.array([4.0, 0.0, 0.0]),
        turn @ np.array([0.0, 0.0, 6.0]),
        PAINT,
    )
    assert floor.seen(Camera(1e9, 64, 48, position=place), Light()) is None
