"""The mean of numbers that come in clusters, such as the clips of one prompt.

Clips of one prompt resemble each other, so the prompt, not the clip, is the sample. The mean over clips is
then a ratio of two sums over prompts, sums of values over numbers of clips, and its error is that of a ratio
(Cochran, Sampling Techniques, 1977, 6.3): what counts is how far the sum of each prompt is from what the mean
makes of its number of clips.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]

_ROUNDING = 1e-12
"""Sums of equal numbers differ in the last digits, relative to the mean; that is no spread."""


@dataclass(frozen=True, slots=True, eq=False)
class Clusters:
    """Sums and sizes of G clusters of numbers."""

    sums: FloatArray
    """(G,) of the numbers in each."""
    sizes: FloatArray
    """(G,) how many numbers each has."""

    @classmethod
    def of(cls, values: Sequence[float] | FloatArray, labels: Sequence[str]) -> Clusters:
        """Of numbers (N,) and the cluster of each (N,).

        Example:
            >>> Clusters.of([1.0, 2.0, 6.0], ["a", "a", "b"]).sums.tolist()
            [3.0, 6.0]
        """
        _, member = np.unique(np.asarray(labels, dtype=object).astype(str), return_inverse=True)
        sums = np.bincount(member, weights=np.asarray(values, dtype=np.float64))
        return cls(sums.astype(np.float64), np.bincount(member).astype(np.float64))

    def __len__(self) -> int:
        return len(self.sums)

    @property
    def mean(self) -> float:
        """Over all numbers, not over clusters."""
        return float(self.sums.sum() / self.sizes.sum())

    @property
    def residuals(self) -> FloatArray:
        """(G,) how far each sum is from its expectation, as if all clusters had the average size.

        With equal sizes these are the clusters' means minus the mean.
        """
        return np.asarray((self.sums - self.mean * self.sizes) / self.sizes.mean())

    @property
    def spread(self) -> float:
        """Standard deviation of the residuals; 0 where all clusters agree, or with one cluster."""
        if len(self) < 2:
            return 0.0
        found = math.sqrt(float((self.residuals**2).sum()) / (len(self) - 1))
        return 0.0 if found <= _ROUNDING * abs(self.mean) else found

    @property
    def standard_error(self) -> float:
        """Of the mean.

        Example:
            >>> Clusters.of([1.0, 2.0, 3.0, 4.0], list("abcd")).standard_error  # sqrt(5 / 3) / 2
            0.6454972243679028
        """
        return self.spread / math.sqrt(len(self))

    @property
    def skewness(self) -> float:
        """Third moment of the residuals over the cubed standard deviation; 0 without spread.

        Example:
            >>> Clusters.of([0.0, 0.0, 0.0, 4.0], list("abcd")).skewness
            0.75
        """
        spread = self.spread
        return float(np.mean((self.residuals / spread) ** 3)) if spread else 0.0
