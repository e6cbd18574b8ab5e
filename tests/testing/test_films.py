"""Metrics on filmed scenes: what is rigid reads rigid, what is broken is named."""

from __future__ import annotations

import clipkit
import numpy as np
import pytest

import mirabench
from mirabench.metrics.api import Score
from mirabench.report.model import ScoreRecord
from mirabench.testing import degrade, films
from mirabench.testing.cameras import fundamental_matrix

SIZE = (256, 144)


@pytest.fixture(scope="module")
def dolly() -> np.ndarray:
    return films.room_dolly(40, SIZE)


def score(clip: np.ndarray, metric: str, prompt: str | None = None) -> Score:
    return mirabench.score(clip, metric, prompt=prompt, cache=False)


def rigidity(clip: np.ndarray) -> dict[str, ScoreRecord]:
    asked = ["consistency_3d_mean_err", "consistency_3d_keep_ratio"]
    return mirabench.evaluate(clip, metrics=asked, cache=False).videos[0].scores


def health(clip: np.ndarray) -> set[str]:
    return set(mirabench.evaluate(clip, metrics=["exposure"], cache=False).videos[0].health)


class TestGeometry:
    def test_a_rigid_room_is_rigid_and_a_bent_one_is_not(self, dolly: np.ndarray) -> None:
        rigid, bent = rigidity(dolly), rigidity(degrade.wobble(dolly, amplitude=5.0))
        assert {score.status for score in rigid.values()} == {"ok"}
        error, error_bent = (s["consistency_3d_mean_err"].value for s in (rigid, bent))
        assert error < 1.0
        assert error < 0.9 * error_bent
        kept, kept_bent = (s["consistency_3d_keep_ratio"].value for s in (rigid, bent))
        assert kept > 0.6
        assert kept_bent < 0.75 * kept

    def test_a_camera_that_only_turns_shows_no_depth(self) -> None:
        found = score(films.room_turn(30, SIZE), "consistency_3d_mean_err")
        assert found.status == "degenerate"
        assert "planar-or-rotation" in found.why


class TestCamera:
    def test_an_orbit_keeps_its_distance_and_its_centre_in_the_middle(self) -> None:
        path, centre = films.orbit_path(SIZE), np.array(films.ORBIT_CENTRE)
        middle = (np.array(SIZE) - 1) / 2
        for time in (0.0, 0.5, 1.4):
            camera = path(time)
            assert np.allclose(camera.project(centre), middle, atol=1e-9)
            assert np.linalg.norm(camera.position - centre) == pytest.approx(films.ORBIT_RADIUS)
        assert path(1.0).position[0] > path(0.0).position[0]
        assert np.linalg.matrix_rank(fundamental_matrix(path(0.0), path(1.0)), tol=1e-9) == 2

    def test_a_dolly_agrees_with_its_caption_only(self, dolly: np.ndarray) -> None:
        asked, denied = "The camera dollies in.", "The camera dollies out."
        assert score(dolly, "camera_motion_agreement", asked).value > 0.8
        assert score(dolly, "camera_motion_agreement", denied).value < 0.2

    def test_a_turn_to_the_right_is_a_pan_to_the_right(self) -> None:
        clip = films.room_turn(30, SIZE)
        assert score(clip, "camera_motion_agreement", "It pans right.").value > 0.8
        assert score(clip, "camera_motion_agreement", "It pans left.").value < 0.2


class TestHealth:
    def test_a_moving_film_is_healthy(self, dolly: np.ndarray) -> None:
        assert health(dolly) == set()

    def test_each_fault_is_named(self, dolly: np.ndarray) -> None:
        assert health(degrade.freeze_tail(dolly, 0.5)) == {"frozen"}
        assert "looping" in health(degrade.looped(np.concatenate([dolly, dolly]), 12))
        assert "duplicate-frames" in health(degrade.doubled(dolly))
        assert health(np.concatenate([dolly[:20], 255 - dolly[:20]])) >= {"hard-cuts"}
        assert "black" in health(dolly // 32)
        assert "textureless" in health(np.full_like(dolly, 120))
        assert health(clipkit.still(30)) == {"static"}
        assert "too-short" in health(dolly[:5])

    def test_flicker_and_wobble_cost_temporal_consistency(self, dolly: np.ndarray) -> None:
        degraded = degrade.flicker(degrade.wobble(dolly))
        for metric in ("warping_error", "temporal_flicker"):
            assert score(degraded, metric).value > 2 * score(dolly, metric).value
