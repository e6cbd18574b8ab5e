"""Places, ties and win rates: known answers, and what must hold for any numbers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from miraboard.card import read_card
from miraboard.ranking import compare_values, rank, rate_of, weighted
from miraboard.standing import Standing, Value, standing_of


def value(mean: float, half: float = 0.1) -> Value:
    return Value(mean, mean - half, mean + half, 8, 8)


def standing(name: str, **values: Value) -> Standing:
    return Standing(
        id=name, generator=name, version="1", received="2026-01-01", track="tiny", licence="x",
        links=(), clips=8, failed=0, still=0, values=values, conditioned={},
    )  # fmt: skip


def test_three_apart_have_three_places() -> None:
    found = compare_values([value(0.1), value(0.9), value(0.5)], higher_is_better=True)
    assert found.wins.tolist() == [0, 2, 1]
    assert found.first.tolist() == found.last.tolist() == [3, 1, 2]


def test_lower_is_better_turns_it_round() -> None:
    found = compare_values([value(0.1), value(0.9), value(0.5)], higher_is_better=False)
    assert found.first.tolist() == [1, 3, 2]


def test_overlap_is_a_tie_and_the_place_a_range() -> None:
    found = compare_values([value(0.50), value(0.55), value(0.9)], higher_is_better=True)
    assert list(zip(found.first.tolist(), found.last.tolist(), strict=True)) == [
        (2, 3), (2, 3), (1, 1)
    ]  # fmt: skip


def test_intervals_that_touch_are_a_tie() -> None:
    found = compare_values([Value(1, 0.5, 1.5), Value(2, 1.5, 2.5)], higher_is_better=True)
    assert found.wins.tolist() == found.losses.tolist() == [0, 0]


def test_who_leaves_a_metric_out_loses_it_to_everybody_who_has_it() -> None:
    found = compare_values([value(0.1), None, Value(None)], higher_is_better=True)
    assert found.wins.tolist() == [2, 0, 0]
    assert found.losses.tolist() == [0, 1, 1]


def test_clips_left_out_turn_a_win_into_a_tie() -> None:
    hidden = Value(0.9, 0.8, 1.0, 4, 8)
    complete = compare_values([value(0.9), value(0.5), value(0.2)], higher_is_better=True)
    partial = compare_values([hidden, value(0.5), value(0.2)], higher_is_better=True)
    assert complete.wins.tolist() == [2, 1, 0]
    # half of its clips at 0.1, the worst end: 0.45 .. 1, which reaches 0.4 .. 0.6
    assert partial.wins.tolist() == [1, 1, 0]
    assert partial.losses.tolist() == [0, 0, 2]


def test_clips_left_out_of_an_error_count_as_large_ones() -> None:
    hidden = Value(0.1, 0.05, 0.15, 4, 8)
    found = compare_values([hidden, value(0.5), value(0.9)], higher_is_better=False)
    assert found.wins.tolist() == [1, 1, 0]


def test_what_is_undefined_for_moving_clips_is_a_tie_and_no_loss() -> None:
    found = compare_values(
        [value(0.1), Value(None, undefined=True), Value(None)], higher_is_better=True
    )
    assert found.wins.tolist() == [1, 1, 0]
    assert found.losses.tolist() == [0, 0, 2]


@pytest.mark.parametrize(("still", "undefined"), [(0, True), (3, True), (4, False), (8, False)])
def test_degenerate_numbers_of_clips_that_stand_still_are_a_loss(
    kit: Any, track: Any, still: int, undefined: bool
) -> None:
    report = kit.report()
    for i, video in enumerate(report.videos):
        video.scores["sharpness"].status = "degenerate"
        if i < still:
            video.scores["flow_magnitude"].value = 0.0
    found = standing_of("x", read_card(kit.card()), kit.again(report.videos), track, "2026")
    assert found.values["sharpness"] == Value(None, of=8, undefined=undefined)


def test_without_an_interval_nobody_with_a_value_is_beaten() -> None:
    found = compare_values([Value(99.0), value(0.1), None], higher_is_better=True)
    assert found.wins.tolist() == [1, 1, 0]
    assert found.losses.tolist() == [0, 0, 2]


def test_the_win_rate_counts_a_tie_half_between_its_bounds() -> None:
    found = rate_of(compare_values([value(0.50), value(0.55), value(0.9)], higher_is_better=True))
    assert found.low.tolist() == [0.0, 0.0, 1.0]
    assert found.rate.tolist() == [0.25, 0.25, 1.0]
    assert found.high.tolist() == [0.5, 0.5, 1.0]


def test_alone_there_is_no_win_rate(track: Any) -> None:
    found = rank([standing("a", sharpness=value(0.5))], track.specs)
    assert np.isnan(found.overall.rate).all()
    assert (found.first.tolist(), found.last.tolist()) == ([1], [1])


def test_nobody_at_all_is_ranked_without_complaint(track: Any) -> None:
    assert rank([], track.specs).metrics == {}


def test_weights_move_the_order(track: Any) -> None:
    sharp = standing("sharp", sharpness=value(0.9), flow_magnitude=value(0.1))
    lively = standing("lively", sharpness=value(0.1), flow_magnitude=value(0.9))
    even = rank([sharp, lively], track.specs).overall.rate
    motion = rank([sharp, lively], track.specs, {"visual quality": 0.0}).overall.rate
    assert even.tolist() == [0.5, 0.5]
    assert motion.tolist() == [0.0, 1.0]


def test_weights_of_metrics_act_within_their_dimension(track: Any) -> None:
    a = standing("a", sharpness=value(0.9), noise=value(9.0), flow_magnitude=value(0.5))
    b = standing("b", sharpness=value(0.1), noise=value(1.0), flow_magnitude=value(0.5))
    found = rank([a, b], track.specs, {"noise": 3.0})
    assert found.dimensions["visual quality"].rate.tolist() == [0.25, 0.75]
    assert found.dimensions["motion strength"].rate.tolist() == [0.5, 0.5]


def test_all_weights_zero_is_no_order() -> None:
    rates = {"x": rate_of(compare_values([value(0.1), value(0.9)], higher_is_better=True))}
    assert np.isnan(weighted(rates, {"x": 0.0}, 2).rate).all()


values = (
    st.none()
    | st.builds(
        lambda mean, half, n: Value(mean, mean - half, mean + half, n, 8),
        st.floats(-10, 10),
        st.floats(0, 3),
        st.integers(1, 8),
    )
    | st.floats(-10, 10).map(Value)
)


def slow(found: list[Value | None]) -> tuple[list[int], list[int]]:
    """The definition, pair by pair."""
    worst = min((v.low for v in found if v and v.low is not None), default=0.0)

    def beats(a: Value | None, b: Value | None) -> bool:
        if a is None:
            return False
        if b is None:
            return True
        if a.low is None or b.high is None:
            return False
        return a.low + (1 - a.n / a.of) * (worst - a.low) > b.high

    wins = [sum(beats(a, b) for j, b in enumerate(found) if j != i) for i, a in enumerate(found)]
    losses = [sum(beats(b, a) for j, b in enumerate(found) if j != i) for i, a in enumerate(found)]
    return wins, losses


@given(st.lists(values, max_size=12))
def test_sorting_finds_what_comparing_each_pair_finds(found: list[Value | None]) -> None:
    fast = compare_values(found, higher_is_better=True)
    assert (fast.wins.tolist(), fast.losses.tolist()) == slow(found)


@given(st.lists(values, min_size=2, max_size=12), st.randoms())
def test_the_order_of_submissions_changes_no_place(found: list[Value | None], random: Any) -> None:
    order = list(range(len(found)))
    random.shuffle(order)
    before = compare_values(found, higher_is_better=True)
    after = compare_values([found[i] for i in order], higher_is_better=True)
    assert after.first.tolist() == [before.first[i] for i in order]
    assert (before.first <= before.last).all()


@pytest.mark.parametrize("still", range(9))
def test_near_static_clips_do_not_count_for_consistency(kit: Any, track: Any, still: int) -> None:
    report = kit.report()
    for video in report.videos[:still]:
        video.scores["flow_magnitude"].value = 0.001
        video.scores["warping_error"].value = 0.0  # perfectly consistent, as a still picture is
    found = standing_of("x", read_card(kit.card()), kit.again(report.videos), track, "2026")
    assert found.still == still
    raw, ranked = found.values["warping_error"], found.ranked("warping_error")
    assert ranked is not None
    assert (ranked.n, ranked.of) == (8 - still, 8)
    if still == 8:
        assert ranked.mean is None
    elif still:
        assert ranked.mean > raw.mean  # an error: without the still ones it is no longer flattered
    assert found.conditioned.keys() == {"warping_error"}


def test_a_static_generator_does_not_win_consistency(kit: Any, track: Any) -> None:
    card = read_card(kit.card())
    alive = standing_of("alive", card, kit.report(1), track, "2026")
    frozen_report = kit.report(2)
    for video in frozen_report.videos:
        video.scores["flow_magnitude"].value = 0.0
        video.scores["warping_error"].value = 0.0
    frozen = standing_of("frozen", card, kit.again(frozen_report.videos), track, "2026")
    assert frozen.values["warping_error"].mean < alive.values["warping_error"].mean
    found = rank([alive, frozen], track.specs).dimensions["temporal consistency"]
    assert found.rate.tolist() == [1.0, 0.0]


def test_a_standing_survives_its_json(kit: Any, track: Any) -> None:
    found = standing_of(
        "x", read_card(kit.card(links=["https://example.org"])), kit.report(), track, "2"
    )
    assert Standing.from_json(found.to_json()) == found
