"""Feature `raft_flow`: RAFT between neighbouring frames, each frame encoded once, reduced to a row."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from mirabench.features.api import FeatureTable
from mirabench.features.networks import network, running
from mirabench.features.rows import Rows
from mirabench.video.frames import FrameBatch, IntArray, UInt8Array, VideoInfo
from mirabench.video.sampling import every_frame

if TYPE_CHECKING:
    from mirabench.nets.raft import EncodedFrame, Raft

SHARE = 0.05
"""Of the largest displacements, over which the reference averages."""


@dataclass(frozen=True, slots=True)
class RaftFlow:
    """Extractor of the feature `raft_flow`. Rows are pairs (t-1, t) of neighbouring frames.

    Columns: `seconds` of the later frame, `dt` (s), `top5` (mean length of the largest
    floor(0.05 H W) displacements, px of the frame). Facts: `width`, `height`. Frames are padded to
    multiples of 8 by repeating the border and the padding is part of the field, as in the reference.
    """

    updates: int = 20
    precision: str = "fp32"
    name: ClassVar[str] = "raft_flow"
    version: ClassVar[int] = 1
    resize = None  # native size
    weights: ClassVar[tuple[str, ...]] = ("raft-things",)

    def select(self, video: VideoInfo) -> IntArray:
        """Every frame."""
        return every_frame(video)

    def open(self, video: VideoInfo) -> _Session:
        """Start on a clip."""
        from mirabench.nets import raft  # extra `torch`

        return _Session(network("raft-things", raft.load), self, video)


class _Session:
    def __init__(self, net: Raft, settings: RaftFlow, video: VideoInfo) -> None:
        self._net, self._settings, self._video = net, settings, video
        self._last: EncodedFrame | None = None
        self._last_seconds = 0.0
        self._rows = Rows("seconds", "dt", "top5")

    def push(self, batch: FrameBatch) -> None:
        for frame, seconds in zip(batch.data, batch.seconds.tolist(), strict=True):
            self._step(frame, seconds)

    def _step(self, frame: UInt8Array, seconds: float) -> None:
        from mirabench.nets.preprocess import to_tensor
        from mirabench.nets.raft import MULTIPLE
        from mirabench.nets.sampling import pad_to_multiple

        image, _ = pad_to_multiple(to_tensor(frame[None]).float(), MULTIPLE)
        with running(self._settings.precision) as device:
            encoded = self._net.encode(image.to(device))
            if self._last is not None:
                flow = self._net.flow(self._last, encoded, self._settings.updates)
                length = flow.float().square().sum(dim=1).sqrt().flatten()
                count = int(SHARE * length.numel())
                top = float(length.topk(count).values.double().mean())
                self._rows.add(seconds=seconds, dt=seconds - self._last_seconds, top5=top)
        self._last, self._last_seconds = encoded, seconds

    def finish(self) -> FeatureTable:
        return self._rows.table({"width": self._video.width, "height": self._video.height})
