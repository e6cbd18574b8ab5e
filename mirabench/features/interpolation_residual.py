"""How far frames are from what their neighbours an eighth of a second away say, where both show it.

`interpolation_residual` follows motion by DIS flow, without weights; `raft_interpolation_residual` by RAFT.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, NamedTuple

import cv2
import numpy as np

from mirabench.features.api import FeatureTable
from mirabench.features.motion_residual import enlarged
from mirabench.features.networks import network, running
from mirabench.features.rows import Rows
from mirabench.functional.flow import dis_flow
from mirabench.functional.middle_frame import interpolation_residual
from mirabench.shapes import Float32, UInt8
from mirabench.video.frames import FrameBatch, IntArray, UInt8Array, VideoInfo
from mirabench.video.resize import Resize
from mirabench.video.sampling import at_times

if TYPE_CHECKING:
    from mirabench.nets.raft import Raft

Flows = tuple[Float32[np.ndarray, "H W 2"], Float32[np.ndarray, "H W 2"]]
"""From a frame to a later one, and back, px."""
BothWays = Callable[[UInt8[np.ndarray, "H W 3"], UInt8[np.ndarray, "H W 3"]], Flows]
"""From two RGB frames to the flows between them."""


@dataclass(frozen=True, slots=True)
class _AtTicks:
    """Which frames, and at which size."""

    rate: float = 8.0
    """Ticks per second; the three frames are at neighbouring ticks."""
    long_side: int = 256

    @property
    def resize(self) -> Resize:
        """Shrunk by area averaging, the aspect kept."""
        return Resize(long_side=self.long_side)

    def select(self, video: VideoInfo) -> IntArray:
        """The frame nearest to each tick."""
        return at_times(video, self.rate)


@dataclass(frozen=True, slots=True)
class InterpolationResidual(_AtTicks):
    """`interpolation_residual`: how far frames are from the middle of their neighbours by DIS.

    Columns: `seconds` of the middle frame, `until` (s, of the last of the three), `dt` (s from the first to the
    last); as shares of the picture, 0 to 1: `error` that smooth motion does not explain, `error_weight` (how
    much of the picture says something). A clip of fewer than
    three frames gives no row.
    """

    name: ClassVar[str] = "interpolation_residual"
    version: ClassVar[int] = 2

    def open(self, video: VideoInfo) -> _Session:
        """Start on a clip."""
        del video
        between = dis_flow(finest_scale=1, patch_stride=6, iterations=16)

        def both(before: UInt8Array, after: UInt8Array) -> Flows:
            one, two = (cv2.cvtColor(f, cv2.COLOR_RGB2GRAY) for f in (before, after))
            return between(one, two), between(two, one)

        return _Session(both, self.long_side)


@dataclass(frozen=True, slots=True)
class RaftInterpolationResidual(_AtTicks):
    """`raft_interpolation_residual`: how far frames are from the middle of their neighbours by RAFT.

    Columns: those of `interpolation_residual`.
    """

    long_side: int = 512
    updates: int = 12
    precision: str = "fp32"
    name: ClassVar[str] = "raft_interpolation_residual"
    version: ClassVar[int] = 2
    weights: ClassVar[tuple[str, ...]] = ("raft-things",)

    def open(self, video: VideoInfo) -> _Session:
        """Start on a clip."""
        del video
        from mirabench.nets import raft  # extra `torch`

        net = network("raft-things", raft.load)
        return _Session(_by_raft(net, self.updates, self.precision), self.long_side)


def _by_raft(net: Raft, updates: int, precision: str) -> BothWays:
    from mirabench.nets.preprocess import to_tensor
    from mirabench.nets.raft import MULTIPLE
    from mirabench.nets.sampling import pad_to_multiple

    def both(before: UInt8Array, after: UInt8Array) -> Flows:
        with running(precision) as device:
            padded = [
                pad_to_multiple(to_tensor(f[None]).float(), MULTIPLE) for f in (before, after)
            ]
            one, two = (net.encode(image.to(device)) for image, _ in padded)
            crop = padded[0][1].crop
            found = [
                crop(net.flow(a, b, updates).float())[0].permute(1, 2, 0).cpu().numpy()
                for a, b in ((one, two), (two, one))
            ]
        return np.ascontiguousarray(found[0]), np.ascontiguousarray(found[1])

    return both


class _Moment(NamedTuple):
    rgb: UInt8Array
    seconds: float


class _Session:
    """Holds two frames; each may be an outer one once on each side."""

    def __init__(self, flows: BothWays, long_side: int) -> None:
        self._flows, self._long_side = flows, long_side
        self._last: list[_Moment] = []
        self._rows = Rows("seconds", "until", "dt", "error", "error_weight")

    def push(self, batch: FrameBatch) -> None:
        for rgb, seconds in zip(batch.data, batch.seconds.tolist(), strict=True):
            self._last.append(_Moment(enlarged(rgb, self._long_side), seconds))
            if len(self._last) == 3:
                self._add(*self._last)
                del self._last[0]

    def _add(self, before: _Moment, middle: _Moment, after: _Moment) -> None:
        forward, backward = self._flows(before.rgb, after.rgb)
        dt = after.seconds - before.seconds
        first, second, third = (
            cv2.cvtColor(m.rgb, cv2.COLOR_RGB2GRAY) for m in (before, middle, after)
        )
        found = interpolation_residual(
            (first, second, third), forward, backward, (middle.seconds - before.seconds) / dt
        )
        self._rows.add(
            seconds=middle.seconds,
            until=after.seconds,
            dt=dt,
            error=found.share,
            error_weight=found.weight,
        )

    def finish(self) -> FeatureTable:
        return self._rows.table()
