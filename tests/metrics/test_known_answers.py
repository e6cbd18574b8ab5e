"""Metrics of suite `lite` on clips whose answers are known by construction."""

from __future__ import annotations

from typing import Any

import clipkit
import cv2
import numpy as np
import pytest
from clipkit import panning, still

import mirabench
from mirabench.errors import MetricError
from mirabench.functional.picture_quality import JUST_VISIBLE
from mirabench.metrics.api import Score

DIAGONAL = float(np.hypot(160, 96))


def value(clip: np.ndarray, metric: str, fps: float = 24, **more: object) -> float:
    return score(clip, metric, fps, **more).value


def score(clip: np.ndarray, metric: str, fps: float = 24, **more: object) -> Score:
    return mirabench.score(clip, metric, fps=fps, cache=False, **more)  # type: ignore[arg-type]


class TestMotion:
    @pytest.mark.parametrize("step", [1.0, 2.0, 3.5])
    def test_a_pan_of_d_pixels_a_frame_reads_d(self, step: float) -> None:
        expected = step * 24 / DIAGONAL
        clip = panning(dx=step)
        assert value(clip, "flow_magnitude") == pytest.approx(expected, rel=0.06)
        assert value(clip, "camera_motion") == pytest.approx(expected, rel=0.03)
        assert value(clip, "track_displacement") == pytest.approx(expected, rel=0.03)
        assert value(clip, "object_motion") < 0.1 * expected

    @pytest.mark.parametrize("metric", ["flow_magnitude", "camera_motion", "track_displacement"])
    def test_motion_does_not_depend_on_frame_rate(self, metric: str) -> None:
        slow = value(panning(frames=16, dx=4.0), metric, fps=12)
        fast = value(panning(frames=32, dx=2.0), metric, fps=24)
        assert slow == pytest.approx(fast, rel=0.05)

    @pytest.mark.parametrize("metric", ["flow_magnitude", "camera_motion", "track_displacement"])
    def test_motion_does_not_depend_on_resolution(self, metric: str) -> None:
        large = panning(dx=4.0, size=(320, 192))
        small = np.stack([cv2.resize(f, (160, 96), interpolation=cv2.INTER_AREA) for f in large])
        assert value(large, metric) == pytest.approx(value(small, metric), rel=0.06)

    def test_an_object_before_a_still_background_is_not_the_camera(self) -> None:
        clip = still(frames=24)
        patch = still(frames=1, seed=9)[0, :32, :32]
        for t in range(24):
            clip[t, 30:62, 10 + 4 * t : 42 + 4 * t] = patch
        expected = 4 * 24 / DIAGONAL
        assert value(clip, "object_motion") == pytest.approx(expected, rel=0.25)
        assert value(clip, "camera_motion") < 0.05 * expected

    def test_an_object_before_a_panning_camera_is_measured_against_it(self) -> None:
        clip = panning(dx=3.0)
        patch = still(frames=1, seed=9)[0, :36, :36]
        for t in range(24):
            clip[t, 30:66, 10 + 4 * t : 46 + 4 * t] = patch  # 7 px a frame against the ground
        assert value(clip, "camera_motion") == pytest.approx(3 * 24 / DIAGONAL, rel=0.08)
        assert value(clip, "object_motion") == pytest.approx(7 * 24 / DIAGONAL, rel=0.3)

    def test_trembling_in_place_gets_nowhere(self) -> None:
        still, moved = panning(frames=2, dx=3.0)
        tremble = np.stack([moved if t % 3 else still for t in range(48)])
        # of every second frame, two steps of three are 3 px long, and each undoes the one before
        steps = 2 * 12 / DIAGONAL
        assert value(tremble, "flow_magnitude") < 0.1 * steps
        assert value(tremble, "track_displacement") < 0.1 * steps


