"""How fast a picture and what is in it move between two frames, read where there is something to follow.

The flow of a plain sky is a guess that noise, blur or a codec turn into another one. So luma is smoothed
before the flow is taken, the flow is averaged over cells of a grid, only cells count in which the picture has
structure for its own contrast, and each vector is the median of its neighbours' in space and their mean in
time. All lengths are shares of the diagonal, so that half the size reads alike.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import cv2
import numpy as np

from mirabench.functional.active_picture import active_picture
from mirabench.functional.camera import Camera, fit_to, no_camera
from mirabench.functional.consistency import FULL_SCALE, block_mean, residual
from mirabench.functional.flow import FASTEST, PairFlow, mean_of_largest, visible_in_both
from mirabench.shapes import Bool, Float32, Float64, UInt8

REFERENCE_DIAGONAL = 367.0
"""px of a picture of 320x180; the lengths below are px of it."""
SMOOTHING, LEAST_SMOOTHING_PX = 1.5, 1.2
"""Of luma before the flow: grain of 12 levels falls to about 2, and what a blur takes is gone anyway. Grain is
grain in a small picture too, so there it is hardly less in true px."""
CELL = 8.0
"""Side of the cells over which the flow is averaged."""
SMALLEST_CELL_PX = 4.0
WITHIN = 1.0
"""How far a vector may miss the camera's homography and count as explained."""
STRUCTURE_SHARE = 0.15
"""Of the picture's own contrast (90th percentile of the local spread): washing out moves both alike."""
LEAST_STRUCTURE = 1.0
"""Levels."""
LEAST_FOUND = 0.6
"""Share of the cells with texture that the way back must find. Below it the picture moves too fast for that,
and to count only what is found again would count what stands still."""
RUNAWAY = 1.5
"""A fit that moves the picture so much further than anything in it was seen to move is no camera."""


class Speeds(NamedTuple):
    """Of one pair of frames, in px of the picture; see the metrics for what they mean."""

    fastest: float
    """Mean length of the longest twentieth of the vectors."""
    camera: float
    """Mean length of the motion that one homography explains."""
    object: float
    """Mean length of the longest twentieth of what it leaves."""
    light: float
    """Mean change of light by blocks, as share of full scale, with the motion taken out."""
    inliers: float
    """Share of the cells that the camera explains; 0 when none could be fitted."""


class CellMotion(NamedTuple):
    """What one pair of frames says, cell by cell of a grid within black bars."""

    vectors: Float32[np.ndarray, "R C 2"]
    """Motion, px."""
    left: Float32[np.ndarray, "R C 2"]
    """What the camera leaves of it, px."""
    believed: Bool[np.ndarray, "R C"]
    """Which cells have structure to follow."""
    camera: Camera
    light: float
    """Mean change of light by blocks, as share of full scale, with the motion taken out."""


def speeds(
    before: UInt8[np.ndarray, "H W"], after: UInt8[np.ndarray, "H W"], flow: PairFlow
) -> Speeds:
    """The speeds between two lumas; black bars are left out.

    Args:
        before: Luma of the earlier frame.
        after: Of the later one.
        flow: Dense flow between two lumas.
    """
    return speeds_of(cell_motion(before, after, flow))


def speeds_of(cells: CellMotion) -> Speeds:
    """The speeds that the cells of a pair of frames show, px."""
    return Speeds(
        _fastest(cells.vectors, cells.believed),
        cells.camera.length,
        _fastest(cells.left, cells.believed),
        cells.light,
        cells.camera.inliers,
    )


def cell_motion(
    before: UInt8[np.ndarray, "H W"], after: UInt8[np.ndarray, "H W"], flow: PairFlow
) -> CellMotion:
    """The motion of each cell between two lumas, and what one camera leaves of it.

    Args:
        before: Luma of the earlier frame.
        after: Of the later one.
        flow: Dense flow between two lumas.
    """
    part = active_picture(before)
    unit = float(np.hypot(part.bottom - part.top, part.right - part.left)) / REFERENCE_DIAGONAL
    blur = max(LEAST_SMOOTHING_PX, SMOOTHING * unit)
    one, two = (_smooth(part.of(luma), blur) for luma in (before, after))
    forward = flow(one, two)
    visible = visible_in_both(forward, flow(two, one))
    light = block_mean(residual(one, two, forward), visible) / FULL_SCALE
    side = max(SMALLEST_CELL_PX, CELL * unit)
    believed = _believed(by_cells(visible.astype(np.float32), side), structured(one, side))
    vectors = _median_of_neighbours(by_cells(forward, side))
    flat, known = vectors.reshape(-1, 2), believed.ravel()
    camera = fit_to(cell_centres(one.shape, side), flat, known, one.shape, WITHIN * unit)
    if camera.length > RUNAWAY * float(np.hypot(*flat[known].T).max(initial=0.0)):
        camera = no_camera(flat, known)
    left = (flat - camera.field).reshape(vectors.shape)
    return CellMotion(vectors, left, believed, camera, light)


