"""Distances between two sets of vectors, such as features of generated and of real clips."""

from __future__ import annotations

import numpy as np

from mirabench.errors import InputError
from mirabench.functional.arrays import vectors
from mirabench.maths import distribution
from mirabench.shapes import Float64, Real


def frechet_distance(one: Real[np.ndarray, "N D"], two: Real[np.ndarray, "M D"]) -> float:
    """Squared Frechet distance between Gaussians fitted to two sets of vectors, as in FID and FVD.

    |m1 - m2|^2 + tr(S1 + S2 - 2 (S1 S2)^1/2), with unbiased covariances (Dowson and Landau, J. Multivariate
    Analysis 12, 1982; Heusel et al., NeurIPS 2017). Symmetric; biased upwards for small samples, so compare
    sets of equal size.

    Args:
        one: A vector a row.
        two: Of as many dimensions.

    Returns:
        0 and more. With fewer than twice as many vectors as dimensions the covariances are hardly determined.

    Raises:
        InputError: the sets are no (N, D) and (M, D) of numbers, or one has fewer than two vectors.
        MetricError: a number is not finite.

    Example:
        >>> frechet_distance(np.array([[0.0], [2.0]]), np.array([[3.0], [5.0]]))  # equal spread, means 3 apart
        9.0
    """
    a, b = _both(one, two)
    return distribution.frechet_distance(distribution.Moments.of(a), distribution.Moments.of(b))


def kernel_distance(one: Real[np.ndarray, "N D"], two: Real[np.ndarray, "M D"]) -> float:
    """Unbiased squared maximum mean discrepancy with the kernel (x.y / D + 1)^3, as in KID and KVD.

    Binkowski et al., ICLR 2018. Every pair of different vectors counts: what the mean over random subsets
    of equal size, which KID reports, is on average. Symmetric.

    Args:
        one: A vector a row.
        two: Of as many dimensions.

    Returns:
        Around 0, possibly below, for sets of one distribution; more the further apart they are.

    Raises:
        InputError: the sets are no (N, D) and (M, D) of numbers, or one has fewer than two vectors.
        MetricError: a number is not finite.

    Example:
        >>> kernel_distance(np.array([[0.0], [1.0]]), np.array([[0.0], [1.0]]))  # 1 + 1 - 2 (1 + 1 + 1 + 8) / 4
        -3.5
    """
    a, b = _both(one, two)
    return distribution.KernelSums.of([a], [b]).distance()


def _both(
    one: Real[np.ndarray, "N D"], two: Real[np.ndarray, "M D"]
) -> tuple[Float64[np.ndarray, "N D"], Float64[np.ndarray, "M D"]]:
    a, b = vectors(one), vectors(two)
    if a.shape[1] != b.shape[1]:
        raise InputError(f"vectors of {a.shape[1]} and of {b.shape[1]} dimensions have no distance")
    if min(len(a), len(b)) < 2:
        raise InputError(f"each set needs at least two vectors, got {len(a)} and {len(b)}")
    return a, b
