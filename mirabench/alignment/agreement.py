"""How far scores agree with people: rank correlations and pair accuracy, with intervals over prompts.

- Spearman's rho and Kendall's tau-b over videos (scipy; ties get mean ranks, tau-b corrects for them).
- Pair accuracy: of two videos of one prompt, how often the better-scored one is the preferred one. Pairs
  in which people saw no difference are left out; a pair that the metric ties counts half, so that a
  constant metric and a random one both have 0.5.
- Model level: Spearman's rho between the models' means (ratings) or win shares (preferences). Few models
  make it coarse: n stands beside it, and there is no interval.

Clips of one prompt are drawn together. Intervals: that of a report's mean for accuracy; for correlations,
which have no standard error, the percentiles of a bootstrap over whole clusters, expanded for few. Below 5
prompts there is none.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mirabench.alignment.ratings import Pair, Rated
from mirabench.extras import needs_extra
from mirabench.report.interval import FEWEST_CLUSTERS, SEED, expanded_tail, mean_interval

DRAWS = 1_000
"""Bootstrap samples of a correlation; fewer than of a mean, because each ranks all videos again."""
FEWEST = 3
"""Videos, or models, between which a rank correlation says anything."""

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Estimate:
    """A number, its 95 % interval and what it rests on."""

    value: float | None
    """None when there is nothing to compare, or one side is constant."""
    low: float | None
    high: float | None
    n: int
    """Videos, pairs or models."""
    clusters: int
    """Prompts (or videos without one) behind it."""


@dataclass(frozen=True, slots=True)
class Agreement:
    """How far one set of scores agrees with people."""

    spearman: Estimate
    kendall: Estimate
    accuracy: Estimate
    model_spearman: Estimate


NOTHING = Estimate(None, None, None, 0, 0)


def agree_with_ratings(scores: Mapping[str, float], rated: Sequence[Rated]) -> Agreement:
    """Agreement with ratings of single videos; pairs are those of one prompt.

    Args:
        scores: Video -> score, higher is better; videos without one are left out.
        rated: The ratings.

    Raises:
        MissingExtraError: the extra `stats` is not installed.
    """
    kept = [r for r in rated if r.video in scores]
    ours = np.array([scores[r.video] for r in kept])
    theirs = np.array([r.rating for r in kept])
    prompts = [r.prompt or r.video for r in kept]
    return Agreement(
        correlation(ours, theirs, prompts, spearman),
        correlation(ours, theirs, prompts, kendall),
        accuracy(scores, _pairs_within(kept)),
        _models(
            _means((r.model, scores[r.video]) for r in kept),
            _means((r.model, r.rating) for r in kept),
        ),
    )


def agree_with_pairs(scores: Mapping[str, float], pairs: Sequence[Pair]) -> Agreement:
    """Agreement with preferences between two videos; correlations over videos are not defined."""
    kept = [p for p in pairs if p.left in scores and p.right in scores]
    shares = [(p, _win(scores[p.left] - scores[p.right])) for p in kept]
    named = [(p, won) for p, won in shares if p.left_model and p.right_model]
    ours = [(p.left_model, won) for p, won in named] + [(p.right_model, 1 - w) for p, w in named]
    theirs = [(p.left_model, p.preference) for p, _ in named]
    theirs += [(p.right_model, 1 - p.preference) for p, _ in named]
    return Agreement(
        NOTHING, NOTHING, accuracy(scores, kept), _models(_means(ours), _means(theirs))
    )


def _win(difference: float) -> float:
    return 0.5 if difference == 0 else float(difference > 0)


def _pairs_within(rated: Sequence[Rated]) -> list[Pair]:
    """Every two videos of one prompt."""
    by_prompt: dict[str, list[Rated]] = defaultdict(list)
    for each in rated:
        if each.prompt:
            by_prompt[each.prompt].append(each)
    return [
        Pair(a.video, b.video, _win(a.rating - b.rating), prompt=prompt)
        for prompt, group in by_prompt.items()
        for a, b in combinations(group, 2)
    ]


def accuracy(scores: Mapping[str, float], pairs: Sequence[Pair]) -> Estimate:
    """How often the better-scored of two is the preferred one, by prompts."""
    decided = [p for p in pairs if p.preference != 0.5 and {p.left, p.right} <= scores.keys()]
    if not decided:
        return NOTHING
    hits = [
        _win((scores[p.left] - scores[p.right]) * (1 if p.preference > 0.5 else -1))
        for p in decided
    ]
    prompts = [p.prompt or f"{p.left} {p.right}" for p in decided]
    found = mean_interval(hits, prompts).within(0.0, 1.0)
    return Estimate(found.mean, found.low, found.high, found.n, found.clusters)


def correlation(
    ours: Array, theirs: Array, clusters: Sequence[str], of: Callable[[Array, Array], float]
) -> Estimate:
    """A rank correlation and its interval; clusters are drawn whole.

    Args:
        ours: (n,) scores.
        theirs: (n,) ratings.
        clusters: (n,) the prompt of each.
        of: `spearman` or `kendall`; NaN where a side is constant.
    """
    groups, member = np.unique(np.asarray(clusters, dtype=str), return_inverse=True)
    value = of(ours, theirs) if len(ours) >= FEWEST else math.nan
    if math.isnan(value):
        return Estimate(None, None, None, len(ours), len(groups))
    if len(groups) < FEWEST_CLUSTERS:
        return Estimate(value, None, None, len(ours), len(groups))
    order = np.argsort(member, kind="stable")
    rows = np.split(order, np.cumsum(np.bincount(member))[:-1])
    random = np.random.default_rng(SEED)
    drawn = []
    for _ in range(DRAWS):
        picked = np.concatenate([rows[g] for g in random.integers(0, len(groups), len(groups))])
        drawn.append(of(ours[picked], theirs[picked]))
    told = np.array([d for d in drawn if not math.isnan(d)])
    tail = expanded_tail(len(groups))
    low, high = np.quantile(told, [tail, 1 - tail]) if len(told) else (value, value)
    return Estimate(value, min(float(low), value), max(float(high), value), len(ours), len(groups))


def spearman(ours: Array, theirs: Array) -> float:
    """Spearman's rho, ties at their mean rank; NaN when a side is constant.

    Example:
        >>> spearman(np.array([1.0, 2.0, 3.0]), np.array([10.0, 20.0, 15.0]))
        0.5
    """
    if _constant(ours) or _constant(theirs):
        return math.nan
    ranked = _stats().rankdata
    return round(float(np.corrcoef(ranked(ours), ranked(theirs))[0, 1]), 12)


def kendall(ours: Array, theirs: Array) -> float:
    """Kendall's tau-b; NaN when a side is constant.

    Example:
        >>> kendall(np.array([1.0, 2.0, 3.0, 4.0]), np.array([10.0, 30.0, 20.0, 40.0]))
        0.666666666667
    """
    if _constant(ours) or _constant(theirs):
        return math.nan
    return round(float(_stats().kendalltau(ours, theirs).statistic), 12)


def _constant(values: Array) -> bool:
    return len(values) == 0 or bool(np.all(values == values[0]))


def _stats() -> Any:
    with needs_extra("stats", "rank correlations need scipy"):
        import scipy.stats  # extra `stats`
    return scipy.stats


def _means(values: Iterable[tuple[str, float]]) -> dict[str, float]:
    """Model -> mean; what has no model is left out."""
    found: dict[str, list[float]] = defaultdict(list)
    for model, value in values:
        if model:
            found[model].append(value)
    return {model: float(np.mean(given)) for model, given in found.items()}


def _models(ours: Mapping[str, float], theirs: Mapping[str, float]) -> Estimate:
    names = sorted(ours.keys() & theirs.keys())
    if len(names) < FEWEST:
        return Estimate(None, None, None, len(names), len(names))
    value = spearman(np.array([ours[n] for n in names]), np.array([theirs[n] for n in names]))
    return Estimate(None if math.isnan(value) else value, None, None, len(names), len(names))
