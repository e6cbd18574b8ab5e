"""Features of windows of 16 frames at 8 a second: I3D's pool, VideoMAE's and V-JEPA 2's mean token.

The frames are those nearest to the ticks of a clock, a window of two seconds after the other; a film slower
than the clock repeats frames, so that a window is two seconds of it too. What is left at the end is not
looked at.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from mirabench.errors import NotApplicable
from mirabench.features.api import FeatureTable, as_table
from mirabench.features.networks import network, running
from mirabench.video.frames import FrameBatch, IntArray, UInt8Array, VideoInfo
from mirabench.video.sampling import ROUNDING

if TYPE_CHECKING:
    from torch import Tensor

FRAMES = 16
"""Frames of a window, as FVD is usually taken and as VideoMAE was trained."""

Net = Callable[["Tensor"], "Tensor"]
Prepare = Callable[[UInt8Array], "Tensor"]


@dataclass(frozen=True, slots=True)
class _Windows:
    """What the extractors of this module share."""

    rate: float = 8.0
    """Frames per second."""
    precision: str = "fp32"

    @property
    def resize(self) -> None:
        """Native size; the squash to the network's square, with antialias, is part of the preprocessing."""
        return

    def select(self, video: VideoInfo) -> IntArray:
        """The frames nearest to the ticks of whole windows; one where not even one window is whole."""
        order = _whole(video, self.rate)
        return np.unique(order) if len(order) else np.zeros(1, np.int64)

    def open(self, video: VideoInfo) -> WindowSession:
        """Start on a clip.

        Raises:
            NotApplicable: it is shorter than a window.
        """
        order = _whole(video, self.rate)
        if not len(order):
            raise NotApplicable(
                f"too short: {video.duration_seconds:.2f} s, a window has {FRAMES} frames at "
                f"{self.rate:g} a second"
            )
        net, prepare = self._network()
        return WindowSession(order, self.rate, net, prepare, self.precision)

    def _network(self) -> tuple[Net, Prepare]:
        raise NotImplementedError


def _whole(video: VideoInfo, rate: float) -> IntArray:
    """(K * 16,) the frame of each tick of the whole windows."""
    order = tick_frames(video, rate)
    return order[: len(order) // FRAMES * FRAMES]


def tick_frames(video: VideoInfo, rate: float) -> IntArray:
    """(N,) the frame nearest to each tick k / `rate`, the earlier of two: those of `at_times`, repeated."""
    seconds = video.seconds
    if len(seconds) == 1:
        return np.zeros(1, np.int64)
    middles = (seconds[1:] + seconds[:-1]) / 2
    until = np.append(middles, 2 * seconds[-1] - middles[-1]) + ROUNDING
    ticks = np.arange(int(until[-1] * rate) + 1) / rate
    return np.searchsorted(until, ticks, side="left").clip(0, len(seconds) - 1).astype(np.int64)


@dataclass(frozen=True, slots=True)
class I3dPool(_Windows):
    """`i3d_pool`: I3D's features before its classifier, `rows` (K, 1024), of windows squashed to 224x224."""

    name: ClassVar[str] = "i3d_pool"
    version: ClassVar[int] = 1
    weights: ClassVar[tuple[str, ...]] = ("i3d-kinetics-400",)

    def _network(self) -> tuple[Net, Prepare]:
        from mirabench.nets import i3d, preprocess  # extra `torch`

        net = network("i3d-kinetics-400", i3d.load)
        return net.pooled, lambda frames: preprocess.squashed(frames, 224) * 2 - 1


@dataclass(frozen=True, slots=True)
class VideoMaeWindows(_Windows):
    """`videomae_windows`: VideoMAE v2 ViT-g (SSv2), `rows` (K, 1408), of windows squashed to 224x224."""

    name: ClassVar[str] = "videomae_windows"
    version: ClassVar[int] = 1
    weights: ClassVar[tuple[str, ...]] = ("videomae-v2-g-ssv2",)

    def _network(self) -> tuple[Net, Prepare]:
        from mirabench.nets import preprocess, video_transformers  # extra `video`

        net = network("videomae-v2-g-ssv2", video_transformers.load_videomae)
        return net, lambda frames: preprocess.squashed(frames, 224)


@dataclass(frozen=True, slots=True)
class VJepa2Windows(_Windows):
    """`vjepa2_windows`: V-JEPA 2 ViT-L's mean token, `rows` (K, 1024), of windows squashed to 256x256."""

    name: ClassVar[str] = "vjepa2_windows"
    version: ClassVar[int] = 1
    weights: ClassVar[tuple[str, ...]] = ("vjepa2-vit-l-256",)

    def _network(self) -> tuple[Net, Prepare]:
        from mirabench.nets import preprocess, video_transformers  # extra `video`

        net = network("vjepa2-vit-l-256", video_transformers.load_vjepa2)
        return net, lambda frames: preprocess.imagenet(preprocess.squashed(frames, 256))


class WindowSession:
    """One clip on its way through a network, a window at a time; holds the frames of one window."""

    def __init__(
        self, order: IntArray, rate: float, net: Net, prepare: Prepare, precision: str
    ) -> None:
        self._order, self._rate = order, rate
        self._net, self._prepare, self._precision = net, prepare, precision
        self._frames: list[Tensor] = []
        self._rows: list[np.ndarray] = []
        self._seen = 0

    def push(self, batch: FrameBatch) -> None:
        """Take the next frames, each as often as ticks ask for it."""
        for frame, index in zip(batch.data, batch.index.tolist(), strict=True):
            times = int((self._order == index).sum())
            if times:
                prepared = self._prepare(frame[None])[0]
                for _ in range(times):
                    self._add(prepared)

    def _add(self, frame: Tensor) -> None:
        import torch

        self._frames.append(frame)
        if len(self._frames) < FRAMES:
            return
        video = torch.stack(self._frames, dim=1)[None]  # (1, 3, 16, S, S)
        self._frames = []
        with running(self._precision) as device:
            self._rows.append(self._net(video.to(device))[0].float().cpu().numpy())

    def finish(self) -> FeatureTable:
        """A row a window, `seconds` its start."""
        starts = np.arange(len(self._rows)) * FRAMES / self._rate
        return as_table(seconds=starts, rows=np.stack(self._rows))
