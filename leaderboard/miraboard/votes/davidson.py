"""Bradley-Terry with ties, as Davidson wrote it: fitted to many tables of counts at once.

    P(left) : P(tie) : P(right)  =  exp(d / 2) : exp(t) : exp(-d / 2),    d = strength left - strength right

Source: R. R. Davidson, "On extending the Bradley-Terry model to accommodate ties in paired comparison
experiments", JASA 65 (1970) 317-328. Strengths are log-odds and sum to 0. Strengths have a wide normal prior
(standard deviation `PRIOR`), which moves nothing that votes tell and keeps who won or lost every vote finite.

A bootstrap fits the same pairs under hundreds of weights, so tables come stacked: one Newton iteration solves
all of them. The log-likelihood is concave for any counts whose sum over a pair is not negative; the counts of
single outcomes may be, which is what the prediction-powered estimate needs.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

PRIOR = 5.0
"""Standard deviation of a strength before any vote, in log-odds: e^5 to 1 is beyond what people agree on."""
TIE_PRIOR = 5.0
LEFT, TIE, RIGHT = 0, 1, 2
"""Outcomes, in the order of the last axis everywhere."""
_ITERATIONS = 60
_TOLERANCE = 1e-9
_LONGEST = 2.0
"""Log-odds that one step may move anything: far from the answer Newton overshoots."""
_CELLS = 20_000_000
"""Numbers of stacked Hessians in memory at a time."""


class Fit(NamedTuple):
    """Strengths of K items under B tables of counts."""

    strengths: FloatArray
    """(B, K), each row of sum 0."""
    tie: FloatArray
    """(B,) log-odds of a tie between equals against either side winning."""


def probabilities(difference: FloatArray, tie: FloatArray | float) -> FloatArray:
    """(..., 3) chances of left, tie and right for differences of strength (...).

    Example:
        >>> probabilities(np.array([0.0]), 0.0).round(3).tolist()
        [[0.333, 0.333, 0.333]]
    """
    half = np.asarray(difference, dtype=np.float64) / 2
    logits = np.stack([half, np.broadcast_to(np.asarray(tie, np.float64), half.shape), -half], -1)
    powers = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=-1, keepdims=True))


def share_of_wins(strength: FloatArray, tie: FloatArray | float) -> FloatArray:
    """(...) of votes won against an average item, a tie counting half; 0 to 1."""
    found = probabilities(strength, tie)
    return np.asarray(found[..., LEFT] + found[..., TIE] / 2)


def fit(counts: FloatArray, pairs: IntArray, items: int, start: Fit | None = None) -> Fit:
    """The strengths under each table of counts.

    Args:
        counts: (B, P, 3) how often left, tie and right came, or any weights of that.
        pairs: (P, 2) left and right item of each pair; a pair stands once.
        items: K.
        start: One fit near the answers, which saves iterations.
    """
    strengths = np.zeros((len(counts), items))
    tie = np.zeros(len(counts))
    if start is not None:
        strengths += start.strengths[0]
        tie += start.tie[0]
    step = max(1, _CELLS // (items + 1) ** 2)
    for first in range(0, len(counts), step):
        block = slice(first, first + step)
        strengths[block], tie[block] = _newton(counts[block], pairs, strengths[block], tie[block])
    return Fit(strengths - strengths.mean(axis=1, keepdims=True), tie)


def _newton(
    counts: FloatArray, pairs: IntArray, strengths: FloatArray, tie: FloatArray
) -> tuple[FloatArray, FloatArray]:
    at = np.concatenate([strengths, tie[:, None]], axis=1)
    for _ in range(_ITERATIONS):
        gradient, hessian = slope_and_curvature(counts, pairs, at)
        move = np.linalg.solve(hessian, gradient[..., None])[..., 0]
        longest = np.abs(move).max(axis=1, keepdims=True)
        at = at + move * np.minimum(1.0, _LONGEST / np.maximum(longest, 1e-300))
        if longest.max(initial=0.0) < _TOLERANCE:
            break
    return at[:, :-1], at[:, -1]


def slope_and_curvature(
    counts: FloatArray, pairs: IntArray, at: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Gradient (B, K + 1) and negative Hessian (B, K + 1, K + 1) of the log-posterior.

    Args:
        counts: (B, P, 3).
        pairs: (P, 2).
        at: (B, K + 1) strengths, then the tie.
    """
    total = counts.sum(axis=2)  # (B, P)
    lead, tied = _expected(pairs, at)
    return slope(counts, pairs, at), _curvature(total, pairs, at.shape[1] - 1, lead, tied)


