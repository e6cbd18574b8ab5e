"""Feature `i3d_logits`: I3D (Kinetics-400) class scores of a clip, from which FVD and KVD are made."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from mirabench.errors import NotApplicable
from mirabench.features.api import FeatureTable, as_table
from mirabench.features.networks import network, running
from mirabench.video.frames import FrameBatch, IntArray, VideoInfo
from mirabench.video.sampling import linspace

if TYPE_CHECKING:
    from torch import Tensor

    from mirabench.nets.i3d import InceptionI3d

FEWEST_FRAMES = 9


@dataclass(frozen=True, slots=True)
class I3dLogits:
    """Extractor of the feature `i3d_logits`: `logits` (400,), and `frames`, how many were seen.

    At most `count` frames, evenly spaced over the clip whatever its length, squashed to 224x224.
    """

    count: int = 100
    precision: str = "fp32"
    name: ClassVar[str] = "i3d_logits"
    version: ClassVar[int] = 1
    resize = None
    """Native size; the squash is part of the preprocessing."""
    weights: ClassVar[tuple[str, ...]] = ("i3d-kinetics-400",)

    def select(self, video: VideoInfo) -> IntArray:
        """At most `count` frames."""
        return linspace(video, self.count)

    def open(self, video: VideoInfo) -> _Session:
        """Start on a clip."""
        if video.num_frames < FEWEST_FRAMES:
            raise NotApplicable(f"too short: {video.num_frames} frames, I3D needs {FEWEST_FRAMES}")
        from mirabench.nets import i3d  # extra `torch`

        return _Session(network("i3d-kinetics-400", i3d.load), self.precision)


class _Session:
    def __init__(self, net: InceptionI3d, precision: str) -> None:
        self._net, self._precision = net, precision
        self._frames: list[Tensor] = []

    def push(self, batch: FrameBatch) -> None:
        from mirabench.nets.preprocess import for_i3d

        self._frames += list(for_i3d(batch.data))

    def finish(self) -> FeatureTable:
        import torch

        video = torch.stack(self._frames, dim=1)[None]  # (1, 3, T, 224, 224)
        with running(self._precision) as device:
            logits = self._net(video.to(device))[0].float().cpu().numpy()
        return as_table(logits=logits, frames=np.int64(len(self._frames)))
