"""Film strips of the clips that a comparison shows: from the feature cache, else from the videos."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from mirabench.compare.model import Comparison, Contrast, PairRecord
from mirabench.compare.runs import Run
from mirabench.errors import VideoError
from mirabench.features.api import Extractor, FeatureTable
from mirabench.features.cache import FeatureCache, cache_key
from mirabench.features.film_strip import pictures
from mirabench.features.stream import extract
from mirabench.report.model import VideoRecord
from mirabench.run.plan import STRIP
from mirabench.video.decode import open_video

MOST_PROMPTS = 8
"""Prompts that are shown of each run, those that differ most."""
MOST_PAIRS = 2
"""Pairs of clips that are shown of a prompt."""


@dataclass(frozen=True, slots=True)
class Strip:
    """A few pictures of a clip, or why there are none."""

    pictures: tuple[tuple[float, bytes], ...] = ()
    """(seconds, JPEG file) of each."""
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
    store = FeatureCache(cache) if cache is not None else None
    strips: dict[tuple[str, str], Strip] = {}
    for contrast in found.contrasts:
        for pair in shown_pairs(contrast):
            for key in ((found.reference.name, pair.a), (contrast.name, pair.b)):
                if key not in strips:
                    strips[key] = _strip(videos[key], store)
    return strips


def shown_pairs(contrast: Contrast) -> list[PairRecord]:
    """Pairs of the prompts that differ most, most first; of many seeds the first ones."""
    chosen: dict[str, list[PairRecord]] = {p: [] for p in contrast.most_different[:MOST_PROMPTS]}
    for pair in contrast.pairs:
        if pair.prompt in chosen and len(chosen[pair.prompt]) < MOST_PAIRS:
            chosen[pair.prompt].append(pair)
    return [pair for pairs in chosen.values() for pair in pairs]


def _strip(video: VideoRecord, store: FeatureCache | None) -> Strip:
    extractor = STRIP.resolve()
    assert isinstance(extractor, Extractor)  # a film strip is of frames
    table = None
    if store is not None and video.sha256 is not None:
        table = store.get(cache_key(video.sha256, extractor))
    try:
        return Strip(tuple(pictures(_from_video(video, extractor) if table is None else table)))
    except VideoError as error:
        return Strip(why=str(error))


def _from_video(video: VideoRecord, extractor: Extractor) -> FeatureTable:
    path = Path(video.path)
    if not path.exists():
        raise VideoError(f"no pictures: not in the feature cache, and {path} is not here")
    opened = open_video(path)
    if opened.info.sha256 != video.sha256:
        raise VideoError(f"no pictures: {path} is not the file any more that was scored")
    found = extract(opened, [extractor])
    if extractor not in found.tables:
        raise VideoError(f"no pictures: {found.failures[extractor]}")
    return found.tables[extractor]
