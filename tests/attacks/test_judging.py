"""A verdict follows from the declaration, the two readings and the tolerance; worked by hand."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mirabench.attacks.api import DROP, NO_GAIN, RISE, STAY, Reaction
from mirabench.attacks.cells import cell_of
from mirabench.attacks.judge import (
    allowed_move,
    gain_of,
    judge,
    spread_of,
    verdict_on,
    yardstick_of,
)
from mirabench.attacks.model import Reading, Verdict
from mirabench.metrics.motion import FLOW_MAGNITUDE
from mirabench.metrics.temporal import WARPING_ERROR
from mirabench.metrics.visual_quality import SHARPNESS

HIGHER, LOWER = SHARPNESS.spec, WARPING_ERROR.spec


def ok(value: float) -> Reading:
    return Reading(value=value, status="ok")


FLAGGED = Reading(value=0.0, status="degenerate", why="static")
LOST = Reading(status="failed", why="no corner could be followed")


@pytest.mark.parametrize(
    ("declared", "gain", "expected"),
    [
        (DROP, -0.001, "caught"),
        (DROP, 0.0, "fooled"),
        (DROP, 0.5, "fooled"),
        (RISE, 0.2, "caught"),
        (RISE, 0.05, "fooled"),
        (RISE, -1.0, "fooled"),
        (STAY, 0.1, "stays"),
        (STAY, -0.1, "stays"),
        (STAY, 0.11, "moved"),
        (STAY, -0.11, "moved"),
        (NO_GAIN, 0.1, "stays"),
        (NO_GAIN, 0.11, "fooled"),
        (NO_GAIN, -0.11, "caught"),
        (None, 5.0, "undeclared"),
    ],
)
def test_two_values_that_count(declared: Reaction | None, gain: float, expected: Verdict) -> None:
    assert judge(declared, gain, tolerance=0.1) == expected


@pytest.mark.parametrize(
    ("declared", "flagged", "lost"),
    [
        (DROP, "caught", "caught"),
        (NO_GAIN, "caught", "caught"),
        (STAY, "moved", "failed"),
        (RISE, "moved", "failed"),
    ],
)
def test_a_score_that_no_longer_counts(declared: Reaction, flagged: Verdict, lost: Verdict) -> None:
    assert verdict_on(HIGHER, declared, ok(0.5), FLAGGED, 0.1).verdict == flagged
    assert verdict_on(HIGHER, declared, ok(0.5), LOST, 0.1).verdict == lost


def test_by_value_alone_a_status_saves_nobody() -> None:
    perfect = Reading(value=0.0, status="degenerate", why="static: no frame differs")
    assert verdict_on(LOWER, DROP, ok(1.0), perfect, 0.1).verdict == "caught"
    alone = verdict_on(LOWER, DROP, ok(1.0), perfect, 0.1, trust_status=False)
    assert alone.verdict == "fooled"


def test_a_clip_that_is_unsound_before_the_attack_judges_nothing() -> None:
    assert verdict_on(HIGHER, DROP, FLAGGED, ok(0.1), 0.1).verdict == "not applicable"
    assert "static" in verdict_on(HIGHER, DROP, FLAGGED, ok(0.1), 0.1).why
    assert verdict_on(HIGHER, DROP, LOST, ok(0.1), 0.1).verdict == "failed"
    absent = Reading(status="not_applicable", why="no prompt")
    assert verdict_on(HIGHER, STAY, absent, absent, 0.1).verdict == "not applicable"


def test_a_clip_that_has_nothing_to_lose_judges_no_drop() -> None:
    motion = FLOW_MAGNITUDE.spec
    assert verdict_on(motion, DROP, ok(0.005), ok(0.0), 0.01).verdict == "not applicable"
    assert verdict_on(motion, DROP, ok(0.02), ok(0.0), 0.01).verdict == "caught"
    # an error has no worst value, so it can always grow
    assert verdict_on(LOWER, DROP, ok(99.0), ok(99.5), 0.1).verdict == "caught"


def test_better_is_up_or_down_as_the_metric_says() -> None:
    assert gain_of(HIGHER, 0.25, 0.75) == 0.5
    assert gain_of(LOWER, 0.25, 0.75) == -0.5


def test_the_spread_of_a_saturated_metric_is_a_part_of_its_range() -> None:
    assert yardstick_of(HIGHER, [1.0, 1.0, 1.0]) == pytest.approx(0.05)
    assert yardstick_of(HIGHER, [0.2, 0.4]) == spread_of([0.2, 0.4])
    assert yardstick_of(FLOW_MAGNITUDE.spec, [0.0, 0.0]) == 0.0
    assert yardstick_of(HIGHER, [0.3]) is None


@given(st.floats(-5, 5), st.floats(0, 2))
def test_a_stay_is_symmetric_and_no_gain_is_its_upper_half(gain: float, tolerance: float) -> None:
    assert judge(STAY, gain, tolerance) == judge(STAY, -gain, tolerance)
    assert (judge(NO_GAIN, gain, tolerance) == "fooled") == (gain > tolerance)


@pytest.mark.parametrize(
    ("verdicts", "mark"),
    [
        (["caught", "caught"], "✓"),
        (["caught", "stays"], "✓"),
        (["stays", "not applicable"], "="),
        (["caught", "fooled", "fooled"], "✗ 2/3"),
        (["fooled", "not applicable"], "✗"),
        (["moved", "stays"], "~ 1/2"),
        (["failed"], "!"),
        (["not applicable"], "·"),
        (["undeclared"], ""),
    ],
)
def test_a_cell_shows_what_people_must_know(verdicts: list[Verdict], mark: str) -> None:
    assert cell_of(verdicts).mark == mark


def test_a_move_below_what_the_metric_calls_a_difference_is_none() -> None:
    assert LOWER.absolute_error == pytest.approx(0.1)
    assert allowed_move(LOWER, 0.01, 0.25) == LOWER.absolute_error
    assert allowed_move(LOWER, None, 0.25) == LOWER.absolute_error
    assert allowed_move(LOWER, 4.0, 0.25) == 1.0
    assert allowed_move(HIGHER, 0.4, 0.25) == pytest.approx(0.1)
