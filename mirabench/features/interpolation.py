"""Feature `interpolation`: how far each odd frame is from what AMT-S makes of its neighbours."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from mirabench.errors import NotApplicable
from mirabench.features.api import FeatureTable
from mirabench.features.networks import network, running
from mirabench.features.rows import Rows
from mirabench.functional.interpolation import interpolation_error
from mirabench.video.frames import FrameBatch, IntArray, UInt8Array, VideoInfo
from mirabench.video.sampling import every_frame

if TYPE_CHECKING:
    from mirabench.nets.amt import AmtS

MULTIPLE = 16


@dataclass(frozen=True, slots=True)
class Interpolation:
    """Extractor of the feature `interpolation`. Rows are odd frames with an even one on each side.

    Columns: `seconds`, `error` (mean absolute difference in 8-bit levels). The prediction is cut to
    whole levels, as in the reference. Needs three frames.
    """

    precision: str = "fp32"
    name: ClassVar[str] = "interpolation"
    version: ClassVar[int] = 1
    resize = None  # native size
    precisions: ClassVar[tuple[str, ...]] = ("fp32", "bf16")
    weights: ClassVar[tuple[str, ...]] = ("amt-s",)

    def select(self, video: VideoInfo) -> IntArray:
        """Every frame; of an even number the last one has no neighbour and goes unused."""
        return every_frame(video)

    def open(self, video: VideoInfo) -> _Session:
        """Start on a clip."""
        if video.num_frames < 3:
            raise NotApplicable(f"too short: {video.num_frames} frames, interpolation needs three")
        from mirabench.nets import amt  # extra `torch`

        return _Session(network("amt-s", amt.load), self.precision)


class _Session:
    def __init__(self, net: AmtS, precision: str) -> None:
        self._net, self._precision = net, precision
        self._recent: list[tuple[UInt8Array, float]] = []
        self._rows = Rows("seconds", "error")

    def push(self, batch: FrameBatch) -> None:
        for frame, seconds in zip(batch.data, batch.seconds.tolist(), strict=True):
            self._recent.append((frame, seconds))
            if len(self._recent) == 3:
                (before, _), (middle, at), last = self._recent
                self._rows.add(seconds=at, error=self._error(before, middle, last[0]))
                self._recent = [last]

    def _error(self, before: UInt8Array, middle: UInt8Array, after: UInt8Array) -> float:
        from mirabench.nets.preprocess import to_tensor
        from mirabench.nets.sampling import pad_to_multiple

        ends = [
            pad_to_multiple(to_tensor(f[None]).float() / 255, MULTIPLE) for f in (before, after)
        ]
        with running(self._precision) as device:
            made = self._net(ends[0][0].to(device), ends[1][0].to(device))
            made = ends[0][1].crop(made.float()).clamp(0, 1)
            levels = (made * 255).byte().permute(0, 2, 3, 1).cpu().numpy()  # cut, not rounded
        return float(interpolation_error(levels, middle[None])[0])

    def finish(self) -> FeatureTable:
        return self._rows.table()
