"""No way of leaving out, truncating or declaring raises a score: 520 random submissions, eight ways each.

By construction: what does not count is worth 0, and no number is worth less. Here by trying, through the whole
road from a report to its scores, with random weights of the viewer.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mirabench.inputs.prompts import Prompt
from mirabench.metrics.api import MetricSpec
from mirabench.report.model import Report, VideoRecord
from miraboard.card import read_card
from miraboard.guard import SubmissionRefused
from miraboard.ranking import rank
from miraboard.standing import standing_of
from miraboard.submission import check
from miraboard.tracks import Track, load_tracks
from miraboard.utility import Utility, applies, utility_of
from miraboard.worths import worths_of

Draw = np.random.Generator


def _not_applicable(video: VideoRecord, name: str) -> None:
    video.scores.pop(name, None)
    video.not_applicable[name] = "it does not apply here"


def _failed(video: VideoRecord, name: str) -> None:
    video.scores.pop(name, None)
    video.failures[name] = "it could not be computed"


def _degenerate(video: VideoRecord, name: str) -> None:
    if name in video.scores:
        video.scores[name].status = "degenerate"


def _untold(video: VideoRecord, name: str) -> None:
    video.scores.pop(name, None)


def _truncated(video: VideoRecord, name: str) -> None:
    # a number that did not count stays one: to claim that it does is to forge it, not to leave it out
    if name in video.scores and video.scores[name].status == "ok":
        video.scores[name].status = "truncated"


def _unreadable(video: VideoRecord, _name: str) -> None:
    video.error = "it cannot be read"
    video.scores, video.sha256 = {}, None


def _static(video: VideoRecord, _name: str) -> None:
    video.health["static"] = "no frame differs from the first"
    for score in video.scores.values():
        score.status = "degenerate"


def _motion_untold(video: VideoRecord, _name: str) -> None:
    video.scores.pop("flow_magnitude", None)
    video.failures["flow_magnitude"] = "it could not be computed"


WAYS: dict[str, Callable[[VideoRecord, str], None]] = {
    "not-applicable": _not_applicable,
    "failed": _failed,
    "degenerate": _degenerate,
    "untold": _untold,
    "truncated": _truncated,
    "unreadable": _unreadable,
    "declared-static": _static,
    "motion-untold": _motion_untold,
}


def spoiled(report: Report, way: Callable[[VideoRecord, str], None], draw: Draw) -> Report:
    """A report with a random part of its clips and metrics left out in one way."""
    left_out = report.model_copy(deep=True)
    clips = draw.choice(len(left_out.videos), draw.integers(1, len(left_out.videos) + 1), False)
    names = list(left_out.videos[0].scores)
    for clip in clips:
        for name in draw.choice(names, draw.integers(1, len(names) + 1), False):
            way(left_out.videos[clip], str(name))
    return left_out


def varied(kit: Any, draw: Draw) -> Report:
    """A report whose clips have random scores: some very bad, some already without a number."""
    report: Report = kit.report()
    for video in report.videos:
        for name, score in video.scores.items():
            score.value = float(draw.random() ** draw.integers(1, 6))
            if draw.random() < 0.1:
                score.status = "degenerate"
            if name == "flow_magnitude" and draw.random() < 0.2:
                score.value = 0.001
    return report


def score(report: Report, track: Track, weights: dict[str, float]) -> float:
    card = read_card({"generator": "A", "version": "1", "track": "tiny", "licence": "x",
                      "contact": "a@b.org"})  # fmt: skip
    # ranks are of worths alone, so the report's own aggregates are as they were
    found = standing_of("x", card, report, track, "2026")
    return float(rank([found], track, weights).overall.value[0])


@pytest.mark.parametrize("way", WAYS.values(), ids=list(WAYS))
def test_no_way_of_leaving_out_raises_a_score(kit: Any, track: Track, way: Any) -> None:
    lowered = 0
    for seed in range(65):  # times eight ways: 520 random submissions
        draw = np.random.default_rng([seed, *map(ord, way.__name__)])
        weights = {d: float(draw.integers(0, 4)) for d in track.dimensions} | {"noise": 2.0}
        weights["visual quality"] = 1.0
        whole = varied(kit, draw)
        before, after = (score(r, track, weights) for r in (whole, spoiled(whole, way, draw)))
        assert after <= before
        lowered += after < before
    assert lowered > 0 or way is _truncated  # a way that changes nothing would prove nothing


@pytest.mark.parametrize("way", WAYS.values(), ids=list(WAYS))
def test_no_way_of_leaving_out_raises_a_place(kit: Any, track: Track, way: Any) -> None:
    """Against five others: no rank that the differences allow gets better."""
    draw = np.random.default_rng(3)
    card = read_card(kit.card())
    others = [standing_of(f"o{k}", card, varied(kit, draw), track, "2026") for k in range(5)]
    for _ in range(8):
        whole = varied(kit, draw)
        places = []
        for report in (whole, spoiled(whole, way, draw)):
            rows = [standing_of("x", card, report, track, "2026"), *others]
            order = np.argsort(-rank(rows, track).overall.value, kind="stable").tolist()
            places.append(order.index(0))
        assert places[1] >= places[0]


def test_fewer_clips_for_some_prompts_are_refused_and_none_is_refused(
    kit: Any, track: Track
) -> None:
    report = kit.report()
    for kept in (report.videos[1:], []):
        with pytest.raises(SubmissionRefused):
            check(kit.data(kit.again(kept)), read_card(kit.card()), {"tiny": track})


def test_of_two_clips_of_a_prompt_the_missing_one_counts(kit: Any, track: Track) -> None:
    first, second = kit.report(1, 0.8), kit.report(2, 0.8)
    both = kit.again([*first.videos, *second.videos])
    half = both.model_copy(deep=True)
    for video in half.videos[:8]:
        _unreadable(video, "")
    whole, cut = worths_of(both, track), worths_of(half, track)
    assert cut == pytest.approx(worths_of(second, track) / 2, abs=1e-6)
    assert (cut < whole).all()


def test_a_prompts_worth_is_the_mean_over_its_clips_by_the_scale(kit: Any, track: Track) -> None:
    first, second = kit.report(1, 0.8), kit.report(2, 0.8)
    second.videos[0].scores["sharpness"].status = "degenerate"
    found = worths_of(kit.again([*first.videos, *second.videos]), track)
    assert found.dtype == np.float32
    worth = track.utilities["sharpness"]
    row = track.ranked.index("sharpness")
    for i, (a, b) in enumerate(zip(first.videos, second.videos, strict=True)):
        other = (
            worth(b.scores["sharpness"].value) if i else 0.0
        )  # a degenerate one is worth nothing
        expected = (worth(a.scores["sharpness"].value) + other) / 2
        column = list(track.prompts).index(str(a.prompt_id))
        assert found[row, column] == pytest.approx(expected, abs=1e-6)


class TestUtility:
    @given(st.floats(-1e6, 1e6), st.floats(-1e6, 1e6), st.booleans())
    def test_it_is_bounded_and_goes_one_way(self, a: float, b: float, higher: bool) -> None:
        ways = [Utility(half=2.0, higher_is_better=higher)]
        ways.append(Utility(0.0, 5.0) if higher else Utility(5.0, 0.0))
        for way in ways:
            low, high = sorted((a, b))
            assert 0 <= way(low) <= 1
            assert way(low) <= way(high) if higher else way(low) >= way(high)

    @pytest.mark.parametrize(
        ("way", "value", "worth"),
        [
            (Utility(half=2.0), 2.0, 0.5), (Utility(half=2.0), 0.0, 0.0),
            (Utility(half=2.0, higher_is_better=False), 2.0, 0.5),
            (Utility(half=2.0, higher_is_better=False), 0.0, 1.0),
            (Utility(0.0, 10.0), 2.5, 0.25), (Utility(10.0, 0.0), 2.5, 0.75),
            (Utility(0.0, 10.0), 11.0, 1.0), (Utility(-1.0, 1.0), 0.0, 0.5),
        ],
    )  # fmt: skip
    def test_known_worths(self, way: Utility, value: float, worth: float) -> None:
        assert way(value) == pytest.approx(worth)

    def test_every_metric_of_the_bundled_tracks_has_one_in_its_direction(self) -> None:
        for track in load_tracks().values():
            for name, way in track.utilities.items():
                spec: MetricSpec = track.specs[name]
                low, high = (max(spec.range[0], -10.0), min(spec.range[1], 10.0))
                assert way(high) > way(low) if spec.higher_is_better else way(high) < way(low), name

    @pytest.mark.parametrize(
        "scale",
        [{"half": -1.0}, {"half": 0.0}, {"worst": 1.0, "best": 0.0}, {"worst": 0.0}, {"unit": 1.0}],
    )
    def test_a_scale_that_does_not_fit_is_one_sentence(self, track: Track, scale: Any) -> None:
        from mirabench.errors import SuiteError

        with pytest.raises(SuiteError, match="flow_magnitude"):
            utility_of(track.specs["flow_magnitude"], scale)

    @pytest.mark.parametrize("higher", [True, False])
    def test_a_finite_range_needs_no_scale(self, track: Track, higher: bool) -> None:
        spec = replace(track.specs["sharpness"], name="x", range=(1.0, 5.0))
        way = utility_of(replace(spec, higher_is_better=higher))
        assert way(2.0) == pytest.approx(0.25 if higher else 0.75)

    @pytest.mark.parametrize("higher", [True, False])
    @pytest.mark.parametrize("scale", [{"worst": 2.0, "best": 2.0}, {"half": float("inf")}])
    def test_a_scale_without_length_is_told_whole(
        self, track: Track, scale: Any, higher: bool
    ) -> None:
        from mirabench.errors import SuiteError

        spec = replace(track.specs["flow_magnitude"], higher_is_better=higher)
        with pytest.raises(SuiteError) as caught:
            utility_of(spec, scale)
        assert str(caught.value) == (
            f"flow_magnitude (0 .. inf) cannot be ranked by the scale {scale}: give its track `scales` "
            "with `half`, or with `worst` and `best`, in the metric's direction"
        )

    def test_a_range_without_an_end_needs_a_scale(self, track: Track) -> None:
        from mirabench.errors import SuiteError

        with pytest.raises(SuiteError, match="cannot be ranked"):
            utility_of(track.specs["object_motion"], {})


class TestApplies:
    @pytest.mark.parametrize(
        ("text", "asks"),
        [("The camera pans left.", True), ("A static shot.", True), ("A dog runs.", False)],
    )
    def test_camera_motion_is_asked_for_by_the_prompt(self, text: str, asks: bool) -> None:
        spec = load_tracks()["lite"].specs["camera_motion_agreement"]
        assert applies(spec, Prompt("p", text)) is asks

    @pytest.mark.parametrize(
        ("text", "asks"),
        [("The camera pans left.", True), ("Handheld, a static shot.", False), ("A dog.", True)],
    )
    def test_depth_is_asked_for_unless_the_camera_stays(self, text: str, asks: bool) -> None:
        spec = load_tracks()["lite"].specs["epipolar_agreement"]
        assert applies(spec, Prompt("p", text)) is asks

    @pytest.mark.parametrize(
        ("captions", "asks"), [({"style": "noir"}, True), ({"style": ""}, False), ({}, False)]
    )
    def test_a_caption_that_is_empty_asks_for_nothing(self, captions: Any, asks: bool) -> None:
        spec = load_tracks()["mirabench-official"].specs["style_alignment"]
        assert applies(spec, Prompt("p", "A dog.", captions)) is asks
