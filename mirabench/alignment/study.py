"""Put together: ratings, scores, baselines and the ceiling become one `Alignment`."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from mirabench import __version__
from mirabench.alignment.agreement import (
    DRAWS,
    Agreement,
    agree_with_pairs,
    agree_with_ratings,
)
from mirabench.alignment.ceiling import ceiling
from mirabench.alignment.formats import load_ratings
from mirabench.alignment.ratings import Ratings
from mirabench.alignment.scoring import (
    Running,
    Scored,
    ScoredVideos,
    from_report,
    from_videos,
    static_clips,
)
from mirabench.errors import InputError
from mirabench.report.interval import SEED

Kind = Literal["metric", "baseline", "people"]


@dataclass(frozen=True, slots=True)
class AlignmentRow:
    """How far one thing agrees with people."""

    name: str
    kind: Kind
    agreement: Agreement
    scored: int
    """Videos with a valid score; raters for the row of people."""
    left_out: int = 0
    why: str = ""
    protocols: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Alignment:
    """Everything that `mirabench align` found."""

    name: str
    """Of the ratings: the stem of their file."""
    format: str
    aspect: str
    rated: int
    """Videos that people rated."""
    matched: int
    """Of them, those whose scores were looked for."""
    pairs: int
    """Preferences in the file; 0 for ratings of single videos."""
    raters: int
    """Raters whom the file names."""
    rows: tuple[AlignmentRow, ...]

    def to_json(self) -> str:
        """The text of `alignment.json`."""
        facts: dict[str, Any] = {
            "schema_version": "1.0",
            "mirabench": __version__,
            "seed": SEED,
            "draws": DRAWS,
        }
        return json.dumps({**facts, **asdict(self)}, indent=2, ensure_ascii=False) + "\n"


def align(
    ratings: str | Path,
    metrics: Sequence[str],
    *,
    videos: str | Path | None = None,
    report: str | Path | None = None,
    aspect: str | None = None,
    kind: str | None = None,
    static: bool = True,
    running: Running | None = None,
) -> Alignment:
    """Compare metrics with people's ratings.

    Args:
        ratings: A file that `mirabench.alignment.load_ratings` reads.
        metrics: Names of metrics.
        videos: Folder, glob or manifest of the rated videos, which are scored now.
        report: Or a report in which they are scored already.
        aspect: Which ratings, where the file has several.
        kind: The format, where the columns do not tell.
        static: Score clips with the first frame held, too; needs the videos.
        running: Workers, cache and device.

    Raises:
        InputError: ratings that cannot be read, no common video, an unknown metric.
        MissingExtraError: scipy (`stats`), or pyarrow (`data`) for Parquet, is not installed.
    """
    if (videos is None) == (report is None):
        raise InputError("name either the videos or a report")
    if not metrics:
        raise InputError("name at least one metric with --metric")
    how = running or Running()
    said = load_ratings(ratings, aspect=aspect, kind=kind)
    rated = said.videos()
    if videos is not None:
        source = from_videos(videos, metrics, rated, how)
        held = static_clips(source, metrics, how) if static else []
    else:
        assert report is not None  # one of the two was asked for above
        source, held = from_report(report, metrics, rated), []
    rows = [_row(scored, "metric", said) for scored in source.scored]
    rows += [_row(each, "baseline", said) for each in _baselines(source, held)]
    return Alignment(
        Path(ratings).stem,
        said.format,
        said.aspect,
        len(rated),
        source.matched,
        len(said.pairs),
        len(said.raters()),
        (*rows, *_people(said)),
    )


def _row(scored: Scored, kind: Kind, said: Ratings) -> AlignmentRow:
    found = _agreement(scored.values, said)
    return AlignmentRow(
        scored.name, kind, found, len(scored.values), scored.left_out, scored.why, scored.protocols
    )


def _agreement(scores: Mapping[str, float], said: Ratings) -> Agreement:
    if said.rated:
        return agree_with_ratings(scores, said.rated)
    return agree_with_pairs(scores, said.pairs)


def _baselines(source: ScoredVideos, held: Sequence[Scored]) -> list[Scored]:
    """What a metric must beat: its own score of a static copy, the file's bitrate, and chance."""
    still = [
        Scored(f"{s.name} of a static copy", s.values, s.left_out, s.why, s.protocols) for s in held
    ]
    known = sorted({video for scored in source.scored for video in scored.values})
    random = np.random.default_rng(SEED).random(len(known))
    chance = Scored("random", dict(zip(known, random.tolist(), strict=True)))
    return [*still, *([source.bitrate] if source.bitrate else []), chance]


def _people(said: Ratings) -> list[AlignmentRow]:
    found = ceiling(said)
    if found is None:
        return []
    name = "one rater and the others" if found.raters else "one vote and the others"
    return [AlignmentRow(name, "people", found.agreement, found.raters)]
