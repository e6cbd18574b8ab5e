"""The 3D metrics of the suite `mirabench`: rigid clips above their degraded twins, no depth is no merit."""

from __future__ import annotations

import numpy as np
import pytest

import mirabench
from mirabench.errors import MetricError, UnknownNameError
from mirabench.features.registration import Registration
from mirabench.features.view_pairs import ViewPairs
from mirabench.metrics.api import Score
from mirabench.testing import clips, degrade, films
from mirabench.testing.places import room, yard
from mirabench.video.frames import ArrayVideo, FrameBatch

FOUR = ("epipolar_agreement", "registered_share", "reprojection_error", "track_length")
SIZE = (256, 144)
WORST = {name: 4.0 if name == "reprojection_error" else 0.0 for name in FOUR}


def scores(clip: np.ndarray, fps: float = 12.0, names: tuple[str, ...] = FOUR) -> dict[str, Score]:
    report = mirabench.evaluate([ArrayVideo(clip, fps=fps)], metrics=list(names), cache=False)
    video = report.videos[0]
    assert not video.failures, video.failures
    return {name: video.scores[name] for name in names}  # type: ignore[misc]  # the report's own record


@pytest.fixture(scope="module")
def honest() -> np.ndarray:
    """(18, H, W, 3): 1.5 s of the room from a camera that circles it, 12 frames a second."""
    return films.film(room(), films.orbit_path(SIZE), 18, fps=12)


@pytest.fixture(scope="module")
def other() -> np.ndarray:
    path = films.moving(SIZE, (-1.0, 0.0, -1.2), (0.9, 0.0, 0.0), lens=films.YARD_LENS)
    return films.film(yard(3), path, 18, fps=12)


@pytest.fixture(scope="module")
def clean(honest: np.ndarray) -> dict[str, Score]:
    return scores(honest)


def test_a_rigid_clip_is_one_scene(clean: dict[str, Score]) -> None:
    assert {score.status for score in clean.values()} == {"ok"}
    assert clean["registered_share"].value == 1.0
    assert clean["epipolar_agreement"].value > 0.7
    assert clean["reprojection_error"].value < 2.2
    assert 0.5 < clean["track_length"].value < 1.75


TWINS = {
    "outlier view": lambda clip, other: degrade.outlier_view(clip, other, 1 / 6),
    "two scenes mixed": degrade.mixed_scenes,
    "patches": degrade.patched,
    "noise": lambda clip, _: degrade.noise(clip, sigma=40.0),
    "repeated frames": lambda clip, _: degrade.repeated_views(clip, 3),
    "mirrored halves": lambda clip, _: degrade.mirrored_halves(clip),
    "bent": lambda clip, _: degrade.wobble(clip, 0.02 * np.hypot(*SIZE), 12.0),
}


@pytest.mark.parametrize("twin", TWINS)
def test_a_degraded_twin_ranks_below_by_value(
    twin: str, honest: np.ndarray, other: np.ndarray, clean: dict[str, Score]
) -> None:
    found = scores(TWINS[twin](honest, other))
    for name in FOUR:
        if name == "registered_share" and twin in ("patches", "mirrored halves"):
            assert found[name].value <= clean[name].value  # half a picture still tells its place
        elif name == "reprojection_error":
            assert found[name].value > clean[name].value
        else:
            assert found[name].value < clean[name].value


NO_DEPTH = {
    "still": lambda: clips.still(18, SIZE).frames,
    "turning": lambda: clips.turn(18, SIZE, yaw=14.0).frames,
    "window over a picture": lambda: clips.pan(18, (288, 162)).frames,
}


@pytest.mark.parametrize("kind", NO_DEPTH)
def test_without_depth_the_worst_value_and_a_status(kind: str) -> None:
    for name, score in scores(NO_DEPTH[kind]()).items():
        assert score.value == WORST[name], name
        assert score.status == "degenerate", name


def test_a_failed_reconstruction_is_the_worst_value_and_counts() -> None:
    snow = np.random.default_rng(0).integers(0, 256, (18, 144, 256, 3), np.uint8)
    for name, score in scores(snow).items():
        assert score.value == pytest.approx(WORST[name], abs=0.1), name
        assert score.status == "ok", name


def test_the_rate_of_a_film_changes_nothing_that_its_moments_do_not() -> None:
    film = clips.orbit(25, SIZE).frames
    names = ("epipolar_agreement", "reprojection_error")
    fast, slow = scores(film, 24.0, names), scores(film[::2], 12.0, names)
    for name in names:
        assert fast[name].value == pytest.approx(slow[name].value, rel=1e-9)


@pytest.mark.parametrize("extractor", [ViewPairs(), Registration()], ids=["pairs", "registration"])
def test_neither_batches_nor_a_second_run_change_a_byte(
    extractor: ViewPairs | Registration, honest: np.ndarray
) -> None:
    video = ArrayVideo(honest, fps=12)
    rows = extractor.select(video.info)
    tables = []
    for size in (1, 4, len(rows)):
        session = extractor.open(video.info)
        for start in range(0, len(rows), size):
            index = rows[start : start + size]
            session.push(FrameBatch(honest[index], index, video.info.seconds[index]))
        tables.append(session.finish())
    for name, column in tables[0].columns.items():
        assert all(np.array_equal(column, table[name]) for table in tables[1:]), name


def test_a_long_clip_is_judged_in_stretches() -> None:
    film = films.film(room(), films.truck_path((192, 108)), 7, fps=4)
    there_and_back = np.concatenate([film, film[::-1]] * 2)[:26]  # 26 s at a frame a second
    extractor = Registration()
    video = ArrayVideo(there_and_back, fps=1)
    session = extractor.open(video.info)
    session.push(FrameBatch(there_and_back, np.arange(26), video.info.seconds))
    table = session.finish()
    assert sorted(set(table["stretch"].tolist())) == [0, 1, 2]
    assert len(table["seconds"]) == 26


def test_one_frame_is_too_short() -> None:
    with pytest.raises(MetricError, match="too short"):
        mirabench.score(clips.still(1, SIZE).frames, "epipolar_agreement", cache=False)


def test_an_unknown_matcher_is_named() -> None:
    video = ArrayVideo(clips.still(2, SIZE).frames)
    with pytest.raises(UnknownNameError, match="sift"):
        ViewPairs(matcher="siftt").open(video.info)
