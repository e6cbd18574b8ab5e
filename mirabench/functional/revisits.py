"""Where a film comes back to a place it has left, by its camera or its look, and what changed there."""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np

from mirabench.functional.flow import PairFlow, visible_in_both, warp
from mirabench.functional.unexplained import Evidence, unexplained_change
from mirabench.shapes import Bool, Float, Float32, Float64, Int, UInt8

LEAST_SECONDS = 2.0
"""Between two views, below which the later is no return."""
NEAR, FAR = 0.15, 0.3
"""Displacement of the picture's corners, as share of the diagonal: back, and away."""
LOOK_LEFT, LOOK_BACK = 0.15, 0.1
"""Cosine of thumbnails that a film loses on the way at least, and misses at the return at most."""
STEP = 8
"""px between the places where flow is asked for the camera's step."""
LEAST_INLIERS = 0.3
"""Share of the flow that one step of the camera must explain, for its path to go on."""
FEWEST_MATCHES = 15
REPROJECTION = 0.01
"""Share of the diagonal within which a match agrees with a homography."""
LEAST_OVERLAP = 0.3
"""Share of the picture that both views must show."""


class Step(NamedTuple):
    """How a camera moved from one frame to the next."""

    matrix: Float64[np.ndarray, "3 3"]
    """Where places of the earlier frame are in the later one: turned, scaled and shifted, px."""
    followed: bool
    """Whether the flow is that of one camera; after a cut it is not."""


