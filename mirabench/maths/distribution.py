"""Distances between two sets of vectors that come in groups (several vectors of one clip).

Groups matter: vectors of one clip resemble each other, so the clip, not the vector, is the sample.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Vectors = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Moments:
    """Count, sum and sum of outer products of vectors (N, D); they add and subtract."""

    count: int
    total: Vectors
    outer: Vectors

    @classmethod
    def of(cls, vectors: Vectors) -> Moments:
        """Of vectors (N, D)."""
        return cls(len(vectors), vectors.sum(axis=0), vectors.T @ vectors)

    def __add__(self, other: Moments) -> Moments:
        return Moments(self.count + other.count, self.total + other.total, self.outer + other.outer)

    def __sub__(self, other: Moments) -> Moments:
        return Moments(self.count - other.count, self.total - other.total, self.outer - other.outer)

    @property
    def mean(self) -> Vectors:
        """(D,)."""
        return self.total / self.count

    @property
    def covariance(self) -> Vectors:
        """(D, D), unbiased."""
        centred = self.outer - np.outer(self.total, self.total) / self.count
        return np.asarray(centred / max(1, self.count - 1))


def frechet_distance(one: Moments, two: Moments) -> float:
    """Squared Frechet distance between Gaussians with these moments.

    |m1 - m2|^2 + tr(S1 + S2 - 2 (S1^1/2 S2 S1^1/2)^1/2), through eigenvalues of symmetric matrices, which
    stay real where a matrix square root of a product does not (Dowson and Landau, 1982).

    Example:
        >>> a = Moments.of(np.array([[0.0], [2.0]]))
        >>> b = Moments.of(np.array([[3.0], [5.0]]))
        >>> round(frechet_distance(a, b), 6)
        9.0
    """
    s1, s2 = one.covariance, two.covariance
    values, vectors = np.linalg.eigh(s1)
    root = (vectors * np.sqrt(np.maximum(values, 0))) @ vectors.T
    cross = np.linalg.eigvalsh(root @ s2 @ root)
    shift = one.mean - two.mean
    trace = np.trace(s1) + np.trace(s2) - 2 * np.sqrt(np.maximum(cross, 0)).sum()
    return float(shift @ shift + max(0.0, float(trace)))


def cubic(products: Vectors) -> Vectors:
    """(z + 1)^3 of z = x.y / D, the kernel of the kernel inception distance (Binkowski et al., 2018)."""
    return np.asarray((products + 1.0) ** 3)


def squared(products: Vectors) -> Vectors:
    """z^2 of z = x.y / D, the kernel of JEDi (Luo et al., ICLR 2025)."""
    return np.asarray(products**2)


Kernel = Callable[[Vectors], Vectors]
"""Of x.y / D, any shape."""


def polynomial_kernel(one: Vectors, two: Vectors, kernel: Kernel = cubic) -> Vectors:
    """(N, M): a kernel of x.y / D."""
    return kernel(np.asarray(one @ two.T / one.shape[1]))


def kernel_blocks(one: Sequence[Vectors], two: Sequence[Vectors]) -> Vectors:
    """(A, B): mean kernel value between each group of one side and each of the other."""
    blocks = np.empty((len(one), len(two)))
    for i, left in enumerate(one):
        for j, right in enumerate(two):
            blocks[i, j] = polynomial_kernel(left, right).mean()
    return blocks


def kernel_distance(own: Vectors, theirs: Vectors, between: Vectors) -> float:
    """Unbiased squared maximum mean discrepancy from group means of the kernel.

    Only pairs of different groups count within a side (a U-statistic over groups), so vectors of one
    clip that resemble each other do not bias it; it can be slightly negative.

    Args:
        own: (A, A) between groups of the first side.
        theirs: (B, B) between groups of the second side.
        between: (A, B).
    """
    return _off_diagonal_mean(own) + _off_diagonal_mean(theirs) - 2 * float(between.mean())


def _off_diagonal_mean(blocks: Vectors) -> float:
    n = len(blocks)
    return float((blocks.sum() - np.trace(blocks)) / (n * (n - 1)))


FEWEST_GROUPS = 5
"""Groups on a side below which a jackknife tells nothing of a distance's error."""


class Uncertainty(NamedTuple):
    """A standard error and what it rests on."""

    standard_error: float
    degrees_of_freedom: float


