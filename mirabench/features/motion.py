"""Feature `motion`: dense optical flow both ways between neighbouring frames, reduced to one row a pair.

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
from typing import ClassVar, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from mirabench.features.api import FeatureTable
from mirabench.features.rows import Rows
from mirabench.video.frames import FrameBatch, IntArray, UInt8Array, VideoInfo
from mirabench.video.resize import Resize
from mirabench.video.sampling import every_frame

Float32 = NDArray[np.float32]

GRID_STEP = 8
"""Spacing in px of the flow vectors to which the camera is fitted."""
BLOCKS = (16, 9)
"""Columns and rows of blocks over which residual luminance is averaged for flicker."""
LEAST_SPREAD = 2.0
"""Standard deviation in levels around a grid point below which its flow is not believed."""
DESCRIPTOR_SIZE = 12
"""Flow statistics per pair that the hand-made descriptor uses."""


class Camera(NamedTuple):
    """A camera's motion between two frames, read off a homography at the picture's centre."""

    field: Float32
    """(N, 2) the motion in px that it explains at the grid points."""
    shift_x: float
    shift_y: float
    scale: float
    rotation: float
    inliers: float
    """Share of grid points it explains within a pixel."""


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
        flow = cv2.DISOpticalFlow_create(cv2.DISOPTICAL_FLOW_PRESET_ULTRAFAST)
        flow.setFinestScale(self.finest_scale)
        flow.setPatchStride(self.patch_stride)
        flow.setGradientDescentIterations(self.iterations)
        return _Session(flow, self.resize.target(video.width, video.height))


SMALLEST = 32
"""DIS needs a few patches a side; smaller pictures are enlarged by repeating their border."""


class _Session:
    def __init__(self, flow: cv2.DISOpticalFlow, size: tuple[int, int]) -> None:
        self._width, self._height = size
        self._dis = flow
        self._grid = _PixelGrid(*size)
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
        flow = self._flow(before, after)
        visible, residual = self._grid.compensate(before, after, flow, self._flow(after, before))
        speed = np.sqrt(_squared(flow[..., 0], flow[..., 1]))
        points, vectors, seen = self._grid.sparse(flow, visible & is_textured(before))
        camera = fit_camera(points, vectors, seen, (self._width / 2, self._height / 2))
        dt = seconds - self._last_seconds
        diagonals = vectors / np.float32(dt * np.hypot(self._width, self._height))
        leftover = np.hypot(*(vectors - camera.field)[seen].T)
        seen_share = float(visible.mean())
        self._rows.add(
            seconds=seconds,
            dt=dt,
            top5=mean_of_largest(speed.ravel(), 0.05),
            mean=float(speed.mean(dtype=np.float64)),
            camera=float(np.hypot(*camera.field.T).mean(dtype=np.float64)),
            object=mean_of_largest(leftover, 0.05),
            shift_x=camera.shift_x,
            shift_y=camera.shift_y,
            scale=camera.scale,
            rotation=camera.rotation,
            camera_inliers=camera.inliers,
            warp_error=_mean_over(np.abs(residual), visible) / 255,
            raw_error=float(cv2.absdiff(before, after).mean(dtype=np.float64)) / 255,
            flicker=block_residual(residual, visible) / 255,
            visible=seen_share,
            descriptor=flow_descriptor(diagonals),
        )

    def _flow(self, before: UInt8Array, after: UInt8Array) -> Float32:
        """(H, W, 2) px from `before` to `after`."""
        right, bottom = max(0, SMALLEST - self._width), max(0, SMALLEST - self._height)
        if right or bottom:
            edge = (0, bottom, 0, right, cv2.BORDER_REPLICATE)
            before, after = cv2.copyMakeBorder(before, *edge), cv2.copyMakeBorder(after, *edge)
        flow: Float32 = self._dis.calc(before, after, None)
        return flow[: self._height, : self._width]

    def finish(self) -> FeatureTable:
        return self._rows.table({"width": self._width, "height": self._height})


class _PixelGrid:
    """Coordinates of all pixels of a picture, and what is looked up along a flow."""

    def __init__(self, width: int, height: int) -> None:
        self._x, self._y = np.meshgrid(
            np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32)
        )
        self._right, self._bottom = np.float32(width - 1), np.float32(height - 1)
        start_x, start_y = min(GRID_STEP, width) // 2, min(GRID_STEP, height) // 2
        self._sparse = (slice(start_y, None, GRID_STEP), slice(start_x, None, GRID_STEP))

    def sparse(
        self, flow: Float32, visible: NDArray[np.bool_]
    ) -> tuple[Float32, Float32, NDArray[np.bool_]]:
        """Grid points (N, 2), their flow (N, 2) and whether they are visible (N,)."""
        points = np.stack([self._x[self._sparse].ravel(), self._y[self._sparse].ravel()], axis=1)
        return points, flow[self._sparse].reshape(-1, 2), visible[self._sparse].ravel()

    def compensate(
        self, before: UInt8Array, after: UInt8Array, forward: Float32, backward: Float32
    ) -> tuple[NDArray[np.bool_], Float32]:
        """Visible pixels (H, W) and luma of `after` moved back minus `before` (H, W), in levels."""
        right, down = cv2.split(forward)
        to_x, to_y = self._x + right, self._y + down
        moved = cv2.remap(after, to_x, to_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        back = cv2.remap(backward, to_x, to_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        back_x, back_y = cv2.split(back)
        allowed = 0.01 * (_squared(right, down) + _squared(back_x, back_y)) + 0.5
        inside = (to_x >= 0) & (to_x <= self._right) & (to_y >= 0) & (to_y <= self._bottom)
        visible = inside & (_squared(right + back_x, down + back_y) <= allowed)
        return visible, cv2.subtract(moved, before, dtype=cv2.CV_32F)


# not cv2.magnitude: its last bit depends on where in memory the array lies
def _squared(x: Float32, y: Float32) -> Float32:
    return x * x + y * y


def is_textured(luma: UInt8Array) -> NDArray[np.bool_]:
    """(H, W) whether there is enough structure around a pixel for its flow to mean anything.

    A plain sky has no flow of its own and would hold a turning camera still.
    """
    window = (2 * GRID_STEP - 1, 2 * GRID_STEP - 1)
    mean = cv2.blur(luma.astype(np.float32), window)
    square = cv2.sqrBoxFilter(luma, cv2.CV_32F, window)
    return np.asarray(square - mean * mean >= LEAST_SPREAD**2)


def fit_camera(
    points: Float32, vectors: Float32, seen: NDArray[np.bool_], centre: tuple[float, float]
) -> Camera:
    """The homography that explains most of the visible flow within 1 px (RANSAC, fixed seed).

    Args:
        points: (N, 2) px.
        vectors: (N, 2) flow in px.
        seen: (N,) whether the point is visible in both frames.
        centre: Where shift, scale and rotation are read.

    Returns:
        The camera; with `inliers` 0 and no motion when fewer than 12 visible points or no fit.
    """
    none = Camera(np.zeros_like(vectors), 0.0, 0.0, 1.0, 0.0, 0.0)
    if seen.sum() < 12:
        return none
    if np.abs(vectors[seen]).max() < 1e-3:
        return none._replace(inliers=1.0)
    homography, mask = cv2.findHomography(
        points[seen], points[seen] + vectors[seen], cv2.RANSAC, 1.0, None, 500, 0.995
    )
    if homography is None or not np.isfinite(homography).all():
        return none
    field = _moved(homography, points.astype(np.float64)) - points
    shift, jacobian = _at(homography, centre)
    determinant = float(np.linalg.det(jacobian))
    if determinant <= 0 or not np.isfinite(field).all():
        return none
    return Camera(
        field.astype(np.float32),
        float(shift[0]),
        float(shift[1]),
        float(np.sqrt(determinant)),
        float(np.arctan2(jacobian[1, 0] - jacobian[0, 1], jacobian[0, 0] + jacobian[1, 1])),
        float(mask.sum() / len(points)),
    )


def _moved(homography: NDArray[np.float64], points: NDArray[np.float64]) -> NDArray[np.float64]:
    projected = points @ homography[:, :2].T + homography[:, 2]
    return np.asarray(projected[:, :2] / projected[:, 2:])


def _at(
    homography: NDArray[np.float64], centre: tuple[float, float]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Shift (2,) in px and Jacobian (2, 2) of the homography at a point."""
    x = np.array([*centre, 1.0])
    u = homography @ x
    image = u[:2] / u[2]
    jacobian = (homography[:2, :2] - np.outer(image, homography[2, :2])) / u[2]
    return image - x[:2], jacobian


