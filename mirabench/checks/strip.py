"""A film strip on disk: a few frames of a clip side by side, for the person who reads a failure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from mirabench.errors import VideoError
from mirabench.features.film_strip import pictures
from mirabench.files import write_bytes
from mirabench.identity import digest_of
from mirabench.inputs.samples import Sample
from mirabench.report.model import Report
from mirabench.run.clip import ClipTask, score_clip
from mirabench.run.plan import STRIP, Plan
from mirabench.suites.api import Suite
from mirabench.video.decode import open_video
from mirabench.video.frames import UInt8Array


def write_strip(
    sample: Sample, folder: Path, *, cache: Path | None, fps: float | None = None
) -> Path:
    """Write the film strip of a clip and return its absolute path, `<folder>/<clip>-<digest>.jpg`.

    Args:
        sample: The clip.
        folder: Made when it is missing.
        cache: Folder of the feature cache, where the pictures may be already.
        fps: Frames a second of a clip that carries none.

    Raises:
        VideoError: the clip cannot be read.
        OutputError: the picture cannot be written.
    """
    plan = Plan(Suite("film strip", 1, ()), (STRIP.resolve(),), (), ())
    scored = score_clip(ClipTask(sample, plan, cache, fps=fps))
    strip = scored.kept.get(STRIP.resolve())
    if strip is None or scored.info is None:
        raise VideoError(scored.error or f"{sample.id}: no picture of it could be made")
    name = re.sub(r"[^\w.-]+", "-", sample.id)[-60:].strip("-.")
    path = folder.resolve() / f"{name}-{digest_of(scored.info.sha256, 8)}.jpg"
    write_bytes(path, _encoded(_side_by_side(pictures(strip))))
    return path


def clip_of(report: Report, video_id: str) -> list[Sample]:
    """The clip of a report, if its file is still the one that was scored; else nothing."""
    record = next((v for v in report.videos if v.id == video_id), None)
    if record is None or not Path(record.path).exists():
        return []
    try:
        same = open_video(Path(record.path)).info.sha256 == record.sha256
    except VideoError:
        return []
    return [Sample(record.id, Path(record.path))] if same else []


def _side_by_side(files: Sequence[tuple[float, bytes]]) -> UInt8Array:
    """(H, W, 3) BGR: the pictures in a row, each with its time below."""
    cells = []
    for seconds, file in files:
        picture = cv2.imdecode(np.frombuffer(file, np.uint8), cv2.IMREAD_COLOR)
        cell = cv2.copyMakeBorder(picture, 2, 18, 2, 2, cv2.BORDER_CONSTANT, value=(255, 255, 255))
        at = (4, cell.shape[0] - 5)
        cv2.putText(
            cell, f"{seconds:.2f} s", at, cv2.FONT_HERSHEY_SIMPLEX, 0.4, (60, 60, 60), 1, cv2.LINE_AA
        )  # fmt: skip
        cells.append(cell)
    row: UInt8Array = np.hstack(cells)
    return row


def _encoded(picture: UInt8Array) -> bytes:
    _, file = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, 85])
    return bytes(file.tobytes())
