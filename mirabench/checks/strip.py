"""A film strip on disk: a few frames of a clip side by side, for the person who reads a failure."""

from __future__ import annotations

import re
from pathlib import Path

from mirabench.errors import VideoError
from mirabench.features.film_strip import film_strip, side_by_side
from mirabench.files import write_bytes
from mirabench.identity import digest_of
from mirabench.inputs.samples import Sample
from mirabench.report.model import Report
from mirabench.video.decode import open_video


def write_strip(
    sample: Sample, folder: Path, *, cache: Path | None, fps: float | None = None
) -> Path:
    """Write the film strip of a clip and return its absolute path, `<folder>/<clip>-<digest>.jpg`.

    Args:
        sample: The clip.
        folder: Made when it is missing.
        cache: Folder of the feature cache, where the pictures may be already.
        fps: Frames per second of a clip that carries none.

    Raises:
        VideoError: the clip cannot be read.
        OutputError: the picture cannot be written.
    """
    strip = film_strip(sample.source, cache=cache, fps=fps)
    name = re.sub(r"[^\w.-]+", "-", sample.id)[-60:].strip("-.")
    path = folder.resolve() / f"{name}-{digest_of(strip.sha256, 8)}.jpg"
    write_bytes(path, side_by_side(strip.pictures))
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
