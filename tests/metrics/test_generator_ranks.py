"""Four generators of known order, spoiled further each: every weight-free motion and 3D metric puts them so."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

import mirabench
from mirabench.testing import clips, degrade

SIZE, FRAMES = (160, 90), 25
STRENGTHS = (0.0, 0.3, 0.6, 0.9)


@pytest.fixture(scope="module")
def orbit() -> np.ndarray:
    return clips.orbit(FRAMES, SIZE, 11).frames


@pytest.fixture(scope="module")
def ball() -> np.ndarray:
    return clips.ball(FRAMES, (320, 180), 13, yaw=6.0).frames


def values(frames: np.ndarray, metric: str, damage: Callable[..., np.ndarray]) -> list[float]:
    films = [damage(frames, strength) if strength else frames for strength in STRENGTHS]
    found = [mirabench.score(film, metric, fps=24, cache=False).value for film in films]
    return [np.nan if value is None else value for value in found]


@pytest.mark.parametrize(
    "metric", ["flow_magnitude", "camera_motion", "object_motion", "point_motion"]
)
def test_motion_that_stops_earlier_is_less(metric: str, ball: np.ndarray) -> None:
    found = values(ball, metric, lambda film, share: degrade.freeze_tail(film, 0.8 * share))
    assert found == sorted(found, reverse=True)
    assert found[0] > 2 * found[-1] > 0


def test_a_scene_that_bends_more_agrees_less(orbit: np.ndarray) -> None:
    most = 0.012 * float(np.hypot(*SIZE))
    found = values(
        orbit, "epipolar_agreement", lambda film, share: degrade.wobble(film, most * share)
    )
    assert found == sorted(found, reverse=True)
    assert found[0] > found[-1] + 0.2
