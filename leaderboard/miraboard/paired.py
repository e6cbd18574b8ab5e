"""Two submissions on the same prompts: differences prompt by prompt, and whether they are chance. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from mirabench.metrics.api import MetricSpec
from mirabench.report.interval import RESAMPLES, SEED, expanded_tail
from miraboard.store import ClipRow

FloatArray = NDArray[np.float64]

FLIPS = 10_000
FEWEST_PROMPTS = 6
"""Below, no random sign pattern is rare enough to call anything significant at 5 %."""
LEVEL = 0.05


@dataclass(frozen=True, slots=True)
class Difference:
    """A minus B on one metric."""

    metric: str
    mean: float
    low: float | None
    high: float | None
    prompts: int
    p: float | None
    """Of the sign-flip test, corrected by Holm over the metrics compared; None below six prompts."""
    better: str
    """`a`, `b`, or empty when it may be chance."""
    by_prompt: Mapping[str, float]


def per_prompt(rows: Sequence[ClipRow], metric: str) -> dict[str, float]:
    """Prompt -> mean over its clips."""
    values: defaultdict[str, list[float]] = defaultdict(list)
    for row in rows:
        if metric in row.scores:
            values[row.prompt].append(row.scores[metric])
    return {prompt: sum(found) / len(found) for prompt, found in values.items()}


def differences(
    a: Sequence[ClipRow], b: Sequence[ClipRow], specs: Mapping[str, MetricSpec]
) -> list[Difference]:
    """Every metric that both have, over the prompts where both have it."""
    found = [
        difference
        for name, spec in specs.items()
        if spec.scope == "clip"
        and (difference := _difference(name, per_prompt(a, name), per_prompt(b, name)))
    ]
    corrected = holm([d.p for d in found])
    return [
        replace(d, p=p, better=_better(d.mean, p, higher=specs[d.metric].higher_is_better))
        for d, p in zip(found, corrected, strict=True)
    ]


def _difference(metric: str, a: dict[str, float], b: dict[str, float]) -> Difference | None:
    shared = {prompt: a[prompt] - b[prompt] for prompt in a if prompt in b}
    if not shared:
        return None
    values = np.asarray(list(shared.values()))
    mean = float(values.mean())
    low, high = _interval(values)
    p = sign_flip(values) if len(values) >= FEWEST_PROMPTS else None
    return Difference(metric, mean, low, high, len(values), p, "", shared)


def _interval(values: FloatArray) -> tuple[float | None, float | None]:
    """The interval of `mean_interval` when each prompt is a cluster of one difference.

    The same draws with the same seed, kept as weights: the metrics of a pair share them.
    """
    if len(values) < 2:
        return None, None
    drawn = _resamples(len(values)) @ values
    tail = expanded_tail(len(values))
    low, high = np.quantile(drawn, [tail, 1 - tail])
    mean = values.mean()
    return min(float(low), float(mean)), max(float(high), float(mean))


@lru_cache(maxsize=4)
def _resamples(prompts: int) -> FloatArray:
    """(RESAMPLES, N) how often each prompt is drawn, divided by N."""
    picks = np.random.default_rng(SEED).integers(0, prompts, (RESAMPLES, prompts))
    weights = np.zeros((RESAMPLES, prompts))
    np.add.at(weights, (np.arange(RESAMPLES)[:, None], picks), 1 / prompts)
    return weights


@lru_cache(maxsize=4)
def _signs(prompts: int) -> FloatArray:
    """(FLIPS, N) of 1 and -1."""
    flips = np.random.default_rng(SEED).integers(0, 2, (FLIPS, prompts))
    return np.asarray(np.asarray(flips * 2 - 1, dtype=np.float64), dtype=np.float64)


def sign_flip(values: Sequence[float] | FloatArray) -> float:
    """The chance of a mean so far from 0, if each difference could as well have the other sign.

    Two-sided Monte Carlo test with a fixed seed; the observed pattern counts as one, so p is never 0.
    """
    array = np.asarray(values, dtype=np.float64)
    seen = abs(float(array.sum()))
    # a hair of slack: sums in another order differ in the last digit
    as_far = np.abs(_signs(len(array)) @ array) >= seen * (1 - 1e-12)
    return float((1 + as_far.sum()) / (FLIPS + 1))


def holm(p_values: Sequence[float | None]) -> list[float | None]:
    """Holm's correction over the tests that were made.

    Example:
        >>> holm([0.01, None, 0.04])
        [0.02, None, 0.04]
    """
    order = sorted((p, i) for i, p in enumerate(p_values) if p is not None)
    found: list[float | None] = [None] * len(p_values)
    highest = 0.0
    for rank, (p, i) in enumerate(order):
        highest = max(highest, min(1.0, p * (len(order) - rank)))
        found[i] = highest
    return found


def _better(mean: float, p: float | None, *, higher: bool) -> str:
    if p is None or p > LEVEL or mean == 0:
        return ""
    return "a" if (mean > 0) == higher else "b"
