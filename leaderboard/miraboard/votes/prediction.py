"""What the metrics predict of votes: fitted on some prompts, applied to the others, so that no vote is its own.

The difference of strength in a vote is that of the two generators, plus the metrics' differences between its
two clips beyond the pair's mean over prompts. Metrics come as worths, 0 to 1, which are what ranks (`utility`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from miraboard.votes.davidson import PRIOR, probabilities, regress
from miraboard.votes.table import Cells, FloatArray, IntArray, VoteTable, cells_of

FOLDS = 5
EXPLAINED = 2.0
"""Log-odds, standard deviation over prompts, that all metrics together are expected to explain."""


@dataclass(frozen=True, slots=True, eq=False)
class Predicted:
    """Chances of left, tie and right, seen from the first generator of each pair."""

    of_votes: FloatArray
    """(N, 3), for each vote by a fit that knows no vote on its prompt."""
    of_prompts: FloatArray
    """(P, M, 3), for each pair of `cells_of` on every prompt, likewise."""
    share: FloatArray
    """(P, M) each prompt's share in the mean over a pair's prompts; 0 where the pair is never drawn."""

    def mean(self) -> FloatArray:
        """(P, 3) of each pair over its prompts."""
        return np.asarray(np.einsum("pm,pmo->po", self.share, self.of_prompts))


def predict(
    votes: VoteTable, worths: FloatArray, shown: NDArray[np.bool_] | None = None
) -> Predicted:
    """Predict every vote, and every prompt of the pairs that have votes.

    Args:
        votes: To learn from.
        worths: (K, metrics, M), 0 to 1.
        shown: (K, M) whether there is a clip that people can watch; None for all.
    """
    cells = cells_of(votes)
    features = _features(worths, cells)
    fold = np.random.default_rng(0).permutation(votes.prompts) % FOLDS
    found = np.zeros((len(cells.pairs), votes.prompts, 3))
    for number in range(FOLDS):
        known, asked = fold[votes.prompt] != number, np.flatnonzero(fold == number)
        found[:, asked] = _fold(votes, cells, features, known, asked)
    return Predicted(found[cells.pair, votes.prompt], found, _shares(votes, cells, shown))


def foretold(votes: VoteTable, worths: FloatArray | None, trusted: NDArray[np.bool_]) -> FloatArray:
    """(N, 3) chances of each vote, by a fit to the votes of other raters, seen from the pair's first generator.

    Args:
        votes: All of them.
        worths: (K, metrics, M), 0 to 1; None where there are none.
        trusted: (N,) votes to learn from.
    """
    cells = cells_of(votes)
    if worths is None:
        worths = np.zeros((votes.generators, 0, votes.prompts))
    features = _features(worths, cells)
    fold = np.random.default_rng(0).permutation(votes.raters)[votes.rater] % FOLDS
    found = np.zeros((len(votes), 3))
    for number in range(FOLDS):
        strengths, weights, tie = _learnt(votes, cells, features, trusted & (fold != number))
        at = np.flatnonzero(fold == number)
        first, second = cells.pairs[cells.pair[at]].T
        within = features[cells.pair[at], votes.prompt[at]] @ weights
        found[at] = probabilities(strengths[first] - strengths[second] + within, tie)
    return found


def _shares(votes: VoteTable, cells: Cells, shown: NDArray[np.bool_] | None) -> FloatArray:
    drawn = np.ones((len(cells.pairs), votes.prompts), dtype=bool)
    if shown is not None:
        drawn = shown[cells.pairs[:, 0]] & shown[cells.pairs[:, 1]]
        drawn[cells.pair, votes.prompt] = True  # it was drawn: the clip is gone since
    return np.asarray(drawn / drawn.sum(axis=1, keepdims=True))


def _features(worths: FloatArray, cells: Cells) -> FloatArray:
    """(P, M, metrics) differences beyond the pair's mean, in units of their spread."""
    first, second = cells.pairs[:, 0], cells.pairs[:, 1]
    found = np.moveaxis(worths[first] - worths[second], 1, 2).astype(np.float64)
    found -= found.mean(axis=1, keepdims=True)
    spread = np.sqrt((found**2).mean(axis=(0, 1)))
    return np.asarray(found / np.where(spread > 1e-9, spread, 1.0))


def _fold(
    votes: VoteTable, cells: Cells, features: FloatArray, known: NDArray[np.bool_], asked: IntArray
) -> FloatArray:
    """(P, asked, 3) chances on some prompts, learnt from the votes on others."""
    strengths, weights, tie = _learnt(votes, cells, features, known)
    between = strengths[cells.pairs[:, 0]] - strengths[cells.pairs[:, 1]]
    return probabilities(between[:, None] + features[:, asked] @ weights, tie)


def _learnt(
    votes: VoteTable, cells: Cells, features: FloatArray, known: NDArray[np.bool_]
) -> tuple[FloatArray, FloatArray, float]:
    """Strengths (K,), weights (metrics,) and tie of a fit to some votes."""
    generators, metrics = votes.generators, features.shape[2]
    pair = cells.pair[known]
    design = np.concatenate([_sides(cells.pairs[pair], generators),
                             features[pair, votes.prompt[known]]], axis=1)  # fmt: skip
    precision = np.concatenate(
        [np.full(generators, 1 / PRIOR**2), np.full(metrics, metrics / EXPLAINED**2)]
    )
    coefficients, tie = regress(design, cells.came[known].argmax(axis=1), precision)
    return coefficients[:generators], coefficients[generators:], tie


def _sides(pairs: IntArray, generators: int) -> FloatArray:
    """(N, K) 1 at the first generator, -1 at the second."""
    found = np.zeros((len(pairs), generators))
    rows = np.arange(len(pairs))
    found[rows, pairs[:, 0]], found[rows, pairs[:, 1]] = 1.0, -1.0
    return found
