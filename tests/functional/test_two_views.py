"""Two views of points whose geometry is known: what agrees, what does not, and what says nothing."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mirabench.errors import InputError
from mirabench.functional import epipolar_agreement, sampson_squared, two_views
from mirabench.functional.registration import distinct_views, truncated
from mirabench.testing.cameras import Camera, fundamental_matrix, rotation

SIZE = (640, 360)
LEFT = Camera(540.0, *SIZE)
LIFT = np.array([0.0, 3.0])
RIGHT = Camera(540.0, *SIZE, rotation(yaw=-4.0, pitch=1.0), np.array([0.6, 0.05, 0.1]))


def scene(n: int = 300, seed: int = 0) -> np.ndarray:
    """(n, 3) points before the cameras, 3 to 9 m away."""
    random = np.random.default_rng(seed)
    return random.uniform((-1.2, -0.7, 3.0), (1.2, 0.7, 9.0), (n, 3))


def seen(points: np.ndarray, noise: float = 0.2, seed: int = 1) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    views = [camera.project(points) for camera in (LEFT, RIGHT)]
    return tuple(v + random.normal(0, noise, v.shape) for v in views)  # type: ignore[return-value]  # two of them


def test_a_rigid_scene_agrees() -> None:
    found = two_views(*seen(scene()), SIZE)
    assert found.state == "ok"
    # d^2 / noise^2 is chi-squared with one degree: the mean of exp(-d^2 / 2 s^2) is 1 / sqrt(1 + n^2 / s^2)
    sigma = np.hypot(1e-3 * np.hypot(*SIZE), 0.25)
    assert found.score == pytest.approx(1 / np.sqrt(1 + (0.2 / sigma) ** 2), abs=0.02)


@pytest.mark.parametrize("share", [0.2, 0.5])
def test_matches_that_fit_nothing_stay_in_the_mean(share: float) -> None:
    x1, x2 = seen(scene(), noise=0.0)
    wrong = int(share * len(x1))
    x2[:wrong] = np.random.default_rng(5).uniform((0, 0), SIZE, (wrong, 2))
    # a wrong match lies on its line by chance in about one case of sixty
    assert two_views(x1, x2, SIZE).score == pytest.approx(1 - share, abs=0.03)


def test_points_that_move_by_themselves_lower_the_agreement() -> None:
    still, moving = seen(scene(210)), seen(scene(90, seed=3), seed=4)
    lifted = moving[1] + np.array([0.0, 14.0])  # across their epipolar lines
    found = two_views(
        np.concatenate([still[0], moving[0]]), np.concatenate([still[1], lifted]), SIZE
    )
    assert 0.55 < found.score < 0.72


def test_more_bending_agrees_less() -> None:
    x1, x2 = seen(scene(), noise=0.0)
    bent = [
        x2 + k * np.column_stack([np.zeros(len(x2)), np.sin(x2[:, 0] / 17)]) for k in (0, 1, 2, 4)
    ]
    scores = [two_views(x1, view, SIZE).score for view in bent]
    assert scores == sorted(scores, reverse=True)
    assert scores[0] - scores[-1] > 0.4


def test_exchanging_the_views_changes_little() -> None:
    x1, x2 = seen(scene())
    assert two_views(x1, x2, SIZE).score == pytest.approx(two_views(x2, x1, SIZE).score, abs=0.02)


def test_a_mirror_image_that_slides_the_other_way_is_behind_the_camera() -> None:
    slide = Camera(540.0, *SIZE, np.eye(3), np.array([0.5, 0.0, 0.0]))
    points = scene(200)
    x1, x2 = LEFT.project(points), slide.project(points)
    mirrored = [np.column_stack([SIZE[0] - 1 - x[:, 0], x[:, 1]]) for x in (x1, x2)]
    both = two_views(
        np.concatenate([x1[:120], mirrored[0][120:]]),
        np.concatenate([x2[:120], mirrored[1][120:]]),
        SIZE,
    )
    # every match is on its line: only the side tells
    assert two_views(x1, x2, SIZE).score > 0.95
    assert both.score == pytest.approx(0.6, abs=0.05)


class TestWithoutDepth:
    def test_nothing_moved(self) -> None:
        x1, _ = seen(scene())
        still = x1 + np.random.default_rng(2).normal(0, 0.05, x1.shape)
        assert two_views(x1, still, SIZE) == (
            "static",
            pytest.approx(0),
            pytest.approx(0, abs=3e-4),
        )

    def test_a_plane(self) -> None:
        points = scene()
        points[:, 2] = 5.0 + 0.3 * points[:, 0]
        found = two_views(*seen(points), SIZE)
        assert found.state == "planar-or-rotation"
        assert found.score == 0.0

    def test_a_camera_that_only_turns(self) -> None:
        turned = Camera(540.0, *SIZE, rotation(yaw=5.0))
        random = np.random.default_rng(6)
        x1, x2 = (c.project(scene()) + random.normal(0, 0.2, (300, 2)) for c in (LEFT, turned))
        assert two_views(x1, x2, SIZE).state == "planar-or-rotation"

    @pytest.mark.parametrize("n", [0, 3, 14])
    def test_few_matches(self, n: int) -> None:
        found = two_views(*seen(scene(n)), SIZE) if n else two_views(*np.zeros((2, 0, 2)), SIZE)
        assert found.state == "no-match"
        assert found.score == 0.0


def test_matches_at_random_contradict_each_other() -> None:
    x1, x2 = np.random.default_rng(9).uniform((0, 0), SIZE, (2, 200, 2))
    assert two_views(x1, x2, SIZE).score < 0.15


def test_the_same_bytes_twice_and_another_seed_nearly_the_same() -> None:
    x1, x2 = seen(scene())
    x2[:80] = np.random.default_rng(5).uniform((0, 0), SIZE, (80, 2))
    one, again, other = (two_views(x1, x2, SIZE, seed) for seed in (0, 0, 7))
    assert one.agreement.tobytes() == again.agreement.tobytes()
    assert one.score == pytest.approx(other.score, abs=0.03)


def test_the_true_matrix_agrees_with_true_matches_and_not_with_shifted_ones() -> None:
    fundamental = fundamental_matrix(LEFT, RIGHT)
    x1, x2 = seen(scene(50), noise=0.0)
    assert epipolar_agreement(fundamental, x1, x2, sigma=0.5).min() > 1 - 1e-9
    off = epipolar_agreement(fundamental, x1, x2 + LIFT, sigma=0.5)
    assert off == pytest.approx(np.exp(-sampson_squared(fundamental, x1, x2 + LIFT) / 0.5))
    assert off.max() < 0.05


@given(st.integers(0, 10_000), st.floats(0.1, 5.0))
def test_agreement_is_symmetric_and_falls_with_distance(seed: int, sigma: float) -> None:
    random = np.random.default_rng(seed)
    fundamental = random.normal(size=(3, 3))
    x1, x2 = random.uniform(-40, 40, (2, 20, 2))
    there = epipolar_agreement(fundamental, x1, x2, sigma)
    assert there == pytest.approx(epipolar_agreement(fundamental.T, x2, x1, sigma))
    order = np.argsort(sampson_squared(fundamental, x1, x2))
    assert (np.diff(there[order]) <= 1e-12).all()


@pytest.mark.parametrize("size", [(0, 10), (10, -1)])
def test_a_picture_without_size_is_refused(size: tuple[int, int]) -> None:
    with pytest.raises(InputError, match="sides above 0"):
        two_views(np.zeros((3, 2)), np.zeros((3, 2)), size)


class TestReconstructions:
    def test_a_view_from_a_place_seen_before_is_no_new_view(self) -> None:
        random = np.random.default_rng(1)
        points = np.tile(random.uniform(-1, 1, (30, 3)) + np.array([0, 0, 5.0]), (4, 1))
        owners = np.repeat(np.arange(4), 30)
        centres = np.array([[0, 0, 0], [0.5, 0, 0], [0.0005, 0, 0], [0.5, 0.3, 0]], float)
        assert distinct_views(centres, points, owners).tolist() == [True, True, False, True]

    def test_a_view_without_points_is_none(self) -> None:
        assert distinct_views(np.eye(3), np.ones((1, 3)), np.array([1])).tolist() == [
            False,
            True,
            False,
        ]

    @given(st.lists(st.floats(0, 100), max_size=20), st.integers(0, 30))
    def test_leaving_out_errors_never_helps(self, errors: list[float], more: int) -> None:
        count = len(errors) + more + 1
        whole = truncated(np.array(errors), count, 4.0)
        assert whole <= truncated(np.array(errors[1:]), count, 4.0) <= 4.0
