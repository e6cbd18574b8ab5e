"""Raters who vote by a scheme: each too few votes to tell from taste, together enough.

Ten votes of one rater that all favour a generator may be taste. Eight such raters are no accident. So raters
come from a mixture whose shares are learnt from all of them: who votes as people do, with a taste of their
own, and who follows a scheme: says the reverse, says anything, takes one side, or lets one generator win (or
lose) whatever it is beside, always or every other time, one scheme for each generator. Where nobody follows a
scheme its share becomes next to nothing, and then a rater's few odd votes are read as chance.

The shares have a Dirichlet prior of one rater in twenty following any scheme. Taste is a normal difference of
each rater with each generator, summed over by Gauss-Hermite quadrature. Latent classes of raters are of
Dawid and Skene, "Maximum likelihood estimation of observer error-rates", Appl. Statist. 28 (1979).
"""

from __future__ import annotations

from itertools import product

import numpy as np
from numpy.typing import NDArray
from scipy.special import logsumexp  # extra `stats`, which `leaderboard` brings

from miraboard.votes.davidson import LEFT, RIGHT, TIE
from miraboard.votes.table import Cells, FloatArray, VoteTable

TASTE = 0.6
"""Log-odds, standard deviation of a rater's own view of a generator: more than people were simulated with."""
SLIP = 0.05
"""Share of votes in which who follows a scheme, or anybody else, does something else."""
PRIOR_RATERS = 10.0
"""Weight of the prior of the shares, in raters."""
PRIOR_SCHEMES = 0.05
"""Share of raters that are expected to follow a scheme before any vote is seen."""
HABITS = (1.0, 0.5)
"""Shares of the votes with a generator in which who favours it lets it win: always, or every other time."""
_ROUNDS = 100
_NODES = 7


def honest_chances(votes: VoteTable, cells: Cells, expected: FloatArray) -> FloatArray:
    """(R,) chance that a rater follows no scheme.

    Args:
        votes: Of one question.
        cells: Of the same votes.
        expected: (N, 3) chances of each vote, seen from the first generator of its pair, by others' votes.
    """
    likelihood = _log_likelihoods(votes, cells, _softened(expected))  # (R, classes), honest first
    prior = np.full(likelihood.shape[1], PRIOR_SCHEMES / (likelihood.shape[1] - 1))
    prior[0] = 1 - PRIOR_SCHEMES
    voted = np.bincount(votes.rater, minlength=votes.raters) > 0
    shares = prior
    for _ in range(_ROUNDS):
        posterior = _posterior(likelihood, shares)
        updated = posterior[voted].sum(axis=0) + PRIOR_RATERS * prior
        updated /= updated.sum()
        if np.abs(updated - shares).max() < 1e-6:
            break
        shares = updated
    return np.asarray(_posterior(likelihood, shares)[:, 0])


def _posterior(likelihood: FloatArray, shares: FloatArray) -> FloatArray:
    joint = likelihood + np.log(shares)
    return np.asarray(np.exp(joint - logsumexp(joint, axis=1, keepdims=True)))


def _softened(expected: FloatArray) -> FloatArray:
    """Nobody is surer than slips allow."""
    return np.asarray((1 - SLIP) * expected + SLIP / 3)


def _log_likelihoods(votes: VoteTable, cells: Cells, expected: FloatArray) -> FloatArray:
    """(R, 5 + 4 K) of a rater's votes: true, the reverse, anything, left, right, favours by habit and way."""
    came = cells.came
    plain = _by_rater(votes, np.log((came * expected).sum(axis=1)))
    reverse = _by_rater(votes, np.log((came[:, ::-1] * expected).sum(axis=1)))
    anything = _by_rater(votes, np.full(len(votes), -np.log(3)))
    sides = [_by_rater(votes, np.log(_says(votes.outcome == side))) for side in (LEFT, RIGHT)]
    own = _tastes(votes, cells, expected)  # (R, K) what taste adds to the plain likelihood
    honest = plain + own.sum(axis=1)
    # who favours one generator has tastes among the others
    for_one = [honest[:, None] - own + part for part in _favours(votes, cells, expected)]
    alone = np.stack([honest, reverse, anything, *sides], axis=1)
    return np.concatenate([alone, *for_one], axis=1)


def _says(does: NDArray[np.bool_]) -> FloatArray:
    """Chance of what came for who does one thing, but for slips."""
    return np.where(does, 1 - SLIP, SLIP / 2)


def _by_rater(votes: VoteTable, logs: FloatArray) -> FloatArray:
    return np.bincount(votes.rater, logs, minlength=votes.raters).astype(np.float64)


def _favours(votes: VoteTable, cells: Cells, expected: FloatArray) -> list[FloatArray]:
    """(R, K) for each habit and way, up or down: what is added where a rater votes so on a generator."""
    true = (cells.came * expected).sum(axis=1)
    found = []
    for habit, (wins, loses) in product(HABITS, ((LEFT, RIGHT), (RIGHT, LEFT))):
        total = np.zeros((votes.raters, votes.generators))
        for side, outcome in ((0, wins), (1, loses)):
            chance = habit * _says(cells.came[:, outcome] > 0) + (1 - habit) * true
            np.add.at(total, (votes.rater, cells.pairs[cells.pair, side]), np.log(chance / true))
        found.append(total)
    return found


def _tastes(votes: VoteTable, cells: Cells, expected: FloatArray) -> FloatArray:
    """(R, K) log of the mean, over tastes for one generator, of the likelihood of the votes with it."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(_NODES)
    weights = weights / weights.sum()
    plain = np.log((cells.came * expected).sum(axis=1))
    total = np.zeros((len(nodes), votes.raters, votes.generators))
    for number, node in enumerate(nodes * TASTE):
        for side, sign in ((0, 1.0), (1, -1.0)):
            moved = _moved(expected, sign * node)
            told = np.log((cells.came * moved).sum(axis=1)) - plain
            np.add.at(total[number], (votes.rater, cells.pairs[cells.pair, side]), told)
    return np.asarray(logsumexp(total, axis=0, b=weights[:, None, None]))


def _moved(chances: FloatArray, difference: float) -> FloatArray:
    """(N, 3) chances when the first generator's strength is that much greater."""
    tilt = np.zeros(3)
    tilt[[LEFT, TIE, RIGHT]] = difference / 2, 0.0, -difference / 2
    moved = chances * np.exp(tilt)
    return np.asarray(moved / moved.sum(axis=1, keepdims=True))
