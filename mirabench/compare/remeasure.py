"""Remeasuring clips under circumstances that say nothing about them: the error budget of each number.

Each clip is written again in several versions of each source of error, and all are scored by one suite:

    decoder     colours converted by other filters of FFmpeg's scaler
    resize      three quarters of the size, by different filters
    rate        every second frame
    codec       encoded again at a quality that looks the same
    repeat      scored again, one frame at a time
    precision, device, seed     where a metric has another one (`circumstances`)

All versions but those of `codec` are kept without loss. The band of a metric is `MARGIN` times the root of the
sum of squares of the largest departures, one of each source, so that it also holds for what was not tried.
"""

from __future__ import annotations

import math
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
from av.video.reformatter import Interpolation

from mirabench.compare.circumstances import circumstances
from mirabench.compare.error_budget import ErrorBudget, MetricBudget, SourceError
from mirabench.errors import InputError
from mirabench.inputs.prompts import Prompt
from mirabench.inputs.samples import Sample, collect
from mirabench.report.model import Report
from mirabench.run.evaluate import evaluate
from mirabench.run.plan import make_plan
from mirabench.suites.api import Suite, load_suite
from mirabench.video.decode import open_video
from mirabench.video.encode import write_video
from mirabench.video.frames import UInt8Array
from mirabench.video.reading import decoded

MARGIN = 1.5


class Film(NamedTuple):
    """A clip's frames and their rate."""

    path: Path
    frames: UInt8Array
    fps: Fraction


@dataclass(frozen=True, slots=True)
class Version:
    """One way to measure a clip again."""

    source: str
    name: str
    frames: Callable[[Film], UInt8Array]
    fps: Fraction = Fraction(1)
    """Times the clip's own."""
    codec: str = "ffv1"
    pixel_format: str = "bgr0"
    options: Mapping[str, str] | None = None


def converted(how: Interpolation) -> Callable[[Film], UInt8Array]:
    """The frames of a film, its colours converted by a filter of FFmpeg's scaler."""

    def frames(film: Film) -> UInt8Array:
        pictures = decoded(film.path)
        return np.stack(
            [p.reformat(format="rgb24", interpolation=how).to_ndarray() for p in pictures]
        )

    return frames


def resized(share: float, how: int) -> Callable[[Film], UInt8Array]:
    """The frames of a film at a share of their width and height, even numbers of px, by a filter of OpenCV."""

    def frames(film: Film) -> UInt8Array:
        height, width = (max(2, round(share * side / 2) * 2) for side in film.frames.shape[1:3])
        return np.stack([cv2.resize(f, (width, height), interpolation=how) for f in film.frames])

    return frames


def whole(film: Film) -> UInt8Array:
    """The frames of a film as they are."""
    return film.frames


def _halved(film: Film) -> UInt8Array:
    return film.frames[::2]


X264 = {"x264-params": "cpu-independent=1:threads=1", "crf": "18"}
X265 = {"x265-params": "log-level=none:crf=18"}
VERSIONS = (
    Version("decoder", "area", converted(Interpolation.AREA)),
    Version("decoder", "fast bilinear", converted(Interpolation.FAST_BILINEAR)),
    Version("resize", "area", resized(0.75, cv2.INTER_AREA)),
    Version("resize", "bilinear", resized(0.75, cv2.INTER_LINEAR)),
    Version("resize", "bicubic", resized(0.75, cv2.INTER_CUBIC)),
    Version("rate", "half", _halved, Fraction(1, 2)),
    Version("codec", "x264 crf 18", whole, codec="libx264", pixel_format="yuv420p", options=X264),
    Version("codec", "x265 crf 18", whole, codec="libx265", pixel_format="yuv420p", options=X265),
)
SOURCES = (*dict.fromkeys(version.source for version in VERSIONS), "repeat")
"""Of every metric."""


class Remeasured(NamedTuple):
    """The report of the same clips under one other circumstance."""

    source: str
    report: Report
    metrics: frozenset[str] | None = None
    """Those that it can touch; None for all."""


