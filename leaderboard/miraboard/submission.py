"""Is a report what it says it is? Every check that needs nothing but the report and its track.

The order is that of trust: bytes, schema, suite, prompts, rows, protocols, then the aggregates, which are
recomputed from the rows by the very functions that made them. Copies of other submissions are looked for
by `duplicates`, inside the store's transaction.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from pydantic import ValidationError

from mirabench.metrics.health import ALWAYS, FLAGS
from mirabench.report.model import SCHEMA_VERSION, Report, VideoRecord
from miraboard import duplicates
from miraboard.card import Card
from miraboard.duplicates import Mark, Sought
from miraboard.guard import Reason, SubmissionRefused, parse_json, refuse
from miraboard.protocols import check_protocols
from miraboard.recompute import check_aggregates
from miraboard.standing import Standing, standing_of
from miraboard.strips import picture_hash_of, read_strips
from miraboard.tracks import Track

MAX_CLIPS = 2_000
MAX_PROVENANCE = 20_000
"""Characters as JSON; `mirabench evaluate` writes about 2,000."""
MOST_REASONS = 12
"""Reasons told at once; the rest is counted."""

Check = Callable[[Report, Track], Iterator[Reason]]


@dataclass(frozen=True, slots=True)
class CheckedClip:
    """One clip as the board keeps it."""

    clip: str
    prompt: str
    sha256: str | None
    fingerprint: str | None
    scores: Mapping[str, float]
    """Metric -> value, of scores that count."""
    notes: Mapping[str, str]
    """Metric or health flag -> why there is no number, or what was seen."""
    marks: tuple[Mark, ...]
    near: Mapping[int, Sought]


@dataclass(frozen=True, slots=True)
class Strip:
    """A film strip that this server drew."""

    jpeg: bytes
    picture_hash: bytes | None
    """Its hash; None for a flat picture."""


@dataclass(frozen=True, slots=True)
class Checked:
    """A submission that passed every check of its own, as small as it can be: it crosses a process."""

    card: Card
    data: bytes
    """The report as it came."""
    track: str
    track_digest: str
    standing: Standing
    rows: tuple[CheckedClip, ...]
    strips: Mapping[str, Strip] = field(default_factory=dict)
    """Clip id -> strip, for people to found at."""

    @property
    def key(self) -> str:
        """The same card and bytes give the same key: a retry is told from a new submission."""
        return key_of(self.card, self.data)


def key_of(card: Card, data: bytes) -> str:
    """The digest of a card and a report."""
    return hashlib.sha256(card.canonical().encode() + b"\0" + data).hexdigest()


def check(data: bytes, card: Card, tracks: Mapping[str, Track], *, strips: bytes = b"") -> Checked:
    """Check a submission.

    Raises:
        SubmissionRefused: with the reasons of the first stage that found any.
    """
    report = read_report(data)
    track = _track_of(report, card, tracks)
    for stage in (
        _identity,
        _provenance,
        _prompts,
        _rows,
        _motion_is_told,
        check_protocols,
        check_aggregates,
    ):
        stop(stage(report, track))
    found = read_strips(strips, {v.id for v in report.videos})
    drawn = {clip: Strip(jpeg, picture_hash_of(jpeg)) for clip, jpeg in found.items()}
    stop(duplicates.among_pictures({clip: strip.picture_hash for clip, strip in drawn.items()}))
    standing = standing_of(key_of(card, data)[:12], card, report, track, "")
    rows = tuple(map(_row, report.videos))
    return Checked(card, data, track.name, track.digest, standing, rows, drawn)


def _row(video: VideoRecord) -> CheckedClip:
    degenerate = {n: s.why for n, s in video.scores.items() if s.status == "degenerate"}
    return CheckedClip(
        clip=video.id,
        prompt=str(video.prompt_id),
        sha256=video.sha256,
        fingerprint=duplicates.scores_fingerprint(video),
        scores={n: s.value for n, s in video.scores.items() if s.status != "degenerate"},
        notes={**video.health, **degenerate, **video.failures, **video.not_applicable},
        marks=tuple(duplicates.marks_of(video)),
        near=duplicates.cells_near(video),
    )


def stop(reasons: Iterator[Reason]) -> None:
    """Raise what a check found, if anything.

    Raises:
        SubmissionRefused: there is at least one reason.
    """
    found = list(reasons)
    if len(found) > MOST_REASONS:
        more = Reason("more", f"and {len(found) - MOST_REASONS} more of this kind")
        found = [*found[:MOST_REASONS], more]
    if found:
        raise SubmissionRefused(*found)


def read_report(data: bytes) -> Report:
    """The report in some bytes.

    Raises:
        SubmissionRefused: not plain JSON, or not of the schema.
    """
    raw = parse_json(data)
    version = raw.get("schema_version")
    if version != SCHEMA_VERSION:
        raise refuse(
            "schema-version",
            f"the schema version is {version!r}, this board reads {SCHEMA_VERSION}: "
            "run `mirabench evaluate` again with a newer mirabench",
        )
    try:
        return Report.model_validate(raw, strict=True)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        raise refuse("schema", f"{place[:120]}: {first['msg']}") from error


def _track_of(report: Report, card: Card, tracks: Mapping[str, Track]) -> Track:
    if card.track not in tracks:
        raise refuse("unknown-track", f"no track {card.track!r}; there are {', '.join(tracks)}")
    track = tracks[card.track]
    wanted = (track.suite.name, track.suite.version, track.suite_digest)
    found = (report.suite.name, report.suite.version, report.suite.digest)
    if found != wanted:
        raise refuse(
            "wrong-suite",
            f"the report is of {found[0]} v{found[1]} ({found[2]}), the track {track.name} compares "
            f"{wanted[0]} v{wanted[1]} ({wanted[2]})",
        )
    return track


def _identity(report: Report, track: Track) -> Iterator[Reason]:
    if len(report.videos) > MAX_CLIPS:
        yield Reason("too-many-clips", f"{len(report.videos)} clips, the limit is {MAX_CLIPS}")
    for name in (*report.summary, *report.skipped):
        if name not in track.specs:
            yield Reason("unknown-metric", f"the suite has no metric {name!r}")
    yield from _twice(report)
    ours = {v.sha256 for v in report.videos if v.sha256} & {r.sha256 for r in report.reference}
    if ours:
        yield Reason("reference-clip", f"{len(ours)} clips are reference clips too")


def _twice(report: Report) -> Iterator[Reason]:
    for name, count in Counter(v.id for v in report.videos).items():
        if count > 1:
            yield Reason("duplicate-id", f"the id {name!r} is in {count} rows")
    digests = Counter(v.sha256 for v in report.videos if v.sha256)
    for digest, count in digests.items():
        if count > 1:
            same = [v.id for v in report.videos if v.sha256 == digest][:3]
            yield Reason("duplicate-clip", f"{count} rows are one file: {', '.join(same)} ...")


def _provenance(report: Report, track: Track) -> Iterator[Reason]:
    del track  # what made the numbers is told the same way everywhere
    size = len(json.dumps(report.provenance, ensure_ascii=False))
    if size > MAX_PROVENANCE:
        yield Reason(
            "provenance", f"the provenance has {size:,} characters, the limit is {MAX_PROVENANCE:,}"
        )


def _prompts(report: Report, track: Track) -> Iterator[Reason]:
    present = {v.prompt_id for v in report.videos}
    missing = [key for key in track.prompts if key not in present]
    if missing:
        yield Reason(
            "missing-prompts",
            f"{len(missing)} of {len(track.prompts)} prompts have no clip: {', '.join(missing[:4])}",
        )
    for video in report.videos:
        prompt = track.prompts.get(video.prompt_id or "")
        if prompt is None:
            yield Reason(
                "unknown-prompt", f"{video.id}: no prompt {video.prompt_id!r} in the track"
            )
        elif video.prompt != prompt.text:
            yield Reason("changed-prompt", f"{video.id}: the text is not that of {prompt.id}")
    uneven = Counter(v.prompt_id for v in report.videos)
    if len(set(uneven.values())) > 1:
        yield Reason(
            "uneven-prompts", "some prompts have more clips than others: give each equally many"
        )


def _rows(report: Report, track: Track) -> Iterator[Reason]:
    for video in report.videos:
        yield from _path(video)
        yield from _facts(video)
        yield from _scores(video, track)
    yield from duplicates.within(report)


def _path(video: VideoRecord) -> Iterator[Reason]:
    for what, text in (("id", video.id), ("path", video.path)):
        parts = re.split(r"[/\\]", text)
        if (
            ".." in parts
            or not text.strip()
            or (what == "id" and text.startswith(("/", "~", "\\")))
        ):
            yield Reason(
                "path", f"the {what} {text[:80]!r} leaves its folder: evaluate from a folder above"
            )


def _facts(video: VideoRecord) -> Iterator[Reason]:
    unknown = video.health.keys() - FLAGS.keys()
    if unknown:
        yield Reason("health", f"{video.id}: no health flag {sorted(unknown)[0]!r}")
    if video.error:
        if video.scores:
            yield Reason("scored-error", f"{video.id} could not be read, yet has scores")
        return
    if not re.fullmatch(r"[0-9a-f]{64}", video.sha256 or ""):
        yield Reason("clip-digest", f"{video.id} has no sha256 of its file")
    sizes = (video.width, video.height, video.num_frames, video.fps, video.duration_seconds)
    if any(size is None or not 0 < size < 1e6 for size in sizes):
        yield Reason("clip-facts", f"{video.id}: size, rate or length cannot be")
    elif not math.isclose(
        (video.num_frames or 0) / (video.fps or 1), video.duration_seconds or 0, rel_tol=0.5
    ):
        yield Reason("clip-facts", f"{video.id}: frames, rate and length contradict each other")


def _scores(video: VideoRecord, track: Track) -> Iterator[Reason]:
    for name, score in video.scores.items():
        spec = track.specs.get(name)
        if spec is None or spec.scope != "clip":
            yield Reason("unknown-metric", f"{video.id}: the suite scores no clip by {name!r}")
            continue
        if not spec.range[0] <= score.value <= spec.range[1]:
            yield Reason(
                "out-of-range",
                f"{video.id}: {name} is {score.value:g}, outside {spec.range[0]:g} .. {spec.range[1]:g}",
            )
        flags = [flag for flag in (*ALWAYS, *spec.degenerate_when) if flag in video.health]
        if flags and score.status != "degenerate":
            yield Reason("counts-degenerate", f"{video.id} is {flags[0]}, yet {name} counts")
    told = [*video.scores, *video.failures, *video.not_applicable]
    if unknown := set(told) - track.specs.keys() - video.scores.keys():
        yield Reason(
            "unknown-metric", f"{video.id}: the suite has no metric {sorted(unknown)[0]!r}"
        )
    if len(set(told)) != len(told):
        yield Reason("told-twice", f"{video.id}: a metric has a score and a reason for having none")


def _motion_is_told(report: Report, track: Track) -> Iterator[Reason]:
    """A clip whose consistency counts must say how much it moves: near-static clips win otherwise."""
    for video in report.videos:
        counted = [
            name
            for name, score in video.scores.items()
            if track.specs[name].dimension == "temporal consistency"
            and score.status != "degenerate"
        ]
        if counted and track.motion_metric not in video.scores:
            yield Reason(
                "consistency-alone",
                f"{video.id} has {counted[0]} but no {track.motion_metric}: "
                "consistency is ranked with motion beside it, or not at all",
            )
