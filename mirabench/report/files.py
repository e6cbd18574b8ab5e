"""Writing a run's folder: all files or none, so that after an error an older report is as it was."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator, Mapping, Set
from contextlib import suppress
from pathlib import Path
from typing import Any

from mirabench.errors import OutputError
from mirabench.files import encoded, replacing_together
from mirabench.report.model import Report
from mirabench.report.page_data import DATA_FILE, DATA_FOLDER, PageFile


def scores_csv(report: Report) -> str:
    """Long form: one row per clip and metric; what failed has a status and no value.

    The last column names the health flags of the clip, with spaces between them.
    """
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(
        ["video_id", "metric", "dimension", "value", "status", "protocol", "why", "health"]
    )
    for video in report.videos:
        health = " ".join(video.health)
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
            writer.writerow([video.id, metric, summary.dimension, *row, health])
    return buffer.getvalue()


def write_run(
    folder: Path, report: Report, page: Iterable[PageFile], run: Mapping[str, Any]
) -> None:
    """Write `report.json`, `scores.csv`, `report.html` with its data, and `run.json`: all of them or none.

    Everything is written aside first. After an error the older report is there as it was. For the run that
    holds the folder's lock.

    Args:
        folder: The output folder; made when missing.
        report: What the run found.
        page: The page's files, as `page_files` gives them; they are written one by one.
        run: What `run.json` holds.

    Raises:
        OutputError: a file cannot be written.
    """
    names = set()
    with replacing_together(folder) as aside:
        for name, text in _texts(report, page, run):
            names.add(name)
            try:
                (aside / name).parent.mkdir(exist_ok=True)
                (aside / name).write_bytes(encoded(text))
            except OSError as error:
                raise OutputError.writing(folder / name, error) from error
    _remove_older_data(folder, names)


def _texts(
    report: Report, page: Iterable[PageFile], run: Mapping[str, Any]
) -> Iterator[tuple[str, str]]:
    yield "report.json", report.to_json()
    yield "scores.csv", scores_csv(report)
    yield from page
    yield "run.json", json.dumps(run, indent=2) + "\n"


def _remove_older_data(folder: Path, names: Set[str]) -> None:
    """Remove the data of the page that was replaced; a file that stays does no harm: nothing refers to it."""
    data = folder / DATA_FOLDER
    with suppress(OSError):
        for path in data.iterdir() if data.is_dir() else ():
            if DATA_FILE.fullmatch(path.name) and f"{DATA_FOLDER}/{path.name}" not in names:
                path.unlink()
        data.rmdir()  # refused unless it is empty
