"""Feature `registration`: how much of each view one reconstruction of the scene explains (extra `geometry`).

The views and matches are those of `view_pairs`. COLMAP (Schoenberger, Frahm, CVPR 2016, by pycolmap) builds a
model of each stretch of at most 12 seconds, and the longest one counts. A view that it does not hold is not
registered; a view that shows again what another showed from the same place adds nothing; and a view none of
whose pairs shows depth cannot be placed, whatever the mapper says.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from mirabench.features.api import FeatureTable
from mirabench.features.reconstruction import FEWEST_VIEWS, Model, reconstruct
from mirabench.features.rows import Rows
from mirabench.features.view_matching import matcher_of
from mirabench.features.view_pairs import deciding_pair
from mirabench.features.view_windows import LAGS, Pair, Stretch, StretchSession, Views
from mirabench.functional.registration import distinct_views, truncated
from mirabench.functional.two_views import NO_MATCH, OK
from mirabench.shapes import Bool, Float64
from mirabench.video.frames import IntArray, VideoInfo

WORST_ERROR = 4.0
"""Thousandths of the diagonal at which a keypoint counts as unexplained."""
AGREES = 0.1
"""Agreement of a match from which on it is handed to the mapper: 2.1 sigma."""
FEWEST_MATCHES = 15
LEAST_EXPLAINED = 0.4
"""Share of a view's keypoints with a place in the model, below which the mapper fitted chance: rigid clips
reach 0.57 and more, the same ones bent like rubber 0.34 at most."""


@dataclass(frozen=True, slots=True)
class Registration(Views):
    """Extractor of the feature `registration`. Rows are views.

    Columns: `seconds`, `stretch`, `state` (of the view's deciding pair, as in `view_pairs`), `registered`,
    `error` (mean over its keypoints of the distance to its point in the model, in thousandths of the diagonal,
    4 where there is none), `track` (mean over its keypoints of the views that see its point, 0 where there is
    none). A clip of one view gives no row.
    """

    name: ClassVar[str] = "registration"
    version: ClassVar[int] = 1

    def open(self, video: VideoInfo) -> _Session:
        """Start on a clip."""
        return _Session(self, video)


class _Session(StretchSession):
    def __init__(self, settings: Registration, video: VideoInfo) -> None:
        size = settings.resize.target(video.width, video.height)
        matcher = matcher_of(settings.matcher, settings.keypoints)
        super().__init__(video, matcher, size, settings.seed)
        self._rows = Rows("seconds", "stretch", "state", "registered", "error", "track")

    def close(self, stretch: Stretch, number: int) -> None:
        if len(stretch.views) < 2:
            return
        model = self._model(stretch)
        registered = np.zeros(len(stretch.views), dtype=bool)
        if model is not None:
            registered[model.views] = distinct_views(model.centres, model.points, model.owners)
            registered &= _with_depth(stretch, model)
            registered &= _explained_share(stretch, model) >= LEAST_EXPLAINED
        for view, known in enumerate(registered.tolist()):
            error, track = self._explained(stretch, model if known else None, view)
            self._rows.add(
                seconds=stretch.views[view].seconds,
                stretch=number,
                state=deciding_pair(stretch, view)[1].geometry.state,
                registered=known,
                error=error,
                track=track,
            )

    def _model(self, stretch: Stretch) -> Model | None:
        matches: dict[Pair, IntArray] = {}
        placed: set[int] = set()
        for one, two in (pair for lag in LAGS for pair in stretch.later(lag)):
            found = stretch.pair(one, two)
            rows = one_to_one(found.matches, found.geometry.agreement)
            if found.geometry.state != NO_MATCH and len(rows) >= FEWEST_MATCHES:
                matches[one, two] = rows
                placed |= {one, two} if found.geometry.state == OK else set()
        if len(placed) < FEWEST_VIEWS:
            return None
        points = [view.keypoints.points for view in stretch.views]
        return reconstruct(points, matches, self._size, self._seed)

    def _explained(self, stretch: Stretch, model: Model | None, view: int) -> tuple[float, float]:
        count = len(stretch.views[view].keypoints.points)
        if model is None or not count:
            return WORST_ERROR, 0.0
        mine = model.owners == int(np.flatnonzero(model.views == view)[0])
        errors = model.errors[mine] * 1000 / float(np.hypot(*self._size))
        return truncated(errors, count, WORST_ERROR), float(model.tracks[mine].sum() / count)

    def finish(self) -> FeatureTable:
        self._end()
        return self._rows.table()


def one_to_one(matches: IntArray, agreement: np.ndarray) -> IntArray:
    """The matches that agree with the model of their pair; of those that share a keypoint, the best."""
    order = np.argsort(-agreement, kind="stable")
    order = order[agreement[order] >= AGREES]
    for column in (0, 1):
        _, first = np.unique(matches[order, column], return_index=True)
        order = order[np.sort(first)]
    return matches[np.sort(order)]


def _explained_share(stretch: Stretch, model: Model) -> Float64[np.ndarray, " V"]:
    """Share of each view's keypoints that have a place in the model."""
    counts = np.array([len(view.keypoints.points) for view in stretch.views], np.float64)
    found = np.zeros(len(counts))
    found[model.views] = np.bincount(model.owners, minlength=len(model.views))
    return found / np.maximum(counts, 1.0)


def _with_depth(stretch: Stretch, model: Model) -> Bool[np.ndarray, " V"]:
    """Which views of the stretch are in a pair, with another view of the model, that shows depth."""
    known = set(model.views.tolist())
    found = np.zeros(len(stretch.views), dtype=bool)
    for one, two in (pair for lag in LAGS for pair in stretch.later(lag)):
        if {one, two} <= known and stretch.pair(one, two).geometry.state == OK:
            found[[one, two]] = True
    return found
