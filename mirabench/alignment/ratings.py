"""What people said of videos, whatever file it came in: ratings of one, or preferences between two."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np


@dataclass(frozen=True, slots=True)
class Rated:
    """One video and what each rater gave it; higher is better."""

    video: str
    """As the file names it: a path, an address or an id."""
    by_rater: Mapping[str, float]
    """Rater -> rating; where nobody is named, one rater `""`."""
    model: str = ""
    """The generator; empty when the file does not say."""
    prompt: str = ""

    @property
    def rating(self) -> float:
        """The mean over raters."""
        return float(np.mean(list(self.by_rater.values())))


@dataclass(frozen=True, slots=True)
class Pair:
    """Which of two videos one rater, or all together, preferred."""

    left: str
    right: str
    preference: float
    """1 the left one, 0 the right one, 0.5 neither."""
    left_model: str = ""
    right_model: str = ""
    prompt: str = ""
    rater: str = ""


@dataclass(frozen=True, slots=True)
class Ratings:
    """A file of ratings."""

    format: str
    aspect: str
    """What was asked: a column, a dimension, or `overall`."""
    rated: tuple[Rated, ...] = ()
    pairs: tuple[Pair, ...] = ()

    def videos(self) -> dict[str, Video]:
        """Every video by its name in the file, with its model and prompt."""
        found = {r.video: Video(r.video, r.model, r.prompt) for r in self.rated}
        for p in self.pairs:
            found.setdefault(p.left, Video(p.left, p.left_model, p.prompt))
            found.setdefault(p.right, Video(p.right, p.right_model, p.prompt))
        return found

    def raters(self) -> list[str]:
        """Names of the raters, sorted; empty when the file names none."""
        names = {name for r in self.rated for name in r.by_rater} | {p.rater for p in self.pairs}
        return sorted(names - {""})


@dataclass(frozen=True, slots=True)
class Video:
    """A video that somebody rated."""

    name: str
    model: str = ""
    prompt: str = ""


@dataclass(slots=True)
class Collected:
    """One video's ratings while rows come in."""

    model: str
    prompt: str
    values: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))

    def rated(self, video: str) -> Rated:
        """All of them; a rater who rated twice counts with the mean."""
        means = {rater: float(np.mean(given)) for rater, given in self.values.items()}
        return Rated(video, means, self.model, self.prompt)


def merged(rows: Iterable[tuple[str, str, str, str, float]]) -> tuple[Rated, ...]:
    """Ratings by video, from (video, model, prompt, rater, rating) in any order."""
    found: dict[str, Collected] = {}
    for video, model, prompt, rater, rating in rows:
        found.setdefault(video, Collected(model, prompt)).values[rater].append(rating)
    return tuple(each.rated(video) for video, each in found.items())
