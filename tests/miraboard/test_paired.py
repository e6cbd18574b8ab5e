"""Differences prompt by prompt."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mirabench.compare.build import Run, compare
from mirabench.compare.statistics import sign_flip as scipy_sign_flip
from mirabench.report.interval import mean_interval
from miraboard.board import Board
from miraboard.paired import differences, judge, per_prompt, sign_flip
from miraboard.store import ClipRow


def row(prompt: str, value: float, metric: str = "sharpness") -> ClipRow:
    return ClipRow("s", f"{prompt}-clip", prompt, {metric: value}, {})


def test_clips_of_one_prompt_are_averaged() -> None:
    assert per_prompt([row("a", 1.0), row("a", 3.0), row("b", 5.0)], "sharpness") == {
        "a": 2,
        "b": 5,
    }


def test_the_sign_flip_test_of_few_prompts_is_the_exact_one() -> None:
    values = [0.3, 0.1, 0.5, -0.05, 0.2, 0.4, 0.25]
    exact = np.mean(
        [abs(np.dot(s, values)) >= sum(values) - 1e-12 for s in product((-1, 1), repeat=7)]
    )
    assert sign_flip(values) == pytest.approx(exact)


def test_no_difference_is_chance_for_sure() -> None:
    assert sign_flip([0.0] * 8) == 1.0


@given(st.lists(st.floats(-5, 5), min_size=2, max_size=10))
def test_swapping_the_two_changes_no_p(values: list[float]) -> None:
    assert sign_flip(values) == sign_flip([-v for v in values])


def test_the_better_one_is_named_in_the_metrics_own_direction(track: Any) -> None:
    prompts = [f"p{i}" for i in range(12)]
    for metric, better in (("sharpness", "a"), ("noise", "b")):
        a = [row(p, 2.0 + i / 100, metric) for i, p in enumerate(prompts)]
        b = [row(p, 1.0, metric) for p in prompts]
        ((found,),) = judge([differences(a, b, track.specs)], track.specs)
        assert (found.better, found.prompts) == (better, 12)
        assert found.mean == pytest.approx(1.055)


@settings(deadline=None)  # the first metric that is asked for loads its module
@given(st.lists(st.floats(-5, 5), min_size=1, max_size=12))
def test_the_interval_is_that_of_the_report(track: Any, values: list[float]) -> None:
    a = [row(f"p{i}", v) for i, v in enumerate(values)]
    b = [row(f"p{i}", 0.0) for i in range(len(values))]
    (found,) = differences(a, b, track.specs)
    expected = mean_interval(values, [f"p{i}" for i in range(len(values))])
    for ours, theirs in (
        (found.mean, expected.mean), (found.low, expected.low), (found.high, expected.high)
    ):  # fmt: skip
        assert ours == (None if theirs is None else pytest.approx(theirs, rel=1e-9, abs=1e-12))


def test_below_six_prompts_nothing_is_significant(track: Any) -> None:
    a = [row(f"p{i}", 9.0) for i in range(5)]
    b = [row(f"p{i}", 1.0) for i in range(5)]
    ((found,),) = judge([differences(a, b, track.specs)], track.specs)
    assert (found.p, found.better, found.too_few) == (2 / 2**5, "", True)


def test_motion_and_what_is_bought_with_detail_make_nobody_better(track: Any) -> None:
    prompts = [f"p{i}" for i in range(12)]

    def rows(sharp: float, noise: float, motion: float) -> list[ClipRow]:
        scores = {"sharpness": sharp, "noise": noise, "flow_magnitude": motion}
        return [
            ClipRow("s", f"{p}-clip", p, {k: v * (1 + i / 50) for k, v in scores.items()}, {})
            for i, p in enumerate(prompts)
        ]

    blurred, plain = rows(0.3, 1.0, 0.5), rows(0.6, 3.0, 0.2)
    ((found),) = judge([differences(blurred, plain, track.specs)], track.specs)
    better = {d.metric: d.better for d in found}
    assert better == {"sharpness": "b", "noise": "", "flow_magnitude": ""}


def test_every_test_of_a_page_asks_for_more_of_the_others(track: Any) -> None:
    pair = differences(
        [row(f"p{i}", 9.0) for i in range(6)], [row(f"p{i}", 1.0) for i in range(6)], track.specs
    )
    ((alone,),) = judge([pair], track.specs)
    assert (alone.p, alone.better) == (2 / 2**6, "a")
    for (one,), _ in [judge([pair, pair], track.specs)]:
        assert (one.p, one.better, one.too_few) == (4 / 2**6, "", True)


def test_the_numbers_are_those_of_mirabench_compare(board: Board, kit: Any) -> None:
    """Exactly: at eight prompts both go through all sign patterns."""
    reports = {name: kit.report(seed, level) for name, seed, level in
               (("first", 1, 0.5), ("second", 2, 0.52), ("third", 3, 0.8))}  # fmt: skip
    rows = {}
    for name, report in reports.items():
        for video in report.videos:
            video.id = str(video.prompt_id)  # without a seed, by which `compare` would pair
        outcome = board.submit(kit.data(report), kit.card(generator=name), "10.0.0.1")
        rows[name] = board.store.rows_of(outcome.id)
    specs = kit.track.specs
    pairs = [differences(rows["first"], rows[name], specs) for name in ("second", "third")]
    theirs = compare([Run(name, report) for name, report in reports.items()])
    for ours, contrast in zip(judge(pairs, specs), theirs.contrasts, strict=True):
        for d in ours:
            other = contrast.metrics[d.metric]
            assert d.low is not None
            assert d.high is not None
            assert other.mean == pytest.approx(-d.mean, rel=1e-9)
            assert [other.ci_low, other.ci_high] == pytest.approx([-d.high, -d.low], rel=1e-9)
            assert other.p_holm == pytest.approx(d.p)
            assert other.smallest_difference == pytest.approx(d.smallest_difference)
            assert (d.better == "b") == (other.verdict == "better")
            assert d.better != "a" or other.verdict == "worse"  # a gain of A may be bought


@pytest.mark.parametrize("seed", range(3))
def test_random_patterns_give_scipys_p_but_for_chance(seed: int) -> None:
    values = np.random.default_rng(seed).normal(0.3, 1, 40)
    assert sign_flip(values) == pytest.approx(scipy_sign_flip(values), abs=0.03)


def test_only_shared_prompts_count(track: Any) -> None:
    (found,) = differences(
        [row("a", 1.0), row("b", 2.0)], [row("b", 1.5), row("c", 9.0)], track.specs
    )
    assert found.by_prompt == {"b": 0.5}
    assert differences([row("a", 1.0)], [row("c", 1.0)], track.specs) == []


def test_all_patterns_of_thirteen_prompts_are_gone_through_and_drawn_beyond() -> None:
    assert sign_flip([1.0] * 13) == 2 / 2**13
    assert (
        sign_flip([1.0] * 40) == 1 / 10_000
    )  # no drawn pattern is so far: the seen one alone counts


def test_a_difference_has_the_means_of_both_and_a_p_from_two_prompts_on(track: Any) -> None:
    a, b = [row("a", 1.0), row("b", 3.0)], [row("a", 0.5), row("b", 1.5)]
    (one,) = differences(a[:1], b[:1], track.specs)
    (two,) = differences(a, b, track.specs)
    assert (one.mean_a, one.mean_b, one.p) == (1.0, 0.5, None)
    assert (two.mean_a, two.mean_b) == (2.0, 1.0)
    assert two.p is not None
    ((judged,),) = judge([[one]], track.specs)
    assert (judged.p, judged.better) == (None, "")


def test_six_prompts_are_enough_for_one_test_and_equal_numbers_are_not_too_few(track: Any) -> None:
    a = [row(f"p{i}", 9.0) for i in range(6)]
    ((told,),) = judge(
        [differences(a, [row(f"p{i}", 1.0) for i in range(6)], track.specs)], track.specs
    )
    assert (told.better, told.too_few) == ("a", False)
    ((same,),) = judge([differences(a[:4], a[:4], track.specs)], track.specs)
    assert (same.better, same.too_few) == ("", False)


@pytest.mark.parametrize(("share", "gains"), [(0.005, False), (0.75, False), (1.5, True)])
def test_a_sure_difference_below_what_matters_is_nobodys_gain(
    track: Any, share: float, gains: bool
) -> None:
    b = [row(f"p{i}", 1.0 + i / 4) for i in range(12)]
    margin = differences(b, b, track.specs)[0].smallest_difference
    a = [row(f"p{i}", 1.0 + i / 4 + share * margin * (1 + i / 1000)) for i in range(12)]
    for first, second, better in ((a, b, "a"), (b, a, "b")):
        ((found,),) = judge([differences(first, second, track.specs)], track.specs)
        assert found.p is not None
        assert found.p <= 0.05
        assert found.better == (better if gains else "")


def test_a_small_and_sure_loss_of_detail_speaks_against_a_gain(track: Any) -> None:
    """Smaller than the smallest difference of interest: its interval alone tells."""
    spread = [1.0 + i / 4 for i in range(12)]

    def rows(noise: float, lost: float) -> list[ClipRow]:
        return [
            ClipRow("s", f"{i}", f"{i}", {"noise": noise * (1 + i / 50), "sharpness": v - lost}, {})
            for i, v in enumerate(spread)
        ]

    clean, noisy, blurred = rows(1.0, 0.0), rows(3.0, 0.0), rows(1.0, 0.05)
    for other, better in ((clean, "a"), (blurred, "")):
        forth = judge([differences(other, noisy, track.specs)], track.specs)[0]
        back = judge([differences(noisy, other, track.specs)], track.specs)[0]
        assert {d.metric: d.better for d in forth}["noise"] == better
        assert {d.metric: d.better for d in back}["noise"] == better.replace("a", "b")
        assert all(d.better == "" for d in forth if d.metric == "sharpness")
