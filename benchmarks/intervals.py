"""How often the interval of a mean covers the expected score: the table of docs/intervals.md.

    python benchmarks/intervals.py --runs 2000

Draws samples from five distributions, makes the interval as reports do, and counts how often it holds the
distribution's mean. Beside it Student's t alone, the median width over that of Student's t, and how often
the mean of a second sample lies inside, which is another question.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from mirabench.maths.clustered import Clusters
from mirabench.maths.student import student_quantile
from mirabench.report.interval import bounds

PROMPTS = (5, 8, 10, 20, 50, 150)


class Scores(NamedTuple):
    """A distribution of scores."""

    draw: Callable[[np.random.Generator, tuple[int, int]], np.ndarray]
    mean: float


def contaminated(random: np.random.Generator, shape: tuple[int, int]) -> np.ndarray:
    """Normal, one in ten with ten times the standard deviation."""
    return random.normal(size=shape) * np.where(random.random(shape) < 0.1, 10.0, 1.0)


def rare_outliers(random: np.random.Generator, shape: tuple[int, int]) -> np.ndarray:
    """Normal, one in twenty ten standard deviations higher."""
    return random.normal(size=shape) + np.where(random.random(shape) < 0.05, 10.0, 0.0)


SCORES = {
    "normal": Scores(lambda r, s: r.normal(size=s), 0.0),
    "exponential (skewness 2)": Scores(lambda r, s: r.exponential(size=s), 1.0),
    "log-normal (skewness 6)": Scores(lambda r, s: r.lognormal(size=s), math.exp(0.5)),
    "t with 3 degrees of freedom": Scores(lambda r, s: r.standard_t(3, size=s), 0.0),
    "normal, 10 % ten times as wide": Scores(contaminated, 0.0),
    "normal, 5 % higher by 10": Scores(rare_outliers, 0.5),
}


class Coverage(NamedTuple):
    """Shares of runs, and the median width over that of Student's t."""

    ours: float
    student: float
    width: float
    next_mean: float


def coverage(scores: Scores, prompts: int, runs: int) -> Coverage:
    """Over so many samples of one clip a prompt."""
    random = np.random.default_rng(prompts)
    quantile = student_quantile(0.975, prompts - 1)
    rows = []
    for values, again in zip(
        scores.draw(random, (runs, prompts)), scores.draw(random, (runs, prompts)), strict=True
    ):
        groups = Clusters(values, np.ones(prompts))
        low, high = bounds(groups)
        half = quantile * groups.standard_error
        rows.append(
            (
                low <= scores.mean <= high,
                abs(groups.mean - scores.mean) <= half,
                (high - low) / (2 * half),
                low <= again.mean() <= high,
            )
        )
    table = np.array(rows, dtype=float)
    ours, student, _, next_mean = table.mean(axis=0)
    return Coverage(ours, student, float(np.median(table[:, 2])), next_mean)


def main() -> None:
    """Print the table in Markdown."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=2000)
    runs = parser.parse_args().runs
    print(f"| scores | {' | '.join(f'{n} prompts' for n in PROMPTS)} |")
    print(f"| --- | {' | '.join('---:' for _ in PROMPTS)} |")
    for name, scores in SCORES.items():
        cells = [coverage(scores, prompts, runs) for prompts in PROMPTS]
        print(f"| {name} | {' | '.join(f'{c.ours:.1%}' for c in cells)} |", flush=True)
        print(f"| - Student's t alone | {' | '.join(f'{c.student:.1%}' for c in cells)} |")
        print(f"| - median width over that of t | {' | '.join(f'{c.width:.2f}' for c in cells)} |")
        print(
            f"| - the next sample's mean inside | {' | '.join(f'{c.next_mean:.1%}' for c in cells)} |"
        )


if __name__ == "__main__":
    main()
