"""Votes as arrays: who saw which pair of which prompt, and what came. Every estimate starts here."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class VoteTable:
    """N votes of R raters on M prompts, between K generators, of one question."""

    rater: IntArray
    """(N,) 0 to R - 1."""
    prompt: IntArray
    """(N,) 0 to M - 1."""
    left: IntArray
    """(N,) generator shown on the left, 0 to K - 1."""
    right: IntArray
    """(N,) generator shown on the right; never the one on the left."""
    outcome: IntArray
    """(N,) 0 left preferred, 1 tie, 2 right preferred."""
    raters: int
    prompts: int
    """M: every prompt of which pairs are drawn, those without a vote too."""
    generators: int
    weight: FloatArray
    """(N,) how much a vote counts, at most 1."""

    def __len__(self) -> int:
        return len(self.rater)

    def only(self, kept: NDArray[np.bool_]) -> VoteTable:
        """The same table with fewer votes."""
        columns = ("rater", "prompt", "left", "right", "outcome", "weight")
        return replace(self, **{name: getattr(self, name)[kept] for name in columns})


def vote_table(
    rater: IntArray, prompt: IntArray, left: IntArray, right: IntArray, outcome: IntArray, *,
    raters: int, prompts: int, generators: int,
) -> VoteTable:  # fmt: skip
    """A table in which every vote counts fully."""
    weight = np.ones(len(rater))
    return VoteTable(rater, prompt, left, right, outcome, raters, prompts, generators, weight)


@dataclass(frozen=True, slots=True, eq=False)
class Cells:
    """Where each vote goes in the counts of pairs."""

    pairs: IntArray
    """(P, 2) of generators, the smaller number first; only pairs that have votes."""
    pair: IntArray
    """(N,) row of `pairs`."""
    came: FloatArray
    """(N, 3) 1 at what came, seen from the pair's first generator."""


def cells_of(votes: VoteTable) -> Cells:
    """The pairs of a table of votes; sides no longer matter."""
    low, high = np.minimum(votes.left, votes.right), np.maximum(votes.left, votes.right)
    keys, pair = np.unique(low * votes.generators + high, return_inverse=True)
    pairs = np.stack([keys // votes.generators, keys % votes.generators], axis=1)
    outcome = np.where(votes.left == low, votes.outcome, 2 - votes.outcome)
    return Cells(pairs, pair, np.eye(3)[outcome])


def capped(votes: VoteTable, share: float) -> VoteTable:
    """The table in which no rater has more than a share of the weight of all.

    Args:
        votes: Of any weights.
        share: Such as 0.1; where fewer than 1 / share raters voted, each gets the same at most.
    """
    held = np.bincount(votes.rater, votes.weight, minlength=votes.raters)
    limit = _limit(np.sort(held[held > 0]), share)
    scale = np.minimum(1.0, limit / np.maximum(held, 1e-300))
    return replace(votes, weight=votes.weight * scale[votes.rater])


def _limit(held: FloatArray, share: float) -> float:
    """The largest L with L <= share * sum(min(held, L)); `held` is sorted."""
    if not len(held):
        return np.inf
    if len(held) * share <= 1:  # nobody can be below the share: all the same
        return float(held[0])
    below = np.concatenate([[0.0], np.cumsum(held)])
    for cut in range(len(held), -1, -1):
        above = len(held) - cut  # raters held at the limit
        room = 1 - share * above
        limit = share * below[cut] / room if room > 0 else np.inf
        if above == 0:
            if held[-1] <= share * below[-1]:
                return float(held[-1])
        elif (cut == 0 or held[cut - 1] <= limit) and limit <= held[cut]:
            return float(limit)
    return float(held[0])