class TestStaticClips:
    @pytest.mark.parametrize(
        "metric", ["flow_magnitude", "camera_motion", "object_motion", "track_displacement"]
    )
    def test_a_static_clip_has_no_motion(self, metric: str) -> None:
        found = score(still(frames=24), metric)
        assert found.value == pytest.approx(0.0, abs=1e-3)
        assert found.status == "ok"

    @pytest.mark.parametrize("metric", ["warping_error", "temporal_flicker"])
    def test_perfect_consistency_of_a_static_clip_does_not_count(self, metric: str) -> None:
        found = score(still(frames=24), metric)
        assert (found.value, found.status) == (100.0, "degenerate")  # it proves nothing
        assert "static" in found.why

    def test_its_geometry_is_undefined_and_says_static(self) -> None:
        found = score(still(frames=24), "consistency_3d_mean_err")
        assert found.status == "degenerate"
        assert "static" in found.why

    def test_one_frame_has_no_motion_to_speak_of(self) -> None:
        with pytest.raises(MetricError, match="at least two"):
            score(still(frames=1), "flow_magnitude")

    def test_a_clip_of_two_by_two_pixels_is_refused_or_degenerate_but_never_a_crash(self) -> None:
        tiny = still(frames=10)[:, :2, :2]
        for metric in ("warping_error", "flow_magnitude", "sharpness", "blockiness"):
            try:
                found = score(tiny, metric)
            except MetricError as error:
                assert "unexpected" not in str(error)
            else:
                assert np.isfinite(found.value)


