"""What moves a number without saying anything about the clip, and that its band holds elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import cv2
import faults
import pytest
from av.video.reformatter import Interpolation
from clipkit import panning
from reportkit import clip, report

import mirabench
from mirabench.compare import compare
from mirabench.compare.circumstances import SEEDS, circumstances
from mirabench.compare.error_budget import (
    ErrorBudget,
    MetricBudget,
    SourceError,
    read_error_budget,
)
from mirabench.compare.remeasure import (
    MARGIN,
    SOURCES,
    Remeasured,
    Version,
    budget_of,
    converted,
    error_budget_of,
    resized,
    whole,
    written,
)
from mirabench.compare.runs import Run
from mirabench.errors import InputError
from mirabench.suites.api import load_suite
from mirabench.testing import clips
from mirabench.video.encode import write_video

METRICS = ["sharpness", "colorfulness", "exposure", "noise", "blockiness"]


def films(folder: Path, seeds: Sequence[int], frames: int = 12) -> list[Path]:
    return [
        write_video(folder / f"{n}.mp4", panning(frames, dx=1 + n % 3, dy=n % 2, seed=n), options={"crf": "10"})
        for n in seeds
    ]  # fmt: skip


def of(*means: float) -> mirabench.Report:
    return report([clip(f"c{n}", f"p{n}", sharpness=value) for n, value in enumerate(means)])


def test_the_budget_of_numbers_counted_by_hand() -> None:
    versions = [
        Remeasured("codec", of(1.3, 2.0)),
        Remeasured("codec", of(1.0, 1.9)),
        Remeasured("rate", of(1.0, 2.4)),
        Remeasured("seed", of(7.0, 7.0), frozenset({"noise"})),
    ]
    found = budget_of(of(1.0, 2.0), versions).metrics["sharpness"]
    assert found.sources["codec"].largest == pytest.approx(0.3)
    assert found.sources["codec"].typical == pytest.approx(0.05)
    assert found.sources["codec"].n == 4
    assert found.sources["rate"].largest == pytest.approx(0.4)
    assert found.band == pytest.approx(MARGIN * 0.5)
    assert set(found.sources) == {"codec", "rate"}, "the seed is none of this metric's"


def test_known_answers(tmp_path: Path) -> None:
    """A repetition moves nothing; the codec and the rate hardly move what is a mean of luma."""
    found = error_budget_of(films(tmp_path, [1, 2]), metrics=METRICS, cache=False)
    assert set(found.metrics) == set(METRICS)
    for budget in found.metrics.values():
        assert set(budget.sources) == set(SOURCES)
        assert budget.sources["repeat"].largest == 0
    exposure = found.metrics["exposure"].sources
    assert exposure["codec"].largest < 0.02
    assert exposure["rate"].largest < 0.02


def test_a_difference_within_the_band_is_not_real() -> None:
    a = Run("a", report([clip(f"p{i}", f"p{i}", sharpness=0.5 + i / 1000) for i in range(14)]))
    b = Run("b", report([clip(f"p{i}", f"p{i}", sharpness=0.6 + i / 1000) for i in range(14)]))
    free, bound, beyond = (
        compare([a, b], bands=bands).contrasts[0].metrics["sharpness"]
        for bands in (None, {"sharpness": 0.11}, {"sharpness": 0.09})
    )
    assert (free.verdict, free.error_band) == ("better", None)
    assert (bound.verdict, bound.error_band) == ("open", 0.11)
    assert "within the error budget" in bound.why
    assert beyond.verdict == "better"


def test_a_budget_of_another_protocol_is_refused() -> None:
    measured = of(1.0, 2.0)
    protocols = measured.summary["sharpness"].protocols
    assert protocols
    budget = budget_of(measured, [Remeasured("codec", of(1.1, 2.1))])
    assert budget.bands_for([measured]) == pytest.approx({"sharpness": MARGIN * 0.1})
    other = budget.metrics["sharpness"].model_copy(update={"protocols": ["sharpness@99:other"]})
    with pytest.raises(InputError, match=r"measured sharpness by sharpness@99:other, a run by"):
        budget.model_copy(update={"metrics": {"sharpness": other}}).bands_for([measured])


def test_clips_and_metrics_are_checked_before_anything_is_measured(tmp_path: Path) -> None:
    told: list[str] = []
    (tmp_path / "empty").mkdir()
    films(tmp_path / "clips", [1])
    for given, metrics, sentence in (
        ([tmp_path / "none.mp4"], None, "matches nothing as a glob"),
        ([tmp_path / "empty"], None, "no video in"),
        ([tmp_path / "clips"], ["sharpnes"], "did you mean sharpness"),
    ):
        with pytest.raises(InputError, match=sentence):
            error_budget_of(given, metrics=metrics, progress=told.append)
    assert told == []


def test_a_folder_stands_for_its_clips(tmp_path: Path) -> None:
    films(tmp_path, [1, 2], frames=4)
    assert error_budget_of([tmp_path], metrics=["exposure"], cache=False).clips == 2


def test_a_file_comes_back(tmp_path: Path) -> None:
    source = SourceError(typical=0.1, largest=0.2, n=3)
    metric = MetricBudget(unit="", protocols=["sharpness@1:x"], band=0.3, sources={"codec": source})
    found = ErrorBudget(clips=3, margin=1.5, metrics={"sharpness": metric})
    (tmp_path / "budget.json").write_text(found.to_json())
    assert read_error_budget(tmp_path / "budget.json") == found
    (tmp_path / "other.json").write_text("{}")
    with pytest.raises(InputError, match="is no error budget"):
        read_error_budget(tmp_path / "other.json")
    with pytest.raises(InputError, match="cannot read"):
        read_error_budget(tmp_path / "none.json")


VP9 = Version("codec", "vp9", whole, codec="libvpx-vp9", pixel_format="yuv420p",
              options={"crf": "20", "b": "0", "cpu-used": "6"})  # fmt: skip
HELD_OUT = (
    Version("decoder", "lanczos", converted(Interpolation.LANCZOS)),
    Version("decoder", "bicubic", converted(Interpolation.BICUBIC)),
    Version("resize", "0.8", resized(0.8, cv2.INTER_AREA)),
    Version("resize", "0.9", resized(0.9, cv2.INTER_LANCZOS4)),
    VP9,
    replace(VP9, name="mpeg4", codec="mpeg4", options={"q": "2", "flags": "+qscale", "global_quality": "236"}),
)  # fmt: skip
"""Decoders, sizes and codecs that no budget is built with."""


OF_TIME = ["warping_error", "temporal_flicker"]
OF_MOTION = ["flow_magnitude", "camera_motion", "object_motion", "track_displacement"]
OF_SCENES = ["consistency_3d_keep_ratio", "consistency_3d_mean_err", "epipolar_agreement"]


def pans(folder: Path, seeds: Sequence[int]) -> list[Path]:
    return films(folder, seeds, 36)


def scenes(folder: Path, seeds: Sequence[int]) -> list[Path]:
    """Films of places with depth, for metrics of 3D."""
    moves = (clips.truck, clips.dolly, clips.orbit, clips.handheld)
    return [
        write_video(folder / f"{n}.mp4", moves[n % 4](24, (192, 112), n).frames, options={"crf": "10"})
        for n in seeds
    ]  # fmt: skip


Made = Callable[[Path, Sequence[int]], list[Path]]


def covered(
    folder: Path,
    built: Sequence[int],
    held_out: Sequence[int],
    metrics: list[str],
    made: Made = films,
) -> tuple[int, int]:
    """How many remeasured numbers lie within the band, and of how many."""
    budget = error_budget_of(made(folder / "a", built), metrics=metrics, cache=False)
    bands = {name: found.band for name, found in budget.metrics.items()}
    paths = made(folder / "b", held_out)
    base = mirabench.evaluate(paths, metrics=metrics, cache=False)
    inside = total = 0
    for number, version in enumerate(HELD_OUT):
        copies = list(written(paths, version, folder / str(number)))
        again = mirabench.evaluate(copies, metrics=metrics, cache=False)
        for one, two in zip(base.videos, again.videos, strict=True):
            for name in bands:
                if "degenerate" in (one.scores[name].status, two.scores[name].status):
                    continue
                total += 1
                inside += abs(two.scores[name].value - one.scores[name].value) <= bands[name]
    return inside, total


def test_the_band_holds_for_a_few_held_out_remeasurements(tmp_path: Path) -> None:
    inside, total = covered(tmp_path, [1, 2], [3], METRICS)
    assert total == 30
    assert inside >= 0.93 * total


@pytest.mark.slow
@pytest.mark.timeout(1200)
@pytest.mark.parametrize(
    ("metrics", "made", "held_out"),
    [
        pytest.param(METRICS, films, 7, id="picture"),
        faults.whole_case(OF_TIME, pans, 17, id="time"),
        faults.whole_case(OF_MOTION, pans, 9, id="motion"),
        faults.whole_case(OF_SCENES, scenes, 12, id="scenes"),
    ],
)
def test_the_band_holds_for_200_held_out_remeasurements(
    tmp_path: Path,
    metrics: list[str],
    made: Made,
    held_out: int,
    record_property: Callable[[str, object], None],
) -> None:
    inside, total = covered(tmp_path, [1, 2, 3, 4], range(10, 10 + held_out), metrics, made)
    record_property("held", f"{inside} of {total}")
    assert total >= 200
    assert inside >= 0.93 * total, (inside, total)


def test_a_metric_of_text_is_remeasured_by_the_prompts_of_a_manifest(tmp_path: Path) -> None:
    scene = clips.pan(24, (160, 96))
    write_video(tmp_path / "a.mp4", scene.frames, options={"crf": "10"})
    manifest = tmp_path / "clips.csv"
    manifest.write_text(
        "id,video_path,short_caption,camera_caption\na,a.mp4,A painting.,The camera pans right.\n"
    )
    found = error_budget_of([manifest], metrics=["camera_motion_agreement"], cache=False)
    assert found.metrics["camera_motion_agreement"].sources["codec"].n == 2


class TestCircumstances:
    def test_a_suite_without_networks_and_seeds_has_none(self) -> None:
        assert list(circumstances(load_suite("lite").only(METRICS))) == []

    def test_a_seed_is_another_where_a_metric_draws(self) -> None:
        suite = load_suite("mirabench").only(["sharpness", "epipolar_agreement"])
        found = list(circumstances(suite))
        assert {c.source for c in found} == {"seed"}
        assert {c.metrics for c in found} == {frozenset({"epipolar_agreement"})}
        assert len({c.suite.digest() for c in found} | {suite.digest()}) == len(found) + 1

    def test_networks_have_other_arithmetics_and_devices(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        torch = pytest.importorskip("torch")
        monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
        monkeypatch.setattr(torch.cuda, "get_device_name", lambda _: "of another world")
        suite = load_suite("mirabench").only(["sharpness", "aesthetic_timed"])
        found = {(c.source, c.name): c.metrics for c in circumstances(suite, "cpu")}
        assert found[("precision", "bf16")] == {"aesthetic_timed"}
        assert found[("device", "cuda")] == {"aesthetic_timed"}
        assert {source for source, _ in found} == {"precision", "device"}

    def test_the_budget_holds_what_a_seed_does(self, tmp_path: Path) -> None:
        scene = clips.truck(24, (160, 96))
        path = write_video(tmp_path / "a.mp4", scene.frames, options={"crf": "10"})
        metrics = ["exposure", "epipolar_agreement"]
        found = error_budget_of([path], metrics=metrics, cache=False).metrics
        assert found["epipolar_agreement"].sources["seed"].n == len(SEEDS)
        assert "seed" not in found["exposure"].sources
