"""Likeness over lag of rendered films: loops of known period, a steady drift, a still."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
import pytest
from clipkit import texture

import mirabench
from mirabench.features.api import FeatureTable, as_table
from mirabench.features.pulse import Pulse
from mirabench.features.stream import extract
from mirabench.features.thumbnails import Thumbnails
from mirabench.functional.embeddings import embedding_consistency
from mirabench.functional.lags import strongest_return
from mirabench.functional.thumbnails import thumbnail
from mirabench.metrics.api import ClipInputs
from mirabench.metrics.lag_consistency import (
    CLIP_LAG_SIMILARITY,
    DINO_LAG_DRIFT,
    DINO_LAG_RETURN,
    DINO_LAG_SIMILARITY,
    THUMBNAIL_LAG_DRIFT,
    THUMBNAIL_LAG_RETURN,
    THUMBNAIL_LAG_SIMILARITY,
    curve_over_lag,
)
from mirabench.testing import degrade
from mirabench.video.frames import ArrayVideo

PLACE = texture(300, 500, seed=1)


def seen_from(places: np.ndarray) -> np.ndarray:
    """(T, 96, 160, 3): a window over one large picture, its corner (x, y) at these places."""
    shift = np.float32([[1, 0, 0], [0, 1, 0]])
    frames = []
    for x, y in places:
        shift[:, 2] = x, y
        frames.append(
            cv2.warpAffine(PLACE, shift, (160, 96), flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP)
        )
    return np.stack(frames)


def circling(period: float, seconds: float = 8.0, fps: float = 24.0) -> np.ndarray:
    angle = 2 * np.pi * np.arange(round(seconds * fps)) / fps / period
    return seen_from(np.stack([150 + 120 * np.cos(angle), 90 + 80 * np.sin(angle)], axis=1))


def drifting(speed: float, seconds: float = 8.0, fps: float = 24.0) -> np.ndarray:
    x = 10 + speed * np.arange(round(seconds * fps)) / fps
    return seen_from(np.stack([x, np.full_like(x, 60.0)], axis=1))


def numbers(clip: np.ndarray, fps: float = 24.0) -> dict[str, float]:
    """The three, without weights."""
    video = ArrayVideo(clip, fps=fps)
    tables = extract(video, [Thumbnails(), Pulse()]).tables
    given = ClipInputs(video.info, {"frames": tables[Thumbnails()], "pulse": tables[Pulse()]})
    rows = (THUMBNAIL_LAG_SIMILARITY, THUMBNAIL_LAG_DRIFT, THUMBNAIL_LAG_RETURN)
    return {row.spec.name.split("_")[2]: row.compute(given).value for row in rows}


@pytest.mark.parametrize("period", [1.5, 3.0])
def test_a_loop_is_seen_as_a_return_at_its_period(period: float) -> None:
    found = mirabench.score(circling(period), "thumbnail_lag_return", cache=False, fps=24)
    assert found.curve is not None
    back = strongest_return(found.curve.values, 0.125)
    assert back.seconds == pytest.approx(period, abs=0.07)
    assert back.height > 0.95
    assert found.value > 0.95


def test_a_film_that_goes_on_returns_little_and_a_faster_one_is_less_alike() -> None:
    slow, fast = numbers(drifting(8.0)), numbers(drifting(40.0))
    assert slow["return"] < 0.2
    assert slow["similarity"] > fast["similarity"] + 0.1
    assert slow["drift"] < fast["drift"]


def test_a_still_has_the_worst_value_and_is_degenerate() -> None:
    still = drifting(0.0, 2.0)
    assert numbers(still) == {"similarity": 0.0, "drift": 1.0, "return": 1.0}
    found = mirabench.score(still, "thumbnail_lag_similarity", cache=False, fps=24)
    assert found.status == "degenerate"


@pytest.mark.parametrize(
    ("fps", "change", "tolerance"),
    [
        (60.0, lambda clip: clip, 0.02),
        (12.0, lambda clip: clip, 0.02),
        (24.0, lambda clip: degrade.resized(clip, 0.5), 0.02),
        (24.0, lambda clip: degrade.contrast(clip, 0.5), 0.02),
        (24.0, degrade.letterboxed, 0.1),  # which takes away some of the picture
    ],
    ids=["60 frames/s", "12 frames/s", "half size", "half contrast", "black bars"],
)
def test_rate_size_and_contrast_do_not_enter(
    fps: float, change: Callable[[np.ndarray], np.ndarray], tolerance: float
) -> None:
    plain = numbers(circling(2.5, 5.0))
    changed = numbers(change(circling(2.5, 5.0, fps)), fps)
    assert changed == pytest.approx(plain, rel=tolerance, abs=tolerance / 2)


def inputs(rows: np.ndarray, fps: float) -> ClipInputs:
    """A clip whose frames have these embeddings, and all differ."""
    video = ArrayVideo(np.zeros((len(rows), 4, 4, 3), np.uint8), fps=fps).info
    signature = np.cumsum(np.random.default_rng(0).random((len(rows), 48)), axis=0) * 20
    pulse = as_table(
        seconds=video.seconds,
        change=np.full(len(rows), 9.0),
        signature=signature.astype(np.float32),
    )
    return ClipInputs(video, {"frames": as_table(seconds=video.seconds, rows=rows), "pulse": pulse})


def turning(speed: float) -> np.ndarray:
    angle = speed * np.arange(128) / 8
    return np.stack([np.cos(angle), np.sin(angle)], axis=1).astype(np.float32)


def test_of_a_turning_embedding_the_numbers_follow_from_the_cosine() -> None:
    clip = inputs(turning(np.radians(4)), 8.0)
    lags = np.array([0.25, 0.5, 1, 2, 4, 8])
    cosine = np.cos(np.radians(4) * lags)
    mean = np.average(cosine, weights=[1, 2, 2, 2, 2, 1])
    slope = np.polyfit(np.log2(lags), cosine, 1)[0]
    assert DINO_LAG_SIMILARITY.compute(clip).value == pytest.approx(mean)
    assert CLIP_LAG_SIMILARITY.compute(clip).value == pytest.approx(mean)
    assert DINO_LAG_DRIFT.compute(clip).value == pytest.approx(-slope)
    assert DINO_LAG_RETURN.compute(clip).value == 0.0


def test_a_loop_that_the_official_consistency_prefers_is_found() -> None:
    """The official number compares with the frame before and the first: turning back keeps both near."""
    there = np.radians(4) * np.arange(128) / 8
    loop = np.radians(4) * (np.arange(128) % 16) / 8
    onward, looped = (np.stack([np.cos(a), np.sin(a)], axis=1) for a in (there, loop))
    assert embedding_consistency(looped).mean() > embedding_consistency(onward).mean()
    wide = np.stack([np.cos(6 * loop), np.sin(6 * loop)], axis=1).astype(np.float32)
    assert DINO_LAG_RETURN.compute(inputs(wide, 8.0)).value > 0.95
    assert DINO_LAG_RETURN.compute(inputs(turning(np.radians(4)), 8.0)).value == 0.0


def test_the_curve_is_over_lag_up_to_half_the_clip() -> None:
    curve = curve_over_lag(inputs(turning(0.3), 8.0)["frames"])
    assert curve.seconds == pytest.approx(np.arange(65) / 8)
    assert curve.values == pytest.approx(np.cos(0.3 * np.arange(65) / 8))


@pytest.mark.parametrize(("frames", "why"), [(1, "1 s"), (7, "at least 1 s")])
def test_a_clip_too_short_for_two_lags_has_no_number(frames: int, why: str) -> None:
    from mirabench.errors import NotApplicable

    with pytest.raises(NotApplicable, match=why):
        DINO_LAG_SIMILARITY.compute(inputs(turning(0.3)[:frames], 8.0))


def test_a_frame_of_one_colour_is_like_nothing() -> None:
    flat = np.full((90, 160, 3), 77, np.uint8)
    assert not thumbnail(flat).any()
    table: FeatureTable = as_table(seconds=np.arange(8) / 8, rows=np.stack([thumbnail(flat)] * 8))
    assert curve_over_lag(table).values[1:] == pytest.approx(np.zeros(4))