def camera_step(flow: Float32[np.ndarray, "H W 2"]) -> Step:
    """The turn, scale and shift that explains most of a flow.

    Example:
        >>> pan = np.broadcast_to(np.float32([-4, 1]), (36, 64, 2)).copy()
        >>> camera_step(pan).matrix.round(6)[:2, 2].tolist()
        [-4.0, 1.0]
    """
    height, width = flow.shape[:2]
    y, x = np.mgrid[STEP // 2 : height : STEP, STEP // 2 : width : STEP]
    here = np.stack([x.ravel(), y.ravel()], axis=1).astype(np.float32)
    there = here + flow[y.ravel(), x.ravel()]
    matrix, inliers = cv2.estimateAffinePartial2D(
        here,
        there,
        method=cv2.RANSAC,
        ransacReprojThreshold=max(1.0, 0.004 * np.hypot(height, width)),
    )
    if matrix is None or float(inliers.mean()) < LEAST_INLIERS:
        return Step(np.eye(3), followed=False)
    return Step(np.vstack([matrix, [0, 0, 1]]).astype(np.float64), followed=True)


def return_by_path(
    poses: Float64[np.ndarray, "N 3 3"],
    shots: Int[np.ndarray, " N"],
    seconds: Float64[np.ndarray, " N"],
    size: tuple[int, int],
) -> int | None:
    """The earlier view that the camera is nearest to again at the last one, having been away; None without.

    Args:
        poses: Of each view, where places of the first view are in it, px; products of `Step.matrix`.
        shots: Number of the stretch in which the path was followed.
        seconds: Of the views.
        size: Width and height, px.

    Example:
        >>> shifts = np.array([0.0, 40.0, 80.0, 40.0, 1.0])
        >>> poses = np.stack([np.array([[1, 0, s], [0, 1, 0], [0, 0, 1]]) for s in shifts])
        >>> return_by_path(poses, np.zeros(5, np.int64), np.arange(5.0), (160, 90))
        0
    """
    now = poses @ np.linalg.inv(poses[-1])
    away = np.asarray([corner_shift(matrix, size) for matrix in now])
    away[shots != shots[-1]] = np.inf
    between = np.maximum.accumulate(np.where(np.isfinite(away), away, 0.0)[::-1])[::-1]
    back = (away <= NEAR) & (between >= FAR) & (seconds[-1] - seconds >= LEAST_SECONDS)
    return int(np.flatnonzero(back)[away[back].argmin()]) if back.any() else None


def corner_shift(matrix: Float64[np.ndarray, "3 3"], size: tuple[int, int]) -> float:
    """By how much a transform moves the corners of a picture at most, as share of its diagonal."""
    width, height = size
    corners = np.array([[0, 0, 1], [width, 0, 1], [0, height, 1], [width, height, 1]], np.float64)
    moved = corners @ matrix.T
    with np.errstate(divide="ignore", invalid="ignore"):
        shift = np.hypot(*(moved[:, :2] / moved[:, 2:] - corners[:, :2]).T).max()
    return float(shift / np.hypot(width, height)) if np.isfinite(shift) else np.inf


def return_by_look(
    thumbnails: Float[np.ndarray, "N D"], seconds: Float64[np.ndarray, " N"]
) -> int | None:
    """The earlier view that the last one is most like, having been unlike it meanwhile; None without.

    Args:
        thumbnails: Of each view, of length 1; what `thumbnail` gives.
        seconds: Of the views.

    Example:
        >>> angle = np.radians([0, 30, 60, 30, 0])
        >>> return_by_look(np.stack([np.cos(angle), np.sin(angle)], axis=1), np.arange(5.0))
        0
    """
    like = np.asarray(thumbnails @ thumbnails[-1], np.float64)
    least = np.minimum.accumulate(like[::-1])[::-1]
    back = (like - least >= LOOK_LEFT) & (1 - like <= LOOK_BACK)
    back &= seconds[-1] - seconds >= LEAST_SECONDS
    return int(np.flatnonzero(back)[like[back].argmax()]) if back.any() else None


def registration(
    earlier: Float64[np.ndarray, "N 2"], later: Float64[np.ndarray, "N 2"], size: tuple[int, int]
) -> Float64[np.ndarray, "3 3"] | None:
    """The homography that most matches of two views agree with; None where it may be chance.

    Args:
        earlier: px of the matches in the earlier view.
        later: px of the same in the later one.
        size: Width and height, px.
    """
    if len(earlier) < FEWEST_MATCHES:
        return None
    found, inliers = cv2.findHomography(
        earlier, later, cv2.RANSAC, REPROJECTION * float(np.hypot(*size))
    )
    if found is None or int(inliers.sum()) < FEWEST_MATCHES or not np.isfinite(found).all():
        return None
    return np.asarray(found, np.float64)


def changed_place(
    earlier: UInt8[np.ndarray, "H W"],
    later: UInt8[np.ndarray, "H W"],
    matrix: Float64[np.ndarray, "3 3"],
    flow: PairFlow,
) -> Evidence:
    """Share of the place, as far as both views show it, that looks otherwise than before.

    The earlier view is laid over the later one; what it then still misses is followed by flow, so that another
    standpoint is no change, and the rest is judged as in `unexplained_change`.

    Args:
        earlier: Luma.
        later: Luma of the view at the return.
        matrix: Where places of the earlier view are in the later one, px.
        flow: Between two lumas.

    Returns:
        Weight 0 where less than a third of the picture is in both views.
    """
    height, width = later.shape
    laid = cv2.warpPerspective(earlier, matrix, (width, height), borderMode=cv2.BORDER_REPLICATE)
    ones = np.full((height, width), 255, np.uint8)
    covered = cv2.erode(cv2.warpPerspective(ones, matrix, (width, height)), np.ones((3, 3))) == 255
    forward, backward = flow(laid, later), flow(later, laid)
    shown = covered & visible_from(covered, forward)
    if shown.mean() < LEAST_OVERLAP:
        return Evidence(1.0, 0.0)
    # what flow cannot follow is what changed: only where the flow leads out of the picture it is not counted
    agreed = visible_in_both(forward, backward)
    still = np.where(agreed[..., None], forward, np.float32(0))
    return unexplained_change(laid, later, still, shown)


def visible_from(
    covered: Bool[np.ndarray, "H W"], forward: Float32[np.ndarray, "H W 2"]
) -> Bool[np.ndarray, "H W"]:
    """Which pixels lead to covered ones."""
    return np.asarray(warp(covered.astype(np.float32), forward) > 0.99)