def mean_of_largest(values: NDArray[np.floating], share: float) -> float:
    """Mean of the largest `share` of the values, at least one; 0 for none."""
    if values.size == 0:
        return 0.0
    count = max(1, int(values.size * share))
    return float(np.partition(values, values.size - count)[-count:].mean(dtype=np.float64))


def _mean_over(values: Float32, mask: NDArray[np.bool_]) -> float:
    return float(cv2.mean(values, mask.view(np.uint8))[0])


def block_residual(residual: Float32, visible: NDArray[np.bool_]) -> float:
    """Mean over blocks of the absolute mean residual, in levels.

    Averaging within a block first cancels texture and noise, so what is left is light that changed.
    Blocks less than a quarter visible do not count; no such block gives 0.
    """
    height, width = residual.shape
    size = (min(BLOCKS[0], width), min(BLOCKS[1], height))
    weight = visible.astype(np.float32)
    share = cv2.resize(weight, size, interpolation=cv2.INTER_AREA)
    total = cv2.resize(residual * weight, size, interpolation=cv2.INTER_AREA)
    usable = share >= 0.25
    if not usable.any():
        return 0.0
    return float(np.abs(total[usable] / share[usable]).mean(dtype=np.float64))


def flow_descriptor(velocity: Float32) -> NDArray[np.float64]:
    """(12,) how the grid moves: mean speed along 8 directions, and 4 quantiles of speed.

    Args:
        velocity: (N, 2) diagonals per second.
    """
    speed = np.hypot(velocity[:, 0], velocity[:, 1]).astype(np.float64)
    angle = np.arctan2(velocity[:, 1], velocity[:, 0])
    direction = np.floor((angle + np.pi) / (2 * np.pi) * 8).astype(np.int64) % 8
    along = np.bincount(direction, weights=speed, minlength=8) / max(1, len(speed))
    return np.concatenate([along, np.quantile(speed, [0.25, 0.5, 0.75, 0.95])])