def error_budget_of(
    clips: Sequence[str | Path],
    *,
    suite: str | Path = "lite",
    metrics: Sequence[str] | None = None,
    device: str = "auto",
    allow_noncommercial: bool = False,
    cache: bool | str | Path = True,
    progress: Callable[[str], None] = lambda _: None,
) -> ErrorBudget:
    """What decoder, resize, rate, codec, a repetition, precision, device and seed do to each number.

    Args:
        clips: Video files, folders of them, globs or manifests, whose prompts count; each clip is held in
            memory while its versions are written.
        suite: As for `mirabench.evaluate`.
        metrics: Only these; those of sets of clips are left out.
        device: As for `mirabench.evaluate`.
        allow_noncommercial: As for `mirabench.evaluate`.
        cache: As for `mirabench.evaluate`.
        progress: Told which version is measured.

    Raises:
        InputError: no clip, an unknown suite or metric, or something that is not a video file.
        VideoError: a clip cannot be decoded.
    """
    samples, chosen = _video_files(clips), _chosen(suite, metrics)
    paths, prompts = [Path(str(sample.source)) for sample in samples], prompts_of(samples)
    make_plan(chosen, with_prompts=bool(prompts), with_reference=False, pictures=False)
    scored = partial(evaluate, prompts=prompts or None, allow_noncommercial=allow_noncommercial)
    with tempfile.TemporaryDirectory() as temporary:
        progress("the clips themselves")
        originals = list(written(paths, _AS_IS, Path(temporary) / "base"))
        base = scored(originals, suite=chosen, device=device, cache=cache)
        found: list[Remeasured] = []
        for version in VERSIONS:
            progress(f"{version.source}: {version.name}")
            again = list(written(paths, version, Path(temporary) / version.name))
            report = scored(again, suite=chosen, device=device, cache=cache)
            found.append(Remeasured(version.source, report))
        progress("repeat")
        # what is kept of the first time would only be read again
        repeated = scored(originals, suite=chosen, device=device, cache=False, chunk_bytes=1)
        found.append(Remeasured("repeat", repeated))
        for other in circumstances(chosen, device):
            progress(f"{other.source}: {other.name}")
            repeated = scored(originals, suite=other.suite, device=other.device, cache=False)
            found.append(Remeasured(other.source, repeated, other.metrics))
    return budget_of(base, found)


def _chosen(suite: str | Path, metrics: Sequence[str] | None) -> Suite:
    found = load_suite(suite)
    return found if metrics is None else found.only(metrics)


def _video_files(clips: Sequence[str | Path]) -> list[Sample]:
    samples = collect(clips)
    for sample in samples:
        if not isinstance(sample.source, Path) or sample.source.is_dir():
            raise InputError(
                f"{sample.source} is not a video file: an error budget is measured on video files"
            )
    return samples


def prompts_of(samples: Sequence[Sample]) -> dict[str, Prompt]:
    """Id of a clip's versions -> what the clip was asked to show, of those that have a prompt."""
    return {_id_of(n): s.prompt for n, s in enumerate(samples) if s.prompt is not None}


def _id_of(number: int) -> str:
    return f"{number:04d}"


_AS_IS = Version("base", "as it is", whole)


def written(paths: Sequence[Path], version: Version, folder: Path) -> Iterator[Path]:
    """The files of a version of clips, written below a folder as they are asked for."""
    for number, path in enumerate(paths):
        video = open_video(path)
        batches = [batch.data for batch in video.frames()]
        film = Film(path, np.concatenate(batches), video.info.fps)
        yield write_video(
            folder / f"{_id_of(number)}.mkv",
            version.frames(film),
            fps=film.fps * version.fps,
            codec=version.codec,
            pixel_format=version.pixel_format,
            options=dict(version.options or {}),
        )


def budget_of(base: Report, versions: Iterable[Remeasured]) -> ErrorBudget:
    """The budget from the report of the clips and those of each version, clips in the same order."""
    metrics = {}
    reports = list(versions)
    for name, summary in base.summary.items():
        if summary.scope != "clip":
            continue
        apart: dict[str, list[float]] = {}
        for source, report, touched in reports:
            if touched is None or name in touched:
                apart.setdefault(source, []).extend(_departures(base, report, name))
        sources = {
            source: SourceError(typical=float(np.median(each)), largest=max(each), n=len(each))
            for source, each in apart.items()
            if each
        }
        if sources:
            band = MARGIN * math.sqrt(math.fsum(error.largest**2 for error in sources.values()))
            metrics[name] = MetricBudget(
                unit=summary.unit, protocols=summary.protocols, band=band, sources=sources
            )
    return ErrorBudget(clips=len(base.videos), margin=MARGIN, metrics=metrics)


def _departures(base: Report, other: Report, name: str) -> Iterator[float]:
    for one, two in zip(base.videos, other.videos, strict=True):
        scores = one.scores.get(name), two.scores.get(name)
        if all(score is not None and score.status != "degenerate" for score in scores):
            first, second = scores
            assert first is not None and second is not None
            yield abs(second.value - first.value)
