"""`score`: numbers known by construction, one pass, shared with the benchmark's cache."""

from pathlib import Path

import numpy as np
import pytest
from clipkit import blur, panning, still
from longfilm import FPS, write_film

from mirabench.features.api import FeatureTable, as_table
from mirabench.features.motion import Motion
from mirabench.work.item import Item, perform
from miradata.frames.clip_range import NS, ClipRange
from miradata.measure import score
from miradata.measure.frame_statistics import Luma, Signature
from miradata.measure.score import ScoreStage, measured
from miradata.measure.scorers import Colour, Flow, Signed

SCORERS = (Colour(Luma(4)), Flow(Motion(max_short_side=96)), Signed(Signature(2)))
DIAGONAL = float(np.hypot(160, 96))


def clip_of(path: Path, seconds: float = 2.0) -> Item:
    video = {
        "path": path.name, "sha256": str(path), "width": 160, "height": 96, "fps": float(FPS),
        "duration_ns": 2 * NS,
    }  # fmt: skip
    return Item(
        "c", "s", {"clip_id": "c", "t0_ns": 0, "t1_ns": round(seconds * NS), "video": video}
    )


def scores(folder: Path, frames: np.ndarray, rate: float = 2.0) -> dict[str, float]:
    path = write_film(folder / "a.mp4", [frames])
    done = perform(ScoreStage("score", folder, SCORERS, rate=rate), clip_of(path))
    assert done.outcome.status == "ok"
    return {row["metric"]: row["value"] for row in done.outcome.value["scores"]}


@pytest.mark.parametrize(("level", "luma"), [(0, 0.0), (255, 1.0), (128, 128 / 255)])
def test_a_grey_film_has_its_own_luma_and_no_motion(tmp_path, level, luma):
    found = scores(tmp_path, np.full((48, 96, 160, 3), level, np.uint8))
    for metric in ("luma_mean", "luma_p10", "luma_p90"):
        assert found[metric] == pytest.approx(luma, abs=0.01)
    assert found["motion"] == 0.0


def test_luma_weighs_colours_as_the_standard_does(tmp_path):
    green = np.zeros((48, 96, 160, 3), np.uint8)
    green[..., 1] = 200
    assert scores(tmp_path, green)["luma_mean"] == pytest.approx(0.7152 * 200 / 255, abs=0.02)


def test_percentiles_are_over_frames():
    table = as_table(mean=np.linspace(0, 1, 11))
    found = Colour(Luma()).read(table)
    assert found["luma_p10"].value == pytest.approx(0.1)
    assert found["luma_p90"].value == pytest.approx(0.9)
    assert found["luma_mean"] == (pytest.approx(0.5), 11)


def test_a_pan_moves_its_pixels_a_second_at_any_rate_of_looking(tmp_path):
    film = panning(48, dx=0.5)  # 12 px a second
    for rate in (2.0, 4.0):
        (tmp_path / str(rate)).mkdir()
        found = scores(tmp_path / str(rate), film, rate)
        assert found["motion"] == pytest.approx(0.5 * FPS / DIAGONAL, rel=0.15)


def test_motion_by_hand():
    table = as_table(top5=[3.0, 5.0], dt=[0.5, 0.5], width=30, height=40)
    assert Flow(Motion()).read(table)["motion"] == (pytest.approx(4 / (0.5 * 50)), 3)
    one_picture = as_table(top5=[], dt=[], width=30, height=40)
    assert Flow(Motion()).read(one_picture)["motion"] == (0.0, 1)


def test_a_blurred_film_is_less_sharp(tmp_path):
    (tmp_path / "blurred").mkdir()
    soft = scores(tmp_path / "blurred", blur(still(48), 3))
    assert soft["sharpness"] < scores(tmp_path, still(48))["sharpness"]


def test_what_was_looked_at_once_is_found_in_the_cache(tmp_path, monkeypatch):
    path = write_film(tmp_path / "a.mp4", [panning(48)])
    clip_range = ClipRange(path, "digest", 0, 2 * NS, 160, 96, float(FPS))
    extractors = [scorer.extractor for scorer in SCORERS]
    first = measured(clip_range.at_rate(2.0), extractors)

    def never(*_: object) -> None:
        raise AssertionError("computed again")

    monkeypatch.setattr(score, "extract", never)
    again = measured(clip_range.at_rate(2.0), extractors)
    for extractor in extractors:
        a, b = first.tables[extractor], again.tables[extractor]
        assert all(np.array_equal(a[name], b[name]) for name in a.columns)
    with pytest.raises(AssertionError, match="again"):
        measured(clip_range.at_rate(3.0), extractors)  # other moments are another clip


def test_a_clip_that_cannot_be_read_has_failed_scores_and_no_signature(tmp_path):
    done = perform(ScoreStage("score", tmp_path, SCORERS), clip_of(tmp_path / "gone.mp4"))
    assert done.outcome.status == "failed"
    rows = done.outcome.value["scores"]
    assert {r["metric"] for r in rows} == {m for s in SCORERS for m in s.metrics}
    assert all(r["value"] is None and "gone.mp4" in r["reason"] for r in rows)
    assert not done.outcome.value.get("signatures")


def test_a_number_that_is_none_is_a_failed_score(tmp_path, monkeypatch):
    def broken(self: Luma, table: FeatureTable) -> object:
        nothing = score.Number(float("nan"), 1)
        return dict.fromkeys(Colour.metrics, nothing)

    monkeypatch.setattr(Colour, "read", broken)
    path = write_film(tmp_path / "a.mp4", [still(48)])
    done = perform(ScoreStage("score", tmp_path, SCORERS[:1], rate=2.0), clip_of(path))
    assert {r["reason"] for r in done.outcome.value["scores"]} == {"not a finite number"}
    assert {r["value"] for r in done.outcome.value["scores"]} == {None}


def test_weights_name_the_work():
    """Other parameters of a network are other scores."""
    one, two = (ScoreStage("s", Path(), SCORERS, weights=(("card", d),)).params() for d in "ab")
    assert one != two
