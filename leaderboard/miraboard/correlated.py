"""Copies with noise: scores that go up and down over the prompts as another generator's do.

Equality to 1e-4 (`duplicates`) misses a copy whose every score was moved by a thousandth, scaled or
shifted. But which prompt is easy and which is hard stays the same in it, metric by metric, and more exactly
than any two generators agree.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from miraboard.guard import Reason
from miraboard.standing import Standing
from miraboard.tracks import Track
from miraboard.worths import Worths

FEWEST_PROMPTS = 8
"""That both have a worth on which is neither 0 nor 1."""
FEWEST_METRICS = 3
LINE, RANKS = 0.995, 0.97
"""Correlations of worths, and of their ranks, that independent clips do not reach in half of the metrics."""

Vector = NDArray[np.float64]


def copies_of(mine: Standing, others: Sequence[Standing], track: Track) -> list[Reason]:
    """Why a submission looks like another generator's; versions of its own may look as they like."""
    worths = mine.worth(track)
    for other in others:
        if other.name_key != mine.name_key:
            agree, compared = agreeing(worths, other.worth(track))
            if agree >= FEWEST_METRICS and 2 * agree >= compared:
                return [
                    Reason(
                        "near-copy",
                        f"{agree} of {compared} metrics go up and down over the prompts exactly as those of "
                        f"{other.label} ({other.id}) do: submit clips of your own",
                    )
                ]
    return []


def agreeing(mine: Worths, theirs: Worths) -> tuple[int, int]:
    """In how many metrics two submissions agree, and in how many they can be compared.

    Args:
        mine: (metrics, prompts) of 0 to 1.
        theirs: The same of another submission.
    """
    agree = compared = 0
    for a, b in zip(np.asarray(mine, float), np.asarray(theirs, float), strict=True):
        inside = (a > 0) & (a < 1) & (b > 0) & (b < 1)
        if inside.sum() < FEWEST_PROMPTS or min(np.ptp(a[inside]), np.ptp(b[inside])) < 1e-6:
            continue
        compared += 1
        line = _correlation(a[inside], b[inside])
        agree += line > LINE and _correlation(_ranks(a[inside]), _ranks(b[inside])) > RANKS
    return int(agree), compared


def _correlation(a: Vector, b: Vector) -> float:
    return float(np.corrcoef(a, b)[0, 1])


def _ranks(values: Vector) -> Vector:
    return np.argsort(np.argsort(values)).astype(float)
