"""A mean at a fixed mix of motion, so that who moves less wins nothing by it.

Q = sum over bins b of w_b * mean(q | motion in b), the direct standardisation of epidemiology: bins and weights
come from a reference and not from the generated clips. DEVIL takes twelve equal bins, an empty one as 0,
which punishes a generator for prompts that it was not given; here a bin with too few clips is missing, and the
coverage says so.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mirabench.errors import InputError
from mirabench.shapes import Float64

BINS = 4
FEWEST_IN_BIN = 5
"""Values without which a bin is missing, and reference values that each bin must rest on."""


@dataclass(frozen=True, slots=True, eq=False)
class MotionBins:
    """Ranges of motion and how much each counts."""

    edges: Float64[np.ndarray, " E"]
    """Between neighbouring bins, increasing; what equals an edge belongs above it. One less than weights."""
    weights: Float64[np.ndarray, " B"]
    """Share of each bin, of sum 1."""

    def __post_init__(self) -> None:
        if len(self.weights) != len(self.edges) + 1 or not np.isclose(self.weights.sum(), 1.0):
            raise InputError(
                f"{len(self.edges)} edges need {len(self.edges) + 1} weights of sum 1, "
                f"got {self.weights.tolist()}"
            )

    @classmethod
    def of(cls, motion: Sequence[float] | Float64[np.ndarray, " N"]) -> MotionBins | None:
        """Quarters of the reference's clips by their motion; None where they are fewer than 20.

        Example:
            >>> found = MotionBins.of(np.arange(20.0))
            >>> found.edges.tolist(), found.weights.tolist()
            ([4.75, 9.5, 14.25], [0.25, 0.25, 0.25, 0.25])
        """
        values = np.asarray(motion, np.float64)
        if len(values) < BINS * FEWEST_IN_BIN:
            return None
        edges = np.unique(np.quantile(values, np.arange(1, BINS) / BINS))
        held = np.bincount(np.searchsorted(edges, values, side="right"), minlength=len(edges) + 1)
        return cls(edges, held / len(values))


@dataclass(frozen=True, slots=True)
class Standardised:
    """A mean at the bins' mix of motion."""

    mean: float | None
    """None where every bin is missing."""
    coverage: float
    """Sum of the weights of the bins that are not missing, 0 to 1."""


def standardised_mean(
    values: Sequence[float], motion: Sequence[float], bins: MotionBins
) -> Standardised:
    """The mean of values at a fixed mix of motion.

    Args:
        values: One for each clip whose score counts.
        motion: Of the same clips.
        bins: Where the ranges of motion end, and how much each counts.

    Returns:
        The mean over bins with five values or more, by their weights, and the sum of these weights. A missing
        bin is left out, and never 0.

    Raises:
        InputError: there are not as many values as motions.

    Example:
        >>> bins = MotionBins(np.array([1.0]), np.array([0.5, 0.5]))
        >>> standardised_mean([0.9] * 15 + [0.5] * 5, [0.1] * 15 + [2.0] * 5, bins)
        Standardised(mean=0.7, coverage=1.0)
        >>> standardised_mean([0.9] * 15 + [0.5] * 4, [0.1] * 15 + [2.0] * 4, bins)
        Standardised(mean=0.9, coverage=0.5)
    """
    if len(values) != len(motion):
        raise InputError(f"{len(values)} values need as many motions, got {len(motion)}")
    q = np.asarray(values, np.float64)
    member = np.searchsorted(bins.edges, np.asarray(motion, np.float64), side="right")
    means, weights = [], []
    for b, weight in enumerate(bins.weights.tolist()):
        held = q[member == b]
        if len(held) >= FEWEST_IN_BIN and weight > 0:
            means.append(float(held.mean()))
            weights.append(weight)
    coverage = float(sum(weights))
    if not weights:
        return Standardised(None, 0.0)
    mean = float(np.dot(means, weights) / coverage)
    return Standardised(round(mean, 12), round(coverage, 12))
