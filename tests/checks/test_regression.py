"""A run is worse only where that is no chance, and losing clips is being worse."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mirabench.checks.regression import change
from mirabench.compare.statistics import paired_difference

VALUES = st.lists(st.floats(0.1, 1.0), min_size=5, max_size=8)


def worse(now, before, metric: str = "sharpness") -> bool:
    return change(now, before, metric, "old.json").worse


def test_lower_is_worse_where_higher_is_better_and_the_other_way_round(report_of) -> None:
    high, low = [0.5, 0.6, 0.7, 0.8, 0.9, 0.7], [0.4, 0.45, 0.6, 0.65, 0.8, 0.55]
    assert worse(report_of(low), report_of(high))
    assert not worse(report_of(high), report_of(low))
    kind = {"metric": "warping_error"}
    assert worse(report_of(high, **kind), report_of(low, **kind), "warping_error")
    assert not worse(report_of(low, **kind), report_of(high, **kind), "warping_error")


def test_a_difference_that_may_be_chance_is_no_regression(report_of) -> None:
    before = [0.5] * 6
    assert not worse(report_of([0.3, 0.6, 0.4, 0.55, 0.45, 0.5]), report_of(before))


def test_clips_of_one_prompt_are_one_piece_of_evidence(report_of) -> None:
    now, before = [0.4] * 6, [0.5] * 6
    assert worse(report_of(now), report_of(before))
    one = ["a"] * 6
    found = change(report_of(now, prompts=one), report_of(before, prompts=one), "sharpness", "old")
    assert not found.worse
    assert "no interval" in found.text()


def test_four_prompts_show_no_change_however_large_and_say_so(report_of) -> None:
    found = change(report_of([0.1] * 4), report_of([0.9] * 4), "sharpness", "old.json")
    assert not found.worse
    assert found.undecided.startswith("intervals need at least 5 prompts")
    assert not change(report_of([0.1] * 5), report_of([0.9] * 5), "sharpness", "old").undecided


def test_what_another_processor_rounds_otherwise_is_no_regression(report_of) -> None:
    before = [0.5, 0.6, 0.7, 0.8, 0.9]
    assert not worse(report_of([v * (1 - 1e-6) for v in before]), report_of(before))
    assert worse(report_of([v * (1 - 1e-3) for v in before]), report_of(before))


class TestLostClips:
    def test_losing_all_of_them_is_worse(self, report_of) -> None:
        found = change(report_of([None] * 3), report_of([0.5] * 3), "sharpness", "old.json")
        assert found.worse
        assert "for 3 of 3 clips that had one" in found.problems[0]
        assert "the file ends early" in found.problems[0]

    def test_losing_all_but_one_of_a_few_is_not_shown(self, report_of) -> None:
        assert not worse(report_of([None, None, 0.5]), report_of([0.5] * 3))

    def test_freezing_the_bad_ones_does_not_pass(self, report_of) -> None:
        before = report_of([0.5] * 8)
        now = report_of([0.6] * 8, degenerate=range(6))
        assert worse(now, before)

    def test_one_of_many_may_be_chance(self, report_of) -> None:
        assert not worse(report_of([None] + [0.5] * 7), report_of([0.5] * 8))

    def test_clips_that_never_had_a_number_are_not_lost(self, report_of) -> None:
        assert not worse(report_of([None] * 3), report_of([None] * 3))


@settings(max_examples=25, deadline=None)
@given(values=VALUES)
def test_a_run_is_never_worse_than_itself(report_of, values) -> None:
    assert not worse(report_of(values), report_of(values))


@settings(max_examples=25, deadline=None)
@given(values=VALUES, step=st.floats(0.01, 0.5))
def test_the_same_loss_in_every_clip_is_seen_and_a_gain_is_not(report_of, values, step) -> None:
    lower = [v - step for v in values]
    assert worse(report_of(lower), report_of(values))
    assert not worse(report_of(values), report_of(lower))


def test_every_metric_of_sets_is_refused(report_of) -> None:
    report = report_of([0.5, 0.6])
    report.summary["sharpness"].scope = "set"
    with pytest.raises(ValueError, match="nothing can be paired"):
        change(report, report, "sharpness", "old.json")


@settings(max_examples=25, deadline=None)
@given(pairs=st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), min_size=5, max_size=9))
def test_the_interval_is_that_of_a_comparison(report_of, pairs) -> None:
    now, before = zip(*pairs, strict=True)
    found = change(report_of(now), report_of(before), "sharpness", "old.json").difference
    steps = [a - b for a, b in pairs]
    same = paired_difference(steps, [str(i) for i in range(len(pairs))])
    assert (found.mean, found.low, found.high) == pytest.approx(
        (same.mean, same.low, same.high), abs=1e-12
    )


def test_six_prompts_of_pure_noise_rarely_look_worse(report_of) -> None:
    random = np.random.default_rng(0)
    runs = 120
    draws = random.normal(0.5, 0.05, (runs, 2, 6))
    seen = sum(worse(report_of(list(a)), report_of(list(b))) for a, b in draws)
    assert seen <= 10  # 2.5 % are 3 of 120; more than ten would come once in thousands
