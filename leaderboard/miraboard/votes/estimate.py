"""Strengths with 95 % intervals, from votes alone and with the metrics' help.

Votes of one rater resemble each other, and so do votes on one prompt. Three bootstraps draw weights
(exponential, Rubin's Bayesian bootstrap: no draw is without votes) for whole raters, for whole prompts, and for
what a rater said on a prompt. The variance is

    V = V(raters) + V(prompts) - V(rater and prompt),    at least V(rater and prompt)

(Cameron, Gelbach and Miller, "Robust inference with multiway clustering", J. Bus. Econ. Stat. 29(2), 2011), and
the interval is Student's, with one degree of freedom less than there are raters or prompts, of the fewer.
Prompts are the sample of a population, as everywhere in this project.

**Prediction-powered** (Angelopoulos et al., Science 382, 2023; PPI++, arXiv 2311.01453; cross-fitted: Zrnic and
Candes, PNAS 121(15), 2024). The metrics predict each vote, and also what people would have said on the prompts
on which nobody voted. With counts y of what came and predicted chances f, the same model is fitted to

    sum over votes of (y - lambda f)  +  lambda * votes of the pair * mean of f over all prompts

for each pair. For any lambda the expected count is that of the votes alone, because the board draws a pair's
prompt evenly: a bad prediction costs precision and no truth. lambda between 0 and 1 is the one with the
least variance ("power tuning"). A prediction never comes from votes on the same prompt.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_matrix
from scipy.special import stdtrit  # extra `stats`, which `leaderboard` brings

from miraboard.votes.davidson import (
    Fit,
    fit,
    probabilities,
    share_of_wins,
    slope,
    slope_and_curvature,
)
from miraboard.votes.prediction import Predicted
from miraboard.votes.table import Cells, FloatArray, IntArray, VoteTable, cells_of

DRAWS = 400
"""Of each bootstrap: a standard error is known to about 3.5 %."""
SEED = 20240709
LEVEL = 0.05
FEWEST = 5
"""Raters, and prompts, below which there is no interval."""
FITTED = 60
"""Generators beyond which a bootstrap takes one step from the estimate instead of fitting anew (Kline and
Santos, J. Econometric Methods 1(1), 2012): the same to first order, and 400 generators take seconds."""
_NUMBERS = 8_000_000
"""Counts in memory at a time."""


@dataclass(frozen=True, slots=True, eq=False)
class Strengths:
    """K generators' strengths in log-odds, of sum 0; NaN bounds where there are too few raters or prompts."""

    value: FloatArray
    low: FloatArray
    high: FloatArray
    tie: float
    """Log-odds of a tie between equals against either winning."""
    power: float = 0.0
    """How far the metrics were listened to: lambda, 0 for votes alone."""

    def shares(self) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Value, low and high as the share of votes won against an average generator, 0 to 1."""
        found = [share_of_wins(part, self.tie) for part in (self.value, self.low, self.high)]
        return found[0], found[1], found[2]


def bradley_terry(votes: VoteTable, draws: int = DRAWS) -> Strengths:
    """Strengths from votes alone."""
    return _estimate(votes, cells_of(votes), None, 0.0, draws)


def prediction_powered(votes: VoteTable, predicted: Predicted, draws: int = DRAWS) -> Strengths:
    """Strengths from votes, with what the metrics predict of all prompts.

    Args:
        votes: The votes.
        predicted: By `predict` from the same votes.
        draws: Of each bootstrap.
    """
    cells = cells_of(votes)
    alone = fit(_counts(votes, cells, None, 0.0)[None], cells.pairs, votes.generators)
    return _estimate(votes, cells, predicted, tuned(votes, cells, predicted, alone), draws)


def tuned(votes: VoteTable, cells: Cells, predicted: Predicted, alone: Fit) -> float:
    """The lambda with the least variance of the strengths, prompts drawn anew; between 0 and 1.

    To first order the estimate is a sum over prompts of A - lambda B: what the votes on a prompt move, less
    what their predictions move beyond the prediction's mean over prompts.
    """
    at = np.append(alone.strengths[0], alone.tie[0])[None]
    counts = _counts(votes, cells, None, 0.0)[None]
    _, curvature = slope_and_curvature(counts, cells.pairs, at)
    solved = np.linalg.inv(curvature[0])
    own = _by_prompt(votes, cells, cells.came, at, solved)
    told = _by_prompt(votes, cells, predicted.of_votes, at, solved)
    told -= _of_pool(votes, cells, predicted, at, solved)
    own, told = own - own.mean(axis=0), told - told.mean(axis=0)
    spread = float((told**2).sum())
    return float(np.clip((own * told).sum() / spread, 0.0, 1.0)) if spread > 0 else 0.0


def _by_prompt(
    votes: VoteTable, cells: Cells, chances: FloatArray, at: FloatArray, solved: FloatArray
) -> FloatArray:
    """(M, K) first-order effect on the strengths of each prompt's votes having these outcomes."""
    scores = _scores(cells.pairs[cells.pair], chances * votes.weight[:, None], at)
    ends = np.array([votes.prompt, np.arange(len(votes))])
    total = csr_matrix((np.ones(len(votes)), ends), (votes.prompts, len(votes))) @ scores
    return np.asarray((total @ solved)[:, :-1])


