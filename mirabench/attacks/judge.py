"""The verdict on one metric: what was declared against what it said. Pure.

A value's gain is how much better the degraded copy scores than the clean clip, in spreads: the standard
deviation of the metric over the clean clips. Moves of less than `TOLERANCE` spreads count as none: they
are small beside what tells one clean clip from another.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

from mirabench.attacks.api import DROP, NO_GAIN, RISE, STAY, Reaction
from mirabench.attacks.model import Reading, Verdict
from mirabench.metrics.api import MetricSpec

TOLERANCE = 0.25
"""Spreads. Two clean clips drawn at random differ by less than this in one case of seven
(normal scores: P(|x - y| < 0.25 sd) = 0.14), so it hardly ever decides which clip ranks higher."""


def spread_of(values: Sequence[float]) -> float | None:
    """Sample standard deviation; None for fewer than two values.

    Example:
        >>> spread_of([1.0, 3.0])
        1.4142135623730951
    """
    if len(values) < 2:
        return None
    mean = sum(values) / len(values)
    return math.sqrt(sum((v - mean) ** 2 for v in values) / (len(values) - 1))


LEAST_SPREAD = 0.05
"""Part of a metric's range that stands in for its spread where all clean clips score alike."""


def yardstick_of(spec: MetricSpec, values: Sequence[float]) -> float | None:
    """The spread of a metric; for one that is saturated on all clean clips, a part of its range."""
    spread = spread_of(values)
    extent = spec.range[1] - spec.range[0]
    return extent * LEAST_SPREAD if spread == 0 and math.isfinite(extent) else spread


def allowed_move(spec: MetricSpec, spread: float | None, tolerance: float) -> float:
    """By how much a value may move and count as unmoved, in the metric's unit.

    Clean clips that are all nearly perfect lie closer together than anything that the metric calls a
    difference; its own `absolute_error` is the least that counts.
    """
    return max(tolerance * (spread or 0.0), spec.absolute_error)


def gain_of(spec: MetricSpec, honest: float, attacked: float) -> float:
    """How much better the attacked value is, in the metric's unit; below 0 is worse."""
    return attacked - honest if spec.higher_is_better else honest - attacked


def can_lose(spec: MetricSpec, honest: float, tolerance: float) -> bool:
    """Whether the clean value is further than the tolerance from the metric's worst one."""
    worst = spec.range[0] if spec.higher_is_better else spec.range[1]
    return not math.isfinite(worst) or abs(honest - worst) > tolerance


def judge(declared: Reaction | None, gain: float, tolerance: float) -> Verdict:
    """The verdict on two values that both count; `gain` and `tolerance` in one unit.

    For a drop the order alone decides: the clean clip must rank above its degraded copy, by however little.
    """
    if declared is None:
        return "undeclared"
    if declared == DROP:
        return "caught" if gain < 0 else "fooled"
    if declared == RISE:
        return "caught" if gain > tolerance else "fooled"
    if abs(gain) <= tolerance:
        return "stays"
    if declared == STAY:
        return "moved"
    return "fooled" if gain > 0 else "caught"


def judge_lost(declared: Reaction | None, attacked: Reading) -> Verdict:
    """The verdict on an attacked clip whose score no longer counts, or is not there at all."""
    if declared is None:
        return "undeclared"
    if declared in (DROP, NO_GAIN):
        return "caught"
    return "failed" if attacked.status == "failed" else "moved"


class Judged(NamedTuple):
    """A verdict, and why there is none."""

    verdict: Verdict
    why: str = ""


def verdict_on(
    spec: MetricSpec,
    declared: Reaction | None,
    honest: Reading,
    attacked: Reading,
    tolerance: float,
    *,
    trust_status: bool = True,
) -> Judged:
    """The verdict on one metric, one clip and one attack; `tolerance` in the metric's unit.

    Without `trust_status` every value counts, as in the reference, which knows no status.
    """
    if declared is None:
        return Judged("undeclared")
    if honest.value is None:
        return Judged("failed" if honest.status == "failed" else "not applicable", honest.why)
    if trust_status and not honest.sound:
        return Judged("not applicable", f"the clean clip is {honest.status}: {honest.why}")
    if declared in (DROP, RISE) and not can_lose(spec, honest.value, tolerance):
        return Judged("not applicable", "the clean clip is at the metric's worst value already")
    if attacked.value is None or (trust_status and not attacked.sound):
        return Judged(judge_lost(declared, attacked))
    return Judged(judge(declared, gain_of(spec, honest.value, attacked.value), tolerance))
