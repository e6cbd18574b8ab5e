"""Which clips are out of order, dissolving or looping, and what such a clip is worth to a metric."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import clipkit
import numpy as np
import pytest

import mirabench
from mirabench.features.api import FeatureTable
from mirabench.features.pulse import Pulse
from mirabench.metrics.health import FLAGS, assess
from mirabench.testing import clips, degrade
from mirabench.video.frames import ArrayVideo, FrameBatch

PAN = clipkit.panning(frames=32, dx=2.0)


def pulse_of(frames: np.ndarray, fps: float = 24) -> tuple[FeatureTable, ArrayVideo]:
    video = ArrayVideo(frames, fps=fps)
    feature = Pulse()
    session = feature.open(video.info)
    for batch in video.frames():
        session.push(FrameBatch(feature.resize(batch.data), batch.index, batch.seconds))
    return session.finish(), video


def flags(frames: np.ndarray, fps: float = 24) -> set[str]:
    pulse, video = pulse_of(frames, fps)
    return set(assess(pulse, video.info).flags)


class TestErratic:
    @pytest.mark.parametrize("change", [degrade.shuffled, degrade.swapped])
    def test_frames_out_of_order(self, change: Callable[[np.ndarray], np.ndarray]) -> None:
        assert "erratic" in flags(change(PAN))

    def test_frames_displaced_by_more_than_they_move(self) -> None:
        assert "erratic" in flags(degrade.shaken(PAN, 0.04))

    def test_a_shaken_still(self) -> None:
        assert "erratic" in flags(degrade.shaken(clipkit.still(24)))

    @pytest.mark.parametrize(
        "clip",
        [
            PAN,
            PAN[::-1],
            clipkit.still(24),
            degrade.doubled(PAN),
            degrade.flicker(PAN, 0.1),
            degrade.alternate(PAN, 0.1),
            clipkit.noise(clipkit.still(24), 6.0),
            clips.handheld(24, (96, 64), degrees=1.5).frames,
            clips.zoom(24, (96, 64)).frames,
        ],
        ids=[
            "pan",
            "backwards",
            "still",
            "doubled",
            "flicker",
            "strobe",
            "noise",
            "handheld",
            "zoom",
        ],
    )
    def test_not_what_moves_on_nor_what_only_changes_its_light(self, clip: np.ndarray) -> None:
        assert "erratic" not in flags(clip)

    @pytest.mark.parametrize("metric", ["flow_magnitude", "camera_motion", "track_displacement"])
    def test_it_counts_as_no_motion(self, metric: str) -> None:
        found = mirabench.score(degrade.shuffled(PAN), metric, cache=False)
        assert found.status == "degenerate"
        assert "erratic" in found.why


class TestDissolving:
    @pytest.mark.parametrize("stills", [2, 3])
    def test_stills_that_fade_into_each_other(self, stills: int) -> None:
        assert "dissolving" in flags(degrade.dissolving(clipkit.panning(48, 4.0), stills))

    @pytest.mark.parametrize("step", [0.1, 0.5, 2.0])
    def test_not_a_pan_however_slow(self, step: float) -> None:
        assert "dissolving" not in flags(clipkit.panning(48, step))

    def test_not_at_a_higher_rate_either(self) -> None:
        assert "dissolving" not in flags(clipkit.panning(60, 0.8), fps=60)

    def test_it_counts_neither_as_motion_nor_as_consistent(self) -> None:
        clip = degrade.dissolving(clipkit.panning(48, 4.0))
        for metric in ("flow_magnitude", "warping_error"):
            assert mirabench.score(clip, metric, cache=False).status == "degenerate"


class TestLooping:
    def test_a_loop_of_a_small_object_before_a_still_background(self) -> None:
        assert "looping" in flags(degrade.looped(clips.ball(48, (96, 64)).frames, 12))

    def test_not_the_object_that_moves_on(self) -> None:
        assert "looping" not in flags(clips.ball(48, (96, 64)).frames)

    def test_its_consistency_does_not_count(self) -> None:
        found = mirabench.score(degrade.looped(PAN, 8), "warping_error", cache=False)
        assert found.status == "degenerate"
        assert "looping" in found.why


def test_repeated_frames_do_not_dilute_the_error() -> None:
    faulty = clipkit.noise(clipkit.panning(30, 1.0), 14.0)
    one_in_five = np.take(faulty, np.arange(36) * 5 // 6, axis=0)
    before = mirabench.score(faulty, "warping_error", cache=False)
    after = mirabench.score(one_in_five, "warping_error", cache=False)
    assert after.status == "ok"
    assert after.value > before.value


@pytest.mark.parametrize("metric", ["consistency_3d_keep_ratio", "consistency_3d_mean_err"])
def test_two_scenes_or_half_a_freeze_are_not_one_rigid_scene(metric: str) -> None:
    clip = clipkit.panning(30, 2.0)
    cut = degrade.cut(clip, 255 - clip)
    for degraded, flag in ((cut, "hard-cuts"), (degrade.freeze_tail(clip, 0.6), "frozen")):
        found = mirabench.score(degraded, metric, cache=False)
        assert found.status == "degenerate"
        assert flag in found.why


def test_grain_is_no_detail() -> None:
    clip = clipkit.still(4)
    assert mirabench.score(clip, "sharpness", cache=False).status == "ok"
    found = mirabench.score(clipkit.noise(clip, 15.0), "sharpness", cache=False)
    assert found.status == "degenerate"
    assert "grain of" in found.why


@pytest.mark.parametrize("metric", ["flow_magnitude", "object_motion"])
def test_light_that_changes_is_no_motion(metric: str) -> None:
    clip = clipkit.panning(16, 1.0)
    steady = mirabench.score(clip, metric, cache=False)
    for amount in (0.01, 0.05, 0.2):
        found = mirabench.score(degrade.alternate(clip, amount), metric, cache=False)
        assert found.status == "ok"
        assert found.value == pytest.approx(steady.value, abs=0.002), (
            "diagonals/s; the pan makes 0.13"
        )


def test_every_flag_says_when_it_is_raised() -> None:
    pulse, video = pulse_of(np.zeros((4, 32, 32, 3), np.uint8))
    assert set(assess(pulse, video.info).flags) <= set(FLAGS)
    assert all(text for text in FLAGS.values())


@pytest.mark.data
def test_real_clips_are_in_order_and_do_not_dissolve(data: Path) -> None:
    from mirabench.video.decode import open_video

    for path in sorted(data.glob("*.mp4")):
        video = open_video(path)
        frames = np.concatenate([b.data for b in video.frames()][:2])[:100]
        assert not flags(frames, float(video.info.fps)) & {"erratic", "dissolving", "looping"}
