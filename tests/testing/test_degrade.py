"""Each way to spoil a clip leaves it alone at its neutral strength and is seen by its metric."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

import mirabench
from mirabench.errors import InputError
from mirabench.testing import clips, degrade

CLIP = clips.pan(10, (128, 72)).frames
Change = Callable[[np.ndarray, float], np.ndarray]


@pytest.mark.parametrize(
    ("change", "neutral"),
    [
        (degrade.blur, 0.0),
        (degrade.noise, 0.0),
        (degrade.wobble, 0.0),
        (degrade.flicker, 0.0),
        (degrade.alternate, 0.0),
        (degrade.saturation, 1.0),
        (degrade.gamma, 1.0),
        (degrade.contrast, 1.0),
        (degrade.sharpened, 0.0),
        (degrade.shaken, 0.0),
        (degrade.ghosted, 1),
        (degrade.slowed, 1.0),
        (degrade.held, 1),
        (degrade.restarted, 1),
        (degrade.letterboxed, 0.0),
        (degrade.watermarked, 0.0),
    ],
)
def test_the_neutral_strength_changes_nothing(change: Change, neutral: float) -> None:
    assert np.array_equal(change(CLIP, neutral), CLIP)


@pytest.mark.parametrize(
    ("change", "strengths", "metric", "sign"),
    [
        (degrade.blur, (0.5, 1.0, 2.0), "sharpness", -1),
        (degrade.noise, (2.0, 6.0, 15.0), "noise", 1),
        (degrade.blocks, (0.5, 0.8, 0.95), "blockiness", 1),
        (degrade.saturation, (0.0, 0.5, 1.0), "colorfulness", 1),
        (degrade.gamma, (1.5, 3.0, 6.0), "exposure", -1),
        (degrade.flicker, (0.01, 0.03, 0.1), "temporal_flicker", 1),
        (degrade.alternate, (0.01, 0.03, 0.1), "temporal_flicker", 1),
        (degrade.wobble, (1.0, 4.0, 12.0), "warping_error", 1),
    ],
)
def test_more_of_it_is_measured_as_more(
    change: Change, strengths: tuple[float, ...], metric: str, sign: int
) -> None:
    values = [mirabench.score(change(CLIP, s), metric, cache=False).value for s in strengths]
    assert np.all(sign * np.diff(values) > 0), values


def test_time_is_broken_as_described() -> None:
    order = np.arange(8, dtype=np.uint8)[:, None, None, None] * np.ones((1, 4, 4, 3), np.uint8)

    def frames(clip: np.ndarray) -> list[int]:
        return clip[:, 0, 0, 0].tolist()

    assert frames(degrade.freeze_tail(order, 0.5)) == [0, 1, 2, 3, 3, 3, 3, 3]
    assert frames(degrade.doubled(order)) == [0, 0, 1, 1, 2, 2, 3, 3]
    assert frames(degrade.looped(order, 3)) == [0, 1, 2, 1, 0, 1, 2, 1]
    assert frames(degrade.cut(order, order[::-1])) == [0, 1, 2, 3, 3, 2, 1, 0]


def test_alternating_gain_brightens_even_frames_and_dims_odd_ones() -> None:
    grey = np.full((4, 2, 2, 3), 100, np.uint8)
    assert degrade.alternate(grey, 0.1)[:, 0, 0, 0].tolist() == [110, 90, 110, 90]


def test_the_clip_itself_is_left_alone() -> None:
    before = CLIP.copy()
    for change in (degrade.freeze_tail, degrade.flicker, degrade.doubled, degrade.wobble):
        change(CLIP)
    assert np.array_equal(CLIP, before)


def test_clips_of_two_shapes_are_not_cut_together() -> None:
    with pytest.raises(InputError, match="one shape"):
        degrade.cut(CLIP, CLIP[:4])
