"""The five 3D numbers equal the reference's definition, and say when geometry is undefined."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from clipkit import still, texture
from hypothesis import given
from hypothesis import strategies as st

import mirabench
from mirabench.errors import MetricError
from mirabench.features.epipolar import Epipolar, frame_pairs
from mirabench.video.decode import open_video
from mirabench.video.frames import ArrayVideo

FIVE = ("num_pts", "num_inliers", "keep_ratio", "mean_err", "rmse")


def reference_numbers(frames: list[np.ndarray]) -> dict[str, float]:
    """The definition of the public code, written plainly: every pair from its two pictures.

    Formulas: `docs/metrics/consistency_3d.md`. Pictures are BGR, as OpenCV reads them from files.
    """
    cv2.setRNGSeed(0)
    sift, matcher = cv2.SIFT_create(nfeatures=40_000), cv2.FlannBasedMatcher()
    rows = []
    for gap in (60, 50, 40, 30, 20, 10):
        stride = int((len(frames) - gap) / 5)
        if stride <= 0:
            continue
        for i in range(0, len(frames) - gap, stride):
            one, two = (cv2.resize(frames[j], (1280, 720)) for j in (i, i + gap))
            k1, d1 = sift.detectAndCompute(one, None)
            k2, d2 = sift.detectAndCompute(two, None)
            good = [m for m, n in matcher.knnMatch(d1, d2, k=2) if m.distance < 0.85 * n.distance]
            p1 = np.float64([k1[m.queryIdx].pt for m in good])
            p2 = np.float64([k2[m.trainIdx].pt for m in good])
            matrix, mask = cv2.findFundamentalMat(p1, p2, cv2.FM_RANSAC, 3, 0.99)
            errors = []
            for (x, y), (u, v), inside in zip(p1, p2, mask.ravel(), strict=True):
                if inside:
                    line = matrix @ (x, y, 1)
                    errors.append(abs(line @ (u, v, 1)) / np.sqrt(line[0] ** 2 + line[1] ** 2))
            e = np.array(errors)
            inliers = int(mask.sum())
            rows.append((len(good), inliers, inliers / len(good), e.mean(), np.sqrt((e**2).mean())))
    return dict(zip(FIVE, np.mean(rows, axis=0).tolist(), strict=True))


def parallax(frames: int = 24) -> np.ndarray:
    """(T, 180, 320, 3): three textured layers that slide past each other at fixed speeds."""
    layers = [texture(180 + 8, 320 + 200, seed) for seed in (1, 2, 3)]
    mask = texture(188, 520, 7)[..., 0] > 150
    near = texture(188, 520, 8)[..., 0] > 175
    clip = []
    for t in range(frames):
        view = layers[0][:180, t : t + 320].copy()
        for layer, hole, speed in ((layers[1], mask, 3), (layers[2], near, 6)):
            cut = (slice(0, 180), slice(speed * t, speed * t + 320))
            view[hole[cut]] = layer[cut][hole[cut]]
        clip.append(view)
    return np.stack(clip)


def ours(source: object) -> dict[str, float]:
    report = mirabench.evaluate(source, metrics=[f"consistency_3d_{n}" for n in FIVE], cache=False)
    return {n: report.videos[0].scores[f"consistency_3d_{n}"].value for n in FIVE}


def test_all_five_equal_the_reference_definition_on_a_rendered_clip() -> None:
    clip = parallax()
    expected = reference_numbers([np.ascontiguousarray(f[..., ::-1]) for f in clip])
    assert ours(clip) == pytest.approx(expected, rel=1e-9)


@pytest.mark.data
@pytest.mark.slow
def test_all_five_equal_the_reference_definition_on_a_real_clip(data: Path) -> None:
    video = open_video(data / "miradit_basketball.mp4")
    frames = np.concatenate([b.data for b in video.frames()])[:40]
    expected = reference_numbers([np.ascontiguousarray(f[..., ::-1]) for f in frames])
    assert ours(frames) == pytest.approx(expected, rel=1e-9)


def test_each_distinct_frame_is_looked_at_once() -> None:
    info = ArrayVideo(np.zeros((120, 4, 4, 3), np.uint8)).info
    assert len(frame_pairs(120)) == 30
    assert len(Epipolar().select(info)) == 37


@given(st.integers(1, 2000))
def test_pairs_stay_inside_the_clip(frames: int) -> None:
    pairs = frame_pairs(frames)
    assert all(0 <= a < b < frames and b - a in (10, 20, 30, 40, 50, 60) for a, b in pairs)
    assert bool(pairs) == (frames >= 15)


def test_too_short_is_named() -> None:
    with pytest.raises(MetricError, match="too short: 14 frames"):
        mirabench.score(still(14), "consistency_3d_rmse", cache=False)


def test_a_pure_pan_of_a_plane_is_planar() -> None:
    canvas = texture(200, 600)
    clip = np.stack([canvas[:180, 4 * t : 4 * t + 320] for t in range(30)])
    found = mirabench.score(clip, "consistency_3d_mean_err", cache=False)
    assert found.status == "degenerate"
    assert "planar-or-rotation" in found.why


def test_a_flat_wall_has_low_texture() -> None:
    wall = np.full((30, 90, 160, 3), 128, np.uint8)
    with pytest.raises(MetricError, match="low-texture"):
        mirabench.score(wall, "consistency_3d_mean_err", cache=False)
