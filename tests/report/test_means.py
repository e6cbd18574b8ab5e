"""The two means of a metric: over the numbers that count, and over all as the public code averages."""

from __future__ import annotations

import io

import pytest
from reportkit import clip, report
from rich.console import Console

from mirabench.report.page import render_page
from mirabench.report.table import report_table

METRIC = "sharpness"


def test_both_means_are_there_when_a_number_does_not_count():
    found = report(
        [
            clip("a", sharpness=0.2),
            clip("b", sharpness=0.4),
            clip("c", sharpness=0.9, degenerate=[METRIC]),
        ]
    ).summary[METRIC]
    assert found.mean == pytest.approx(0.3)
    assert found.mean_of_all == pytest.approx(0.5)
    assert (found.n, found.degenerate) == (2, 1)


def test_a_failed_clip_is_in_neither_mean_as_in_the_reference():
    found = report([clip("a", sharpness=0.2), clip("b", failed=[METRIC])]).summary[METRIC]
    assert found.mean == found.mean_of_all == 0.2


def test_without_any_number_there_is_neither_mean():
    found = report([clip("a", failed=[METRIC])]).summary[METRIC]
    assert found.mean is None
    assert found.mean_of_all is None


def test_the_table_and_the_page_show_the_second_mean_only_where_it_differs():
    some = report([clip("a", sharpness=0.25), clip("b", sharpness=0.75, degenerate=[METRIC])])
    none = report([clip("a", sharpness=0.25), clip("b", sharpness=0.75)])
    assert "1 degenerate (mean with them 0.5000)" in shown(some)
    assert "mean with them" not in shown(none)
    assert "mean with them 0.5000" in render_page(some, {})
    assert "mean with them" not in render_page(none, {})


def shown(found) -> str:
    console = Console(file=io.StringIO(), width=200)
    console.print(report_table(found))
    return console.file.getvalue()
