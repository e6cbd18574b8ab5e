"""Points of rendered clips: KLT reads a pan's speed; BootsTAPIR is asked and read rightly."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from clipkit import panning, still

import mirabench
from mirabench.features.point_paths import KltPaths, TapirPaths, _TapirSession, corner_of_each_cell
from mirabench.testing import clips, degrade
from mirabench.video.frames import ArrayVideo

DIAGONAL = float(np.hypot(160, 96))


def test_a_pan_reads_its_speed_and_no_subject() -> None:
    clip = panning(frames=25, dx=2.0, dy=1.5)
    assert mirabench.score(clip, "point_motion", fps=24, cache=False).value == pytest.approx(
        2.5 * 24 / DIAGONAL, rel=0.02
    )
    assert mirabench.score(clip, "subject_motion", fps=24, cache=False).value == 0.0


def test_grain_leaves_the_motion_of_points() -> None:
    clip = clips.ball(36, (320, 180), yaw=7.0).frames[::2]
    clean, grainy = (
        mirabench.score(c, "point_motion", fps=12, cache=False).value
        for c in (clip, degrade.noise(clip, sigma=12.0))
    )
    assert grainy == pytest.approx(clean, rel=0.1)


def test_a_ball_is_the_subject_before_a_still_camera() -> None:
    clip = clips.ball(36, (320, 180)).frames[::2]
    subject = mirabench.score(clip, "subject_motion", fps=12, cache=False).value
    everything = mirabench.score(clip, "point_motion", fps=12, cache=False).value
    assert subject is not None
    assert everything is not None
    assert subject > 10 * everything > 0


def test_each_cell_gives_its_best_corner() -> None:
    luma = np.zeros((96, 240), np.uint8)
    for x, y in ((24, 14), (204, 75), (207, 72)):
        cv2.rectangle(luma, (x, y), (x + 2, y + 2), 255, -1)
    found = corner_of_each_cell(luma)
    assert 2 <= len(found) <= 8
    assert (
        np.abs(found[:, None] - np.array([[25, 15], [206, 75]])).max(axis=2).min(axis=1).max() <= 4
    )
    assert corner_of_each_cell(np.zeros((96, 160), np.uint8)).shape == (0, 2)


@pytest.mark.parametrize(("frames", "rows"), [(1, 0), (2, 1), (25, 1), (30, 1), (31, 2), (49, 2)])
def test_windows_of_two_seconds_and_a_rest_of_half_a_second(frames: int, rows: int) -> None:
    video = ArrayVideo(still(frames), fps=12)
    session = KltPaths().open(video.info)
    for batch in video.frames():
        session.push(batch)
    assert len(session.finish()["seconds"]) == rows


class Recorder:
    """Stands in for the network: every point walks right by a px of the square a frame, some hidden."""

    def __call__(self, video, queries):
        import torch

        from mirabench.nets.tapir import PointTracks

        self.video, self.queries = video, queries
        steps = torch.arange(len(video)).float()
        points = queries[:, None, [2, 1]] + torch.stack([steps, 0 * steps], dim=-1)
        hidden = torch.full(points.shape[:2], -5.0)
        hidden[0] = 5.0
        return PointTracks(points, hidden, torch.full(points.shape[:2], -5.0))


def test_tapir_is_asked_for_a_grid_on_the_middle_frame_and_read_in_the_true_aspect() -> None:
    pytest.importorskip("torch", reason="needs the extra torch")
    net = Recorder()
    sides = np.array([160, 90]) / np.hypot(160, 90)
    session = _TapirSession(net, TapirPaths(grid=4), sides)  # type: ignore[arg-type]  # stands in
    for _ in range(13):
        session._take(np.zeros((256, 256, 3), np.uint8))
    tracks, visible = session._tracked()
    assert tuple(net.video.shape) == (13, 3, 256, 256)
    assert net.video.min() == net.video.max() == -1
    assert net.queries[:, 0].unique().tolist() == [6.0]
    assert net.queries[:2].tolist() == [[6.0, 32.0, 32.0], [6.0, 32.0, 96.0]]
    assert tracks.shape == (13, 16, 2)
    assert np.diff(tracks[:, 1, 0]) == pytest.approx(sides[0] / 256)
    assert visible.sum(axis=0).tolist() == [0] + [13] * 15
