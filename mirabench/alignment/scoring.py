"""Scores of rated videos, from files or from a report, with the direction that makes more better."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from mirabench.alignment.matching import match
from mirabench.alignment.ratings import Video as RatedVideo
from mirabench.errors import InputError, UnknownNameError, VideoError
from mirabench.inputs.prompts import Prompt
from mirabench.inputs.remote import at_hand
from mirabench.inputs.samples import Sample, collect
from mirabench.report.model import Report, VideoRecord, load_report
from mirabench.run.evaluate import run
from mirabench.run.plan import make_plan
from mirabench.run.prepare import Job
from mirabench.run.score import Options, cache_folder
from mirabench.suites.api import load_suite
from mirabench.video.decode import open_video
from mirabench.video.frames import CHUNK_BYTES, FrameBatch, Video, VideoInfo, frames_per_chunk

COUNTS = ("ok", "truncated")
"""Statuses whose number counts; the others are left out and counted."""


@dataclass(frozen=True, slots=True)
class Scored:
    """One metric's scores of the rated videos, higher is better."""

    name: str
    values: Mapping[str, float]
    """Rated video -> score, negated where lower is better."""
    left_out: int = 0
    """Videos that are there and have no valid score."""
    why: str = ""
    """The first reason among them."""
    protocols: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ScoredVideos:
    """Where scores come from."""

    scored: list[Scored]
    bitrate: Scored | None
    """Thousands of bits per second of each file; None when no file is available."""
    found: Mapping[str, Sample]
    """Rated video -> its file; empty for a report."""
    matched: int


@dataclass(frozen=True, slots=True)
class Running:
    """How videos are scored; none of it changes a number."""

    workers: int = 1
    cache: bool | str | Path = True
    device: str = "auto"


def from_videos(
    videos: str | Path, metrics: Sequence[str], rated: Mapping[str, RatedVideo], running: Running
) -> ScoredVideos:
    """Score the rated videos among files.

    Args:
        videos: A folder, glob or manifest.
        metrics: Registered metrics of scope `clip`.
        rated: Name in the ratings -> video, whose prompt is used where a metric needs one.
        running: Workers, cache, device.

    Raises:
        InputError: no rated video is there, or a metric compares sets.
    """
    there = {_key(s): s for s in collect([videos])}
    matched = match(rated, there, str(videos))
    found = {name: _named(name, sample, rated[name]) for name, sample in matched.items()}
    report = _evaluated(found, metrics, running)
    records = {v.id: v for v in report.videos}
    return ScoredVideos(_scores(report, metrics, records), _bitrate(records), found, len(found))


def from_report(
    path: str | Path, metrics: Sequence[str], rated: Mapping[str, RatedVideo]
) -> ScoredVideos:
    """Take the scores of an earlier run.

    Raises:
        ReportError: no report.
        InputError: no rated video is in it, or it lacks a metric.
    """
    report = load_report(path)
    for name in metrics:
        if name not in report.summary:
            raise UnknownNameError("metric of the report", name, report.summary)
    by_path = {v.path if v.path != "array" else v.id: v for v in report.videos}
    mine = match(rated, by_path, str(path))
    return ScoredVideos(_scores(report, metrics, mine), _bitrate(mine), {}, len(mine))


def static_clips(source: ScoredVideos, metrics: Sequence[str], running: Running) -> list[Scored]:
    """The same metrics on static clips, in which the first frame is held for the whole clip.

    What still agrees with people there was read from one picture, and not from a video.
    """
    still = {}
    for name, sample in source.found.items():
        try:
            with at_hand(sample.source) as here:
                held = _Held(open_video(here))
        except VideoError:  # the video has no score either, whose reason says why
            continue
        still[name] = replace(sample, source=held)
    if not still:
        return []
    report = _evaluated(still, metrics, replace(running, cache=False))
    return _scores(report, metrics, {v.id: v for v in report.videos})


def _key(sample: Sample) -> str:
    return sample.source.as_posix() if isinstance(sample.source, Path) else sample.id


def _evaluated(samples: Mapping[str, Sample], metrics: Sequence[str], running: Running) -> Report:
    """A report in which each video's id is its name in the ratings."""
    suite = load_suite("lite").only(metrics)
    plan = make_plan(
        suite,
        with_prompts=any(s.prompt for s in samples.values()),
        with_reference=False,
        pictures=False,
    )
    if plan.skipped:
        name, why = plan.skipped[0]
        raise InputError(f"the metric {name!r} gives no number for single rated videos: {why}")
    options = Options(running.workers, cache_folder(running.cache), device=running.device)
    return run(Job(suite, plan, list(samples.values()), []), None, options)


def _named(name: str, sample: Sample, rated: RatedVideo) -> Sample:
    """The sample under its name in the ratings, with the prompt that they tell."""
    prompt = sample.prompt or (Prompt(rated.prompt, rated.prompt) if rated.prompt else None)
    return replace(sample, id=name, prompt=prompt)


def _scores(
    report: Report, metrics: Sequence[str], records: Mapping[str, VideoRecord]
) -> list[Scored]:
    return [_scores_of(report, name, records) for name in metrics]


def _scores_of(report: Report, name: str, records: Mapping[str, VideoRecord]) -> Scored:
    sign = 1.0 if report.summary[name].higher_is_better else -1.0
    values, reasons, protocols = {}, [], set()
    for video, record in records.items():
        score = record.scores.get(name)
        if score is not None and score.status in COUNTS:
            values[video] = sign * score.value
            protocols.add(score.protocol)
        else:
            reasons.append(_reason(record, name))
    why = reasons[0] if reasons else ""
    return Scored(name, values, len(reasons), why, tuple(sorted(protocols)))


def _reason(record: VideoRecord, name: str) -> str:
    score = record.scores.get(name)
    if score is not None:
        return f"{score.status}: {score.why}"
    return (
        record.error or record.failures.get(name) or record.not_applicable.get(name) or "no score"
    )


def _bitrate(records: Mapping[str, VideoRecord]) -> Scored | None:
    values = {}
    for video, record in records.items():
        path = Path(record.path)
        if record.duration_seconds and path.is_file():
            values[video] = path.stat().st_size * 8 / record.duration_seconds / 1000
    if not values:
        return None
    left_out = len(records) - len(values)
    return Scored("bitrate", values, left_out, "no file whose size tells" if left_out else "")


class _Held:
    """The first frame of a video, shown for its whole length; one picture in memory."""

    def __init__(self, video: Video) -> None:
        first = next(iter(video.frames(chunk_bytes=1)))
        self._frame = first.data[:1]
        facts = video.info
        digest = hashlib.sha256(f"held {facts.sha256}".encode()).hexdigest()
        self._info = replace(facts, sha256=digest)

    @property
    def info(self) -> VideoInfo:
        """Facts about the copy: those of the video, under an identity of its own."""
        return self._info

    def frames(self, *, chunk_bytes: int = CHUNK_BYTES) -> Iterator[FrameBatch]:
        """The frame again and again, at the times of the video's frames."""
        step = frames_per_chunk(self._info.width, self._info.height, chunk_bytes)
        seconds = self._info.seconds
        for start in range(0, self._info.num_frames, step):
            index = np.arange(start, min(start + step, self._info.num_frames), dtype=np.int64)
            data = np.repeat(self._frame, len(index), axis=0)
            yield FrameBatch(data, index, seconds[index])
