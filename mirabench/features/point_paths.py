"""Features `klt_paths` and `tapir_paths`: how points move in windows of two seconds, twelve times a second.

Points are laid on each window anew, followed through it, and reduced at once by
`mirabench.functional.point_motion`: memory does not grow with the clip. KLT needs no weights: the best corner
(Shi and Tomasi, CVPR 1994) of each cell of the picture, pyramidal Lucas-Kanade forward and back, lost for good
when it does not come back to within a pixel. BootsTAPIR (Apache-2.0) follows a grid of points and says when
each is hidden.
"""

from __future__ import annotations

from dataclasses import dataclass
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
        return _KltSession()


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
        self._seconds: list[float] = []
        self._rows = Rows("seconds", "points", "motion", "subject", "subject_share")

    def push(self, batch: FrameBatch) -> None:
        for rgb, seconds in zip(batch.data, batch.seconds.tolist(), strict=True):
            self._take(rgb)
            self._seconds.append(seconds)
            if seconds - self._seconds[0] >= WINDOW_SECONDS - 1e-6:
                self._end()

    def _take(self, rgb: UInt8Array) -> None:
        """Another frame of the window."""
        raise NotImplementedError

    def _tracked(
        self,
    ) -> tuple[Float64[np.ndarray, "T N 2"], Bool[np.ndarray, "T N"]]:
        """Where the window's points are, as shares of the diagonal, and whether they are seen.

        The next window begins with the last frame of this one.
        """
        raise NotImplementedError

    def _end(self) -> None:
        seconds = np.array(self._seconds)
        tracks, visible = self._tracked()
        middle = float(seconds[0] + seconds[-1]) / 2
        self._rows.add(seconds=middle, **point_motion(tracks, visible, seconds)._asdict())
        self._seconds = self._seconds[-1:]

    def finish(self) -> FeatureTable:
        # the rest of the clip is a window too, unless it is too short to say anything
        rest = self._seconds[-1] - self._seconds[0] if self._seconds else 0.0
        if rest >= WINDOW_SECONDS / 4 or (rest > 0 and len(self._rows) == 0):
            self._end()
        return self._rows.table()


class _KltSession(_Session):
    """Follows the corners of a window's first frame from frame to frame; keeps no picture but the last."""

    def __init__(self) -> None:
        super().__init__()
        self._luma: UInt8[np.ndarray, "H W"] | None = None
        self._tracks: list[Float32[np.ndarray, "N 2"]] = []
        self._visible: list[Bool[np.ndarray, " N"]] = []

    def _take(self, rgb: UInt8Array) -> None:
        luma = cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY)
        if self._luma is None:
            self._begin(luma)
        else:
            moved, kept = follow(self._luma, luma, self._tracks[-1])
            self._visible.append(self._visible[-1] & kept)
            self._tracks.append(np.where(self._visible[-1][:, None], moved, self._tracks[-1]))
        self._luma = luma

    def _begin(self, luma: UInt8[np.ndarray, "H W"]) -> None:
        self._tracks = [corner_of_each_cell(luma)]
        self._visible = [np.ones(len(self._tracks[0]), bool)]

    def _tracked(
        self,
    ) -> tuple[Float64[np.ndarray, "T N 2"], Bool[np.ndarray, "T N"]]:
        assert self._luma is not None  # a window has frames
        tracks, visible = np.stack(self._tracks), np.stack(self._visible)
        self._begin(self._luma)
        return tracks.astype(np.float64) / float(np.hypot(*self._luma.shape)), visible


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
        self._window: list[UInt8Array] = []

    def _take(self, rgb: UInt8Array) -> None:
        self._window.append(rgb)

    def _tracked(
        self,
    ) -> tuple[Float64[np.ndarray, "T N 2"], Bool[np.ndarray, "T N"]]:
        """A grid on the middle frame, followed both ways."""
        import torch  # extra `torch`

        frames, self._window = np.stack(self._window), self._window[-1:]
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
