"""Feature `flow_interpolation`: how far odd frames are from the middle of their neighbours by RAFT."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from mirabench.errors import NotApplicable
from mirabench.features.api import FeatureTable
from mirabench.features.networks import network, running
from mirabench.features.rows import Rows
from mirabench.video.frames import FrameBatch, IntArray, UInt8Array, VideoInfo
from mirabench.video.sampling import every_frame

if TYPE_CHECKING:
    from torch import Tensor

    from mirabench.nets.raft import EncodedFrame, Raft


@dataclass(frozen=True, slots=True)
class FlowInterpolation:
    """Extractor of the feature `flow_interpolation`. Rows are odd frames with an even one on each side.

    Columns: `seconds`, `error` (mean absolute difference in 8-bit levels, over the pixels that both
    neighbours show). The middle is made as in Jiang et al. (Super SloMo, CVPR 2018, equation 4) at time
    1/2, without their refining network: flows from the middle are a quarter of the difference of the two
    flows between the neighbours, both neighbours are fetched along them and averaged. Needs three frames.
    """

    updates: int = 12
    precision: str = "fp32"
    name: ClassVar[str] = "flow_interpolation"
    version: ClassVar[int] = 1
    resize = None  # native size
    precisions: ClassVar[tuple[str, ...]] = ("fp32", "bf16")
    weights: ClassVar[tuple[str, ...]] = ("raft-things",)

    def select(self, video: VideoInfo) -> IntArray:
        """Every frame; of an even number the last one has no neighbour and goes unused."""
        return every_frame(video)

    def open(self, video: VideoInfo) -> _Session:
        """Start on a clip."""
        if video.num_frames < 3:
            raise NotApplicable(f"too short: {video.num_frames} frames, interpolation needs three")
        from mirabench.nets import raft  # extra `torch`

        return _Session(network("raft-things", raft.load), self)


class _Session:
    """Even frames are encoded once, although each is the end of two intervals."""

    def __init__(self, net: Raft, settings: FlowInterpolation) -> None:
        self._net, self._settings = net, settings
        self._before: tuple[Tensor, EncodedFrame] | None = None
        self._middle: tuple[UInt8Array, float] | None = None
        self._seen = 0
        self._rows = Rows("seconds", "error")

    def push(self, batch: FrameBatch) -> None:
        for frame, seconds in zip(batch.data, batch.seconds.tolist(), strict=True):
            if self._seen % 2:
                self._middle = frame, seconds
            else:
                self._end(frame)
            self._seen += 1

    def _end(self, frame: UInt8Array) -> None:
        from mirabench.nets.preprocess import to_tensor
        from mirabench.nets.raft import MULTIPLE
        from mirabench.nets.sampling import pad_to_multiple

        with running(self._settings.precision) as device:
            image, padding = pad_to_multiple(to_tensor(frame[None]).float().to(device), MULTIPLE)
            here = image, self._net.encode(image)
            if self._before is not None and self._middle is not None:
                made, shown = self._made(self._before, here)
                real = to_tensor(self._middle[0][None]).float().to(device)
                difference = (padding.crop(made).round() - real).abs().mean(dim=1, keepdim=True)
                weight = padding.crop(shown)
                error = float((difference * weight).sum() / weight.sum().clamp(min=1))
                self._rows.add(seconds=self._middle[1], error=error)
        self._before = here

    def _made(
        self, before: tuple[Tensor, EncodedFrame], after: tuple[Tensor, EncodedFrame]
    ) -> tuple[Tensor, Tensor]:
        """The middle (1, 3, H, W) in levels, and where both neighbours show it, (1, 1, H, W) of 0 and 1."""
        from mirabench.nets.sampling import inside, warp

        updates = self._settings.updates
        onward = self._net.flow(before[1], after[1], updates).float()
        back = self._net.flow(after[1], before[1], updates).float()
        to_before = (back - onward) / 4
        shown = inside(to_before) * inside(-to_before)
        return (warp(before[0], to_before) + warp(after[0], -to_before)) / 2, shown

    def finish(self) -> FeatureTable:
        return self._rows.table()