def jackknife_error(leave_out: Callable[[int], float], count: int) -> float:
    """Standard error by leaving out one of `count` groups at a time (Efron and Stein, 1981).

    Example:
        >>> numbers = [1.0, 2.0, 6.0]  # of a mean: the standard deviation sqrt(7) over sqrt(3)
        >>> round(jackknife_error(lambda i: (9 - numbers[i]) / 2, 3) ** 2, 6)
        2.333333
    """
    values = np.array([leave_out(i) for i in range(count)])
    return float(np.sqrt((count - 1) / count * ((values - values.mean()) ** 2).sum()))


def two_sided_jackknife(
    leave_out_own: Callable[[int], float],
    own: int,
    leave_out_theirs: Callable[[int], float],
    theirs: int,
) -> Uncertainty | None:
    """The error of a distance between two sets, each of which is left out group by group.

    The two variances add up. A side of G groups has G - 1 degrees of freedom, whatever the number of clips
    in a group; together they have those of Satterthwaite (Biometrics Bulletin 2(6), 1946), which lie between
    those of the side that varies more and the sum of both.

    Args:
        leave_out_own: The distance without the i-th group of the first side.
        own: Groups of the first side.
        leave_out_theirs: The distance without the j-th group of the second side.
        theirs: Groups of the second side.

    Returns:
        None below `FEWEST_GROUPS` groups on a side.
    """
    if min(own, theirs) < FEWEST_GROUPS:
        return None
    ours = jackknife_error(leave_out_own, own) ** 2
    others = jackknife_error(leave_out_theirs, theirs) ** 2
    return Uncertainty(math.sqrt(ours + others), satterthwaite(ours, own - 1, others, theirs - 1))


def satterthwaite(one: float, one_freedom: float, two: float, two_freedom: float) -> float:
    """Degrees of freedom of the sum of two independent variances.

    Example:
        >>> satterthwaite(1.0, 4, 1.0, 4), satterthwaite(1.0, 4, 0.0, 9)
        (8.0, 4.0)
    """
    if one + two == 0:
        return float(one_freedom + two_freedom)
    return (one + two) ** 2 / (one**2 / one_freedom + two**2 / two_freedom)


@dataclass(frozen=True, slots=True, eq=False)
class KernelSums:
    """Sums of the kernel over pairs of vectors, by group, so that leaving a group out is subtraction."""

    own: Vectors
    """(A, A) within the first side, a vector with itself included."""
    theirs: Vectors
    """(B, B) within the second side."""
    between: Vectors
    """(A, B)."""
    own_same: Vectors
    """(A,) of each vector with itself."""
    theirs_same: Vectors
    """(B,)."""
    own_counts: Vectors
    """(A,) vectors in each group."""
    theirs_counts: Vectors
    """(B,)."""

    @classmethod
    def of(
        cls, one: Sequence[Vectors], two: Sequence[Vectors], kernel: Kernel = cubic
    ) -> KernelSums:
        """Of two lists of groups (N_i, D)."""
        return cls(
            _block_sums(one, one, kernel),
            _block_sums(two, two, kernel),
            _block_sums(one, two, kernel),
            np.array([_same(v, kernel) for v in one]),
            np.array([_same(v, kernel) for v in two]),
            np.array([len(v) for v in one], dtype=np.float64),
            np.array([len(v) for v in two], dtype=np.float64),
        )

    def distance(self, without_own: int | None = None, without_theirs: int | None = None) -> float:
        """Unbiased squared MMD over vectors, optionally with one group left out of a side.

        Every pair of different vectors counts. This is also the mean that random equal-sized subsets of
        both sides have on average (the estimate that KID reports), without their randomness.
        """
        a, b = _kept(len(self.own), without_own), _kept(len(self.theirs), without_theirs)
        m, n = self.own_counts[a].sum(), self.theirs_counts[b].sum()
        own = (self.own[np.ix_(a, a)].sum() - self.own_same[a].sum()) / (m * (m - 1))
        theirs = (self.theirs[np.ix_(b, b)].sum() - self.theirs_same[b].sum()) / (n * (n - 1))
        return float(own + theirs - 2 * self.between[np.ix_(a, b)].sum() / (m * n))


def _kept(count: int, left_out: int | None) -> NDArray[np.int64]:
    return np.array([i for i in range(count) if i != left_out], dtype=np.int64)


def _block_sums(one: Sequence[Vectors], two: Sequence[Vectors], kernel: Kernel) -> Vectors:
    return np.array([[polynomial_kernel(a, b, kernel).sum() for b in two] for a in one])


def _same(vectors: Vectors, kernel: Kernel) -> float:
    return float(kernel((vectors**2).sum(axis=1) / vectors.shape[1]).sum())
