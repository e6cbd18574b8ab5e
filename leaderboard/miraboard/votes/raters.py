"""Whose votes count: raters who fail attention checks, vote against everybody, or favour one generator do not.

Four rules, each of which a rater of good will breaks in about one case of a hundred or less:

- **Attention.** So many failed checks that somebody who fails one in ten would do so in 1 % of cases.
- **Against everybody.** The rater's votes are compared with what the others' votes predict, by their strengths
  or, clip by clip, with the metrics that the votes themselves weigh. Votes thrown at random agree with that
  as often as not; who agrees less than that, at 1 %, is left out.
- **Favour.** For each rater and generator: votes won by it in this rater's votes beyond what is predicted, in
  standard errors, rescaled by the spread that all raters show (tastes differ). What is beyond Bonferroni's
  5 % over all raters and generators is left out, and everything is looked at again without them.
- **Scheme.** Who rather follows one of the schemes of `schemes` than votes as people do, 7 to 3: few votes
  of each are enough where several raters do the same.

Taste is no reason: who prefers another generator than most, by as much as raters differ, counts. The rules
see little in a handful of votes, so an account's weight is capped besides: see `capped`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binom, norm  # extra `stats`, which `leaderboard` brings

from miraboard.votes.davidson import LEFT, RIGHT, TIE, fit, probabilities
from miraboard.votes.prediction import foretold, predict
from miraboard.votes.schemes import honest_chances
from miraboard.votes.table import Cells, FloatArray, IntArray, VoteTable, cells_of

BoolArray = NDArray[np.bool_]

HONEST_FAILURES = 0.1
"""Share of attention checks that a rater of good will gets wrong."""
ERROR = 0.01
FAMILY_ERROR = 0.05
"""Of the last rule: of a hundred boards whose raters all mean well, it leaves somebody out in so many."""
DOUBTFUL = 0.3
"""Chance of following no scheme below which a rater is left out."""
ROUNDS = 8
"""Of leaving out and looking again."""
FEWEST_FOR_SCHEMES = 6
"""Votes of a rater below which no scheme is read from them: a handful can look like anything."""
FEWEST_VOTES = 8
"""Votes of a rater, with a generator for the last rule, below which nothing is read from them."""
FEWEST_RATERS = 10
"""Below it there is no crowd to be unlike."""


@dataclass(frozen=True, slots=True, eq=False)
class Attention:
    """Attention checks of R raters."""

    asked: IntArray
    failed: IntArray


def inattentive(attention: Attention) -> BoolArray:
    """(R,) whether a rater failed too many checks.

    Example:
        >>> inattentive(Attention(np.array([1, 3, 20]), np.array([1, 3, 3]))).tolist()
        [False, True, False]
    """
    chance = binom.sf(attention.failed - 1, attention.asked, HONEST_FAILURES)
    return np.asarray((attention.failed > 0) & (chance < ERROR))


def distrusted(
    votes: VoteTable, attention: Attention | None = None, worths: FloatArray | None = None
) -> Mapping[int, str]:
    """Rater -> why their votes do not count: `attention`, `against` or `favour`.

    Args:
        votes: Of one question.
        attention: Of the same raters.
        worths: (K, metrics, M) of the clips, where there are any: they make lies plain sooner.
    """
    found: dict[int, str] = {}
    if attention is not None:
        found = {int(r): "attention" for r in np.flatnonzero(inattentive(attention))}
    for _ in range(ROUNDS):
        kept = votes.only(~np.isin(votes.rater, list(found)))
        if len(np.unique(kept.rater)) < FEWEST_RATERS:
            break
        fresh = _unlike_the_others(kept, worths)
        if not fresh:
            break
        found |= fresh
    return _by_scheme(votes, worths, found)


def _by_scheme(
    votes: VoteTable, worths: FloatArray | None, found: dict[int, str]
) -> dict[int, str]:
    """Besides, who rather follows a scheme than votes as people do; looked at until nobody changes."""
    schemers: set[int] = set()
    for _ in range(ROUNDS):
        asked = votes.only(~np.isin(votes.rater, list(found)))
        trusted = ~np.isin(asked.rater, list(schemers))
        if len(np.unique(asked.rater[trusted])) < FEWEST_RATERS:
            return found
        honest = honest_chances(asked, cells_of(asked), foretold(asked, worths, trusted))
        enough = np.bincount(asked.rater, minlength=votes.raters) >= FEWEST_FOR_SCHEMES
        fresh = {int(r) for r in np.flatnonzero(enough & (honest < DOUBTFUL))}
        if fresh == schemers:
            break
        schemers = fresh
    return found | dict.fromkeys(schemers, "scheme")


def _unlike_the_others(votes: VoteTable, worths: FloatArray | None) -> dict[int, str]:
    cells = cells_of(votes)
    expected = _expected(votes, cells) if worths is None else predict(votes, worths).of_votes
    against = _against(votes, cells, expected)
    # what is predicted is unsettled while many lie: first those who vote against it
    if against.any():
        return {int(r): "against" for r in np.flatnonzero(against)}
    return {int(r): "favour" for r in np.flatnonzero(_favours(votes, cells, expected))}


def _expected(votes: VoteTable, cells: Cells) -> FloatArray:
    """(N, 3) chances of each vote by the strengths that the votes of all other raters give."""
    everybody = np.zeros((len(cells.pairs), 3))
    np.add.at(everybody, cells.pair, cells.came)
    start = fit(everybody[None], cells.pairs, votes.generators)
    found = np.zeros_like(cells.came)
    for rater in np.unique(votes.rater):
        own = votes.rater == rater
        rest = everybody.copy()
        np.add.at(rest, cells.pair[own], -cells.came[own])
        others = fit(rest[None], cells.pairs, votes.generators, start)
        first, second = cells.pairs[cells.pair[own]].T
        difference = others.strengths[0, first] - others.strengths[0, second]
        found[own] = probabilities(difference, others.tie[0])
    return found


def _against(votes: VoteTable, cells: Cells, expected: FloatArray) -> BoolArray:
    """(R,) whose votes agree less with the others' than votes thrown at random would."""
    said = cells.came[:, LEFT] - cells.came[:, RIGHT]
    lead = expected[:, LEFT] - expected[:, RIGHT]
    total = np.bincount(votes.rater, said * lead, minlength=votes.raters)
    variance = np.bincount(
        votes.rater, lead**2 * (1 - cells.came[:, TIE].mean()), minlength=votes.raters
    )
    enough = np.bincount(votes.rater, minlength=votes.raters) >= FEWEST_VOTES
    return np.asarray(enough & (total < norm.ppf(ERROR) * np.sqrt(np.maximum(variance, 1e-12))))


def _favours(votes: VoteTable, cells: Cells, expected: FloatArray) -> BoolArray:
    """(R,) who lets one generator win, or lose, far beyond the others and beyond what tastes explain."""
    lead = expected[:, LEFT] - expected[:, RIGHT]
    surprise = (cells.came[:, LEFT] - cells.came[:, RIGHT] - lead) / 2
    variance = (1 - expected[:, TIE] - lead**2) / 4
    shape = (votes.raters, votes.generators)
    total, spread, count = np.zeros(shape), np.zeros(shape), np.zeros(shape)
    for side, sign in ((0, 1.0), (1, -1.0)):
        at = (votes.rater, cells.pairs[cells.pair, side])
        np.add.at(total, at, sign * surprise)
        np.add.at(spread, at, variance)
        np.add.at(count, at, 1)
    enough = count >= FEWEST_VOTES
    if not enough.any():
        return np.zeros(votes.raters, dtype=bool)
    score = np.abs(total) / np.sqrt(np.maximum(spread, 1e-12)) * enough
    usual = max(1.0, float(np.median(score[enough])) / norm.ppf(0.75))
    limit = norm.isf(FAMILY_ERROR / 2 / enough.sum())
    return np.asarray((score / usual > limit).any(axis=1))
