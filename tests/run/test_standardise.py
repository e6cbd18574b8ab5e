"""Standardised over motion, in the report: quarters of a reference, a bin that nobody filled, the still."""

from __future__ import annotations

import re
from pathlib import Path

import clipkit
import numpy as np
import pytest

import mirabench
from mirabench.report.model import load_report
from mirabench.report.table import at_equal_motion, problems

METRICS = ["flow_magnitude", "thumbnail_lag_similarity"]
SIZE = (64, 36)


def pans(speeds: list[float]) -> list[np.ndarray]:
    return [clipkit.panning(9, dx=s, size=SIZE, seed=i) for i, s in enumerate(speeds)]


REFERENCE = pans(np.linspace(0.6, 4.4, 20).tolist())


@pytest.fixture(scope="module")
def reports(tmp_path_factory: pytest.TempPathFactory) -> tuple[mirabench.Report, str]:
    """Eight slow clips and five of the fastest quarter, with the page."""
    folder = tmp_path_factory.mktemp("run")
    report = mirabench.evaluate(
        pans([0.7, 0.8, 0.9, 1.0, 1.1, 1.2, 0.75, 0.85, 4.0, 4.1, 4.2, 3.9, 4.3]),
        metrics=METRICS, reference=REFERENCE, fps=8, cache=False, output=folder,
    )  # fmt: skip
    return report, (folder / "report.html").read_text()


def test_bins_that_are_filled_count_by_the_references_weights(
    reports: tuple[mirabench.Report, str],
) -> None:
    report, _ = reports
    summary = report.summary["thumbnail_lag_similarity"]
    scores = [v.scores["thumbnail_lag_similarity"].value for v in report.videos]
    assert summary.standardised_coverage == pytest.approx(0.5, abs=0.11)
    expected = (np.mean(scores[:8]) + np.mean(scores[8:])) / 2
    assert summary.standardised == pytest.approx(expected, rel=0.03)
    assert summary.mean == pytest.approx(np.mean(scores))
    assert summary.mean > summary.standardised + 0.02  # eight of thirteen hardly move


def test_a_still_has_its_score_beside_it(reports: tuple[mirabench.Report, str]) -> None:
    report, _ = reports
    assert report.summary["thumbnail_lag_similarity"].still == 0.0
    assert report.summary["flow_magnitude"].still is None  # not of the dimension


def test_page_and_terminal_say_it(reports: tuple[mirabench.Report, str]) -> None:
    report, page = reports
    words = at_equal_motion(report.summary["thumbnail_lag_similarity"])
    assert re.fullmatch(
        r"at the reference's motion 0\.\d+ \(\d\d% covered\); a still scores 0\.000", words
    )
    assert words.replace("'", "&#39;") in page
    assert f"- thumbnail_lag_similarity: {words}" in list(problems(report))


def test_a_reference_file_gives_the_same_bins(tmp_path: Path) -> None:
    from mirabench.run.build_reference import build_reference, prepare_reference
    from mirabench.run.reference import write_statistics
    from mirabench.run.score import Options

    path = tmp_path / "reference.npz"
    job = prepare_reference(REFERENCE, metrics=METRICS, fps=8)
    write_statistics(path, build_reference(job, Options()))
    few = pans([0.7, 0.8, 0.9, 1.0, 1.1])
    options = {"metrics": METRICS, "fps": 8, "cache": False}
    by_file = mirabench.evaluate(few, reference=path, **options)  # type: ignore[arg-type]
    by_clips = mirabench.evaluate(few, reference=REFERENCE, **options)  # type: ignore[arg-type]
    one, two = (r.summary["thumbnail_lag_similarity"] for r in (by_file, by_clips))
    assert one.standardised == two.standardised is not None
    assert one.standardised_coverage == two.standardised_coverage


def test_without_a_reference_nothing_is_said(tmp_path: Path) -> None:
    report = mirabench.evaluate(pans([1.0]), metrics=METRICS, fps=8, cache=False, output=tmp_path)
    assert report.summary["thumbnail_lag_similarity"].standardised_coverage is None
    assert at_equal_motion(load_report(tmp_path).summary["thumbnail_lag_similarity"]) == ""
