"""Moves of a camera against what was asked: by hand, one threshold after the other."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mirabench.functional import CameraPath, camera_agreement

STEPS = 20


def path(seconds: float = 0.1, **axes: float | np.ndarray) -> CameraPath:
    """Every step alike along the named axes, none along the others."""
    steps = {
        axis: np.broadcast_to(np.float64(axes.get(axis, 0.0)), STEPS).copy()
        for axis in ("x", "y", "z", "roll")
    }
    return CameraPath(**steps, seconds=np.full(STEPS, seconds))


DIRECTIONS = {
    "left": ("x", 1), "right": ("x", -1), "up": ("y", 1), "down": ("y", -1), "in": ("z", 1), "out": ("z", -1),
}  # fmt: skip
FULL = {"x": 0.1, "y": 0.1, "z": 0.05, "roll": math.radians(5)}


class TestDirected:
    @pytest.mark.parametrize(("move", "axis", "sign"), [(m, *d) for m, d in DIRECTIONS.items()])
    @pytest.mark.parametrize("share", [0.3, 1.0, 1.7])
    def test_the_way_in_the_asked_direction(
        self, move: str, axis: str, sign: int, share: float
    ) -> None:
        made = path(**{axis: sign * share * FULL[axis] / STEPS})
        assert camera_agreement(made, move, [move]) == pytest.approx(min(1.0, share))
        opposite = next(m for m, (a, s) in DIRECTIONS.items() if (a, s) == (axis, -sign))
        assert camera_agreement(made, opposite, [opposite]) == 0.0

    def test_the_way_against_it_counts_against_it(self) -> None:
        # with a step of 10 s nothing is smoothed: 0.3 forth and 0.1 back
        there_and_back = path(10.0, x=np.repeat([0.02, -0.02], [15, 5]))
        assert camera_agreement(there_and_back, "left", ["left"]) == pytest.approx(0.5)
        assert camera_agreement(there_and_back, "right", ["right"]) == 0.0

    def test_where_both_were_asked_each_counts_alone(self) -> None:
        there_and_back = path(10.0, x=np.repeat([0.006, -0.004], [10, 10]))
        asked = ["left", "right"]
        assert camera_agreement(there_and_back, "left", asked) == pytest.approx(0.6)
        assert camera_agreement(there_and_back, "right", asked) == pytest.approx(0.4)

    def test_standing_still_goes_no_way(self) -> None:
        assert camera_agreement(path(), "left", ["left"]) == 0.0


class TestUndirected:
    @pytest.mark.parametrize(
        ("move", "axis"), [("horizontal", "x"), ("vertical", "y"), ("depth", "z"), ("roll", "roll")]
    )
    @pytest.mark.parametrize("share", [-1.2, -0.5, 0.25, 1.0])
    def test_the_distance_of_the_furthest_places(self, move: str, axis: str, share: float) -> None:
        made = path(**{axis: share * FULL[axis] / STEPS})
        assert camera_agreement(made, move, [move]) == pytest.approx(min(1.0, abs(share)))

    def test_there_and_back_counts_once(self) -> None:
        there_and_back = path(10.0, x=np.repeat([0.004, -0.004], [10, 10]))
        assert camera_agreement(there_and_back, "horizontal", []) == pytest.approx(0.4)

    def test_the_place_where_it_began_is_a_place(self) -> None:
        out = path(10.0, x=np.r_[0.05, np.zeros(STEPS - 1)])
        assert camera_agreement(out, "horizontal", []) == pytest.approx(0.5)


class TestStill:
    @pytest.mark.parametrize(
        ("speed", "value"), [(0.0, 1.0), (0.005, 1.0), (0.0275, 0.5), (0.05, 0.0), (1.0, 0.0)]
    )
    def test_static_falls_from_one_speed_to_another(self, speed: float, value: float) -> None:
        made = path(0.1, x=0.06 * speed, y=0.08 * speed)  # 0.1 s at this speed, aslant
        assert camera_agreement(made, "static", []) == pytest.approx(value, abs=1e-9)

    @pytest.mark.parametrize(("tremor", "value"), [(0.0, 0.0), (0.01, 0.5), (0.04, 1.0)])
    def test_handheld_is_what_is_left_beside_the_slow_motion(
        self, tremor: float, value: float
    ) -> None:
        # to and fro with each step: a moving mean over 5 steps leaves a fifth
        shake = np.where(np.arange(STEPS) % 2, -1.0, 1.0) * 0.1 * tremor
        made = path(0.1, x=shake)
        rest = made.x - made.slow("x")
        expected = min(1.0, math.sqrt(np.mean((rest / 0.1) ** 2)) / 0.02)
        assert camera_agreement(made, "handheld", []) == pytest.approx(expected)
        assert expected == pytest.approx(value, rel=0.25)

    def test_a_slow_pan_is_not_handheld(self) -> None:
        assert camera_agreement(path(x=0.01), "handheld", []) == pytest.approx(0.0, abs=1e-9)

    def test_both_axes_tremble(self) -> None:
        shake = np.where(np.arange(STEPS) % 2, -1.0, 1.0) * 5e-4
        one, both = path(x=shake).tremor(), path(x=shake, y=shake).tremor()
        assert both == pytest.approx(one * math.sqrt(2))
        assert path(y=shake).tremor() == pytest.approx(one)


class TestMoving:
    def test_any_way_counts(self) -> None:
        made = path(0.25, x=np.where(np.arange(STEPS) % 2, -1, 1) * 0.003, y=0.004)
        assert camera_agreement(made, "moving", []) == pytest.approx(1.0)
        less = path(0.25, x=0.0006, y=-0.0008)  # 20 steps of 0.001
        assert camera_agreement(less, "moving", []) == pytest.approx(0.2)


class TestSlow:
    @pytest.mark.parametrize(
        ("seconds", "width"), [(0.1, 5), (0.125, 5), (0.05, 11), (0.6, 1), (2.0, 1)]
    )
    def test_is_a_moving_mean_over_half_a_second(self, seconds: float, width: int) -> None:
        x = np.random.default_rng(0).normal(size=STEPS)
        half = width // 2
        padded = [*[x[0]] * half, *x, *[x[-1]] * half]
        plain = [np.mean(padded[i : i + width]) for i in range(STEPS)]
        assert path(seconds, x=x).slow("x") == pytest.approx(np.array(plain))

    @pytest.mark.parametrize(("steps", "width"), [(1, 1), (2, 1), (3, 3), (4, 3), (5, 5)])
    def test_a_short_path_is_smoothed_over_no_more_than_it_has(
        self, steps: int, width: int
    ) -> None:
        x = np.arange(steps, dtype=np.float64) ** 2
        none = np.zeros(steps)
        made = CameraPath(x, none, none, none, np.full(steps, 0.01))
        half = width // 2
        padded = [*[x[0]] * half, *x, *[x[-1]] * half]
        plain = [np.mean(padded[i : i + width]) for i in range(steps)]
        assert made.slow("x") == pytest.approx(np.array(plain))


@given(
    st.integers(0, 10_000), st.sampled_from([*DIRECTIONS, "horizontal", "roll", "static", "moving"])
)
def test_every_agreement_lies_between_nothing_and_all(seed: int, move: str) -> None:
    random = np.random.default_rng(seed)
    made = CameraPath(*random.normal(0, 0.02, (4, 9)), seconds=random.uniform(0.02, 0.2, 9))
    assert 0.0 <= camera_agreement(made, move, [move]) <= 1.0
