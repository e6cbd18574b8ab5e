"""The frame between two ticks of films with a known occluder, known faults and uneven times."""

from __future__ import annotations

import clipkit
import numpy as np
import pytest

import mirabench
from mirabench.features.interpolation_residual import (
    InterpolationResidual,
    RaftInterpolationResidual,
    _by_raft,
    _Session,
)
from mirabench.features.stream import extract
from mirabench.testing import clips, degrade
from mirabench.video.frames import ArrayVideo, FrameBatch

BALL = clips.ball(36, (160, 96), 3)


def errors(clip: np.ndarray, fps: float = 24.0) -> np.ndarray:
    found = extract(ArrayVideo(clip, fps=fps), [InterpolationResidual()])
    return np.asarray(found.tables[InterpolationResidual()]["error"])


def value(clip: np.ndarray, fps: float = 24.0) -> float:
    return mirabench.score(clip, "masked_interpolation_error", fps=fps, cache=False).value


def test_a_ball_that_covers_and_uncovers_the_ground_is_no_error() -> None:
    assert value(BALL.frames) < 2.0


def test_one_frame_that_jumps_is_seen_at_its_time() -> None:
    clip = clipkit.panning(37, dx=1.0)
    clip[18] = np.roll(clip[18], 6, axis=1)  # at the tick 0.75 s
    found = errors(clip)
    assert found[5] > 0.8  # rows begin with the second tick
    assert np.delete(found, [4, 5, 6]).max() < 0.05


def test_size_and_rate_hardly_enter() -> None:
    bent = degrade.wobble(clips.dolly(36, (320, 192), 2).frames, 9.0)
    whole = value(bent)
    assert whole > 2.0
    assert value(degrade.resized(bent, 0.5)) == pytest.approx(whole, rel=0.1, abs=0.3)
    assert value(bent[::2], 12.0) == pytest.approx(whole, rel=0.1, abs=0.3)


@pytest.mark.parametrize(
    "hide",
    [
        lambda clip: degrade.contrast(clip, 0.35),
        lambda clip: degrade.blur(clip, 1.5),
        degrade.letterboxed,
    ],
    ids=["wash-out", "blur", "letterbox"],
)
def test_what_hides_an_error_hardly_improves_it(hide) -> None:  # type: ignore[no-untyped-def]
    bent = degrade.wobble(clipkit.panning(24, dx=2.0), 9.0)
    assert value(hide(bent)) > 0.6 * value(bent)


def test_a_still_is_worst_and_two_frames_are_too_few() -> None:
    assert value(clipkit.still(12)) == 100.0
    with pytest.raises(mirabench.errors.MirabenchError, match="interpolation needs three"):
        value(clipkit.still(2))


def test_batches_do_not_matter() -> None:
    clip = clipkit.panning(8, dx=2.0)
    video = ArrayVideo(clip, fps=8)
    whole, split = (InterpolationResidual().open(video.info) for _ in range(2))
    seconds = np.arange(8) / 8
    whole.push(FrameBatch(clip, np.arange(8), seconds))
    for i in range(8):
        split.push(FrameBatch(clip[i : i + 1], np.arange(i, i + 1), seconds[i : i + 1]))
    assert whole.finish()["error"].tolist() == split.finish()["error"].tolist()


def test_raft_is_asked_both_ways_at_its_own_size_and_gives_px() -> None:
    torch = pytest.importorskip("torch")
    asked = []

    class Shifts:
        """Stands where RAFT stands; a picture's mean tells the earlier from the later."""

        def encode(self, image: torch.Tensor) -> torch.Tensor:
            asked.append(tuple(image.shape))
            return image

        def flow(self, first: torch.Tensor, second: torch.Tensor, updates: int) -> torch.Tensor:
            assert updates == 12
            flow = torch.zeros(1, 2, *first.shape[-2:])
            flow[:, 0] = 4.0 if first.mean() < second.mean() else -4.0
            return flow

    dark, light = np.full((2, 90, 160, 3), [[[[10]]], [[[90]]]], np.uint8)
    forward, backward = _by_raft(Shifts(), 12, "fp32")(dark, light)  # type: ignore[arg-type]
    assert asked == [(1, 3, 96, 160)] * 2  # padded to multiples of 8
    assert forward.shape == backward.shape == (90, 160, 2)
    assert (forward[..., 0] == 4).all()
    assert (backward[..., 0] == -4).all()
    assert RaftInterpolationResidual().resize.target(1920, 1080) == (512, 288)
    session = _Session(lambda one, two: (forward, backward), 160)
    session.push(FrameBatch(np.stack([dark, light, dark]), np.arange(3), np.array([0, 0.1, 0.25])))
    assert session.finish()["dt"].tolist() == [0.25]
