"""Scores and ranks: known answers, what must hold for any numbers, and how often ranks hold the truth."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mirabench.report.interval import mean_interval
from miraboard.card import read_card
from miraboard.ranking import (
    _BLOCK,
    FEWEST_PROMPTS,
    UNSEEN,
    Ranking,
    critical_value,
    metric_weights,
    parts,
    rank,
    score_of,
    tell_apart,
)
from miraboard.standing import Standing, Value, standing_of
from miraboard.tracks import Track


def standing(track: Track, name: str, **worths: float) -> Standing:
    """One row whose worth is the same on every prompt: 0 for a metric that is not named."""
    table = np.array([[worths.get(m, 0.0)] * len(track.prompts) for m in track.ranked], "<f4")
    return Standing(
        id=name, generator=name, version="1", received="2026-01-01", track="tiny", licence="x",
        links=(), clips=8, failed=0, still=0, values={}, conditioned={}, worths=table.tobytes(),
    )  # fmt: skip


def random_standing(track: Track, name: str, seed: int) -> Standing:
    draw = np.random.default_rng(seed).random((len(track.ranked), len(track.prompts)))
    return replace(standing(track, name), worths=draw.astype("<f4").tobytes())


class TestTellingApart:
    def test_three_apart_have_three_ranks(self) -> None:
        noise = np.random.default_rng(0).normal(0, 0.01, (3, 60))
        found = tell_apart(np.array([[0.1], [0.9], [0.5]]) + noise)
        assert found.first.tolist() == found.last.tolist() == [3, 1, 2]
        assert found.alike.tolist() == [0, 0, 0]

    def test_who_cannot_be_told_apart_shares_the_range(self) -> None:
        noise = np.random.default_rng(0).normal(0, 0.1, (3, 60))
        found = tell_apart(np.array([[0.50], [0.51], [0.9]]) + noise)
        assert found.first.tolist() == [2, 2, 1]
        assert found.last.tolist() == [3, 3, 1]
        assert found.alike.tolist() == [1, 1, 0]

    def test_a_difference_that_all_prompts_share_is_seen_through_what_they_do_not(self) -> None:
        """Paired: prompts differ far more than the two rows do."""
        prompts = np.random.default_rng(0).random(150)
        other = prompts + np.random.default_rng(1).normal(0.02, 0.02, 150)
        assert tell_apart(np.stack([prompts, other])).last.tolist() == [2, 1]

    @pytest.mark.parametrize(("prompts", "told"), [(FEWEST_PROMPTS - 1, 2), (150, 1)])
    def test_few_prompts_tell_nobody_apart(self, prompts: int, told: int) -> None:
        rows = np.stack([np.ones(prompts), np.zeros(prompts)])
        assert tell_apart(rows).last.tolist() == [told, 2]

    def test_one_lucky_prompt_is_no_lead(self) -> None:
        rows = np.zeros((2, 150))
        rows[0, 0] = 1.0
        assert tell_apart(rows).wins.tolist() == [0, 0]

    def test_equal_rows_are_alike_and_nobody_or_one_has_no_rival(self) -> None:
        assert tell_apart(np.full((4, 20), 0.3)).alike.tolist() == [3, 3, 3, 3]
        assert tell_apart(np.zeros((0, 20))).first.tolist() == []
        assert tell_apart(np.zeros((1, 20))).last.tolist() == [1]

    @given(st.integers(2, 30), st.integers(6, 40), st.integers(0, 10**6))
    @settings(max_examples=40, deadline=None)
    def test_blocks_and_order_of_rows_change_nothing(self, n: int, prompts: int, seed: int) -> None:
        draw = np.random.default_rng(seed)
        rows = draw.random((n, 1)) + draw.normal(0, 0.2, (n, prompts))
        order = draw.permutation(n)
        before, after = tell_apart(rows), tell_apart(rows[order])
        assert after.first.tolist() == before.first[order].tolist()
        wins, losses = slow(rows)
        assert (before.wins.tolist(), before.losses.tolist()) == (wins, losses)

    def test_more_rows_than_a_block_are_compared_with_all(self) -> None:
        draw = np.random.default_rng(0)
        rows = draw.random((300, 1)) + draw.normal(0, 0.05, (300, 40))
        found = tell_apart(rows)
        assert (found.wins.tolist(), found.losses.tolist()) == slow(rows)

    def test_every_block_is_looked_at(self) -> None:
        """Three blocks of rows that are the same on every prompt: ahead is who is ahead by enough."""
        means = np.random.default_rng(1).random(2 * _BLOCK + 40)
        found = tell_apart(np.repeat(means[:, None], 20, axis=1))
        ahead = means[:, None] - means > critical_value(len(means), 20) * UNSEEN / 20
        assert found.wins.tolist() == ahead.sum(axis=1).tolist()
        assert found.losses.tolist() == ahead.sum(axis=0).tolist()

    def test_ranks_are_whole_numbers_even_where_nobody_is_told_apart(self) -> None:
        found = tell_apart(np.zeros((2, 3)))
        assert (found.first.dtype.kind, found.last.dtype.kind) == ("i", "i")

    def test_a_row_more_changes_no_verdict_within_a_table_of_sixteen(self) -> None:
        assert critical_value(2, 50) == critical_value(16, 50) < critical_value(17, 50)
        assert critical_value(17, 50) == critical_value(32, 50)


def slow(rows: Any) -> tuple[list[int], list[int]]:
    """The definition, pair by pair."""
    n, prompts = rows.shape
    critical = critical_value(n, prompts)

    def ahead(a: Any, b: Any) -> bool:
        d = a - b
        error = (d.var(ddof=1) / prompts + (0.25 / prompts) ** 2) ** 0.5
        return bool(d.mean() > critical * error)

    wins = [sum(ahead(a, b) for b in rows) for a in rows]
    losses = [sum(ahead(b, a) for b in rows) for a in rows]
    return wins, losses


def gauss(draw: Any, true: Any, prompts: int) -> Any:
    hard = draw.normal(0, 0.1, (1, prompts))  # for everybody
    return true[:, None] + hard + draw.normal(0, 0.08, (len(true), prompts))


def rare(draw: Any, true: Any, prompts: int) -> Any:
    """Every second generator fails on one prompt of twenty, and is the better for it elsewhere."""
    fails = (draw.random((len(true), prompts)) < 0.05) * (np.arange(len(true)) % 2)[:, None]
    makes_up = 0.025 * (np.arange(len(true)) % 2)[:, None]
    return true[:, None] + makes_up - 0.5 * fails + draw.normal(0, 0.03, (len(true), prompts))


def skewed(draw: Any, true: Any, prompts: int) -> Any:
    turned = np.where(np.arange(len(true)) % 2, 1, -1)[:, None]
    return true[:, None] + 0.06 * (draw.exponential(1, (len(true), prompts)) - 1) * turned


def all_or_nothing(draw: Any, true: Any, prompts: int) -> Any:
    return (draw.random((len(true), prompts)) < true[:, None]).astype(float)


@pytest.mark.parametrize("prompts", [12, 150])
@pytest.mark.parametrize("scores", [gauss, rare, skewed, all_or_nothing])
def test_all_ranges_of_a_table_hold_the_true_ranks_at_once(scores: Any, prompts: int) -> None:
    """In 95 % of tables or more: twelve rows, every true score twice, 300 tables."""
    true = np.repeat(np.linspace(0.4, 0.6, 6), 2)
    best = 1 + (true[None] > true[:, None] + 1e-9).sum(axis=1)
    worst = 12 - (true[None] < true[:, None] - 1e-9).sum(axis=1)
    draw = np.random.default_rng(5)
    held = 0
    for _ in range(300):
        found = tell_apart(scores(draw, true, prompts))
        held += bool(((found.first <= best) & (found.last >= worst)).all())
    assert held / 300 >= 0.95


def test_ranks_are_not_held_by_telling_nobody_apart() -> None:
    true = np.repeat(np.linspace(0.4, 0.6, 6), 2)
    draw = np.random.default_rng(5)
    told = np.mean([tell_apart(gauss(draw, true, 150)).wins.sum() for _ in range(20)])
    assert told > 0.8 * 60  # of the 60 pairs that differ


class TestScores:
    def test_the_score_is_the_mean_of_dimensions_of_metrics_of_prompts(self, track: Track) -> None:
        row = standing(track, "a", warping_error=0.2, flow_magnitude=0.9, object_motion=0.5,
                       sharpness=0.6, noise=0.3, exposure=0.0)  # fmt: skip
        found = rank([row], track)
        assert {d: float(s.value[0]) for d, s in found.dimensions.items()} == pytest.approx(
            {"temporal consistency": 0.2, "motion strength": 0.7, "visual quality": 0.3}, abs=1e-6
        )
        assert float(found.overall.value[0]) == pytest.approx(0.4, abs=1e-6)

    def test_weights_of_metrics_act_within_their_dimension(self, track: Track) -> None:
        row = standing(track, "a", sharpness=1.0, flow_magnitude=0.5, object_motion=0.5)
        found = rank([row], track, {"sharpness": 3.0, "exposure": 0.0})
        assert float(found.dimensions["visual quality"].value[0]) == pytest.approx(0.75)
        assert float(found.dimensions["motion strength"].value[0]) == pytest.approx(0.5)

    def test_weights_move_the_order(self, track: Track) -> None:
        rows = [
            standing(track, "sharp", sharpness=0.9),
            standing(track, "fast", flow_magnitude=0.9),
        ]
        quality = rank(rows, track, {"motion strength": 0.0}).overall.value
        motion = rank(rows, track, {"visual quality": 0.0}).overall.value
        assert quality[0] > quality[1] and motion[0] < motion[1]

    def test_negative_weights_are_none(self, track: Track) -> None:
        row = standing(track, "a", sharpness=1.0, flow_magnitude=1.0)
        found = rank([row], track, {"motion strength": -5.0}).overall.value
        assert found == pytest.approx(rank([row], track, {"motion strength": 0.0}).overall.value)

    def test_all_weights_zero_is_no_score_and_no_order(self, track: Track) -> None:
        rows = [standing(track, "a", sharpness=1.0), standing(track, "b")]
        found = rank(rows, track, dict.fromkeys(track.dimensions, 0.0))
        assert np.isnan(found.overall.value).all()
        assert (found.places.first.tolist(), found.places.last.tolist()) == ([1, 1], [2, 2])

    def test_nobody_at_all_is_ranked_without_complaint(self, track: Track) -> None:
        assert rank([], track).places.first.tolist() == []

    def test_a_prompt_that_does_not_ask_counts_for_nobody(self, track: Track) -> None:
        """Two prompts of eight ask; a worth elsewhere is not looked at."""
        worths = np.zeros((1, 1, 8), np.float32)
        worths[0, 0] = [1, 0.5, 1, 1, 1, 1, 1, 1]
        asks = np.array([[True, True, *[False] * 6]])
        found = parts(worths, asks, np.array([1.0]))
        assert found.mean() == pytest.approx(0.75)

    @pytest.mark.parametrize(("asked", "score"), [(1, 0.5), (2, 0.5), (0, 0.0)])
    def test_the_prompts_that_ask_share_a_metrics_weight(self, asked: int, score: float) -> None:
        asks = np.array([[i < asked for i in range(4)]])
        assert parts(np.full((1, 1, 4), 0.5), asks, np.array([1.0])).mean() == score

    def test_a_weight_of_one_is_what_a_dimension_has_anyway(self, track: Track) -> None:
        row = random_standing(track, "a", 3)
        for dimension in track.dimensions:
            chosen = rank([row], track, {dimension: 1.0}).overall.value
            assert chosen == pytest.approx(rank([row], track).overall.value)

    def test_one_prompt_has_a_score_and_no_interval(self) -> None:
        found = score_of(np.array([[0.25], [0.75]]))
        assert found.value.tolist() == [0.25, 0.75]
        assert (found.low.tolist(), found.high.tolist()) == ([0.0, 0.0], [1.0, 1.0])

    def test_each_metric_has_places_of_its_own(self, track: Track) -> None:
        rows = [random_standing(track, name, seed) for seed, name in enumerate("ab")]
        found = rank(rows, track).metrics
        assert list(found) == list(track.ranked)
        table = np.stack([row.worth(track) for row in rows])
        for index, name in enumerate(track.ranked):
            alone = tell_apart(table[:, index, track.applicable[index]])
            assert found[name].first.tolist() == alone.first.tolist()

    def test_a_metric_that_no_prompt_asks_for_has_no_weight(self, track: Track) -> None:
        mute = replace(track, name="mute")
        mute.__dict__["applicable"] = np.zeros_like(track.applicable)
        assert metric_weights(mute, {}) == {}

    @given(st.integers(0, 10**6), st.integers(2, 12))
    @settings(max_examples=30, deadline=None)
    def test_the_interval_is_students_and_within_bounds(self, seed: int, prompts: int) -> None:
        from scipy import stats

        rows = np.random.default_rng(seed).random((1, prompts))
        found = score_of(rows)
        low, high = stats.t.interval(0.95, prompts - 1, rows.mean(), stats.sem(rows[0]))
        assert float(found.low[0]) == pytest.approx(max(low, 0.0))
        assert float(found.high[0]) == pytest.approx(min(high, 1.0))


class TestOrder:
    def order(self, found: Ranking, rows: list[Standing]) -> list[str]:
        return [rows[i].id for i in np.argsort(-found.overall.value)]

    @given(st.integers(0, 10**6), st.integers(1, 20))
    @settings(max_examples=40, deadline=None)
    def test_who_else_entered_changes_no_score_and_no_order(
        self, track: Track, seed: int, others: int
    ) -> None:
        """Also eighteen versions of one party, whatever their scores."""
        a, b = (random_standing(track, name, seed + i) for i, name in enumerate("ab"))
        flood = [random_standing(track, f"x{i}", seed + 10 + i) for i in range(others)]
        alone, among = rank([a, b], track), rank([*flood, a, b], track)
        assert among.overall.value[-2:].tolist() == alone.overall.value.tolist()
        for dimension, scores in alone.dimensions.items():
            assert among.dimensions[dimension].value[-2:].tolist() == scores.value.tolist()

    def test_eighteen_versions_are_one_row(self, board: Any, kit: Any) -> None:
        for seed, name, level in ((1, "Alpha", 0.9), (2, "Beta", 0.5)):
            card = kit.card(generator=name)
            assert board.submit(kit.data(kit.report(seed, level)), card, name).accepted
        before = board.ranking("tiny").overall.value.tolist()
        for k in range(18):
            card = kit.card(generator="Flood", version=f"v{k}x")
            answer = board.submit(kit.data(kit.report(100 + k, 0.05 * k)), card, f"10.1.0.{k}")
            assert answer.accepted, answer.reasons
        view = board.view("tiny")
        assert [s.generator for s in view.standings] == ["Alpha", "Beta", "Flood"]
        assert view.standings[-1].version == "v17x" and len(view.history) == 17
        assert board.ranking("tiny").overall.value.tolist()[:2] == before

    def test_a_withdrawn_version_gives_its_place_back_to_the_one_before(
        self, board: Any, kit: Any
    ) -> None:
        first = board.submit(kit.data(kit.report(1)), kit.card(), "10.0.0.1")
        second = board.submit(kit.data(kit.report(2)), kit.card(version="2.0"), "10.0.0.1")
        assert [s.id for s in board.view("tiny").standings] == [second.id]
        board.moderate(board.settings.token, second.id, "withdrawn", "wrong clips")
        view = board.view("tiny")
        assert [s.id for s in view.standings] == [first.id] and view.history == ()


@pytest.mark.parametrize("still", range(9))
def test_near_static_clips_are_worth_nothing_for_consistency(
    kit: Any, track: Any, still: int
) -> None:
    report = kit.report()
    for video in report.videos[:still]:
        video.scores["flow_magnitude"].value = 0.001
        video.scores["warping_error"].value = 0.0  # perfectly consistent, as a still picture is
    found = standing_of("x", read_card(kit.card()), kit.again(report.videos), track, "2026")
    assert found.still == still
    consistency = found.worth(track)[track.ranked.index("warping_error")]
    assert (consistency == 0).sum() == still
    shown = found.shown("warping_error")
    assert shown is not None and (shown.n, shown.of) == (8 - still, 8)


def test_a_static_generator_does_not_win_consistency(kit: Any, track: Any) -> None:
    card = read_card(kit.card())
    alive = standing_of("alive", card, kit.report(1), track, "2026")
    frozen_report = kit.report(2)
    for video in frozen_report.videos:
        video.scores["flow_magnitude"].value = 0.0
        video.scores["warping_error"].value = 0.0
    frozen = standing_of("frozen", card, kit.again(frozen_report.videos), track, "2026")
    assert frozen.values["warping_error"].mean < alive.values["warping_error"].mean  # type: ignore[operator]
    found = rank([alive, frozen], track).dimensions["temporal consistency"].value
    assert found[0] > found[1] == 0.0


def test_a_standing_survives_its_json(kit: Any, track: Any) -> None:
    found = standing_of(
        "x", read_card(kit.card(links=["https://example.org"])), kit.report(), track, "2"
    )
    again = Standing.from_json(found.to_json())
    assert again == found
    assert again.worth(track).tolist() == found.worth(track).tolist()


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
        assert self.found(kit, track, report).values["sharpness"] == Value(0.5, 0.4, 0.7, 6, 8)

    def test_a_metric_that_failed_has_no_number(self, kit: Any, track: Any) -> None:
        report = kit.report()
        report.summary["sharpness"].status = "failed"
        assert self.found(kit, track, report).values["sharpness"] == Value(None, of=8)

    def test_clips_count_as_moving_from_the_floor_on(self, kit: Any, track: Any) -> None:
        report = kit.report()
        moving = [v.scores["flow_magnitude"] for v in report.videos]
        moving[0].value = track.motion_floor
        moving[1].value = track.motion_floor - 1e-9
        moving[2].status = "degenerate"
        report.videos[3].health["static"] = "no frame differs from the first"
        del report.videos[4].scores["flow_magnitude"]
        assert self.found(kit, track, report).still == 4

    def test_its_json_keeps_letters_as_they_are(self, kit: Any, track: Any) -> None:
        text = self.found(kit, track, kit.report()).to_json()
        assert "Grün" in text and "\n" not in text

    def test_what_is_shown_beside_the_rank_is_of_clips_that_move(
        self, kit: Any, track: Any
    ) -> None:
        report = kit.report()
        report.videos[0].scores["flow_magnitude"].value = 0.0
        report.videos[1].scores["warping_error"].status = "degenerate"
        found = self.found(kit, track, report)
        counted = report.videos[2:]
        values = [v.scores["warping_error"].value for v in counted]
        expected = mean_interval(values, [str(v.prompt_id) for v in counted])
        assert found.shown("warping_error") == Value(
            expected.mean, expected.low, expected.high, 6, 8
        )
        assert expected.low is not None
        assert found.shown("sharpness") == found.values["sharpness"]
        assert found.shown("none such") is None
