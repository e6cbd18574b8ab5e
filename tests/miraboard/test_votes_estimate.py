"""Strengths and their intervals: known answers, other implementations, invariants, simulated voters."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize

from miraboard.votes.davidson import fit, probabilities, regress, share_of_wins
from miraboard.votes.estimate import bradley_terry, prediction_powered
from miraboard.votes.prediction import Predicted, predict
from miraboard.votes.raters import Attention, distrusted, inattentive
from miraboard.votes.table import VoteTable, capped, cells_of, vote_table

BENCHMARK = Path(__file__).resolve().parents[2] / "benchmarks" / "votes.py"


@pytest.fixture(scope="module")
def voters() -> ModuleType:
    spec = importlib.util.spec_from_file_location("votes_benchmark", BENCHMARK)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def random_table(seed: int, votes: int = 120, raters: int = 8, prompts: int = 12) -> VoteTable:
    draw = np.random.default_rng(seed)
    left = draw.integers(0, 4, votes)
    right = (left + draw.integers(1, 4, votes)) % 4
    came = probabilities(0.8 * (left - right), -0.4).cumsum(axis=1)
    outcome = (draw.random(votes)[:, None] > came[:, :2]).sum(axis=1)
    return vote_table(
        draw.integers(0, raters, votes), draw.integers(0, prompts, votes), left, right, outcome,
        raters=raters, prompts=prompts, generators=4,
    )  # fmt: skip


def random_worths(seed: int, table: VoteTable, metrics: int = 2) -> np.ndarray:
    return np.random.default_rng(seed).random((table.generators, metrics, table.prompts))


# the model


def test_two_items_have_the_log_odds_that_a_pencil_finds() -> None:
    # 60 : 20 : 20, so exp(d) = 60 / 20 and exp(tie) = 20 / sqrt(60 * 20)
    found = fit(np.array([[[6e5, 2e5, 2e5]]]), np.array([[0, 1]]), 2)
    assert found.strengths[0, 0] - found.strengths[0, 1] == pytest.approx(np.log(3), abs=1e-4)
    assert found.tie[0] == pytest.approx(np.log(20 / np.sqrt(60 * 20)), abs=1e-4)
    assert share_of_wins(np.array([np.log(3)]), found.tie[0])[0] == pytest.approx(0.7, abs=1e-4)


@given(st.integers(0, 10_000))
@settings(max_examples=20, deadline=None)
def test_the_fit_is_where_an_optimiser_that_knows_no_derivative_stops(seed: int) -> None:
    draw = np.random.default_rng(seed)
    pairs = np.array([[0, 1], [0, 2], [1, 2]])
    counts = draw.integers(0, 9, (3, 3)).astype(float)

    def loss(at: np.ndarray) -> float:
        chances = probabilities(at[pairs[:, 0]] - at[pairs[:, 1]], at[3])
        prior = (at[:3] ** 2).sum() / 50 + at[3] ** 2 / 50
        return float(prior - (counts * np.log(chances)).sum())

    found = minimize(
        loss,
        np.zeros(4),
        method="Nelder-Mead",
        options={"xatol": 1e-8, "fatol": 1e-11, "maxiter": 9000},
    )
    ours = fit(counts[None], pairs, 3)
    theirs = found.x[:3] - found.x[:3].mean()
    np.testing.assert_allclose(ours.strengths[0], theirs, atol=2e-4)


@given(st.integers(0, 10_000))
@settings(max_examples=15, deadline=None)
def test_stacked_tables_are_fitted_as_each_alone(seed: int) -> None:
    draw = np.random.default_rng(seed)
    pairs = np.array([(i, j) for i in range(4) for j in range(i)])
    counts = draw.exponential(3, (5, 6, 3))
    stacked = fit(counts, pairs, 4)
    for row in range(5):
        alone = fit(counts[row : row + 1], pairs, 4, stacked if row else None)
        np.testing.assert_allclose(stacked.strengths[row], alone.strengths[0], atol=1e-7)


def test_who_wins_every_vote_has_a_finite_strength() -> None:
    found = fit(np.array([[[30.0, 0.0, 0.0]]]), np.array([[0, 1]]), 2)
    assert 2 < found.strengths[0, 0] < 10


def test_sides_do_not_matter() -> None:
    table = random_table(1)
    turned = vote_table(
        table.rater, table.prompt, table.right, table.left, 2 - table.outcome,
        raters=table.raters, prompts=table.prompts, generators=table.generators,
    )  # fmt: skip
    ours, theirs = bradley_terry(table, 50), bradley_terry(turned, 50)
    for name in ("value", "low", "high"):
        np.testing.assert_allclose(getattr(ours, name), getattr(theirs, name), atol=1e-9)


def test_names_of_generators_do_not_matter() -> None:
    table, order = random_table(2, votes=400), np.array([2, 0, 3, 1])
    renamed = vote_table(
        table.rater, table.prompt, order[table.left], order[table.right], table.outcome,
        raters=table.raters, prompts=table.prompts, generators=4,
    )  # fmt: skip
    worths = random_worths(2, table)
    moved = np.empty_like(worths)
    moved[order] = worths
    ours = prediction_powered(table, predict(table, worths), 50)
    theirs = prediction_powered(renamed, predict(renamed, moved), 50)
    np.testing.assert_allclose(ours.value, theirs.value[order], atol=1e-6)
    np.testing.assert_allclose(ours.high, theirs.high[order], atol=1e-6)


def test_regression_on_who_plays_is_the_model_itself() -> None:
    table = random_table(3, votes=300)
    cells = cells_of(table)
    design = np.zeros((300, 4))
    design[np.arange(300), table.left], design[np.arange(300), table.right] = 1, -1
    found, tie = regress(design, table.outcome, np.full(4, 1 / 25))
    counts = np.zeros((len(cells.pairs), 3))
    np.add.at(counts, cells.pair, cells.came)
    ours = fit(counts[None], cells.pairs, 4)
    np.testing.assert_allclose(found - found.mean(), ours.strengths[0], atol=1e-8)
    assert tie == pytest.approx(float(ours.tie[0]), abs=1e-8)


# the prediction-powered estimate


def test_a_prediction_that_says_the_same_everywhere_changes_nothing() -> None:
    table = random_table(4)
    pairs = len(cells_of(table).pairs)
    flat = np.full((pairs, table.prompts, 3), [0.5, 0.2, 0.3])
    share = np.full((pairs, table.prompts), 1 / table.prompts)
    told = Predicted(np.full((len(table), 3), [0.5, 0.2, 0.3]), flat, share)
    ours, alone = prediction_powered(table, told, 60), bradley_terry(table, 60)
    np.testing.assert_allclose(ours.value, alone.value, atol=1e-9)
    np.testing.assert_allclose(ours.high, alone.high, atol=1e-9)


def test_it_is_the_published_estimate_of_a_mean() -> None:
    """Two generators, no ties: the share of wins is PPI++'s mean (Angelopoulos et al. 2024, example 1)."""
    draw = np.random.default_rng(5)
    n, prompts = 4000, 50
    prompt, rater = draw.integers(0, prompts, n), draw.integers(0, 40, n)
    chance = draw.random(prompts)
    outcome = np.where(draw.random(n) < chance[prompt], 0, 2)
    table = vote_table(
        rater, prompt, np.zeros(n, int), np.ones(n, int), outcome,
        raters=40, prompts=prompts, generators=2,
    )  # fmt: skip
    told = np.stack([chance, 0 * chance, 1 - chance], axis=-1)
    share = np.full((1, prompts), 1 / prompts)
    found = prediction_powered(table, Predicted(told[prompt], told[None], share), 60)
    mean = (outcome == 0).mean() + found.power * (chance.mean() - chance[prompt].mean())
    odds = np.exp(found.value[0] - found.value[1])
    assert odds / (1 + odds) == pytest.approx(mean, abs=2e-3)
    assert found.power > 0.9


