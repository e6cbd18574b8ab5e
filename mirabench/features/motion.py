"""Feature `motion`: dense optical flow both ways between neighbouring frames, reduced to one row per pair.

The flow is DIS (Kroeger et al., ECCV 2016, as in OpenCV) on luma, at most 240 px on the short side.
Its finest scale is half the picture: the usual presets stop at a quarter and read a shift of one pixel
10 % too large, at about the same cost.
Per pair it yields what the flow metrics need, so that the flow itself is never stored:

- how fast pixels move, how much of it a camera explains (a homography fitted by RANSAC to the flow),
  and what is left for objects;
- what remains of the picture's change once the motion is compensated, on pixels visible in both
  frames by the forward-backward check of Sundaram et al., ECCV 2010, eq. 5.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import cv2
import numpy as np

from mirabench.features.api import FeatureTable
from mirabench.features.rows import Rows
from mirabench.functional.arrays import length
from mirabench.functional.camera import at_grid, fit_camera
from mirabench.functional.consistency import FULL_SCALE, block_mean, mean_absolute, residual
from mirabench.functional.descriptors import motion_descriptor
from mirabench.functional.flow import PairFlow, dis_flow, fastest, visible_in_both
from mirabench.video.frames import FrameBatch, IntArray, UInt8Array, VideoInfo
from mirabench.video.resize import Resize
from mirabench.video.sampling import every_frame


@dataclass(frozen=True, slots=True)
class Motion:
    """Extractor of the feature `motion`. Rows are pairs (t-1, t) of neighbouring frames.

    Columns: `seconds` of the later frame, `dt` (s); in px of the analysed picture `top5` (mean of the
    fastest 5 %), `mean`, `camera` (mean of the fitted camera field), `object` (mean of the fastest 5 %
    of what the camera leaves, visible grid points only), `shift_x`, `shift_y`; `scale` (1 = none),
    `rotation` (rad, clockwise positive), `camera_inliers` (share; 0 when no camera could be fitted);
    as share of full scale `warp_error`, `raw_error`, `flicker`; `visible` (share of pixels seen in both);
    `descriptor` (12,). Facts: `width`, `height` of the analysed picture. A clip of one frame gives no row.
    """

    max_short_side: int = 240
    finest_scale: int = 1
    patch_stride: int = 6
    iterations: int = 16
    name: ClassVar[str] = "motion"
    version: ClassVar[int] = 1

    @property
    def resize(self) -> Resize:
        """Shrunk by area averaging."""
        return Resize(max_short_side=self.max_short_side)

    def select(self, video: VideoInfo) -> IntArray:
        """Every frame."""
        return every_frame(video)

    def open(self, video: VideoInfo) -> _Session:
        """Start on a clip."""
        between = dis_flow(self.finest_scale, self.patch_stride, self.iterations)
        return _Session(between, self.resize.target(video.width, video.height))


class _Session:
    def __init__(self, flow: PairFlow, size: tuple[int, int]) -> None:
        self._width, self._height = size
        self._flow = flow
        self._last: UInt8Array | None = None
        self._last_seconds = 0.0
        self._rows = Rows(
            "seconds", "dt", "top5", "mean", "camera", "object", "shift_x", "shift_y", "scale",
            "rotation", "camera_inliers", "warp_error", "raw_error", "flicker", "visible",
            "descriptor",
        )  # fmt: skip

    def push(self, batch: FrameBatch) -> None:
        for rgb, seconds in zip(batch.data, batch.seconds, strict=True):
            luma = cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY)
            if self._last is not None:
                self._add_pair(self._last, luma, float(seconds))
            self._last, self._last_seconds = luma, float(seconds)

    def _add_pair(self, before: UInt8Array, after: UInt8Array, seconds: float) -> None:
        forward = self._flow(before, after)
        visible = visible_in_both(forward, self._flow(after, before))
        left = residual(before, after, forward)
        camera = fit_camera(before, forward, visible)
        dt = seconds - self._last_seconds
        velocity = at_grid(forward) / np.float32(dt * np.hypot(self._width, self._height))
        self._rows.add(
            seconds=seconds,
            dt=dt,
            top5=fastest(forward),
            mean=float(length(forward[..., 0], forward[..., 1]).mean(dtype=np.float64)),
            camera=camera.length,
            object=camera.left_length,
            shift_x=camera.shift_x,
            shift_y=camera.shift_y,
            scale=camera.scale,
            rotation=camera.rotation,
            camera_inliers=camera.inliers,
            warp_error=mean_absolute(left, visible) / FULL_SCALE,
            raw_error=float(cv2.absdiff(before, after).mean(dtype=np.float64)) / FULL_SCALE,
            flicker=block_mean(left, visible) / FULL_SCALE,
            visible=float(visible.mean()),
            descriptor=motion_descriptor(velocity),
        )

    def finish(self) -> FeatureTable:
        return self._rows.table({"width": self._width, "height": self._height})
