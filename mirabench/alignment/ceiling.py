"""How far people agree with each other: more than that no metric can be asked to agree with them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from mirabench.alignment.agreement import (
    FEWEST,
    NOTHING,
    Agreement,
    Estimate,
    agree_with_ratings,
)
from mirabench.alignment.ratings import Pair, Rated, Ratings
from mirabench.report.interval import mean_interval


@dataclass(frozen=True, slots=True)
class Ceiling:
    """One rater against the others."""

    agreement: Agreement
    """Means over raters, n their number; for preferences, over votes."""
    raters: int


def ceiling(ratings: Ratings) -> Ceiling | None:
    """Each rater's scores against the mean of the others; None when no video has two raters.

    For preferences, where raters are seldom named: each vote of a pair that was voted on several times
    against the majority of the other votes.

    Raises:
        MissingExtraError: the extra `stats` is not installed.
    """
    if ratings.rated:
        return _of_ratings(ratings.rated, ratings.raters())
    found = _repeated_votes(ratings.pairs)
    return Ceiling(Agreement(NOTHING, NOTHING, found, NOTHING), 0) if found.n else None


def _of_ratings(rated: Sequence[Rated], raters: Sequence[str]) -> Ceiling | None:
    found = []
    for rater in raters:
        shared = [r for r in rated if rater in r.by_rater and len(r.by_rater) > 1]
        if len(shared) >= FEWEST:
            scores = {r.video: r.by_rater[rater] for r in shared}
            found.append(agree_with_ratings(scores, [_without(r, rater) for r in shared]))
    if not found:
        return None
    picks: list[Callable[[Agreement], Estimate]] = [
        lambda a: a.spearman,
        lambda a: a.kendall,
        lambda a: a.accuracy,
        lambda a: a.model_spearman,
    ]
    return Ceiling(Agreement(*(_average([pick(a) for a in found]) for pick in picks)), len(found))


def _without(each: Rated, rater: str) -> Rated:
    others = {name: given for name, given in each.by_rater.items() if name != rater}
    return Rated(each.video, others, each.model, each.prompt)


def _average(estimates: Sequence[Estimate]) -> Estimate:
    values = [e.value for e in estimates if e.value is not None]
    if not values:
        return NOTHING
    return Estimate(float(np.mean(values)), None, None, len(values), len(values))


def _repeated_votes(pairs: Sequence[Pair]) -> Estimate:
    votes: dict[tuple[str, str], list[float]] = defaultdict(list)
    prompts = {}
    for p in pairs:
        first, second = sorted((p.left, p.right))
        votes[first, second].append(p.preference if p.left == first else 1 - p.preference)
        prompts[first, second] = p.prompt or f"{first} {second}"
    hits, clusters = [], []
    for pair, given in votes.items():
        for i, vote in enumerate(given):
            others = np.mean(given[:i] + given[i + 1 :]) if len(given) > 1 else 0.5
            if vote != 0.5 and others != 0.5:
                hits.append(float((vote > 0.5) == (others > 0.5)))
                clusters.append(prompts[pair])
    if not hits:
        return NOTHING
    found = mean_interval(hits, clusters).within(0.0, 1.0)
    return Estimate(found.mean, found.low, found.high, found.n, found.clusters)
