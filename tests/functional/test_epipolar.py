"""Distances under two-view models: true correspondences, plain loops, and the criterion by hand."""

from __future__ import annotations

import math

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mirabench.errors import InputError
from mirabench.functional import epipolar_distance, keep_ratio, sampson_squared, transfer_squared
from mirabench.functional.epipolar import gric, grics, project


class TestTwoViews:
    random = np.random.default_rng(3)
    points = random.uniform(0, 500, (200, 3)) + np.array([0, 0, 800])

    def views(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Two projections of random points, and the fundamental matrix between them."""
        angle, shift = 0.1, np.array([120.0, 10.0, 5.0])
        turn = np.array(
            [[np.cos(angle), 0, np.sin(angle)], [0, 1, 0], [-np.sin(angle), 0, np.cos(angle)]]
        )
        k = np.diag([700.0, 700.0, 1.0])
        first, second = self.points @ k.T, (self.points @ turn.T + shift) @ k.T
        cross = np.array(
            [[0, -shift[2], shift[1]], [shift[2], 0, -shift[0]], [-shift[1], shift[0], 0]]
        )
        inverse = np.linalg.inv(k)
        return (
            first[:, :2] / first[:, 2:],
            second[:, :2] / second[:, 2:],
            inverse.T @ cross @ turn @ inverse,
        )

    def test_true_correspondences_lie_on_their_lines(self) -> None:
        x1, x2, fundamental = self.views()
        assert epipolar_distance(fundamental, x1, x2).max() < 1e-6
        assert sampson_squared(fundamental, x1, x2).max() < 1e-9

    def test_the_criterion_prefers_the_model_that_made_the_points(self) -> None:
        x1, x2, fundamental = self.views()
        noise = self.random.normal(0, 0.7, x2.shape)
        homography, _ = cv2.findHomography(x1, x2 + noise)
        found = grics(fundamental, homography, x1, x2 + noise)
        assert found.fundamental < found.homography
        plane = np.array([[1.1, 0.02, 5], [-0.01, 0.98, 3], [1e-5, 2e-5, 1]])
        mapped = np.column_stack([x1, np.ones(len(x1))]) @ plane.T
        x3 = mapped[:, :2] / mapped[:, 2:] + noise
        matrix, _ = cv2.findFundamentalMat(x1, x3, cv2.FM_8POINT)
        found = grics(matrix, plane, x1, x3)
        assert found.homography < found.fundamental

    def test_transfer_error_of_a_shifted_point_is_half_the_squared_shift(self) -> None:
        found = transfer_squared(np.eye(3), np.array([[1.0, 1.0]]), np.array([[4.0, 5.0]]))
        assert found.tolist() == pytest.approx([(25 + 25) / 4])


class TestByPlainLoops:
    random = np.random.default_rng(8)
    fundamental = random.normal(size=(3, 3))
    x1, x2 = random.uniform(-50, 50, (2, 12, 2))

    def test_the_distance_is_to_the_line_in_the_second_picture(self) -> None:
        plain = []
        for (x, y), (u, v) in zip(self.x1, self.x2, strict=True):
            a, b, c = self.fundamental @ (x, y, 1)
            plain.append(abs(a * u + b * v + c) / math.sqrt(a * a + b * b))
        assert epipolar_distance(self.fundamental, self.x1, self.x2) == pytest.approx(
            np.array(plain)
        )

    def test_sampsons_distance_weighs_both_pictures(self) -> None:
        plain = []
        for one, two in zip(self.x1, self.x2, strict=True):
            there, back = self.fundamental @ (*one, 1), self.fundamental.T @ (*two, 1)
            algebraic = np.array((*two, 1)) @ there
            plain.append(algebraic**2 / (there[:2] @ there[:2] + back[:2] @ back[:2]))
        assert sampson_squared(self.fundamental, self.x1, self.x2) == pytest.approx(np.array(plain))

    def test_transfer_errors_of_both_directions_count(self) -> None:
        homography = np.array([[1.1, 0.1, 3], [-0.2, 0.9, 5], [1e-3, 2e-3, 1]])
        plain = []
        for one, two in zip(self.x1, self.x2, strict=True):
            there, back = homography @ (*one, 1), np.linalg.inv(homography) @ (*two, 1)
            missed = there[:2] / there[2] - two, back[:2] / back[2] - one
            plain.append((missed[0] @ missed[0] + missed[1] @ missed[1]) / 4)
        assert transfer_squared(homography, self.x1, self.x2) == pytest.approx(np.array(plain))
        assert project(homography, self.x1)[0] == pytest.approx(
            (homography @ (*self.x1[0], 1))[:2] / (homography @ (*self.x1[0], 1))[2]
        )


class TestCriterion:
    def test_by_hand(self) -> None:
        # F: cap 2 (4 - 3) = 2 of e^2 / 9; 1 + 2, then log 4 * 3 * 2 + log 8 * 7
        found = gric(np.array([9.0, 400.0]), sigma=3.0, dimension=3, parameters=7)
        assert found == pytest.approx(1 + 2 + math.log(4) * 6 + math.log(8) * 7)
        # H: cap 2 (4 - 2) = 4
        found = gric(np.array([9.0, 400.0]), sigma=3.0, dimension=2, parameters=8)
        assert found == pytest.approx(1 + 4 + math.log(4) * 4 + math.log(8) * 8)

    def test_both_models_are_judged_by_their_own_errors(self) -> None:
        random = np.random.default_rng(0)
        x1 = random.uniform(0, 100, (30, 2))
        x2 = x1 + random.normal(0, 2, (30, 2))
        fundamental, homography = random.normal(size=(3, 3)), np.eye(3)
        found = grics(fundamental, homography, x1, x2, sigma=3.0)
        assert found.fundamental == gric(sampson_squared(fundamental, x1, x2), 3.0, 3, 7)
        assert found.homography == gric(transfer_squared(homography, x1, x2), 3.0, 2, 8)
        assert grics(fundamental, homography, x1, x2) == grics(fundamental, homography, x1, x2, 1.5)

    def test_no_match_judges_nothing(self) -> None:
        with pytest.raises(InputError, match="no match"):
            gric(np.zeros(0), 1.0, 3, 7)


@given(st.lists(st.tuples(st.integers(0, 99), st.integers(1, 99)), min_size=1, max_size=9))
def test_keep_ratio_is_inliers_by_matches(pairs: list[tuple[int, int]]) -> None:
    inliers, more = np.array(pairs).T
    found = keep_ratio(inliers, inliers + more)
    assert found == pytest.approx(np.array([i / (i + m) for i, m in pairs]))
    assert keep_ratio(np.array([0, 1]), np.array([0, 1])).tolist() == [0.0, 1.0]
