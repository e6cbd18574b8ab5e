"""Motion of tracked points: walks whose speed is known, a camera that moves, points that hide."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mirabench.errors import InputError
from mirabench.functional.point_motion import point_motion
from mirabench.functional.tracks import tracking_strength

FRAMES = 13
SECONDS = np.arange(FRAMES) / 12


def background(vx: float = 0.0, vy: float = 0.0) -> np.ndarray:
    """(T, 60, 2) points all over a 16:9 picture that move by so many diagonals a second."""
    x, y = np.meshgrid(np.linspace(0.05, 0.82, 10), np.linspace(0.05, 0.44, 6))
    start = np.stack([x.ravel(), y.ravel()], axis=-1)
    return start + SECONDS[:, None, None] * np.array([vx, vy])


def with_subject(camera: float, own: float) -> np.ndarray:
    """Every sixth point moves by itself too, along y."""
    tracks = background(vx=camera)
    tracks[:, ::6] += SECONDS[:, None, None] * np.array([0.0, own])
    return tracks


def seen(tracks: np.ndarray) -> np.ndarray:
    return np.ones(tracks.shape[:2], bool)


@given(st.floats(0.01, 1.0), st.floats(0, 2 * np.pi))
def test_a_pan_is_as_fast_as_it_is_and_has_no_subject(speed: float, angle: float) -> None:
    tracks = background(speed * np.cos(angle), speed * np.sin(angle))
    found = point_motion(tracks, seen(tracks), SECONDS)
    assert found.motion == pytest.approx(speed, rel=1e-6)
    assert (found.subject, found.subject_share, found.points) == (0.0, 0.0, 60)


@pytest.mark.parametrize("camera", [0.0, 0.1, 0.5])
def test_a_subject_moves_as_fast_whatever_the_camera_does(camera: float) -> None:
    tracks = with_subject(camera, own=0.2)
    found = point_motion(tracks, seen(tracks), SECONDS)
    assert found.subject == pytest.approx(0.2, rel=0.01)
    assert found.subject_share == pytest.approx(1 / 6)


def test_a_subject_that_the_camera_follows_moves() -> None:
    """Its speed in the picture less the background's, the way of VMBench, is below zero."""
    tracks = background(vx=-0.3)
    tracks[:, ::6] = tracks[0, ::6]
    found = point_motion(tracks, seen(tracks), SECONDS)
    assert found.subject == pytest.approx(0.3, rel=0.01)


def test_a_point_counts_only_while_it_is_seen() -> None:
    tracks = background(vx=0.2)
    visible = seen(tracks)
    tracks[6:, 0] += 5.0  # where a tracker guesses while the point is hidden
    visible[6:, 0] = False
    assert point_motion(tracks, visible, SECONDS).motion == pytest.approx(0.2)
    assert point_motion(tracks, visible, SECONDS).points == 60
    visible[:, 1] = False
    assert point_motion(tracks, visible, SECONDS).points == 59


def test_each_frame_counts_once() -> None:
    """A walk that speeds up: the official way counts its early frames once for each later window."""
    times = SECONDS**2
    tracks = np.zeros((FRAMES, 1, 2)) + times[:, None, None] * np.array([0.6, 0.8])
    found = point_motion(tracks, seen(tracks), SECONDS)
    assert found.motion == pytest.approx(times[-1] / SECONDS[-1])
    starts = np.array([0, 4])
    windows = np.stack([tracks[s : s + 8] for s in starts])
    official = tracking_strength(windows, starts, np.array([8, 8]))
    plain = np.hypot(*tracks[:12, 0].T).mean()
    assert official < 0.8 * plain


def test_the_rate_makes_no_difference() -> None:
    tracks = with_subject(0.1, 0.2)
    every, second = (point_motion(tracks[::n], seen(tracks[::n]), SECONDS[::n]) for n in (1, 2))
    assert every.motion == pytest.approx(second.motion)
    assert every.subject == pytest.approx(second.subject, rel=0.01)


def test_without_points_nothing_moves() -> None:
    none = np.zeros((3, 0, 2))
    found = point_motion(none, np.zeros((3, 0), bool), SECONDS[:3])
    assert found == (0, 0.0, 0.0, 0.0)


def test_a_point_seen_for_a_moment_is_no_subject() -> None:
    tracks = with_subject(0.0, own=0.5)
    visible = seen(tracks)
    visible[3:, ::6] = False
    assert point_motion(tracks, visible, SECONDS).subject == 0.0
    visible[3, ::6] = True
    assert point_motion(tracks, visible, SECONDS).subject == pytest.approx(0.5, rel=0.01)


def test_time_that_stands_still_is_refused() -> None:
    tracks = background()
    with pytest.raises(InputError, match="increase"):
        point_motion(tracks, seen(tracks), np.zeros(FRAMES))
