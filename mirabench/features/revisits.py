"""Feature `revisits`: views at which the camera is back at a place it had left, and what looks otherwise there.

The camera's path is followed by DIS flow eight times per second; once per second a view is kept (a small luma,
SIFT keypoints, a thumbnail). A view is a return if the path leads back to an earlier view, or if it looks like
one, and the film was elsewhere meanwhile. By the path alone a place is found again that has changed beyond
recognition. A view takes some 100 kB, and at most `most_views` are kept, however long the film.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import cv2
import numpy as np

from mirabench.features.api import FeatureTable
from mirabench.features.motion_residual import enlarged
from mirabench.features.rows import Rows
from mirabench.features.view_matching import Keypoints, Sift
from mirabench.functional.flow import PairFlow, dis_flow
from mirabench.functional.revisits import (
    camera_step,
    changed_place,
    registration,
    return_by_look,
    return_by_path,
)
from mirabench.functional.thumbnails import thumbnail
from mirabench.shapes import Float32, Float64, UInt8
from mirabench.video.frames import FrameBatch, IntArray, UInt8Array, VideoInfo
from mirabench.video.resize import Resize
from mirabench.video.sampling import at_times


@dataclass(frozen=True, slots=True)
class Revisits:
    """Extractor of the feature `revisits`. Rows are views at which the film is back at an earlier one.

    Columns: `seconds` of the view, `since` (s, from the earlier view), `change` (share of the place that looks
    otherwise, 0 to 1), `change_weight` (how much of the picture says something). A film that never returns
    gives no row.
    """

    rate: float = 8.0
    """Ticks per second at which the path is followed."""
    view_seconds: float = 1.0
    """Between two views, and more in a film of more than `most_views` of them."""
    long_side: int = 256
    keypoints: int = 400
    """At most this many a view, the strongest."""
    most_views: int = 600
    name: ClassVar[str] = "revisits"
    version: ClassVar[int] = 1

    @property
    def resize(self) -> Resize:
        """Shrunk by area averaging, the aspect kept."""
        return Resize(long_side=self.long_side)

    def select(self, video: VideoInfo) -> IntArray:
        """The frame nearest to each tick."""
        return at_times(video, self.rate)

    def open(self, video: VideoInfo) -> _Session:
        """Start on a clip."""
        return _Session(self, max(self.view_seconds, video.duration_seconds / self.most_views))


class _View(NamedTuple):
    luma: UInt8[np.ndarray, "H W"]
    keypoints: Keypoints
    thumbnail: Float32[np.ndarray, " D"]
    pose: Float64[np.ndarray, "3 3"]
    shot: int
    seconds: float


class _Session:
    def __init__(self, settings: Revisits, view_seconds: float) -> None:
        self._settings, self._view_seconds = settings, view_seconds
        self._flow: PairFlow = dis_flow(finest_scale=1, patch_stride=6, iterations=16)
        self._sift = Sift(settings.keypoints)
        self._views: list[_View] = []
        self._last: UInt8Array | None = None
        self._pose, self._shot = np.eye(3), 0
        self._rows = Rows("seconds", "since", "change", "change_weight")

    def push(self, batch: FrameBatch) -> None:
        for rgb, seconds in zip(batch.data, batch.seconds.tolist(), strict=True):
            frame = enlarged(rgb, self._settings.long_side)
            luma = cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY)
            self._follow(luma)
            if not self._views or seconds >= self._views[-1].seconds + self._view_seconds - 1e-3:
                self._views.append(
                    _View(
                        luma,
                        self._sift.detect(frame),
                        thumbnail(frame),
                        self._pose,
                        self._shot,
                        seconds,
                    )
                )
                self._look_back()

    def _follow(self, luma: UInt8Array) -> None:
        if self._last is not None:
            step = camera_step(self._flow(self._last, luma))
            self._shot += not step.followed
            self._pose = step.matrix @ self._pose
        self._last = luma

    def _look_back(self) -> None:
        views, now = self._views, self._views[-1]
        seconds = np.array([v.seconds for v in views])
        size = (now.luma.shape[1], now.luma.shape[0])
        by_path = return_by_path(
            np.stack([v.pose for v in views]), np.array([v.shot for v in views]), seconds, size
        )
        by_look = return_by_look(np.stack([v.thumbnail for v in views]), seconds)
        found = by_look if by_path is None else by_path
        if found is None:
            return
        matrix = self._laid_over(views[found], now, size)
        if matrix is None and by_path is not None:
            matrix = now.pose @ np.linalg.inv(views[found].pose)
        if matrix is None:
            return
        change = changed_place(views[found].luma, now.luma, matrix, self._flow)
        if change.weight > 0:
            self._rows.add(
                seconds=now.seconds, since=now.seconds - views[found].seconds,
                change=change.share, change_weight=change.weight,
            )  # fmt: skip

    def _laid_over(
        self, earlier: _View, now: _View, size: tuple[int, int]
    ) -> Float64[np.ndarray, "3 3"] | None:
        matches = self._sift.match(earlier.keypoints, now.keypoints)
        return registration(
            earlier.keypoints.points[matches[:, 0]], now.keypoints.points[matches[:, 1]], size
        )

    def finish(self) -> FeatureTable:
        return self._rows.table()
