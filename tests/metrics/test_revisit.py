"""A camera that leaves a place and comes back: to the same, to a changed one, to one beyond recognition."""

from __future__ import annotations

import clipkit
import cv2
import numpy as np
import pytest

import mirabench
from mirabench.errors import MetricError
from mirabench.features.revisits import Revisits
from mirabench.features.stream import extract
from mirabench.testing import degrade
from mirabench.video.frames import ArrayVideo

FPS = 8
PLACE = clipkit.texture(110, 420, seed=1)
PATH = np.concatenate([np.linspace(5, 235, 25), np.linspace(225, 5, 25)])
"""Left edge of the window in px: to the right in three seconds, and back."""


def film(before: np.ndarray, after: np.ndarray, path: np.ndarray = PATH) -> np.ndarray:
    """(T, 90, 160, 3): a window over a wide picture; its left part is `after` once the camera has left it."""
    frames, gone = [], False
    for x in path:
        gone |= bool(x > 180)
        shift = np.float32([[1, 0, x], [0, 1, 8]])
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        frames.append(cv2.warpAffine(after if gone else before, shift, (160, 90), flags=flags))
    return np.stack(frames)


def value(clip: np.ndarray, fps: float = FPS) -> float:
    return mirabench.score(clip, "revisit_error", fps=fps, cache=False).value


def changed(share: float) -> np.ndarray:
    """The place with a part of each window's height exchanged for another place."""
    other = PLACE.copy()
    rows = round(110 * share)
    other[:rows] = clipkit.texture(110, 420, seed=9)[:rows]
    return other


def test_the_same_place_is_found_and_has_no_error() -> None:
    clip = film(PLACE, PLACE)
    table = extract(ArrayVideo(clip, fps=FPS), [Revisits()]).tables[Revisits()]
    assert table["seconds"].tolist() == [4.0, 5.0, 6.0]  # at 3 s it turns
    assert table["since"] == pytest.approx([2.0, 4.0, 6.0])
    assert value(clip) < 1.0


def test_more_of_the_place_changed_is_more_error() -> None:
    found = [value(film(PLACE, changed(share))) for share in (0.0, 0.3, 0.6)]
    assert found == sorted(found)
    assert found[0] < 1.0
    assert found[1] == pytest.approx(28.0, abs=10.0)
    assert found[2] == pytest.approx(58.0, abs=12.0)


def test_a_place_changed_beyond_recognition_is_found_by_the_path() -> None:
    """It does not look like itself: only the camera's path says that it should. Official numbers do not ask."""
    blend = np.linspace(0, 1, 420)[None, :, None] > 0.62
    other = np.where(blend, PLACE, clipkit.texture(110, 420, seed=5))
    assert value(film(PLACE, other)) > 60.0


def test_a_camera_that_goes_on_returns_nowhere() -> None:
    with pytest.raises(MetricError, match="comes back to no place that it had left"):
        value(film(PLACE, PLACE, np.linspace(5, 235, 50)))
    with pytest.raises(MetricError, match="comes back to no place that it had left"):
        value(film(PLACE, PLACE, np.full(50, 40.0)))


def test_rate_and_size_hardly_enter() -> None:
    other = changed(0.4)
    whole = value(film(PLACE, other))
    slow = np.interp(np.arange(150) / 24, np.arange(50) / 8, PATH)
    assert value(film(PLACE, other, slow), 24) == pytest.approx(whole, rel=0.15)
    assert value(degrade.resized(film(PLACE, other), 0.5)) == pytest.approx(whole, rel=0.15)


def test_what_hides_the_change_hardly_improves_it() -> None:
    clip = film(PLACE, changed(0.4))
    plain = value(clip)
    for hidden in (degrade.contrast(clip, 0.4), degrade.blur(clip, 1.2)):
        assert value(hidden) > 0.7 * plain


def test_views_are_few_however_long_the_film() -> None:
    settings = Revisits(most_views=4)
    session = settings.open(ArrayVideo(film(PLACE, PLACE), fps=FPS).info)
    for batch in ArrayVideo(film(PLACE, PLACE), fps=FPS).frames():
        session.push(batch)
    assert len(session._views) <= 5
