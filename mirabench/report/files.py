"""Writing a run's folder: every file atomically, so that a reader never sees half of one."""

from __future__ import annotations

import csv
import io
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mirabench.errors import OutputError
from mirabench.report.model import Report


def write_atomically(path: Path, text: str) -> None:
    """Write a text file in one step.

    Raises:
        OutputError: the folder is not writable, or the disk is full.
    """
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        part.write_text(text, encoding="utf-8", newline="\n")
        part.replace(path)
    except OSError as error:
        raise OutputError.writing(path, error) from error
    finally:
        _remove(part)


def _remove(path: Path) -> None:
    try:
        path.unlink(missing_ok=True)
    except OSError:
        return


def require_writable(folder: Path) -> None:
    """Find out before the work whether its result can be written.

    Raises:
        OutputError: it cannot.
    """
    probe = folder / f".probe.{os.getpid()}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe.write_text("")
        probe.unlink()
    except OSError as error:
        raise OutputError.writing(folder, error) from error


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
    write_atomically(folder / "report.json", report.to_json())
    write_atomically(folder / "scores.csv", scores_csv(report))
    write_atomically(folder / "report.html", page)
    write_atomically(folder / "run.json", json.dumps(run, indent=2) + "\n")
