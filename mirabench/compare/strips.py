"""Film strips of the clips that a comparison shows: from the feature cache, else from the videos."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from mirabench.compare.model import Comparison, Contrast, PairRecord
from mirabench.compare.runs import Run
from mirabench.errors import VideoError
from mirabench.features.film_strip import StripPicture, film_strip
from mirabench.report.model import VideoRecord

MOST_PROMPTS = 8
"""Prompts that are shown of each run, those that differ most."""
MOST_PAIRS = 2
"""Pairs of clips that are shown of a prompt."""


@dataclass(frozen=True, slots=True)
class Strip:
    """A few pictures of a clip, or why there are none."""

    pictures: tuple[StripPicture, ...] = ()
    why: str = ""


Strips = Mapping[tuple[str, str], Strip]
"""(run's name, clip's id) -> its pictures."""


def strips_of(found: Comparison, runs: Sequence[Run], cache: Path | None) -> Strips:
    """The film strips of the clips of the prompts that differ most.

    Args:
        found: The comparison.
        runs: The runs it is of, the first one first.
        cache: Folder of the feature cache.
    """
    videos = {(run.name, video.id): video for run in runs for video in run.report.videos}
    strips: dict[tuple[str, str], Strip] = {}
    for contrast in found.contrasts:
        for pair in shown_pairs(contrast):
            for key in ((found.reference.name, pair.a), (contrast.name, pair.b)):
                if key not in strips:
                    strips[key] = _strip(videos[key], cache)
    return strips


def shown_pairs(contrast: Contrast) -> list[PairRecord]:
    """Pairs of the prompts that differ most, most first; of many seeds the first ones."""
    chosen: dict[str, list[PairRecord]] = {p: [] for p in contrast.most_different[:MOST_PROMPTS]}
    for pair in contrast.pairs:
        if pair.prompt in chosen and len(chosen[pair.prompt]) < MOST_PAIRS:
            chosen[pair.prompt].append(pair)
    return [pair for pairs in chosen.values() for pair in pairs]


def _strip(video: VideoRecord, cache: Path | None) -> Strip:
    try:
        found = film_strip(Path(video.path), sha256=video.sha256, cache=cache)
    except VideoError as error:
        return Strip(why=str(error))
    return Strip(tuple(found.pictures))
