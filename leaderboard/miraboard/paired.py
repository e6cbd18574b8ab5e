"""Two submissions on the same prompts: differences prompt by prompt, and whether they are chance. Pure.

The method and its constants are those of `mirabench compare`, whose numbers these are where each prompt has
equally many clips; here a prompt's clips are averaged first, since a board does not know which seed answers
which. A page compares up to three pairs on every metric at once, so the random draws are made once and
shared: a metric costs one product of matrices, where scipy's test costs a fifth of a second.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from mirabench.compare.statistics import FLIPS, LEVEL, smallest_p
from mirabench.metrics.api import MetricSpec
from mirabench.report.interval import RESAMPLES, SEED, expanded_tail
from miraboard.store import ClipRow

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Difference:
    """A minus B on one metric."""

    metric: str
    mean: float
    """Over prompts."""
    low: float | None
    high: float | None
    prompts: int
    p: float | None
    """Of the sign-flip test; corrected by Holm once it is judged. None with one prompt."""
    by_prompt: Mapping[str, float]
    better: str = ""
    """`a`, `b`, or empty when it may be chance."""
    too_few: bool = False
    """Whether so few prompts could not show any difference among so many tests."""


def differences(
    a: Sequence[ClipRow], b: Sequence[ClipRow], specs: Mapping[str, MetricSpec]
) -> list[Difference]:
    """Every metric that both have, over the prompts where both have it; not judged yet."""
    return [
        difference
        for name, spec in specs.items()
        if spec.scope == "clip"
        and (difference := _difference(name, per_prompt(a, name), per_prompt(b, name)))
    ]


def judge(
    pairs: Sequence[Sequence[Difference]], specs: Mapping[str, MetricSpec]
) -> list[list[Difference]]:
    """The differences with every p corrected over all that is looked at together, and who is better."""
    corrected = iter(holm([d.p for pair in pairs for d in pair]))
    tests = sum(d.p is not None for pair in pairs for d in pair)
    return [[_judged(d, next(corrected), tests, specs[d.metric]) for d in pair] for pair in pairs]


def _judged(found: Difference, p: float | None, tests: int, spec: MetricSpec) -> Difference:
    if p is not None and p <= LEVEL and found.mean:
        better = "a" if (found.mean > 0) == spec.higher_is_better else "b"
        return replace(found, p=p, better=better)
    too_few = any(found.by_prompt.values()) and smallest_p(found.prompts) * tests > LEVEL
    return replace(found, p=p, too_few=too_few)


def per_prompt(rows: Sequence[ClipRow], metric: str) -> dict[str, float]:
    """Prompt -> mean over its clips."""
    values: defaultdict[str, list[float]] = defaultdict(list)
    for row in rows:
        if metric in row.scores:
            values[row.prompt].append(row.scores[metric])
    return {prompt: sum(found) / len(found) for prompt, found in values.items()}


def _difference(metric: str, a: dict[str, float], b: dict[str, float]) -> Difference | None:
    shared = {prompt: a[prompt] - b[prompt] for prompt in sorted(a) if prompt in b}
    if not shared:
        return None
    values = np.asarray(list(shared.values()))
    low, high = _interval(values)
    p = sign_flip(values) if len(values) > 1 else None
    return Difference(metric, float(values.mean()), low, high, len(values), p, shared)


def _interval(values: FloatArray) -> tuple[float | None, float | None]:
    """The interval of `mean_interval` when each prompt is a cluster of one difference.

    The same draws with the same seed, kept as weights.
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


def _all_patterns(prompts: int) -> bool:
    return bool(2**prompts <= FLIPS)


@lru_cache(maxsize=4)
def _signs(prompts: int) -> FloatArray:
    """(patterns, N) of 1 and -1: all of them up to 13 prompts, `FLIPS` random ones beyond."""
    if _all_patterns(prompts):
        ones = np.arange(2**prompts)[:, None] >> np.arange(prompts) & 1
    else:
        ones = np.random.default_rng(SEED).integers(0, 2, (FLIPS, prompts))
    return np.asarray(ones * 2 - 1, dtype=np.float64)


def sign_flip(values: Sequence[float] | FloatArray) -> float:
    """The chance of a mean so far from 0, if each difference could as well have the other sign.

    Two-sided, with a fixed seed; of random patterns the observed one counts too, so p is never 0.

    Example:
        >>> sign_flip([1.0, 1.0, 1.0])
        0.25
    """
    array = np.asarray(values, dtype=np.float64)
    signs = _signs(len(array))
    seen = abs(float(array.sum()))
    # a hair of slack: sums in another order differ in the last digit
    as_far = int((np.abs(signs @ array) >= seen * (1 - 1e-12)).sum())
    if _all_patterns(len(array)):
        return as_far / len(signs)
    return (1 + as_far) / (FLIPS + 1)


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