def test_no_vote_is_predicted_from_votes_on_its_own_prompt() -> None:
    table = random_table(6, votes=300)
    worths = random_worths(6, table)
    before = predict(table, worths)
    outcome = table.outcome.copy()
    there = table.prompt == 3
    outcome[there] = 2 - outcome[there]
    changed = vote_table(
        table.rater, table.prompt, table.left, table.right, outcome,
        raters=table.raters, prompts=table.prompts, generators=4,
    )  # fmt: skip
    after = predict(changed, worths)
    # chances are seen from the pair's first generator, whoever won
    np.testing.assert_array_equal(before.of_votes[there], after.of_votes[there])
    assert not np.allclose(before.of_votes[~there], after.of_votes[~there])


def test_prompts_without_a_film_are_not_in_the_mean() -> None:
    table = random_table(7)
    shown = np.ones((4, table.prompts), dtype=bool)
    unseen = int(np.setdiff1d(np.arange(table.prompts + 1), table.prompt)[0]) % table.prompts
    shown[:, unseen] = False
    found = predict(table, random_worths(7, table), shown)
    drawn = np.zeros_like(found.share, dtype=bool)
    cells = cells_of(table)
    drawn[cells.pair, table.prompt] = True
    np.testing.assert_allclose(found.share.sum(axis=1), 1)
    assert (found.share[~drawn[:, unseen], unseen] == 0).all()


