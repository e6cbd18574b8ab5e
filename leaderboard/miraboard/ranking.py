"""Who is ahead, and who can be told from whom.

Each number of a clip has a worth between 0 and 1 that depends on nobody else: the metric's own scale, fixed
in the track. A clip without a valid score (it failed, was left out, is degenerate, or is the
consistency of a clip that hardly moves) is worth 0, the least there is, so leaving out or declaring raises
nothing. Whether a prompt asks for what a metric measures is read from the prompt; where it does not, the
prompt counts for nobody.

    score of a metric      the mean worth over the prompts that ask for it
    score of a dimension   the mean over its metrics, by the viewer's weights
    score                  the mean over dimensions, by the viewer's weights, 0 to 100

The table is in the order of the score, so the order of two generators hangs on nobody else. Each generator
has one row: its newest version. The interval of a score is Student's 95 % interval over prompts.

Ranks come from differences prompt by prompt, of all pairs of rows. A is ahead of B for sure when A's mean
difference exceeds t standard errors, t so large that with a chance of 95 % no pair of the table is wrongly
told apart (Bonferroni over the pairs of 16, 32, 64, ... rows, so that a row more or less changes nothing
unless it fills such a table). The standard error is kept from being too small by one prompt, not seen yet,
that differs by a quarter.

    rank    from 1 + (rows ahead for sure) to n - (rows behind for sure)

All ranges of a table hold the true ranks at once, in 95 % of such tables or more. Below six prompts nobody is
told from anybody. A row whose clips show no depth, or fail, loses at most the weight of what they lack: where
every row lacks the same, nothing changes between them. Distances between sets are shown and never
rank: nobody but the submitter can compute them.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtrit  # extra `stats`, which `leaderboard` brings

from mirabench.compare.statistics import LEVEL
from miraboard.standing import Standing
from miraboard.tracks import Track

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

FEWEST_PROMPTS = 6
"""Below it no difference is told from chance, as in `mirabench compare`."""
SMALLEST_TABLE = 16
"""Rows that the correction for many pairs assumes at least; it doubles from there."""
UNSEEN = 0.25
"""The difference of the one prompt, not seen yet, that each standard error allows for."""
_BLOCK = 256
"""Rows compared with all others at a time: bounds the memory."""


@dataclass(frozen=True, slots=True, eq=False)
class Wins:
    """How each of n rows does against the others."""

    wins: IntArray
    """(n,) rows that it is ahead of for sure."""
    losses: IntArray
    """(n,) rows that are ahead of it for sure."""

    @property
    def first(self) -> IntArray:
        """(n,) the best rank that the differences allow."""
        return 1 + self.losses

    @property
    def last(self) -> IntArray:
        """(n,) the worst rank that the differences allow."""
        return len(self.wins) - self.wins

    @property
    def alike(self) -> IntArray:
        """(n,) rows that it cannot be told from."""
        return len(self.wins) - 1 - self.wins - self.losses


@dataclass(frozen=True, slots=True, eq=False)
class Score:
    """Scores of n rows, 0 to 1, each with its own 95 % interval; NaN where nothing has a weight."""

    value: FloatArray
    low: FloatArray
    high: FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class Ranking:
    """Everything the table shows about ranks."""

    metrics: Mapping[str, Wins]
    """Metric that ranks -> places on it alone."""
    dimensions: Mapping[str, Score]
    overall: Score
    """Of the dimensions, by the viewer's weights."""
    places: Wins
    """By `overall`."""


def tell_apart(scores: FloatArray) -> Wins:
    """Who is ahead of whom for sure, by differences prompt by prompt.

    Args:
        scores: (rows, prompts); the mean over prompts is a row's score.

    Example:
        >>> table = np.array([[0.8, 0.7, 0.9] * 8, [0.2, 0.3, 0.2] * 8, [0.25, 0.2, 0.25] * 8])
        >>> found = tell_apart(table)
        >>> found.first.tolist(), found.last.tolist(), found.alike.tolist()
        ([1, 2, 2], [1, 3, 3], [0, 1, 1])
    """
    rows, prompts = scores.shape
    wins, losses = np.zeros(rows, np.int64), np.zeros(rows, np.int64)
    if rows < 2 or prompts < FEWEST_PROMPTS or np.isnan(scores).any():
        return Wins(wins, losses)
    means = scores.mean(axis=1)
    centred = scores - means[:, None]
    squares = (centred**2).sum(axis=1)
    critical = critical_value(rows, prompts)
    for start in range(0, rows, _BLOCK):
        block = slice(start, start + _BLOCK)
        spread = squares[block, None] + squares - 2 * centred[block] @ centred.T  # (block, rows)
        variance = np.maximum(spread, 0) / (prompts - 1) / prompts + (UNSEEN / prompts) ** 2
        gap = (means[block, None] - means) / np.sqrt(variance)
        wins[block] = (gap > critical).sum(axis=1)
        losses[block] = (gap < -critical).sum(axis=1)
    return Wins(wins, losses)


