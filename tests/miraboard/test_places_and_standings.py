"""Places from bounds, and what a standing takes from its report: each value by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from miraboard.card import read_card
from miraboard.ranking import Rate, compare_values, places, rank, rate_of, weighted
from miraboard.standing import Standing, Value, standing_of


def rate(*bounds: tuple[float, float, float]) -> Rate:
    middle, low, high = np.array(bounds).T
    return Rate(middle, low, high)


NOBODY = (float("nan"),) * 3


class TestPlaces:
    def test_bounds_apart_are_places(self) -> None:
        first, last = places(rate((0.1, 0.0, 0.2), (0.9, 0.8, 1.0), (0.5, 0.4, 0.6)))
        assert first.tolist() == last.tolist() == [3, 1, 2]

    def test_bounds_that_overlap_share_places(self) -> None:
        first, last = places(rate((0.2, 0.0, 0.5), (0.9, 0.8, 1.0), (0.5, 0.4, 0.6)))
        assert first.tolist() == [2, 1, 2]
        assert last.tolist() == [3, 1, 3]

    def test_only_the_bounds_decide_and_not_the_rate_between_them(self) -> None:
        one, other = (places(rate((middle, 0.0, 0.5), (0.9, 0.8, 1.0))) for middle in (0.0, 0.5))
        assert [x.tolist() for x in one] == [x.tolist() for x in other] == [[2, 1], [2, 1]]

    def test_who_has_no_rate_ties_with_everybody(self) -> None:
        first, last = places(rate((0.9, 0.8, 1.0), NOBODY, (0.1, 0.0, 0.2)))
        assert first.tolist() == [1, 1, 2]
        assert last.tolist() == [2, 3, 3]

    def test_bounds_of_different_lengths_are_a_mistake(self) -> None:
        with pytest.raises(ValueError, match="argument 2"):
            places(Rate(np.zeros(2), np.zeros(3), np.zeros(3)))


class TestComparing:
    def test_counts_are_whole_numbers(self) -> None:
        found = compare_values([Value(1.0, 0.5, 1.5), Value(2.0, 1.6, 2.5)], higher_is_better=True)
        assert found.wins.dtype == found.losses.dtype == np.int64
        assert found.first.dtype == found.last.dtype == np.int64

    @pytest.mark.parametrize(
        "half",
        [Value(9.0, None, 9.5, 8, 8), Value(9.0, 8.5, None, 8, 8), Value(9.0, None, None, 8, 8)],
    )
    def test_half_an_interval_is_none(self, half: Value) -> None:
        found = compare_values([half, Value(0.1, 0.0, 0.2, 8, 8)], higher_is_better=True)
        assert found.wins.tolist() == found.losses.tolist() == [0, 0]

    def test_who_could_have_no_clips_misses_none(self) -> None:
        apart = [Value(0.9, 0.8, 1.0), Value(0.1, 0.0, 0.2)]
        assert compare_values(apart, higher_is_better=True).wins.tolist() == [1, 0]

    @pytest.mark.parametrize(("n", "wins"), [(8, 1), (7, 1), (3, 1), (2, 0), (0, 0)])
    def test_the_worse_end_falls_with_the_share_of_missing_clips(self, n: int, wins: int) -> None:
        """From 0.8 towards 0.0, the worst end in the table: at 2 of 8 clips it is 0.2, which ties."""
        found = compare_values(
            [Value(0.9, 0.8, 1.0, n, 8), Value(0.1, 0.0, 0.2, 8, 8)], higher_is_better=True
        )
        assert found.wins.tolist() == [wins, 0]


class TestRanking:
    def standing(self, name: str, **values: Value) -> Standing:
        return Standing(
            id=name, generator=name, version="1", received="2026", track="tiny", licence="x",
            links=(), clips=8, failed=0, still=0, values=values, conditioned={},
        )  # fmt: skip

    def two(self, track: Any, weights: dict[str, float]) -> Any:
        good, bad = Value(0.9, 0.8, 1.0, 8, 8), Value(0.1, 0.0, 0.2, 8, 8)
        a = self.standing("a", sharpness=good, exposure=good, flow_magnitude=bad)
        b = self.standing("b", sharpness=bad, exposure=bad, flow_magnitude=good)
        return rank([a, b], track.specs, weights)

    def test_a_dimension_without_weight_has_no_rate_and_is_left_out_of_the_whole(
        self, track: Any
    ) -> None:
        found = self.two(track, {"flow_magnitude": 0.0})
        assert np.isnan(found.dimensions["motion strength"].rate).tolist() == [True, True]
        assert found.overall.rate.tolist() == [1.0, 0.0]
        assert (found.first.tolist(), found.last.tolist()) == ([1, 2], [1, 2])

    def test_of_two_with_every_weight_gone_nobody_is_ahead(self, track: Any) -> None:
        found = self.two(track, {"visual quality": 0.0, "motion strength": 0.0})
        assert np.isnan(found.overall.rate).tolist() == [True, True]
        assert (found.first.tolist(), found.last.tolist()) == ([1, 1], [2, 2])

    def test_negative_weights_are_none(self) -> None:
        rates = {
            "x": rate_of(compare_values([Value(1, 0, 1), Value(3, 2, 3)], higher_is_better=True)),
            "y": rate_of(compare_values([Value(3, 2, 3), Value(1, 0, 1)], higher_is_better=True)),
        }
        assert weighted(rates, {"x": -5.0, "y": 2.0}, 2).rate.tolist() == [1.0, 0.0]


class TestAStanding:
    def found(self, kit: Any, track: Any, report: Any) -> Standing:
        card = kit.card(generator="Grün", version="3.1", licence="MIT")
        return standing_of("abc", read_card(card), report, track, "2026-11-25")

    def test_says_whose_it_is(self, kit: Any, track: Any) -> None:
        found = self.found(kit, track, kit.report())
        said = (found.id, found.generator, found.version, found.received, found.track)
        assert said == ("abc", "Grün", "3.1", "2026-11-25", "tiny")
        assert (found.licence, found.links, found.label) == ("MIT", (), "Grün 3.1")

    def test_counts_clips_failures_and_stills(self, kit: Any, track: Any) -> None:
        report = kit.report()
        report.videos[0].error = "it is empty"
        report.videos[1].scores["flow_magnitude"].value = 0.0
        found = self.found(kit, track, report)
        assert (found.clips, found.failed, found.still) == (8, 1, 1)

    def test_takes_the_reports_own_numbers(self, kit: Any, track: Any) -> None:
        report = kit.report()
        summary = report.summary["sharpness"]
        summary.mean, summary.ci_low, summary.ci_high, summary.n = 0.5, 0.4, 0.7, 6
        summary.not_applicable = 1
        found = self.found(kit, track, report).values["sharpness"]
        assert found == Value(0.5, 0.4, 0.7, 6, 7)

    def test_a_metric_that_failed_has_no_number(self, kit: Any, track: Any) -> None:
        report = kit.report()
        report.summary["sharpness"].status = "failed"
        assert self.found(kit, track, report).values["sharpness"] == Value(None, of=8)

    @pytest.mark.parametrize(
        ("degenerate", "failed", "undefined"),
        [(0, 0, False), (1, 0, True), (8, 0, True), (7, 1, False)],
    )
    def test_only_degenerate_numbers_leave_it_undefined(
        self, kit: Any, track: Any, degenerate: int, failed: int, undefined: bool
    ) -> None:
        report = kit.report()
        summary = report.summary["sharpness"]
        summary.mean, summary.degenerate, summary.failed = None, degenerate, failed
        found = self.found(kit, track, report).values["sharpness"]
        assert found == Value(None, of=8, undefined=undefined)

    def test_clips_count_as_moving_from_the_floor_on(self, kit: Any, track: Any) -> None:
        report = kit.report()
        moving = [v.scores["flow_magnitude"] for v in report.videos]
        moving[0].value = track.motion_floor
        moving[1].value = track.motion_floor - 1e-9
        moving[2].status = "degenerate"
        report.videos[3].health["static"] = "no frame differs from the first"
        del report.videos[4].scores["flow_magnitude"]
        assert self.found(kit, track, report).still == 4

    def test_conditioned_numbers_are_those_of_moving_clips_with_a_score(
        self, kit: Any, track: Any
    ) -> None:
        report = kit.report()
        report.videos[0].scores["flow_magnitude"].value = 0.0
        report.videos[1].scores["warping_error"].status = "degenerate"
        del report.videos[2].scores["warping_error"]
        kept = [v.scores["warping_error"].value for v in report.videos[3:]]
        found = self.found(kit, track, report).conditioned["warping_error"]
        assert found.mean == pytest.approx(sum(kept) / 5)
        assert (found.n, found.of) == (5, 8)
        assert found.low is not None and found.high is not None
        assert (
            min(kept) <= found.low < found.mean < found.high <= max(kept) or found.low < found.high
        )

    def test_its_json_keeps_letters_as_they_are(self, kit: Any, track: Any) -> None:
        text = self.found(kit, track, kit.report()).to_json()
        assert "Grün" in text and "\n" not in text
