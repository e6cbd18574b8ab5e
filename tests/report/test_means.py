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


def test_coverage_is_over_the_clips_that_the_metric_applies_to():
    """Of five clips one is not asked, one failed, one is degenerate: two of four count."""
    clips = [
        clip("a", sharpness=0.2),
        clip("b", sharpness=0.4),
        clip("c", sharpness=0.9, degenerate=[METRIC]),
        clip("d", failed=[METRIC]),
        clip("e"),
    ]
    clips[4].not_applicable[METRIC] = "not asked"
    found = report(clips).summary[METRIC]
    assert (found.n, found.not_applicable, found.failed) == (2, 1, 1)
    assert found.coverage == 0.5


def test_three_clips_show_a_dash_and_one_note_why():
    found = report([clip(name, sharpness=0.5, noise=2.0) for name in "abc"])
    assert found.summary[METRIC].ci_low is None
    text = shown(found)
    assert "0.5000 │ -" in text
    assert text.count("intervals need at least 5 prompts") == 1
    page = " ".join(render_page(found, {}).split())
    assert page.count("intervals need at least 5 prompts") == 1


def test_five_clips_need_no_note():
    found = report([clip(name, sharpness=0.1 * i) for i, name in enumerate("abcde")])
    assert found.summary[METRIC].ci_low is not None
    assert "intervals need" not in shown(found)
    assert "intervals need" not in render_page(found, {})


def test_the_interval_of_a_bounded_metric_stays_in_its_range():
    found = report(
        [clip(name, sharpness=v) for name, v in zip("abcde", (0, 0, 0, 0, 1.0), strict=True)]
    )
    # 0.2 -+ 2.776 * 0.2 would begin below 0
    assert found.summary[METRIC].ci_low == 0.0
    assert found.summary[METRIC].ci_high > 0.7
