"""How often `mirabench compare` calls anything better or worse that is not: the table of docs/compare.md.

    python benchmarks/false_verdicts.py --runs 2000

Differences of mean zero in 17 metrics that correlate by 0.3, as far as the tests see them: p of each metric,
Holm's correction, and whether any stays at 0.05 or below. Beside it the same for sign flips alone and for
Student's t, and the power: how many of 17 metrics with a difference of so many standard deviations are found.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from functools import cache
from typing import NamedTuple

import numpy as np
from scipy import stats

from mirabench.compare.statistics import FLIPS, LEVEL, skewed_p
from mirabench.maths.clustered import Clusters
from mirabench.report.interval import SEED

METRICS = 17
CORRELATION = 0.3
PROMPTS = (5, 8, 10, 14, 20, 30, 50, 100, 150)
Marginal = Callable[[np.ndarray], np.ndarray]

NULLS: dict[str, Marginal] = {
    "normal": lambda z: z,
    "exponential (skewness 2)": lambda z: -np.log(stats.norm.sf(z)) - 1,
    "log-normal (skewness 6)": lambda z: np.exp(z) - np.exp(0.5),
    "t with 3 degrees of freedom": lambda z: stats.t.ppf(stats.norm.cdf(z), 3),
}
EFFECTS = {"0.3 standard deviations": 0.3, "0.5": 0.5, "1": 1.0, "2": 2.0}


class Found(NamedTuple):
    """Which of the metrics are found, by three methods."""

    ours: np.ndarray
    flips: np.ndarray
    student: np.ndarray


def drawn(random: np.random.Generator, prompts: int, marginal: Marginal) -> np.ndarray:
    """(prompts, METRICS) differences."""
    common = random.normal(size=(prompts, 1))
    single = random.normal(size=(prompts, METRICS))
    return marginal(np.sqrt(CORRELATION) * common + np.sqrt(1 - CORRELATION) * single)


@cache
def signs(prompts: int) -> np.ndarray:
    """(patterns, prompts) as in `compare`: all of them up to 13 prompts, else random ones."""
    if 2**prompts <= FLIPS:
        return (np.arange(2**prompts)[:, None] >> np.arange(prompts) & 1) * 2.0 - 1
    return np.random.default_rng(SEED).choice([-1.0, 1.0], size=(FLIPS, prompts))


def flip_p(differences: np.ndarray) -> np.ndarray:
    """(METRICS,) p of sign flips."""
    prompts = len(differences)
    seen = np.abs(differences.sum(axis=0)) * (1 - 1e-12)
    as_far = (np.abs(signs(prompts) @ differences) >= seen).sum(axis=0)
    return as_far / 2**prompts if 2**prompts <= FLIPS else (as_far + 1) / (FLIPS + 1)


def found(differences: np.ndarray) -> Found:
    """Metrics whose p stays at the level in Holm's correction."""
    prompts = len(differences)
    flips = flip_p(differences)
    skewed = np.array([skewed_p(Clusters(d, np.ones(prompts))) for d in differences.T])
    student = np.asarray(stats.ttest_1samp(differences, 0.0, axis=0).pvalue)
    return Found(holm(np.maximum(flips, skewed)), holm(flips), holm(student))


def holm(p: np.ndarray) -> np.ndarray:
    """(METRICS,) whether each stays."""
    order = np.argsort(p)
    stays = p[order] * (len(p) - np.arange(len(p))) <= LEVEL
    kept = np.zeros(len(p), bool)
    kept[order] = np.minimum.accumulate(stays)
    return kept


def main() -> None:
    """Print both tables in Markdown."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=2000)
    runs = parser.parse_args().runs
    print(f"| differences of mean zero | {' | '.join(f'{n} prompts' for n in PROMPTS)} |")
    print(f"| --- | {' | '.join('---:' for _ in PROMPTS)} |")
    for name, marginal in NULLS.items():
        cells = []
        for prompts in PROMPTS:
            random = np.random.default_rng(prompts)
            every = [found(drawn(random, prompts, marginal)) for _ in range(runs)]
            cells.append(
                [np.mean([kept.any() for kept in some]) for some in zip(*every, strict=True)]
            )
        for label, which in ((name, 0), ("- sign flips alone", 1), ("- Student's t", 2)):
            print(f"| {label} | {' | '.join(f'{c[which]:.1%}' for c in cells)} |", flush=True)
    print(f"\n| normal differences of mean | {' | '.join(f'{n} prompts' for n in PROMPTS)} |")
    print(f"| --- | {' | '.join('---:' for _ in PROMPTS)} |")
    for name, effect in EFFECTS.items():
        cells = []
        for prompts in PROMPTS:
            random = np.random.default_rng(prompts)
            every = [found(drawn(random, prompts, lambda z: z) + effect) for _ in range(runs // 10)]
            cells.append([np.mean(some) for some in zip(*every, strict=True)])
        for label, which in ((name, 0), ("- Student's t", 2)):
            print(f"| {label} | {' | '.join(f'{c[which]:.0%}' for c in cells)} |", flush=True)


if __name__ == "__main__":
    main()
