"""The radar draws one metric for each dimension, on a scale that it states."""

from __future__ import annotations

import pytest

from mirabench.metrics.api import DIMENSIONS
from mirabench.report.charts import radar
from mirabench.report.model import MetricSummary, Report, SuiteRecord
from mirabench.report.radar import drawn_metric, place, radar_note, radar_spokes


def summary(
    mean: float | None,
    *,
    ends: tuple[float | None, float | None] = (None, None),
    higher: bool = True,
    dimension: str = "visual quality",
) -> MetricSummary:
    return MetricSummary(
        dimension=dimension, unit="", higher_is_better=higher, scope="clip", summary="", mean=mean,
        range_low=ends[0], range_high=ends[1], n=1, coverage=1.0, clusters=1,
    )  # fmt: skip


def report(**metrics: MetricSummary) -> Report:
    return Report(
        suite=SuiteRecord(name="mine", version=1, digest="d"), partial=False, summary=metrics,
        videos=[], protocols={}, provenance={},
    )  # fmt: skip


def test_a_metric_with_two_ends_is_at_its_place_between_them() -> None:
    assert place("x", summary(3.0, ends=(2.0, 6.0))) == 0.25
    assert place("x", summary(3.0, ends=(2.0, 6.0), higher=False)) == 0.75


def test_a_metric_without_an_end_is_half_way_at_its_stated_value() -> None:
    assert place("fvd", summary(500.0, higher=False)) == 0.5
    assert place("fvd", summary(0.0, higher=False)) == 1.0


def test_what_has_no_mean_or_no_scale_has_no_place() -> None:
    assert place("x", summary(None, ends=(0.0, 1.0))) is None
    assert place("x", summary(1.0)) is None


@pytest.mark.parametrize("mean", [-5.0, 0.0, 0.5, 1.0, 7.0])
def test_no_place_is_outside_of_the_picture(mean: float) -> None:
    found = place("x", summary(mean, ends=(0.0, 1.0)))
    assert found is not None and 0 <= found <= 1


def test_the_preferred_metric_stands_for_its_dimension_if_it_was_measured() -> None:
    ends = (0.0, 1.0)
    both = report(exposure=summary(0.2, ends=ends), sharpness=summary(0.9, ends=ends))
    assert drawn_metric(both, "visual quality") == "sharpness"
    other = report(exposure=summary(0.2, ends=ends), sharpness=summary(None, ends=ends))
    assert drawn_metric(other, "visual quality") == "exposure"


def test_each_dimension_has_its_spoke_and_says_what_it_is() -> None:
    spokes = radar_spokes(report(sharpness=summary(0.5, ends=(0.0, 1.0)), odd=summary(
        3.0, dimension="motion strength")))  # fmt: skip
    assert [s.name for s in spokes] == list(DIMENSIONS)
    notes = {s.name: s.notes for s in spokes}
    assert notes["visual quality"] == ("sharpness ↑", "0.5000")
    assert notes["motion strength"] == ("no fixed scale",)
    assert notes["3D consistency"] == ("not measured",)


def test_the_note_names_the_scale_of_what_is_drawn_only() -> None:
    drawn = report(warping_error=summary(1.0, higher=False, dimension="temporal consistency"))
    assert "the inner ring is at warping_error 10." in radar_note(drawn)
    assert "inner ring" not in radar_note(report(sharpness=summary(0.5, ends=(0.0, 1.0))))


def test_two_spokes_make_no_polygon() -> None:
    spokes = radar_spokes(report(sharpness=summary(0.5, ends=(0.0, 1.0))))
    assert "<polygon" not in radar(spokes)
    assert radar(spokes).count('class="spoke open"') == 5
