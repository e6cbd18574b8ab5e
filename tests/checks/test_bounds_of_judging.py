"""Where a check turns: coverage that is asked for and reached, and the rounding that is no change."""

from __future__ import annotations

from typing import Any

import pytest

from mirabench.checks.judging import judge
from mirabench.checks.regression import SLACK, change
from mirabench.checks.requirement import requirement


def verdict(report: Any, **asked: Any) -> str:
    return judge(report, requirement(metric="sharpness", **asked)).verdict


class TestCoverage:
    """A check must not pass because the bad clips fell out of the mean."""

    @pytest.mark.parametrize(
        ("lost", "asked", "expected"),
        [
            (0, {}, "passed"),
            (1, {}, "failed"),  # one of a hundred is too few already
            (1, {"min_coverage": 0.99}, "passed"),
            (2, {"min_coverage": 0.99}, "failed"),
            (1, {"min_coverage": 1.0}, "failed"),
            (50, {"min_coverage": 0.5}, "passed"),
            (51, {"min_coverage": 0.5}, "failed"),
            (51, {"min_coverage": 0.49}, "passed"),
        ],
    )
    def test_is_the_share_that_was_asked_for_without_slack(
        self, report_of: Any, lost: int, asked: dict[str, float], expected: str
    ) -> None:
        report = report_of([None] * lost + [0.5] * (100 - lost))
        assert verdict(report, min=0.4, **asked) == expected

    def test_of_a_bound_is_every_clip_and_of_a_comparison_none(self) -> None:
        assert requirement(metric="m", min=0.0).coverage == 1.0
        assert requirement(metric="m", max=0.0).coverage == 1.0
        assert requirement(metric="m", not_worse_than="b").coverage == 0.0
        assert requirement(metric="m", not_worse_than="b", min=0.0).coverage == 1.0
        assert requirement(metric="m", min=0.0, min_coverage=0.25).coverage == 0.25

    def test_a_degenerate_clip_is_as_lost_as_a_failed_one(self, report_of: Any) -> None:
        assert verdict(report_of([0.5] * 10, degenerate=[3]), min=0.4) == "failed"
        found = verdict(report_of([0.5] * 10, degenerate=[3]), min=0.4, min_coverage=0.9)
        assert found == "passed"


class TestRounding:
    """The same shift in every clip has no spread: only the slack keeps another processor from failing."""

    CLIPS = (0.4, 0.5, 0.6, 0.45, 0.55, 0.5, 0.48, 0.52)

    def shifted(self, report_of: Any, by: float) -> bool:
        then, now = report_of(self.CLIPS), report_of([value + by for value in self.CLIPS])
        return change(now, then, "sharpness", "then").shifted

    @pytest.mark.parametrize(
        ("share", "worse"), [(-0.9, False), (-1.1, True), (-3.0, True), (1.1, False), (50.0, False)]
    )
    def test_up_to_the_slack_is_no_change(self, report_of: Any, share: float, worse: bool) -> None:
        mean = sum(self.CLIPS) / len(self.CLIPS)
        assert self.shifted(report_of, share * SLACK * mean) is worse

    def test_the_slack_is_a_ten_thousandth(self) -> None:
        assert SLACK == 1e-4

    def test_lost_clips_have_no_slack(self, report_of: Any) -> None:
        then = report_of([0.5] * 20)
        now = report_of([None] * 12 + [0.5] * 8)
        found = change(now, then, "sharpness", "then")
        assert not found.shifted
        assert "no valid score for 12 of 20 clips" in found.problems[0]
