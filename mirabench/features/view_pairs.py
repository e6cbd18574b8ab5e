"""Feature `view_pairs`: for each view, what it and one a little later say about a single rigid scene.

Views are frames at fixed times. A view is paired with those 1/4, 1/2, 1 and 2 seconds later (before, at the end
of a stretch), and the first pair that moved enough to show depth is the one that counts: the least baseline
that decides, where most keypoints are still in both pictures. All its ratio-test matches are judged, those that
fit and those that do not.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from mirabench.features.api import FeatureTable
from mirabench.features.rows import Rows
from mirabench.features.view_matching import matcher_of
from mirabench.features.view_windows import LAGS, MatchedPair, Stretch, StretchSession, Views
from mirabench.functional.two_views import NO_EVIDENCE, STATIC
from mirabench.video.frames import VideoInfo


@dataclass(frozen=True, slots=True)
class ViewPairs(Views):
    """Extractor of the feature `view_pairs`. Rows are views.

    Columns: `seconds`, `lag` (s, to the other view), `matches`, `agreement` (mean over all matches, 0 to 1; 0
    where the geometry is not defined or the view repeats an earlier one), `state` (`ok`, `static`,
    `planar-or-rotation`, `low-texture`, `no-match`). A clip of one view gives no row.
    """

    name: ClassVar[str] = "view_pairs"
    version: ClassVar[int] = 1

    def open(self, video: VideoInfo) -> _Session:
        """Start on a clip."""
        return _Session(self, video)


class _Session(StretchSession):
    def __init__(self, settings: ViewPairs, video: VideoInfo) -> None:
        size = settings.resize.target(video.width, video.height)
        matcher = matcher_of(settings.matcher, settings.keypoints)
        super().__init__(video, matcher, size, settings.seed)
        self._rows = Rows("seconds", "lag", "matches", "agreement", "state")

    def close(self, stretch: Stretch, number: int) -> None:
        del number
        if len(stretch.views) < 2:
            return
        for view in range(len(stretch.views)):
            self._add(stretch, view)

    def _add(self, stretch: Stretch, view: int) -> None:
        lag, found = deciding_pair(stretch, view)
        score, state = found.geometry.score, found.geometry.state
        if stretch.repeats(view):
            score, state = 0.0, STATIC
        seconds = stretch.views[view].seconds
        count = len(found.matches)
        self._rows.add(seconds=seconds, lag=lag, matches=count, agreement=score, state=state)

    def finish(self) -> FeatureTable:
        self._end()
        return self._rows.table()


def deciding_pair(stretch: Stretch, view: int) -> tuple[float, MatchedPair]:
    """The lag in seconds and the pair of least baseline that says something; else the one furthest apart."""
    seconds = [v.seconds for v in stretch.views]
    found = None
    for lag in LAGS:
        pair = stretch.partner(view, lag)
        if pair is None:
            continue
        found = seconds[pair[1]] - seconds[pair[0]], stretch.pair(*pair)
        if found[1].geometry.state not in NO_EVIDENCE:
            break
    if found is None:  # a video slower than the lags: its neighbours are all there is
        other = view + 1 if view + 1 < len(seconds) else view - 1
        pair = min(view, other), max(view, other)
        found = seconds[pair[1]] - seconds[pair[0]], stretch.pair(*pair)
    return found