def _of_pool(
    votes: VoteTable, cells: Cells, predicted: Predicted, at: FloatArray, solved: FloatArray
) -> FloatArray:
    """(M, K) effect of each prompt's share in the mean prediction of the pairs."""
    held = np.bincount(cells.pair, votes.weight, minlength=len(cells.pairs))
    total = np.zeros((votes.prompts, at.shape[1]))
    for prompt in range(votes.prompts):
        share = predicted.of_prompts[:, prompt] * (held * predicted.share[:, prompt])[:, None]
        total[prompt] = np.asarray(_scores(cells.pairs, share, at).sum(axis=0)).ravel()
    return np.asarray((total @ solved)[:, :-1])


def _scores(pairs: IntArray, counts: FloatArray, at: FloatArray) -> csr_matrix:
    """(N, K + 1) what counts (N, 3) add to the gradient, but for what the model expects of their sum."""
    chances = probabilities(at[0, pairs[:, 0]] - at[0, pairs[:, 1]], at[0, -1])
    beyond = counts - counts.sum(axis=1, keepdims=True) * chances
    lead = (beyond[:, 0] - beyond[:, 2]) / 2
    values = np.stack([lead, -lead, beyond[:, 1]], axis=1)
    ends = np.full_like(values, at.shape[1] - 1, dtype=np.int64)
    ends[:, :2] = pairs
    rows = np.repeat(np.arange(len(pairs)), 3)
    return csr_matrix((values.ravel(), (rows, ends.ravel())), (len(pairs), at.shape[1]))


def _counts(
    votes: VoteTable, cells: Cells, predicted: Predicted | None, power: float
) -> FloatArray:
    """(P, 3) what the model is fitted to."""
    pairs = len(cells.pairs)
    found = np.zeros((pairs, 3))
    np.add.at(found, cells.pair, _net(votes, cells, predicted, power))
    if predicted is not None:
        held = np.bincount(cells.pair, votes.weight, minlength=pairs)
        found += power * held[:, None] * predicted.mean()
    return found


def _net(votes: VoteTable, cells: Cells, predicted: Predicted | None, power: float) -> FloatArray:
    """(N, 3) each vote less its prediction."""
    net = cells.came if predicted is None else cells.came - power * predicted.of_votes
    return net * votes.weight[:, None]


def _estimate(
    votes: VoteTable, cells: Cells, predicted: Predicted | None, power: float, draws: int
) -> Strengths:
    counts = _counts(votes, cells, predicted, power)
    found = fit(counts[None], cells.pairs, votes.generators)
    value = found.strengths[0]
    raters, prompts = len(np.unique(votes.rater)), len(np.unique(votes.prompt))
    if min(raters, prompts) < FEWEST:
        unknown = np.full_like(value, np.nan)
        return Strengths(value, unknown, unknown, float(found.tie[0]), power)
    resample = _Resample(votes, cells, predicted, power, found, draws)
    by_rater, by_prompt, by_both = resample.raters(), resample.prompts(), resample.both()
    variance = np.maximum(by_rater + by_prompt - by_both, by_both)
    half = stdtrit(min(raters, prompts) - 1, 1 - LEVEL / 2) * np.sqrt(variance)
    return Strengths(value, value - half, value + half, float(found.tie[0]), power)


