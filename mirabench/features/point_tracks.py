"""Feature `point_tracks`: CoTracker2's tracks of a grid of points, window by window."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from mirabench.errors import NotApplicable, WeightsMissingError
from mirabench.features.api import FeatureTable, as_table
from mirabench.features.networks import network, resolved_card, running
from mirabench.video.frames import FrameBatch, IntArray, UInt8Array, VideoInfo
from mirabench.video.sampling import every_frame

if TYPE_CHECKING:
    from mirabench.nets.cotracker import OnlineTracker

WINDOW, STEP = 8, 4


@dataclass(frozen=True, slots=True)
class PointTracks:
    """Extractor of the feature `point_tracks`. Rows are windows of 8 frames, 4 apart.

    Columns: `first` (frame of the window), `length` (its frames), `tracks` (W, 8, K, 2) px, x then y, of
    grid x grid points laid over the first frame; rows of a shorter last window are filled with zeros.
    Code and weights are CC BY-NC 4.0.
    """

    grid: int = 10
    precision: str = "fp32"
    name: ClassVar[str] = "point_tracks"
    version: ClassVar[int] = 1
    weights: ClassVar[tuple[str, ...]] = ("cotracker2",)
    code: ClassVar[tuple[str, ...]] = ("cotracker-code",)

    @property
    def resize(self) -> None:
        """Native size."""
        return

    def select(self, video: VideoInfo) -> IntArray:
        """Every frame."""
        return every_frame(video)

    def open(self, video: VideoInfo) -> _Session:
        """Start on a clip."""
        if video.num_frames <= STEP:
            raise NotApplicable(
                f"too short: {video.num_frames} frames, a window needs more than {STEP}"
            )
        return _Session(_tracker(), self, video.num_frames)


def _tracker() -> OnlineTracker:
    from mirabench.nets import cotracker  # extra `torch`

    code = cotracker.find_code()
    if code is None:
        try:
            code = resolved_card("cotracker-code").path
        except WeightsMissingError as error:
            raise WeightsMissingError(
                f"CoTracker's code is not on this machine (CC BY-NC 4.0): name a checkout of commit "
                f"{cotracker.COMMIT[:7]} with {cotracker.ENVIRONMENT}, or run "
                "`mirabench weights download cotracker-code`"
            ) from error
    found = code
    return network("cotracker2", lambda path: cotracker.load(found, path))


class _Session:
    def __init__(self, tracker: OnlineTracker, settings: PointTracks, frames: int) -> None:
        self._tracker, self._settings, self._frames = tracker, settings, frames
        self._window: list[UInt8Array] = []
        self._seen = 0
        self._first: list[int] = []
        self._tracks: list[np.ndarray] = []

    def push(self, batch: FrameBatch) -> None:
        for frame in batch.data:
            self._window.append(frame)
            self._seen += 1
            # the last window is whatever is left, as in the reference
            if len(self._window) == WINDOW or self._seen == self._frames:
                self._track()

    def _track(self) -> None:
        from mirabench.nets.preprocess import to_tensor

        if self._first and len(self._window) <= STEP:
            return  # these frames were tracked by the window before
        frames = to_tensor(np.stack(self._window)).float()
        with running(self._settings.precision) as device:
            frames = frames.to(device)
            if not self._first:
                self._tracker.start(frames[0], grid=self._settings.grid)
            found = self._tracker.window(frames)
            tracks = found.tracks.cpu().numpy()
        filled = np.zeros((WINDOW, *tracks.shape[1:]), np.float32)
        filled[: len(tracks)] = tracks
        self._first.append(found.first)
        self._tracks.append(filled)
        self._window = self._window[STEP:]

    def finish(self) -> FeatureTable:
        lengths = [min(WINDOW, self._frames - first) for first in self._first]
        return as_table(first=self._first, length=lengths, tracks=np.stack(self._tracks))