def _expected(pairs: IntArray, at: FloatArray) -> tuple[FloatArray, FloatArray]:
    """(B, P) chance of the first item winning less that of the second, and of a tie."""
    chances = probabilities(at[:, pairs[:, 0]] - at[:, pairs[:, 1]], at[:, -1:])  # (B, P, 3)
    return chances[..., LEFT] - chances[..., RIGHT], chances[..., TIE]


def slope(counts: FloatArray, pairs: IntArray, at: FloatArray) -> FloatArray:
    """(B, K + 1) gradient of the log-posterior; arguments as above, of `at` one row may stand for all."""
    total = counts.sum(axis=2)
    lead, tied = _expected(pairs, at)
    of_difference = (counts[..., LEFT] - counts[..., RIGHT] - total * lead) / 2
    of_tie = (counts[..., TIE] - total * tied).sum(axis=1) - at[:, -1] / TIE_PRIOR**2
    gradient = np.zeros((len(counts), at.shape[1]))
    _add_at(gradient, pairs[:, 0], of_difference)
    _add_at(gradient, pairs[:, 1], -of_difference)
    gradient[:, :-1] -= at[:, :-1] / PRIOR**2
    gradient[:, -1] = of_tie
    return gradient


def _curvature(
    total: FloatArray, pairs: IntArray, items: int, lead: FloatArray, tied: FloatArray
) -> FloatArray:
    """Counts times the covariance of what the model knows of an outcome: the lead / 2, and the tie."""
    left, right = pairs[:, 0], pairs[:, 1]
    of_lead = total * ((1 - tied) - lead**2) / 4
    across = -total * lead * tied / 2
    hessian = np.zeros((len(total), items + 1, items + 1))
    hessian[:, left, right] -= of_lead
    hessian[:, right, left] -= of_lead
    diagonal = np.zeros((len(total), items + 1))
    for side in (left, right):
        _add_at(diagonal, side, of_lead)
    border = np.zeros((len(total), items + 1))
    _add_at(border, left, across)
    _add_at(border, right, -across)
    hessian[:, :, -1] += border
    hessian[:, -1, :] += border
    rows = np.arange(items + 1)
    hessian[:, rows, rows] += diagonal
    hessian[:, rows[:-1], rows[:-1]] += 1 / PRIOR**2
    hessian[:, -1, -1] += (total * tied * (1 - tied)).sum(axis=1) + 1 / TIE_PRIOR**2
    return hessian


def _add_at(target: FloatArray, places: IntArray, values: FloatArray) -> None:
    """`target[:, places] += values` where a place may stand several times."""
    np.add.at(target.T, places, values.T)


def regress(
    design: FloatArray, outcomes: IntArray, precision: FloatArray
) -> tuple[FloatArray, float]:
    """Coefficients of a difference of strength that depends on things known of each vote.

    Args:
        design: (N, Q); the difference is `design @ coefficients`.
        outcomes: (N,) 0 left, 1 tie, 2 right.
        precision: (Q,) of the normal priors of the coefficients, one over the variance.
    """
    rows, terms = design.shape
    came = np.eye(3)[outcomes] if rows else np.zeros((0, 3))
    at = np.zeros(terms + 1)
    for _ in range(_ITERATIONS):
        chances = probabilities(design @ at[:-1], at[-1])
        lead, tied = chances[:, LEFT] - chances[:, RIGHT], chances[:, TIE]
        of_difference = (came[:, LEFT] - came[:, RIGHT] - lead) / 2
        gradient = np.append(
            design.T @ of_difference - precision * at[:-1],
            (came[:, TIE] - tied).sum() - at[-1] / TIE_PRIOR**2,
        )
        hessian = np.zeros((terms + 1, terms + 1))
        hessian[:-1, :-1] = (design * ((1 - tied - lead**2) / 4)[:, None]).T @ design
        hessian[:-1, :-1] += np.diag(precision)
        hessian[:-1, -1] = hessian[-1, :-1] = design.T @ (-lead * tied / 2)
        hessian[-1, -1] = (tied * (1 - tied)).sum() + 1 / TIE_PRIOR**2
        move = np.linalg.solve(hessian, gradient)
        longest = float(np.abs(move).max())
        at = at + move * min(1.0, _LONGEST / max(longest, 1e-300))
        if longest < _TOLERANCE:
            break
    return at[:-1], float(at[-1])
