"""What a check says of reports whose numbers are written by hand."""

from __future__ import annotations

import pytest

from mirabench.checks.judging import Baseline, judge
from mirabench.checks.requirement import requirement
from mirabench.errors import InputError
from mirabench.report.model import Report


@pytest.mark.parametrize(
    ("asked", "verdict"),
    [
        ({"min": 0.5}, "passed"),
        ({"min": 0.4, "max": 0.6}, "passed"),
        ({"min": 0.51}, "failed"),
        ({"max": 0.49}, "failed"),
        ({"max": 0.5}, "passed"),
        ({"min": 0.4, "each_clip": True}, "passed"),
        ({"min": 0.41, "each_clip": True}, "failed"),
        ({"max": 0.59, "each_clip": True}, "failed"),
    ],
)
def test_bounds_hold_the_mean_or_each_clip(report_of, asked, verdict) -> None:
    report = report_of([0.5, 0.4, 0.6])
    assert judge(report, requirement(metric="sharpness", **asked)).verdict == verdict


def test_a_failure_says_value_interval_status_and_clip(report_of) -> None:
    result = judge(report_of([0.5, 0.4, 0.6, 0.5, 0.5]), requirement(metric="sharpness", min=0.7))
    text = result.text()
    assert text.splitlines()[0] == "sharpness is 0.5000, below min 0.7"
    assert "mean of 5 clips" in text
    assert "(95 %)" in text
    assert "status" in text
    assert result.worst_clip == "clip-1"


def test_above_the_max_the_highest_clip_is_shown(report_of) -> None:
    result = judge(report_of([0.5, 0.4, 0.6]), requirement(metric="sharpness", max=0.3))
    assert result.worst_clip == "clip-2"


def test_a_bound_within_the_interval_is_said(report_of) -> None:
    report = report_of([0.5, 0.4, 0.6, 0.45, 0.55])
    result = judge(report, requirement(metric="sharpness", min=0.45))
    assert result.passed
    assert result.notes == ("min 0.45 lies within the interval: other clips may tell otherwise",)


class TestRefusedFlags:
    def with_flag(self, report_of, flag: str) -> Report:
        report = report_of([0.5, 0.6, 0.7])
        report.videos[1].health[flag] = "seen"
        return report

    def test_a_clip_fails_though_its_number_is_good(self, report_of) -> None:
        report = self.with_flag(report_of, "unverified")
        result = judge(report, requirement(metric="sharpness", min=0.1, refuse=["unverified"]))
        assert result.verdict == "failed"
        assert result.problems == ("clip-1 is unverified: seen",)
        assert result.worst_clip == "clip-1"
        assert judge(report, requirement(metric="sharpness", refuse=["static"])).passed

    def test_what_is_not_refused_is_noted(self, report_of) -> None:
        report = self.with_flag(report_of, "unverified")
        result = judge(report, requirement(metric="sharpness", min=0.1))
        assert result.passed
        assert result.notes[-1].startswith("1 of 3 clips unverified: no damage was seen")
        assert judge(report_of([0.5, 0.6]), requirement(metric="sharpness", min=0.1)).notes == ()

    def test_an_unknown_flag_is_refused(self) -> None:
        with pytest.raises(InputError, match="did you mean unverified"):
            requirement(metric="sharpness", min=0.1, refuse=["unverifed"])


class TestClipsWithoutANumber:
    """A mean over what is left must not pass because the bad clips fell out of it."""

    def test_a_failed_clip_fails_a_bound(self, report_of) -> None:
        result = judge(report_of([0.9, 0.9, None]), requirement(metric="sharpness", min=0.5))
        assert result.verdict == "failed"
        assert result.problems == (
            "sharpness covers 67% of the clips, min_coverage is 100%: clip-2: the file ends early",
        )
        assert result.worst_clip == "clip-2"

    def test_so_does_a_degenerate_one(self, report_of) -> None:
        report = report_of([0.9, 0.9, 0.9], degenerate=[1])
        result = judge(report, requirement(metric="sharpness", min=0.5))
        assert result.verdict == "failed"
        assert "clip-1: frozen: nothing moves" in result.problems[0]

    def test_unless_less_coverage_is_asked_for(self, report_of) -> None:
        asked = requirement(metric="sharpness", min=0.5, min_coverage=0.6)
        assert judge(report_of([0.9, 0.9, None]), asked).passed

    @pytest.mark.parametrize("values", [[None, None], [0.9, 0.9]])
    def test_no_number_at_all_passes_no_bound(self, report_of, values) -> None:
        report = report_of(values, degenerate=[0, 1])
        asked = requirement(metric="sharpness", min=0.0, max=1.0, min_coverage=0.0)
        result = judge(report, asked)
        assert result.verdict == "failed"
        assert "no valid score" in result.problems[0]

    def test_one_degenerate_clip_shows_its_number_and_why_it_does_not_count(
        self, report_of
    ) -> None:
        result = judge(report_of([0.9], degenerate=[0]), requirement(metric="sharpness", min=0.5))
        facts = dict(result.facts())
        assert facts["value"] == "0.9000"
        assert facts["status"] == "degenerate"
        assert facts["why"] == "frozen: nothing moves"


