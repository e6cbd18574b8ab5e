"""A run that was only degraded is never better: overall, and metric by metric where a witness speaks.

Blur, wash-out, a crop, strong compression and freezing each improve some metric of the suite `lite`; that is
what the witnesses of `mirabench.compare.verdicts` are for.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import av
import clipkit
import cv2
import numpy as np
import pytest
from reportkit import clip, report

import mirabench
from mirabench.compare import Contrast, compare, read_runs
from mirabench.compare.interest import error_of
from mirabench.compare.runs import Run
from mirabench.report.model import Report
from mirabench.testing import degrade
from mirabench.video.encode import write_video

Change = Callable[[np.ndarray], np.ndarray]


def washed_out(film: np.ndarray) -> np.ndarray:
    return degrade.contrast(degrade.saturation(film, 0.5), 0.6)


CHANGES: dict[str, Change] = {
    "blur": lambda film: degrade.blur(film, 1.0),
    "wash-out": washed_out,
    "crop": lambda film: degrade.cropped(film, 0.8),
    "re-encode": lambda film: film,
    "freeze": degrade.still_of,
    "half frozen": lambda film: degrade.freeze_tail(film, 0.5),
}
CRF = {"re-encode": 40}
METRICS = [
    "warping_error", "temporal_flicker", "flow_magnitude", "camera_motion", "sharpness", "noise",
    "colorfulness", "exposure", "blockiness", "consistency_3d_keep_ratio", "consistency_3d_mean_err",
]  # fmt: skip


def evaluated(films: dict[str, np.ndarray], change: str, folder: Path, fps: float) -> Path:
    """The report of the films after a change; `base` is none."""
    changed = CHANGES.get(change, lambda film: film)
    for name, film in films.items():
        options = {"crf": str(CRF.get(change, 12))}
        write_video(folder / change / f"{name}.mp4", changed(film), fps=fps, options=options)
    output = folder / f"{change} report"
    mirabench.evaluate(folder / change, metrics=METRICS, output=output, cache=False, workers=1)
    return output


def judged(base: Path, other: Path) -> Contrast:
    return compare(read_runs([base, other])).contrasts[0]


@pytest.fixture(scope="module")
def rendered(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, np.ndarray], Path]:
    """Ten textures that move and a little noise, with the folder of their reports."""
    folder = tmp_path_factory.mktemp("rendered")
    films = {
        f"film-{i}": clipkit.noise(
            clipkit.panning(frames=10, size=(128, 80), dx=0.8 + 0.2 * i, dy=0.3, seed=i), 2.0, i
        )
        for i in range(10)
    }
    evaluated(films, "base", folder, 24)
    return films, folder


@pytest.mark.slow
@pytest.mark.parametrize("change", CHANGES)
def test_degraded_renderings_are_never_better(
    rendered: tuple[dict[str, np.ndarray], Path], change: str
) -> None:
    films, folder = rendered
    found = judged(folder / "base report", evaluated(films, change, folder, 24))
    assert found.overall.verdict != "better"
    assert found.named("better") == []


@pytest.fixture(scope="module")
def excerpts(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, np.ndarray], Path]:
    """Twelve second-long excerpts of the real clips, 192 px wide."""
    data = Path(__file__).resolve().parents[3] / "shared" / "data"
    if not data.is_dir():
        pytest.skip("the real clips are not on this machine")
    films = {}
    for path in sorted(data.glob("*.mp4")):
        every = _small_frames(path)
        for i, start in enumerate(np.linspace(0, len(every) - 13, 4).astype(int)):
            films[f"{path.stem}-{i}"] = np.stack(every[start : start + 12])
    folder = tmp_path_factory.mktemp("excerpts")
    evaluated(films, "base", folder, 24)
    return films, folder


def _small_frames(path: Path) -> list[np.ndarray]:
    with av.open(str(path)) as container:
        frames = [f.to_ndarray(format="rgb24") for f in container.decode(video=0)]
    height = round(frames[0].shape[0] * 192 / frames[0].shape[1] / 2) * 2
    return [cv2.resize(f, (192, height), interpolation=cv2.INTER_AREA) for f in frames]


@pytest.mark.data
@pytest.mark.slow
@pytest.mark.parametrize("change", CHANGES)
def test_degraded_real_clips_are_never_better(
    excerpts: tuple[dict[str, np.ndarray], Path], change: str
) -> None:
    films, folder = excerpts
    found = judged(folder / "base report", evaluated(films, change, folder, 24))
    assert found.overall.verdict != "better"
    assert found.named("better") == []


PROMPTS = 14


def run(**means: float) -> Report:
    """One clip a prompt, scores around these means with the same scatter in every run."""
    scatter = np.random.default_rng(8).normal(1, 0.05, PROMPTS)
    return report([
        clip(f"p{i}/seed-0", f"p{i}", **{name: mean * s for name, mean in means.items()})
        for i, s in enumerate(scatter.tolist())
    ])  # fmt: skip


BASE = {"sharpness": 0.6, "colorfulness": 40.0, "warping_error": 2.0, "flow_magnitude": 0.2}


def contrast(base: dict[str, float], **changes: float) -> Contrast:
    runs = [Run("base", run(**base)), Run("new", run(**{**base, **changes}))]
    return compare(runs).contrasts[0]


class TestWitnesses:
    def test_a_gain_without_any_loss_is_better(self) -> None:
        found = contrast(BASE, warping_error=1.0)
        assert found.metrics["warping_error"].verdict == "better"
        assert found.overall.verdict == "better"
        assert found.overall.dimensions["temporal consistency"] == "better"

    @pytest.mark.parametrize(
        ("name", "value"), [("sharpness", 0.5), ("colorfulness", 25.0), ("flow_magnitude", 0.1)]
    )
    def test_consistency_bought_with_detail_colour_or_motion_is_not(
        self, name: str, value: float
    ) -> None:
        found = contrast(BASE, warping_error=1.0, **{name: value})
        assert found.metrics["warping_error"].verdict == "open"
        assert f"not called better: {name} of the same clips" in found.metrics["warping_error"].why
        assert found.overall.verdict != "better"

    def test_more_detail_or_motion_is_no_witness_against(self) -> None:
        found = contrast(BASE, warping_error=1.0, sharpness=0.7, flow_magnitude=0.3)
        assert found.metrics["warping_error"].verdict == "better"
        assert found.metrics["flow_magnitude"].verdict == "higher"

    def test_a_witness_speaks_though_nobody_asked_for_it(self) -> None:
        runs = [
            Run("a", run(**BASE)),
            Run("b", run(**{**BASE, "warping_error": 1, "sharpness": 0.5})),
        ]
        found = compare(runs, metrics=["warping_error"]).contrasts[0]
        assert list(found.metrics) == ["warping_error"]
        assert found.metrics["warping_error"].verdict == "open"

    def test_exposure_bought_with_grey_is_not_better(self) -> None:
        found = contrast(BASE | {"exposure": 0.4}, exposure=0.6, colorfulness=20.0)
        assert found.metrics["exposure"].verdict == "open"
        assert found.metrics["colorfulness"].verdict == "worse"

    def test_worse_needs_no_witness(self) -> None:
        found = contrast(BASE, warping_error=3.0, sharpness=0.8)
        assert found.metrics["warping_error"].verdict == "worse"
        assert found.overall.verdict == "open"
        assert found.overall.why == "a trade: better on sharpness, worse on warping_error"

    def test_without_any_metric_of_the_picture_nothing_is_better_overall(self) -> None:
        base = {"warping_error": 2.0}
        found = contrast(base, warping_error=1.0)
        assert found.metrics["warping_error"].verdict == "better"
        assert found.overall.verdict == "open"
        assert "evaluate visual quality too" in found.overall.why

    def test_motion_alone_makes_no_run_better(self) -> None:
        found = contrast(BASE, flow_magnitude=0.4)
        assert found.metrics["flow_magnitude"].verdict == "higher"
        assert contrast(BASE, flow_magnitude=0.1).metrics["flow_magnitude"].verdict == "lower"
        assert found.overall.verdict == "equivalent"

    def test_a_run_that_loses_its_bad_clips_is_not_better_for_it(self) -> None:
        base, new = run(**BASE), run(**BASE | {"warping_error": 1.0})
        for video in new.videos[:2]:
            video.scores["warping_error"].status = "degenerate"
        found = compare([Run("a", base), Run("b", new)]).contrasts[0]
        assert found.metrics["warping_error"].verdict == "open"
        assert "2 clips that had a number lost it" in found.metrics["warping_error"].why


class TestTheSmallestDifference:
    def test_four_per_mille_of_camera_motion_are_nothing(self) -> None:
        base = BASE | {"camera_motion": 0.1}
        found = contrast(base, camera_motion=0.1004)
        assert found.metrics["camera_motion"].verdict == "equivalent"

    def test_a_sure_difference_below_it_is_not_better(self) -> None:
        found = contrast(BASE, sharpness=0.604).metrics["sharpness"]
        assert found.p_holm <= 0.05
        assert found.verdict == "equivalent"
        assert found.smallest_difference_origin == "error"
        assert found.smallest_difference == pytest.approx(error_of("sharpness", 0.602), rel=0.05)

    def test_the_user_may_choose_another(self) -> None:
        runs = [Run("a", run(**BASE)), Run("b", run(**{**BASE, "sharpness": 0.604}))]
        found = compare(runs, smallest_differences={"sharpness": 0.001}).contrasts[0]
        assert found.metrics["sharpness"].verdict == "better"
        assert found.metrics["sharpness"].smallest_difference_origin == "given"

    def test_it_is_a_fifth_of_a_wide_spread(self) -> None:
        values = np.linspace(0.0, 1.0, PROMPTS)
        a = report([clip(f"p{i}", f"p{i}", sharpness=v) for i, v in enumerate(values)])
        b = report([clip(f"p{i}", f"p{i}", sharpness=v + 0.05) for i, v in enumerate(values)])
        found = compare([Run("a", a), Run("b", b)]).contrasts[0].metrics["sharpness"]
        assert found.smallest_difference == pytest.approx(0.2 * 0.5 / 1.349)
        assert found.smallest_difference_origin == "spread"
        assert found.verdict == "equivalent"  # 0.05 in every prompt, and 0.074 would matter

    def test_an_interval_that_leaves_it_on_one_side_is_open(self) -> None:
        random = np.random.default_rng(3)
        values = random.normal(0.5, 0.02, 8)
        a = report([clip(f"p{i}", f"p{i}", sharpness=v) for i, v in enumerate(values)])
        moved = values + random.normal(0, 0.05, 8)
        b = report([clip(f"p{i}", f"p{i}", sharpness=v) for i, v in enumerate(moved)])
        found = compare([Run("a", a), Run("b", b)]).contrasts[0].metrics["sharpness"]
        assert (found.verdict, found.why) == ("open", "")

    @pytest.mark.parametrize(
        ("given", "words"),
        [
            ({"sharpnes": 0.1}, "did you mean sharpness"),
            ({"sharpness": -1.0}, "a number from 0 on"),
        ],
    )
    def test_what_cannot_be_is_refused(self, given: dict[str, float], words: str) -> None:
        runs = [Run("a", run(**BASE)), Run("b", run(**BASE))]
        with pytest.raises(ValueError if "number" in words else LookupError, match=words):
            compare(runs, smallest_differences=given)
