"""The renderer's answers are exact: geometry to rounding error, flow as an estimator finds it."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from mirabench.testing.cameras import Camera, fundamental_matrix, rotation, rotation_homography
from mirabench.testing.places import room
from mirabench.testing.scenes import exact_flow, render

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
