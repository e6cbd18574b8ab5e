"""Writing a run's folder: every file atomically, so that a reader never sees half of one."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mirabench.files import write_text
from mirabench.report.model import Report


def scores_csv(report: Report) -> str:
    """Long form: one row per clip and metric; what failed has a status and no value."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(["video_id", "metric", "dimension", "value", "status", "protocol", "why"])
    for video in report.videos:
        for metric, summary in report.summary.items():
            if metric in video.scores:
                score = video.scores[metric]
                row = [repr(score.value), score.status, score.protocol, score.why]
            elif metric in video.failures:
                row = ["", "failed", "", video.failures[metric]]
            elif metric in video.not_applicable:
                row = ["", "not_applicable", "", video.not_applicable[metric]]
            else:
                continue
            writer.writerow([video.id, metric, summary.dimension, *row])
    return buffer.getvalue()


def write_run(folder: Path, report: Report, page: str, run: Mapping[str, Any]) -> None:
    """Write `report.json`, `scores.csv`, `report.html` and `run.json`.

    Raises:
        OutputError: a file cannot be written; the others may be there, each whole.
    """
    write_text(folder / "report.json", report.to_json())
    write_text(folder / "scores.csv", scores_csv(report))
    write_text(folder / "report.html", page)
    write_text(folder / "run.json", json.dumps(run, indent=2) + "\n")