@dataclass(frozen=True, slots=True, eq=False)
class _Resample:
    """Variances of the strengths when whole groups of votes get random weights."""

    votes: VoteTable
    cells: Cells
    predicted: Predicted | None
    power: float
    found: Fit
    draws: int

    def raters(self) -> FloatArray:
        """(K,) raters drawn anew; the prompts stay."""
        _, group = np.unique(self.votes.rater, return_inverse=True)
        return self._variance(group, self._net_and_pool())

    def both(self) -> FloatArray:
        """(K,) what one rater said on one prompt drawn anew."""
        key = self.votes.rater * self.votes.prompts + self.votes.prompt
        _, group = np.unique(key, return_inverse=True)
        return self._variance(group, self._net_and_pool())

    def prompts(self) -> FloatArray:
        """(K,) prompts drawn anew, with their predictions."""
        net = _net(self.votes, self.cells, self.predicted, self.power)
        return self._variance(self.votes.prompt, net, self.votes.prompts, pool=True)

    def _net_and_pool(self) -> FloatArray:
        """(N, 3) each vote less its prediction, and with its share of the mean prediction of its pair."""
        net = _net(self.votes, self.cells, self.predicted, self.power)
        if self.predicted is None:
            return net
        mean = self.predicted.mean()[self.cells.pair]
        return net + self.power * mean * self.votes.weight[:, None]

    def _strengths(self, counts: FloatArray) -> FloatArray:
        """(B, K) under each table of counts."""
        if self.votes.generators <= FITTED:
            return fit(counts, self.cells.pairs, self.votes.generators, self.found).strengths
        at = np.append(self.found.strengths[0], self.found.tie[0])[None]
        counted = _counts(self.votes, self.cells, self.predicted, self.power)[None]
        _, curvature = slope_and_curvature(counted, self.cells.pairs, at)
        step = np.linalg.solve(curvature[0], slope(counts, self.cells.pairs, at).T).T[:, :-1]
        return np.asarray(at[:, :-1] + step - step.mean(axis=1, keepdims=True))

    def _variance(
        self, group: IntArray, values: FloatArray, groups: int = 0, *, pool: bool = False
    ) -> FloatArray:
        total = groups or int(group.max()) + 1
        sums = _sums(group, total, self.cells, values)
        held = _held(group, total, self.cells, self.votes.weight)
        random = np.random.default_rng(SEED)
        step = max(1, _NUMBERS // (3 * len(self.cells.pairs)))
        strengths = []
        for first in range(0, self.draws, step):
            weights = random.exponential(size=(min(step, self.draws - first), total))
            weights /= weights.mean(axis=1, keepdims=True)
            counts = (sums.T @ weights.T).T.reshape(len(weights), -1, 3)
            if pool and self.predicted is not None:
                drawn = _pool(self.predicted, weights)
                counts = counts + self.power * (held.T @ weights.T).T[..., None] * drawn
            strengths.append(self._strengths(counts))
        seen = len(np.unique(group))
        spread = np.concatenate(strengths).var(axis=0, ddof=1)
        return np.asarray(spread * seen / (seen - 1))


def _pool(predicted: Predicted, weights: FloatArray) -> FloatArray:
    """(B, P, 3) mean predictions of the pairs under weights (B, M) of the prompts."""
    parts = predicted.share[..., None] * predicted.of_prompts  # (P, M, 3)
    drawn = np.tensordot(weights, parts, (1, 1))
    return np.asarray(drawn / (weights @ predicted.share.T)[..., None])


def _sums(group: IntArray, groups: int, cells: Cells, values: FloatArray) -> csr_matrix:
    """(groups, 3 P) sums of values (N, 3) by group and pair."""
    rows = np.repeat(group, 3)
    columns = (cells.pair[:, None] * 3 + np.arange(3)).ravel()
    return csr_matrix((values.ravel(), (rows, columns)), (groups, 3 * len(cells.pairs)))


def _held(group: IntArray, groups: int, cells: Cells, weight: FloatArray) -> csr_matrix:
    """(groups, P) weight of votes by group and pair."""
    return csr_matrix((weight, (group, cells.pair)), (groups, len(cells.pairs)))
