"""The Frechet distance of an endless sample, from how it falls as a sample grows (FID-infinity).

The distance of two finite samples is too large, by an amount that goes with one over their size (Chong and
Forsyth, CVPR 2020, arXiv 1911.07023). It is taken at 15 sizes, at each on random subsets of both sides in equal
shares p, and D(p) = a + b / p is fitted by least squares; a is what is left when the samples are endless.

Differences from the source: both sides shrink together, so that the reference's own bias goes too; there only
generated pictures do. Subsets are of clips (groups), because vectors of one clip resemble each other. They draw
Sobol points for a generator's input, which clips do not have.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mirabench.errors import MetricError
from mirabench.maths.distribution import Moments, frechet_distance, two_sided_jackknife

Vectors = NDArray[np.float64]

SIZES = 15
"""Sizes at which the distance is taken."""
SUBSETS = 2
"""Subsets at each size, from opposite places of the order: at half the size they are the two halves."""
SMALLEST = 0.5
"""Share of both samples at the smallest size; there too the covariances must be determined."""
PER_DIMENSION = 2
"""Vectors for each dimension that a covariance needs."""
REPLICATE_SIZES = 4
"""Sizes in each replicate of the jackknife, whose many decompositions cost most."""


class Extrapolated(NamedTuple):
    """An extrapolated distance, and what is known of it."""

    value: float
    """At endless samples; below 0 by chance when the sets are alike."""
    of_sample: float
    """The distance of the samples as they are."""
    standard_error: float | None
    """From a jackknife over groups of both sides; None below five groups on a side."""
    degrees_of_freedom: float | None


def fewest_vectors(dimensions: int) -> int:
    """Vectors that each side needs: at the smallest size twice as many as dimensions."""
    return int(np.ceil(PER_DIMENSION * dimensions / SMALLEST))


def frechet_infinity(
    one: Sequence[Vectors], two: Sequence[Vectors], *, groups: int = 10, seed: int = 0
) -> Extrapolated:
    """The Frechet distance at endless samples, of vectors in groups (clips).

    Args:
        one: Groups (N_i, D) of the first side.
        two: Of the other.
        groups: Parts of each side that the jackknife leaves out in turn.
        seed: Of the random order in which subsets are taken.

    Raises:
        MetricError: a side has too few vectors for the smallest subset to determine a covariance.
    """
    dimensions = one[0].shape[1]
    needed = fewest_vectors(dimensions)
    fewest = min(sum(map(len, one)), sum(map(len, two)))
    if fewest < needed:
        raise MetricError(
            f"{fewest} vectors on the smaller side, {needed} are needed to extrapolate a distance of "
            f"{dimensions} dimensions: give more or longer clips"
        )
    random = np.random.default_rng(seed)
    a, b = (_shuffled(side, random) for side in (one, two))
    value, of_sample = _intercept(a, b, SIZES)
    folds = [_folds(len(side), groups) for side in (a, b)]
    error = two_sided_jackknife(
        lambda i: _intercept(_without(a, folds[0][i]), b, REPLICATE_SIZES)[0],
        len(folds[0]),
        lambda j: _intercept(a, _without(b, folds[1][j]), REPLICATE_SIZES)[0],
        len(folds[1]),
    )
    if error is None:
        return Extrapolated(value, of_sample, None, None)
    return Extrapolated(value, of_sample, error.standard_error, error.degrees_of_freedom)


def _shuffled(groups: Sequence[Vectors], random: np.random.Generator) -> list[Moments]:
    return [Moments.of(groups[i]) for i in random.permutation(len(groups)).tolist()]


def _folds(count: int, groups: int) -> list[set[int]]:
    parts = np.array_split(np.arange(count), min(groups, count))
    return [set(part.tolist()) for part in parts]


def _without(side: list[Moments], fold: set[int]) -> list[Moments]:
    return [moments for i, moments in enumerate(side) if i not in fold]


def _intercept(one: list[Moments], two: list[Moments], sizes: int) -> tuple[float, float]:
    """(a, D(1)) of D(p) = a + b / p over subsets of a share p of both sides."""
    inverse, distances = [], []
    for share in np.linspace(SMALLEST, 1.0, sizes).tolist():
        for turn in range(SUBSETS if share < 1 else 1):
            a, b = (_subset(side, share, turn / SUBSETS) for side in (one, two))
            true = (a.count / _count(one) + b.count / _count(two)) / 2
            inverse.append(1 / true)
            distances.append(frechet_distance(a, b))
    design = np.stack([np.ones(len(inverse)), np.array(inverse)], axis=1)
    (intercept, _), *_ = np.linalg.lstsq(design, np.array(distances), rcond=None)
    return float(intercept), distances[-1]


def _count(side: list[Moments]) -> int:
    return sum(moments.count for moments in side)


def _subset(side: list[Moments], share: float, place: float) -> Moments:
    """As many groups as make up the share, from a place in [0, 1) of the shuffled order on, in a ring."""
    keep = max(1, round(share * len(side)))
    start = round(place * len(side))
    total = side[start % len(side)]
    for i in range(start + 1, start + keep):
        total = total + side[i % len(side)]
    return total