def test_what_the_run_skipped_is_an_error_with_its_reason(report_of) -> None:
    report = report_of([0.5])
    report.skipped["fvd"] = "there are no reference clips"
    result = judge(report, requirement(metric="fvd", max=1))
    assert result.verdict == "error"
    assert result.problems == ("fvd was not measured: there are no reference clips",)


class TestAgainstABaseline:
    def judged(self, now, before):
        asked = requirement(metric="sharpness", not_worse_than="old.json")
        return judge(now, asked, Baseline("old.json", before))

    def test_worse_in_every_clip_fails(self, report_of) -> None:
        now, before = [0.3, 0.5, 0.39, 0.4, 0.45, 0.41], [0.5, 0.6, 0.5, 0.55, 0.6, 0.56]
        result = self.judged(report_of(now), report_of(before))
        assert result.verdict == "failed"
        assert "-0.1433, 95 % interval -0." in result.text()
        assert "(6 clips)" in result.text()
        assert result.worst_clip == "clip-0"

    def test_below_five_prompts_it_passes_and_says_that_it_saw_nothing(self, report_of) -> None:
        result = self.judged(report_of([0.1] * 4), report_of([0.9] * 4))
        assert result.passed
        assert "no change can be shown: intervals need at least 5 prompts" in result.text()

    def test_enough_prompts_need_no_warning(self, report_of) -> None:
        result = self.judged(report_of([0.3] * 6), report_of([0.5] * 6))
        assert result.verdict == "failed"
        assert result.notes == ()

    def test_another_suite_is_an_error(self, report_of) -> None:
        result = self.judged(report_of([0.5]), report_of([0.5], digest="e" * 16))
        assert result.verdict == "error"
        assert result.problems[0].startswith(
            "the baseline old.json belongs to another suite, by-hand"
        )

    def test_another_protocol_is_an_error(self, report_of) -> None:
        result = self.judged(report_of([0.5]), report_of([0.5], protocol="q"))
        assert result.verdict == "error"
        assert "not measured in the same way" in result.problems[0]

    def test_no_common_clip_is_an_error(self, report_of) -> None:
        before = report_of([0.5])
        before.videos[0].id = "other"
        assert "no clip and no prompt in common" in self.judged(report_of([0.5]), before).text()

    def test_clips_without_a_partner_are_noted(self, report_of) -> None:
        result = self.judged(report_of([0.5] * 6), report_of([0.5] * 5))
        assert result.passed
        assert result.notes == ("1 clips have no partner in the baseline or in this run",)

    def test_without_a_baseline_it_is_an_error(self, report_of) -> None:
        asked = requirement(metric="sharpness", not_worse_than="baseline")
        assert "there is no baseline" in judge(report_of([0.5]), asked).text()


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"min": 0.9, "max": 0.1}, "sharpness can never pass: min 0.9 is above max 0.1"),
        ({}, "sharpness requires nothing: give min, max, not_worse_than or refuse"),
        ({"min": float("nan")}, "min: input should be a finite number, not nan"),
        ({"mim": 0.9}, "unknown key 'mim': did you mean 'min'?"),
        ({"min": 0.1, "min_coverage": 1.5}, "min_coverage: input should be less than or equal"),
    ],
)
def test_a_requirement_that_means_nothing_is_refused(values, sentence) -> None:
    with pytest.raises(InputError, match=r"^\S") as caught:
        requirement(metric="sharpness", **values)
    assert str(caught.value).startswith(sentence)