@lru_cache(maxsize=64)
def critical_value(rows: int, prompts: int) -> float:
    """Standard errors that a difference must exceed: Student's t, Bonferroni over all pairs of a full table."""
    table = max(SMALLEST_TABLE, 2 ** math.ceil(math.log2(rows)))
    pairs = table * (table - 1) / 2
    return float(stdtrit(prompts - 1, 1 - LEVEL / pairs / 2))


def score_of(scores: FloatArray) -> Score:
    """Means over prompts with Student's 95 % intervals, cut to 0 .. 1; of (rows, prompts)."""
    prompts = scores.shape[1]
    value = scores.mean(axis=1)
    if prompts < 2:
        return Score(value, np.zeros_like(value), np.ones_like(value))
    half = stdtrit(prompts - 1, 1 - LEVEL / 2) * scores.std(axis=1, ddof=1) / math.sqrt(prompts)
    # a worth beyond 0 .. 1 is none, but a prompt's part in the score may be: see `parts`
    return Score(value, np.maximum(value - half, 0.0), np.minimum(value + half, 1.0))


def parts(
    worths: NDArray[np.float32], applicable: NDArray[np.bool_], weights: FloatArray
) -> FloatArray:
    """Each prompt's part in the score, (rows, prompts), whose mean over prompts is the score.

    Args:
        worths: (rows, metrics, prompts).
        applicable: (metrics, prompts); a metric's prompts share its weight evenly.
        weights: (metrics,), their sum 1.
    """
    asked = np.maximum(applicable.sum(axis=1), 1)
    shares = weights[:, None] * applicable * (applicable.shape[1] / asked[:, None])
    return np.asarray(np.einsum("rmp,mp->rp", worths, shares, dtype=np.float64))


def metric_weights(track: Track, chosen: Mapping[str, float]) -> dict[str, dict[str, float]]:
    """Dimension -> metric -> share within it, of what the track's prompts ask for; 1 where not chosen."""
    found: dict[str, dict[str, float]] = {}
    for name, asked in zip(track.ranked, map(np.any, track.applicable), strict=True):
        if asked and (weight := max(0.0, chosen.get(name, 1.0))):
            found.setdefault(track.specs[name].dimension, {})[name] = weight
    return {d: {m: w / sum(ms.values()) for m, w in ms.items()} for d, ms in found.items()}


def rank(
    standings: Sequence[Standing], track: Track, weights: Mapping[str, float] | None = None
) -> Ranking:
    """Rank the rows of one track.

    Args:
        standings: One for each generator; the caller keeps tracks and versions apart.
        track: Whose they are.
        weights: Of metrics (within their dimension) and of dimensions; 1 where absent.
    """
    chosen = weights or {}
    worths = np.stack([s.worth(track) for s in standings]) if standings else _nobody(track)
    within = metric_weights(track, chosen)
    outer = {d: max(0.0, chosen.get(d, 1.0)) for d in within}
    total = sum(outer.values())

    def scored(shares: Mapping[str, float]) -> FloatArray:
        vector = np.array([shares.get(name, 0.0) for name in track.ranked])
        return parts(worths, track.applicable, vector)

    dimensions = {d: score_of(scored(shares)) for d, shares in within.items()}
    if total:
        table = scored({m: outer[d] / total * w for d, ms in within.items() for m, w in ms.items()})
    else:
        table = np.full((len(worths), len(track.prompts)), np.nan)
    metrics = {
        name: tell_apart(worths[:, row, track.applicable[row]].astype(np.float64))
        for row, name in enumerate(track.ranked)
    }
    return Ranking(metrics, dimensions, score_of(table), tell_apart(table))


def _nobody(track: Track) -> NDArray[np.float32]:
    return np.zeros((0, len(track.ranked), len(track.prompts)), np.float32)
