"""The jackknife of distances: known answers, degrees of freedom, and coverage by simulation."""

from __future__ import annotations

import numpy as np
import pytest

from mirabench.errors import MetricError
from mirabench.maths.distribution import (
    Moments,
    frechet_distance,
    jackknife_error,
    satterthwaite,
    two_sided_jackknife,
)
from mirabench.metrics import learned_distances
from mirabench.metrics.api import MetricSpec, SetMeasured
from mirabench.report.build import summarise_set
from mirabench.video.frames import ArrayVideo

VIDEO = ArrayVideo(np.zeros((1, 2, 2, 3), np.uint8)).info


def leave_one_out_mean(values: np.ndarray):
    return lambda i: float(np.delete(values, i).mean())


def test_of_a_mean_it_is_the_standard_error() -> None:
    values = np.array([1.0, 2.0, 6.0, 7.0])
    expected = values.std(ddof=1) / 2
    assert jackknife_error(leave_one_out_mean(values), 4) == pytest.approx(expected)


def test_two_sides_add_their_variances() -> None:
    ours, theirs = np.array([1.0, 2.0, 3.0, 4.0, 5.0]), np.array([0.0, 0.0, 9.0, 9.0, 0.0, 0.0])
    found = two_sided_jackknife(leave_one_out_mean(ours), 5, leave_one_out_mean(theirs), 6)
    one, two = ours.var(ddof=1) / 5, theirs.var(ddof=1) / 6
    assert found.standard_error == pytest.approx((one + two) ** 0.5)
    expected = (one + two) ** 2 / (one**2 / 4 + two**2 / 5)
    assert found.degrees_of_freedom == pytest.approx(expected)


def test_four_groups_on_a_side_give_no_error() -> None:
    few, enough = np.arange(4.0), np.arange(5.0)
    assert two_sided_jackknife(leave_one_out_mean(few), 4, leave_one_out_mean(enough), 5) is None
    assert two_sided_jackknife(leave_one_out_mean(enough), 5, leave_one_out_mean(few), 4) is None


def test_degrees_of_freedom_lie_between_the_fewer_and_the_sum() -> None:
    assert satterthwaite(1.0, 4, 1.0, 4) == 8
    assert satterthwaite(1.0, 4, 0.0, 99) == 4
    assert satterthwaite(2.0, 3, 1.0, 12) == pytest.approx(9 / (4 / 3 + 1 / 12))
    assert satterthwaite(0.0, 4, 0.0, 5) == 9


def _spec(low: float = float("-inf")) -> MetricSpec:
    return MetricSpec(
        name="d", version=1, dimension="distribution similarity", summary="", unit="",
        range=(low, float("inf")), higher_is_better=False, needs={}, scope="set",
    )  # fmt: skip


class TestTheIntervalOfASet:
    def test_uses_the_degrees_of_freedom_of_the_error(self) -> None:
        # t of 4 degrees at 0.975 is 2.7764; of 99 it would be 1.984
        found = summarise_set(_spec(), SetMeasured(10.0, 1.0, 100, degrees_of_freedom=4), 100, "p")
        assert (found.ci_low, found.ci_high) == pytest.approx((7.22355, 12.77645), abs=1e-4)

    def test_without_them_has_those_of_the_clips(self) -> None:
        found = summarise_set(_spec(), SetMeasured(10.0, 1.0, 11), 11, "p")
        assert (found.ci_low, found.ci_high) == pytest.approx((7.77186, 12.22814), abs=1e-4)

    def test_stays_in_the_metrics_range(self) -> None:
        found = summarise_set(_spec(0.0), SetMeasured(1.0, 5.0, 11), 11, "p")
        assert found.ci_low == 0.0

    @pytest.mark.parametrize("clips", [1, 4])
    def test_is_absent_below_five_clips(self, clips: int) -> None:
        found = summarise_set(_spec(), SetMeasured(10.0, 1.0, clips), clips, "p")
        assert (found.mean, found.ci_low, found.ci_high) == (10.0, None, None)

    def test_a_metric_with_no_degrees_of_freedom_left_is_refused(self) -> None:
        with pytest.raises(MetricError, match="degrees_of_freedom is 0: give a number above 0"):
            SetMeasured(1.0, 1.0, 9, degrees_of_freedom=0)


def test_frechet_rests_on_its_groups_however_many_clips(monkeypatch: pytest.MonkeyPatch) -> None:
    """5 groups a side: 4 to 8 degrees of freedom, of 100 clips."""
    monkeypatch.setitem(learned_distances.MOST_GROUPS, 2, 5)
    found = learned_distances.frechet(*_sets(np.random.default_rng(0), 100, 2))
    assert 4 <= found.degrees_of_freedom <= 8


def test_the_interval_of_grouped_frechet_distances_covers_the_truth(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """With the clips' degrees of freedom it covered 89 %, with the groups' 94 %."""
    monkeypatch.setitem(learned_distances.MOST_GROUPS, 2, 5)
    random, runs = np.random.default_rng(1), 300
    held = 0
    for _ in range(runs):
        found = learned_distances.frechet(*_sets(random, 60, 2))
        summary = summarise_set(_spec(), found, 60, "p")
        held += summary.ci_low <= 2.0 <= summary.ci_high  # two unit normals, a step of 1 each way
    assert 0.92 <= held / runs <= 0.975


def test_the_interval_of_kernel_distances_covers_the_truth() -> None:
    """By the U-statistic over clips, in 32 dimensions; it is unbiased, so the truth is the mean of many."""
    random, runs = np.random.default_rng(2), 200
    found = [learned_distances.kernel(*_sets(random, 12, 32)) for _ in range(runs)]
    truth = np.mean([f.value for f in found])
    summaries = [summarise_set(_spec(), f, 12, "p") for f in found]
    held = np.mean([s.ci_low <= truth <= s.ci_high for s in summaries])
    assert held >= 0.93


def _sets(
    random: np.random.Generator, clips: int, size: int
) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Clips of one vector each: unit normals, one set a step of 1 away in every direction."""
    ours, theirs = random.normal(size=(2, clips, 1, size))
    return list(ours), list(theirs + 1)


def test_leaving_out_is_subtraction() -> None:
    vectors = np.random.default_rng(4).normal(size=(6, 3))
    parts = [Moments.of(v[None]) for v in vectors]
    total = Moments.of(vectors)
    rest = Moments.of(np.delete(vectors, 2, 0))
    other = Moments.of(vectors + 1)
    assert frechet_distance(total - parts[2], other) == pytest.approx(frechet_distance(rest, other))
