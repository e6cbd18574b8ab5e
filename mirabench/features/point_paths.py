"""Features `klt_paths` and `tapir_paths`: how points move in windows of two seconds, twelve times a second.

Points are laid on each window anew, followed through it, and reduced at once by
`mirabench.functional.point_motion`: memory does not grow with the clip. KLT needs no weights: the best corner
(Shi and Tomasi, CVPR 1994) of each cell of the picture, pyramidal Lucas-Kanade forward and back, lost for good
when it does not come back to within a pixel. BootsTAPIR (Apache-2.0) follows a grid of points and says when
each is hidden.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, ClassVar

import cv2
import numpy as np

from mirabench.features.api import FeatureTable
from mirabench.features.networks import network, running
from mirabench.features.rows import Rows
from mirabench.features.tracks import follow
from mirabench.functional.point_motion import point_motion
from mirabench.shapes import Bool, Float32, Float64, UInt8
from mirabench.video.frames import FrameBatch, IntArray, UInt8Array, VideoInfo
from mirabench.video.resize import Resize
from mirabench.video.sampling import at_times

if TYPE_CHECKING:
    from mirabench.nets.tapir import Tapir

WINDOW_SECONDS = 2.0
COLUMNS = 24
"""Cells in a row, each of which gives its best corner: the picture counts, not where its texture is."""
LEAST_QUALITY = 0.02
"""Of the best corner's, below which a cell has none."""


@dataclass(frozen=True, slots=True)
class KltPaths:
    """Extractor of the feature `klt_paths`. Rows are windows of two seconds.

    Columns: `seconds` (the window's middle), `points` (seen in two frames that follow each other), `motion`
    and `subject` (diagonals per second), `subject_share`; see `mirabench.functional.point_motion`. A clip of
    one frame gives no row.
    """

    rate: float = 12.0
    """Frames per second; see `speeds`."""
    long_side: int = 480
    name: ClassVar[str] = "klt_paths"
    version: ClassVar[int] = 1

    @property
    def resize(self) -> Resize:
        """Shrunk by area averaging, the aspect kept."""
        return Resize(long_side=self.long_side)

    def select(self, video: VideoInfo) -> IntArray:
        """The frames nearest to the ticks of a clock."""
        return at_times(video, self.rate)

    def open(self, video: VideoInfo) -> _Session:
        """Start on a clip."""
        return _Session()


@dataclass(frozen=True, slots=True)
class TapirPaths:
    """Extractor of the feature `tapir_paths`: rows and columns as `klt_paths`, by BootsTAPIR."""

    rate: float = 12.0
    """Frames per second; see `speeds`."""
    side: int = 256
    """Of the square to which frames are squashed, as in the network's training."""
    grid: int = 16
    """Points a side, laid over the middle frame of a window."""
    precision: str = "fp32"
    name: ClassVar[str] = "tapir_paths"
    version: ClassVar[int] = 1
    weights: ClassVar[tuple[str, ...]] = ("bootstapir",)

    @property
    def resize(self) -> Resize:
        """Squashed, by area averaging."""
        return Resize(size=(self.side, self.side))

    def select(self, video: VideoInfo) -> IntArray:
        """The frames nearest to the ticks of a clock."""
        return at_times(video, self.rate)

    def open(self, video: VideoInfo) -> _Session:
        """Start on a clip."""
        from mirabench.nets import tapir  # extra `torch`

        sides = np.array([video.width, video.height]) / np.hypot(video.width, video.height)
        return _TapirSession(network("bootstapir", tapir.load), self, sides)


class _Session:
    """Gathers windows, and reduces each."""

    def __init__(self) -> None:
        self._window: list[UInt8Array] = []
        self._seconds: list[float] = []
        self._rows = Rows("seconds", "points", "motion", "subject", "subject_share")

    def push(self, batch: FrameBatch) -> None:
        for rgb, seconds in zip(batch.data, batch.seconds.tolist(), strict=True):
            self._window.append(rgb)
            self._seconds.append(seconds)
            if seconds - self._seconds[0] >= WINDOW_SECONDS - 1e-6:
                self._end()

    def _end(self) -> None:
        seconds = np.array(self._seconds)
        tracks, visible = self._tracked(np.stack(self._window))
        middle = float(seconds[0] + seconds[-1]) / 2
        self._rows.add(seconds=middle, **point_motion(tracks, visible, seconds)._asdict())
        self._window, self._seconds = self._window[-1:], self._seconds[-1:]

    def _tracked(
        self, frames: UInt8Array
    ) -> tuple[Float64[np.ndarray, "T N 2"], Bool[np.ndarray, "T N"]]:
        """Corners of the first frame, for as long as each can be followed."""
        lumas = [cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY) for rgb in frames]
        here = corner_of_each_cell(lumas[0])
        tracks, visible = [here], [np.ones(len(here), bool)]
        for before, after in pairwise(lumas):
            moved, kept = follow(before, after, tracks[-1])
            visible.append(visible[-1] & kept)
            tracks.append(np.where(visible[-1][:, None], moved, tracks[-1]))
        diagonal = float(np.hypot(*lumas[0].shape))
        return np.stack(tracks).astype(np.float64) / diagonal, np.stack(visible)

    def finish(self) -> FeatureTable:
        # the rest of the clip is a window too, unless it is too short to say anything
        rest = self._seconds[-1] - self._seconds[0] if self._seconds else 0.0
        if rest >= WINDOW_SECONDS / 4 or (rest > 0 and len(self._rows) == 0):
            self._end()
        return self._rows.table()


def corner_of_each_cell(luma: UInt8[np.ndarray, "H W"]) -> Float32[np.ndarray, "N 2"]:
    """The strongest corner (Shi and Tomasi) of each cell of the picture that has one; px, x before y."""
    height, width = luma.shape
    strength = cv2.cornerMinEigenVal(luma, 3)
    strength[strength < LEAST_QUALITY * strength.max()] = 0.0
    side = width / COLUMNS
    found = []
    for top in np.arange(0, height - side / 2, side).round().astype(int):
        for left in np.arange(0, width - side / 2, side).round().astype(int):
            cell = strength[top : round(top + side), left : round(left + side)]
            y, x = np.unravel_index(int(cell.argmax()), cell.shape)
            if cell[y, x] > 0:
                found.append((left + x, top + y))
    return np.array(found, np.float32).reshape(-1, 2)


class _TapirSession(_Session):
    def __init__(self, net: Tapir, settings: TapirPaths, sides: Float64[np.ndarray, " 2"]) -> None:
        super().__init__()
        self._net, self._settings, self._sides = net, settings, sides

    def _tracked(
        self, frames: UInt8Array
    ) -> tuple[Float64[np.ndarray, "T N 2"], Bool[np.ndarray, "T N"]]:
        """A grid on the middle frame, followed both ways."""
        import torch  # extra `torch`

        side, grid = self._settings.side, self._settings.grid
        places = (torch.arange(grid) + 0.5) * (side / grid)
        middle = torch.tensor([float(len(frames) // 2)])
        queries = torch.cartesian_prod(middle, places, places)  # (grid^2, 3)
        video = torch.from_numpy(frames).permute(0, 3, 1, 2).float() / 127.5 - 1
        with running(self._settings.precision) as device:
            found = self._net(video.to(device), queries.to(device))
            points = found.points.float().cpu().numpy().astype(np.float64)
            visible = found.visible.cpu().numpy()
        return np.swapaxes(points / side * self._sides, 0, 1), visible.T.copy()