def steadied(cells: Sequence[CellMotion], seconds: Sequence[float], middle: int) -> CellMotion:
    """One of a few neighbouring pairs, each cell at the mean velocity of all of them.

    What a flow makes of grain, of a codec's blocks or of a trembling hand is another vector in each pair, and
    mostly undone in the next; what moves goes on.

    Args:
        cells: Neighbouring pairs; their grids must be alike.
        seconds: Between the frames of each pair.
        middle: Which of them is asked for; camera, light and belief are its own.
    """
    own, share = cells[middle], np.float32(seconds[middle] / sum(seconds))
    vectors, left = (
        np.sum([getattr(pair, name) for pair in cells], axis=0, dtype=np.float32) * share
        for name in ("vectors", "left")
    )
    return own._replace(vectors=vectors, left=left)


def _fastest(vectors: Float32[np.ndarray, "R C 2"], kept: Bool[np.ndarray, "R C"]) -> float:
    return mean_of_largest(np.hypot(*vectors[kept].T), FASTEST)


def _believed(
    seen: Float32[np.ndarray, "R C"], texture: Bool[np.ndarray, "R C"]
) -> Bool[np.ndarray, "R C"]:
    """The cells with texture that both frames show; all with texture where too few are found again."""
    kept = texture & (seen > 0.5)
    return kept if kept.sum() >= LEAST_FOUND * texture.sum() else texture


def structured(luma: UInt8[np.ndarray, "H W"], side: float) -> Bool[np.ndarray, "R C"]:
    """The cells around which the picture varies enough, for its own contrast, to be followed.

    Args:
        luma: The picture.
        side: Of a cell, px.
    """
    window = (int(2 * side - 1) | 1,) * 2
    mean = cv2.blur(luma.astype(np.float32), window)
    spread = np.sqrt(np.maximum(cv2.sqrBoxFilter(luma, cv2.CV_32F, window) - mean * mean, 0))
    local = by_cells(spread, side)
    contrast = float(np.percentile(local, 90))
    return np.asarray(local >= max(LEAST_STRUCTURE, STRUCTURE_SHARE * contrast))


def by_cells(
    values: Float32[np.ndarray, "H W *C"], side: float
) -> Float32[np.ndarray, "Rows Columns *C"]:
    """Means over the cells of a grid of about `side` px."""
    rows, columns = _cells(values.shape, side)
    means: Float32[np.ndarray, "Rows Columns *C"] = cv2.resize(
        values, (columns, rows), interpolation=cv2.INTER_AREA
    )
    return means


def cell_centres(shape: tuple[int, ...], side: float) -> Float32[np.ndarray, "N 2"]:
    """Where the cells' middles are, px, x before y, row by row."""
    rows, columns = _cells(shape, side)
    x, y = _middles(shape[1], columns), _middles(shape[0], rows)
    return np.stack([axis.ravel() for axis in np.meshgrid(x, y)], axis=1).astype(np.float32)


def _cells(shape: tuple[int, ...], side: float) -> tuple[int, int]:
    return max(1, round(shape[0] / side)), max(1, round(shape[1] / side))


def _middles(length: int, count: int) -> Float64[np.ndarray, " C"]:
    return (np.arange(count) + 0.5) * length / count - 0.5


def _smooth(luma: UInt8[np.ndarray, "H W"], sigma: float) -> UInt8[np.ndarray, "H W"]:
    return np.asarray(cv2.GaussianBlur(np.ascontiguousarray(luma), (0, 0), sigma))


def _median_of_neighbours(vectors: Float32[np.ndarray, "R C 2"]) -> Float32[np.ndarray, "R C 2"]:
    """Each component's median over 3x3 cells; as they are on a grid too small for that."""
    if min(vectors.shape[:2]) < 3:
        return vectors
    parts = [cv2.medianBlur(np.ascontiguousarray(vectors[..., axis]), 3) for axis in (0, 1)]
    return np.stack(parts, axis=-1)
