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

from mirabench.compare.interest import interest_of
from mirabench.compare.model import Difference as Contrasted
from mirabench.compare.model import Side
from mirabench.compare.statistics import FLIPS, LEVEL, holm, skewed_p, smallest_p
from mirabench.compare.verdicts import verdict_of, why_withheld
from mirabench.maths.clustered import Clusters
from mirabench.metrics.api import DESCRIPTIVE_DIMENSIONS, MetricSpec
from mirabench.report.interval import SEED, bounds
from miraboard.store import ClipRow

FloatArray = NDArray[np.float64]
Specs = Mapping[str, MetricSpec]


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
    """As in `mirabench compare`; corrected by Holm once it is judged. None with one prompt."""
    by_prompt: Mapping[str, float]
    mean_a: float = 0.0
    mean_b: float = 0.0
    smallest_difference: float = 0.0
    """Of interest: a smaller one is neither better nor worse."""
    better: str = ""
    """`a`, `b`, or empty when it may be chance, is too small to matter, describes, or is bought."""
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
    tests = max(1, sum(d.p is not None for pair in pairs for d in pair))
    return [
        _judged(
            {d.metric: d for d in pair}, {d.metric: next(corrected) for d in pair}, tests, specs
        )
        for pair in pairs
    ]


def _judged(
    found: Mapping[str, Difference], p: Mapping[str, float | None], tests: int, specs: Specs
) -> list[Difference]:
    """The differences of one pair of submissions, each with who is better by the rules of `compare`."""
    forth = {name: _contrasted(d, p[name], specs[name], sign=1) for name, d in found.items()}
    back = {name: _contrasted(d, p[name], specs[name], sign=-1) for name, d in found.items()}
    return [
        replace(
            d,
            p=p[name],
            better="a" if _gains(name, forth, tests) else "b" if _gains(name, back, tests) else "",
            too_few=any(d.by_prompt.values()) and smallest_p(d.prompts) * tests > LEVEL,
        )
        for name, d in found.items()
    ]


def _gains(name: str, metrics: Mapping[str, Contrasted], tests: int) -> bool:
    verdict, _ = verdict_of(metrics[name], tests)
    return verdict == "better" and not why_withheld(name, metrics)


def _contrasted(found: Difference, p: float | None, spec: MetricSpec, *, sign: int) -> Contrasted:
    """A minus B as `mirabench compare` holds it, or with `sign` -1 B minus A."""
    ends = None if found.low is None or found.high is None else (found.low, found.high)
    low, high = (None, None) if ends is None else sorted(sign * end for end in ends)
    return Contrasted(
        dimension=spec.dimension,
        unit=spec.unit,
        higher_is_better=spec.higher_is_better,
        descriptive=spec.dimension in DESCRIPTIVE_DIMENSIONS,
        scope=spec.scope,
        summary=spec.summary,
        a=Side(),
        b=Side(),
        n=found.prompts,
        prompts=found.prompts,
        mean_a=found.mean_b if sign > 0 else found.mean_a,
        mean_b=found.mean_a if sign > 0 else found.mean_b,
        mean=sign * found.mean,
        ci_low=low,
        ci_high=high,
        p_holm=p,
        smallest_difference=found.smallest_difference,
        verdict="open",
        by_prompt=dict(found.by_prompt),
    )


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
    groups = Clusters(values, np.ones(len(values)))
    low, high = bounds(groups)
    p = max(sign_flip(values), skewed_p(groups)) if len(values) > 1 else None
    both = np.array([(a[prompt], b[prompt]) for prompt in shared])
    return Difference(
        metric,
        float(values.mean()),
        low,
        high,
        len(values),
        p,
        shared,
        mean_a=float(both[:, 0].mean()),
        mean_b=float(both[:, 1].mean()),
        smallest_difference=interest_of(metric, both).margin,
    )


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