def test_below_five_raters_or_prompts_there_is_no_interval() -> None:
    for table in (random_table(8, raters=4), random_table(8, prompts=4)):
        assert np.isnan(bradley_terry(table, 20).low).all()
    assert not np.isnan(bradley_terry(random_table(8, raters=5, prompts=5), 20).low).any()


# raters


def test_somebody_is_left_out_for_as_many_failed_checks_as_chance_does_not_explain() -> None:
    asked = np.array([0, 1, 2, 2, 3, 10, 10, 40])
    failed = np.array([0, 1, 1, 2, 2, 3, 5, 12])
    # the binomial's tails at one in ten: 1, .1, .19, .01, .028, .07, .0016, .0006
    assert inattentive(Attention(asked, failed)).tolist() == [False] * 6 + [True, True]


@given(st.lists(st.integers(0, 40), min_size=1, max_size=12), st.sampled_from([0.1, 0.25, 0.5]))
@settings(deadline=None)
def test_no_rater_has_more_than_their_share_and_the_limit_is_the_largest(
    counts: list[int], share: float
) -> None:
    rater = np.repeat(np.arange(len(counts)), counts)
    zeros = np.zeros(len(rater), int)
    table = vote_table(
        rater, zeros, zeros, zeros + 1, zeros, raters=len(counts), prompts=1, generators=2
    )
    held = np.bincount(rater, capped(table, share).weight, minlength=len(counts))
    there = held[held > 0]
    if len(there) * share > 1:
        assert there.max() <= share * there.sum() * (1 + 1e-9)
        if (held < np.array(counts) - 1e-9).any():  # somebody is held back: by no more than needed
            assert there.max() == pytest.approx(share * there.sum())
    assert (held <= np.array(counts) + 1e-9).all()


@pytest.mark.parametrize("liars", ["reversed", "boost"])
def test_a_fifth_of_liars_moves_little(voters: ModuleType, liars: str) -> None:
    world = voters.World(spread=1.2, liars=liars)
    found = voters.robustness(world, 2400, 4)
    assert found["liars_caught"] > 0.9 and found["honest_lost"] < 0.05
    assert found["screened"] < 1.35 * found["honest"]
    assert found["untouched"] > 1.25 * found["screened"]


@pytest.mark.parametrize("liars, caught", [("boost", 0.5), ("left", 0.75), ("reversed", 0.75)])
def test_liars_of_ten_votes_each_move_little(voters: ModuleType, liars: str, caught: float) -> None:
    world = voters.World(spread=1.2, liars=liars)
    found = voters.robustness(world, 400, 8)
    assert found["liars_caught"] > caught and found["honest_lost"] < 0.03
    assert found["screened"] < 1.3 * found["honest"]
    assert found["lift_of_the_worst"] < 0.25


def test_who_lies_every_other_time_is_mostly_found_by_thirty_votes(voters: ModuleType) -> None:
    found = voters.robustness(voters.World(spread=1.2, liars="sly"), 1200, 4)
    assert found["liars_caught"] > 0.4 and found["honest_lost"] < 0.03
    assert found["lift_of_the_worst"] < 0.15


def test_no_scheme_is_seen_in_votes_of_good_will_without_any_metric(voters: ModuleType) -> None:
    world = voters.World(spread=1.2, correlations=(0.0,))
    found = voters.robustness(world, 400, 8)
    assert found["honest_lost"] < 0.02 and found["screened"] < 1.05 * found["honest"]


def test_raters_of_good_will_are_left_alone(voters: ModuleType) -> None:
    lost = 0
    for number in range(10):
        table, worths = voters.simulate(voters.World(), 1200, np.random.default_rng(number))
        lost += len(distrusted(table, None, worths))
    assert lost <= 4  # of 400


# simulated voters


def test_intervals_hold_the_truth_and_a_good_metric_shortens_them(voters: ModuleType) -> None:
    """More repeats are in docs/leaderboard-voting.md, by benchmarks/votes.py."""
    found = voters.repeat(voters.World(), 200, 40, draws=200)
    assert found["coverage"] >= 0.92 and found["coverage_powered"] >= 0.92
    assert found["shorter"] >= 0.22


def test_a_random_metric_lengthens_nothing(voters: ModuleType) -> None:
    found = voters.repeat(voters.World(correlations=(0.0,)), 200, 25, draws=200)
    assert found["shorter"] >= -0.02 and found["coverage_powered"] >= 0.91
