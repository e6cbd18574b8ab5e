"""The views that 3D is read from: frames at fixed times, in stretches of a few seconds that end on their own.

A stretch holds the keypoints of its views, never their pixels, so memory does not grow with the clip. Within a
stretch, views are matched with those a quarter, a half, one and two seconds later.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import cv2
import numpy as np

from mirabench.features.view_matching import MATCHERS, Keypoints, Matcher
from mirabench.functional.two_views import (
    LOW_TEXTURE,
    NO_MATCH,
    STATIC,
    STATIC_SHARE,
    TwoViews,
    two_views,
)
from mirabench.video.frames import FrameBatch, IntArray, UInt8Array, VideoInfo
from mirabench.video.resize import Resize
from mirabench.video.sampling import at_times

LAGS = (0.25, 0.5, 1.0, 2.0)
"""Seconds between the views of a pair: the least that shows parallax is the one that counts."""
STRETCH_SECONDS = 12.0
"""Longest stretch that must be one scene."""
FEWEST_KEYPOINTS = 20
"""Below this a view has too little texture to be recognised."""
THUMBNAIL = (32, 18)
SAME_LEVELS = 1.5
"""Mean difference of two thumbnails, in levels, above which they are not one picture."""

Pair = tuple[int, int]


class View(NamedTuple):
    """A sampled frame, without its pixels."""

    seconds: float
    keypoints: Keypoints
    thumbnail: UInt8Array


class MatchedPair(NamedTuple):
    """Two views and what their matches say."""

    matches: IntArray
    """(N, 2) rows of keypoints."""
    geometry: TwoViews


class Stretch:
    """The views of some seconds of a clip; pairs are matched when asked for, once each."""

    def __init__(self, matcher: Matcher, size: tuple[int, int], seed: int) -> None:
        self.views: list[View] = []
        self._matcher, self._size, self._seed = matcher, size, seed
        self._pairs: dict[Pair, MatchedPair] = {}

    def add(self, rgb: UInt8Array, seconds: float) -> None:
        """Take the next view."""
        thumbnail = cv2.resize(rgb, THUMBNAIL, interpolation=cv2.INTER_AREA)
        self.views.append(View(seconds, self._matcher.detect(rgb), thumbnail))

    def pair(self, one: int, two: int) -> MatchedPair:
        """What two views say together, `one` the earlier."""
        if (one, two) not in self._pairs:
            self._pairs[one, two] = self._matched(
                self.views[one].keypoints, self.views[two].keypoints
            )
        return self._pairs[one, two]

    def _matched(self, one: Keypoints, two: Keypoints) -> MatchedPair:
        matches = self._matcher.match(one, two)
        x1, x2 = one.points[matches[:, 0]], two.points[matches[:, 1]]
        geometry = two_views(x1, x2, self._size, self._seed)
        few = min(len(one.points), len(two.points)) < FEWEST_KEYPOINTS
        if few and geometry.state == NO_MATCH:
            geometry = geometry._replace(state=LOW_TEXTURE)
        return MatchedPair(matches, geometry)

    def partner(self, view: int, lag: float) -> Pair | None:
        """The pair of a view with the one a lag later, or before where the stretch ends; None beyond both."""
        for sign in (1.0, -1.0):
            other = self._at(self.views[view].seconds + sign * lag)
            if other is not None and other != view:
                return min(view, other), max(view, other)
        return None

    def _at(self, seconds: float) -> int | None:
        times = np.array([view.seconds for view in self.views])
        step = float(np.diff(times).min()) if len(times) > 1 else 0.0
        nearest = int(np.abs(times - seconds).argmin())
        return nearest if abs(times[nearest] - seconds) <= step / 2 + 1e-6 else None

    def later(self, lag: float) -> Iterator[Pair]:
        """All pairs a lag apart."""
        for view in range(len(self.views)):
            other = self._at(self.views[view].seconds + lag)
            if other is not None and other > view:
                yield view, other

    def repeats(self, view: int) -> bool:
        """Whether the view shows again what an earlier one of the stretch showed from the same place."""
        mine = self.views[view].thumbnail.astype(np.int16)
        for earlier in range(view):
            theirs = self.views[earlier].thumbnail
            if float(np.abs(mine - theirs).mean()) <= SAME_LEVELS:
                geometry = self.pair(earlier, view).geometry
                if geometry.state == STATIC and geometry.displacement < STATIC_SHARE:
                    return True
        return False


class StretchBounds:
    """Where the stretches of a clip end: equal parts of at most `STRETCH_SECONDS`."""

    def __init__(self, video: VideoInfo) -> None:
        self.count = max(1, math.ceil(video.duration_seconds / STRETCH_SECONDS - 1e-9))
        self._seconds = video.duration_seconds / self.count

    def of(self, seconds: float) -> int:
        """Which stretch a time belongs to."""
        return min(int(seconds / self._seconds + 1e-9), self.count - 1)


@dataclass(frozen=True, slots=True)
class Views:
    """Which views of a clip are matched, and by what: what the extractors of view geometry share."""

    rate: float = 4.0
    """Views a second."""
    long_side: int = 480
    keypoints: int = 1500
    """At most this many a view, the strongest."""
    matcher: str = "sift"
    """What finds the keypoints and matches them: `sift`, or `lightglue` on learned ones (DISK)."""
    seed: int = 0

    @property
    def weights(self) -> tuple[str, ...]:
        """The weight cards of the matcher."""
        return MATCHERS.get(self.matcher, ())

    @property
    def resize(self) -> Resize:
        """Shrunk by area averaging, the aspect kept."""
        return Resize(long_side=self.long_side)

    def select(self, video: VideoInfo) -> IntArray:
        """The frames nearest to the ticks of a clock."""
        return at_times(video, self.rate)


class StretchSession:
    """Cuts a clip into stretches and hands each over once it is complete."""

    def __init__(
        self, video: VideoInfo, matcher: Matcher, size: tuple[int, int], seed: int
    ) -> None:
        self._bounds = StretchBounds(video)
        self._matcher, self._size, self._seed = matcher, size, seed
        self._stretch, self._current = self._fresh(), 0

    def _fresh(self) -> Stretch:
        return Stretch(self._matcher, self._size, self._seed)

    def push(self, batch: FrameBatch) -> None:
        """Take frames; stretches that end among them are closed."""
        for rgb, seconds in zip(batch.data, batch.seconds.tolist(), strict=True):
            if self._bounds.of(seconds) != self._current:
                self._end()
                self._current = self._bounds.of(seconds)
            self._stretch.add(rgb, seconds)

    def _end(self) -> None:
        if self._stretch.views:
            self.close(self._stretch, self._current)
        self._stretch = self._fresh()

    def close(self, stretch: Stretch, number: int) -> None:
        """Reduce a complete stretch to rows."""
        raise NotImplementedError