class TestTemporalConsistency:
    def test_a_pan_by_whole_pixels_is_nearly_perfect(self) -> None:
        assert value(panning(dx=2.0), "warping_error") < 0.5
        assert value(panning(dx=2.0), "temporal_flicker") < 0.1

    @pytest.mark.parametrize("metric", ["warping_error", "temporal_flicker"])
    def test_more_flicker_scores_worse(self, metric: str) -> None:
        clip = panning(dx=1.0)
        found = [value(clipkit.flicker(clip, a), metric) for a in (0.0, 0.03, 0.1)]
        assert found == sorted(found)
        assert found[2] > 3 * max(found[0], 0.05)

    def test_noise_is_a_warping_error_but_hardly_flicker(self) -> None:
        noisy = clipkit.noise(panning(dx=1.0), 12.0)
        assert value(noisy, "warping_error") > 2.0
        assert value(noisy, "temporal_flicker") < 0.35 * value(noisy, "warping_error")

    @pytest.mark.parametrize("metric", ["warping_error", "temporal_flicker"])
    def test_one_pair_of_eight_across_a_cut_is_an_eighth(self, metric: str) -> None:
        clip = np.concatenate(
            [panning(frames=12, seed=1) // 2, 255 - panning(frames=15, seed=2) // 2]
        )
        assert value(clip, metric) == pytest.approx(100 * (1 / 8 - 0.01) / 0.99, rel=0.5)

    @pytest.mark.parametrize("metric", ["warping_error", "temporal_flicker"])
    @pytest.mark.parametrize(
        ("order", "least"),
        [
            (lambda t: np.minimum(t, 23), 48.0),
            (lambda t: t // 2 * 2, 48.0),
            (lambda t: t % 16, 60.0),
            (lambda t: t ^ 1, 50.0),
        ],
        ids=["frozen half", "held frames", "loop", "swapped frames"],
    )
    def test_time_that_shows_nothing_new_or_is_out_of_order_counts(
        self, metric: str, order: Any, least: float
    ) -> None:
        clip = panning(frames=48, dx=2.0)
        assert value(clip, metric) < 0.001
        assert value(clip[order(np.arange(48))], metric) > least

    @pytest.mark.parametrize("metric", ["warping_error", "temporal_flicker"])
    def test_the_frame_rate_does_not_enter(self, metric: str) -> None:
        fast = clipkit.noise(panning(frames=60, dx=1.0), 14.0)
        rates = [(fast, 48), (fast[::2], 24), (fast[::3], 16), (fast[::6], 8)]
        found = [value(clip, metric, fps) for clip, fps in rates]
        assert found == pytest.approx([found[0]] * 4, rel=0.1, abs=0.05)


class TestVisualQuality:
    @pytest.mark.parametrize(
        ("metric", "how", "strengths", "rises"),
        [
            ("sharpness", "blur", (0.0, 0.8, 1.6, 3.2), False),
            ("noise", "noise", (0.0, 4.0, 8.0, 16.0), True),
            ("blockiness", "blocks", (100, 30, 15, 5), True),
            ("colorfulness", "saturation", (0.0, 0.5, 1.0), True),
            ("exposure", "darken", (1.0, 0.5, 0.2, 0.05), False),
        ],
    )
    def test_monotone_in_what_it_measures(
        self, metric: str, how: str, strengths: tuple[float, ...], rises: bool
    ) -> None:
        clip = still(frames=2, size=(320, 192))
        found = [value(getattr(clipkit, how)(clip, s), metric) for s in strengths]
        assert found == sorted(found, reverse=not rises)
        assert found[0] != found[-1]

    @pytest.mark.parametrize("sigma", [3.0, 8.0, 15.0])
    def test_noise_reads_its_standard_deviation(self, sigma: float) -> None:
        grey = np.full((2, 192, 320, 3), 128.0)
        random = np.random.default_rng(1)
        noisy = grey + random.normal(0, sigma, grey.shape[:3])[..., None]
        found = value(noisy.round().astype(np.uint8), "noise")
        assert found + JUST_VISIBLE == pytest.approx(sigma, rel=0.08)

    def test_two_well_lit_halves_are_perfectly_exposed_and_black_is_not(self) -> None:
        halves = np.full((2, 64, 64, 3), 85, np.uint8)
        halves[:, 32:] = 170
        assert value(halves, "exposure") == pytest.approx(1.0, abs=1e-3)
        assert score(halves * 0, "exposure").status == "degenerate"
        assert value(halves * 0, "exposure") == 0.0

    def test_grey_has_no_colour(self) -> None:
        grey = still(frames=2)[..., :1].repeat(3, axis=3)
        assert value(grey, "colorfulness") == 0.0

    def test_black_frames_say_nothing_about_sharpness(self) -> None:
        found = score(np.zeros((8, 64, 64, 3), np.uint8), "sharpness")
        assert found.status == "degenerate"
        assert "black" in found.why


class TestCameraCaption:
    @pytest.mark.parametrize(
        ("dx", "dy", "asked", "wrong"),
        [
            (2.0, 0.0, "The camera pans right.", "The camera pans left."),
            (-2.0, 0.0, "The camera pans to the left.", "The camera pans to the right."),
            (0.0, -2.0, "The camera tilts up.", "The camera tilts down."),
            (0.0, 2.0, "The camera tilts down.", "The camera tilts up."),
        ],
    )
    def test_the_asked_direction_agrees_and_the_other_does_not(
        self, dx: float, dy: float, asked: str, wrong: str
    ) -> None:
        clip = panning(dx=dx, dy=dy)
        assert value(clip, "camera_motion_agreement", prompt=asked) > 0.95
        assert value(clip, "camera_motion_agreement", prompt=wrong) < 0.05

    @pytest.mark.parametrize(("factor", "asked"), [(1.01, "zooms in"), (1 / 1.01, "zooms out")])
    def test_zoom(self, factor: float, asked: str) -> None:
        canvas = still(frames=1, size=(640, 384))[0]
        clip = []
        for t in range(24):
            zoom = 0.5 * factor**t
            matrix = np.float32([[zoom, 0, 80 - 320 * zoom], [0, zoom, 48 - 192 * zoom]])
            clip.append(cv2.warpAffine(canvas, matrix, (160, 96), flags=cv2.INTER_AREA))
        frames = np.stack(clip)
        other = "zooms out" if asked == "zooms in" else "zooms in"
        assert value(frames, "camera_motion_agreement", prompt=f"The camera {asked}.") > 0.9
        assert value(frames, "camera_motion_agreement", prompt=f"The camera {other}.") < 0.1

    def test_static_is_a_move_too(self) -> None:
        asked = "A locked-off static shot."
        assert value(still(frames=24), "camera_motion_agreement", prompt=asked) == 1.0
        assert value(panning(dx=2.0), "camera_motion_agreement", prompt=asked) == 0.0

    def test_a_caption_that_asks_for_nothing_gives_no_score(self) -> None:
        with pytest.raises(MetricError, match="asks for no camera move"):
            score(panning(), "camera_motion_agreement", prompt="A boat on a lake.")
