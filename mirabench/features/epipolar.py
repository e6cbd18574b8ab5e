"""Feature `epipolar`: how well one fundamental matrix explains pairs of distant frames.

The pairs, the matching and the errors are those of the public MiraBench code (`evaluation/
consistency_3D.py` and `evaluation/__init__.py:111-259` at commit 7ad0579): gaps of 60 to 10 frames,
SIFT on the picture squashed to 1280x720, ratio test 0.85, RANSAC at 3 px. Two things differ in how,
none in what: the descriptors of a frame are computed once although it is in several pairs, and one
matching serves all five numbers. FLANN's random trees are seeded once per clip, which equals the
reference's first column in a fresh process (it never seeds; see `docs/metrics/consistency_3d.md`).

Added here: for each pair, whether the geometry is defined at all.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from mirabench.features.api import FeatureTable
from mirabench.features.rows import Rows
from mirabench.functional.epipolar import epipolar_distance, grics
from mirabench.video.frames import FrameBatch, IntArray, UInt8Array, VideoInfo
from mirabench.video.resize import Resize

GAPS = (60, 50, 40, 30, 20, 10)
"""Frames between the two of a pair, in the reference's order."""
PAIRS_PER_GAP = 5
RATIO = 0.85
THRESHOLD_PX = 3.0
CONFIDENCE = 0.99
MAX_KEYPOINTS = 40_000
SIZE = (1280, 720)
STATIC_PX = 0.5
"""Median displacement of matches below which two frames show no motion to reason from."""
FEWEST_MATCHES = 8
"""Points that determine a fundamental matrix; with fewer there is nothing to test."""

OK, STATIC, PLANAR, LOW_TEXTURE, NO_MATCH = (
    "ok",
    "static",
    "planar-or-rotation",
    "low-texture",
    "no-match",
)


def frame_pairs(num_frames: int) -> list[tuple[int, int]]:
    """(first, second) positions of all pairs, in the reference's order.

    For gap g the stride is s = int((T - g) / 5); s <= 0 skips the gap, so T < 15 gives none.
    """
    pairs = []
    for gap in GAPS:
        stride = int((num_frames - gap) / PAIRS_PER_GAP)
        if stride > 0:
            pairs += [(i, i + gap) for i in range(0, num_frames - gap, stride)]
    return pairs


@dataclass(frozen=True, slots=True)
class Epipolar:
    """Extractor of the feature `epipolar`. Rows are pairs of frames.

    Columns: `first`, `gap` (frames), `seconds` of the pair's middle, `num_pts`, `num_inliers`,
    `mean_err`, `rmse` (px at 1280x720, inliers only; 0 where `measured` is false), `measured`,
    `state` (`ok`, `static`, `planar-or-rotation`, `low-texture`, `no-match`). A clip of fewer than
    15 frames gives no row.
    """

    name: ClassVar[str] = "epipolar"
    version: ClassVar[int] = 1

    @property
    def resize(self) -> Resize:
        """The reference squashes every frame to 1280x720, whatever its aspect."""
        return Resize(size=SIZE, filter="bilinear")

    def select(self, video: VideoInfo) -> IntArray:
        """The frames that are in a pair."""
        return np.unique(np.asarray(frame_pairs(video.num_frames), dtype=np.int64))

    def open(self, video: VideoInfo) -> _Session:
        """Start on a clip."""
        return _Session(video)


class _Keypoints(NamedTuple):
    points: NDArray[np.float32]
    """(K, 2) px."""
    descriptors: UInt8Array
    """(K, 128); SIFT's floats are whole numbers from 0 to 255, so a byte holds them exactly."""


class _Session:
    def __init__(self, video: VideoInfo) -> None:
        self._video = video
        self._sift = cv2.SIFT_create(nfeatures=MAX_KEYPOINTS)
        self._seen: dict[int, _Keypoints] = {}

    def push(self, batch: FrameBatch) -> None:
        for rgb, index in zip(batch.data, batch.index.tolist(), strict=True):
            bgr = np.ascontiguousarray(rgb[..., ::-1])
            keypoints, descriptors = self._sift.detectAndCompute(bgr, None)
            self._seen[index] = _Keypoints(
                np.asarray(cv2.KeyPoint_convert(keypoints), np.float32).reshape(-1, 2),
                np.zeros((0, 128), np.uint8)
                if descriptors is None
                else descriptors.astype(np.uint8),
            )

    def finish(self) -> FeatureTable:
        rows = Rows(
            "first",
            "gap",
            "seconds",
            "num_pts",
            "num_inliers",
            "mean_err",
            "rmse",
            "measured",
            "state",
        )
        seconds = self._video.seconds
        cv2.setRNGSeed(0)  # this thread's generator, from which FLANN draws its trees
        for first, second in frame_pairs(self._video.num_frames):
            pair = measure_pair(self._seen[first], self._seen[second])
            rows.add(
                first=first,
                gap=second - first,
                seconds=float(seconds[first] + seconds[second]) / 2,
                **pair._asdict(),
            )
        return rows.table()


class PairGeometry(NamedTuple):
    """What one fundamental matrix explains of one pair."""

    num_pts: int
    num_inliers: int
    mean_err: float
    rmse: float
    measured: bool
    state: str


def measure_pair(one: _Keypoints, two: _Keypoints) -> PairGeometry:
    """Match two frames and test one fundamental matrix on the matches."""
    if min(len(one.points), len(two.points)) < 2:
        return PairGeometry(0, 0, 0.0, 0.0, False, LOW_TEXTURE)
    x1, x2 = match(one, two)
    if len(x1) < FEWEST_MATCHES:
        few = min(len(one.points), len(two.points)) < 4 * FEWEST_MATCHES
        return PairGeometry(len(x1), 0, 0.0, 0.0, False, LOW_TEXTURE if few else NO_MATCH)
    matrix, mask = cv2.findFundamentalMat(x1, x2, cv2.FM_RANSAC, THRESHOLD_PX, CONFIDENCE)
    if matrix is None or matrix.shape != (3, 3) or not mask.any():
        return PairGeometry(len(x1), 0, 0.0, 0.0, False, _undefined(x1, x2))
    inside = mask.ravel().astype(bool)
    error = epipolar_distance(matrix, x1[inside], x2[inside])
    return PairGeometry(
        len(x1),
        int(inside.sum()),
        float(error.mean()),
        float(np.sqrt((error**2).mean())),
        True,
        _state(matrix, x1, x2, inside),
    )


def match(one: _Keypoints, two: _Keypoints) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """(N, 2) and (N, 2) px: matches that survive the ratio test, in the order of the first frame."""
    matcher = cv2.FlannBasedMatcher()
    nearest = matcher.knnMatch(
        one.descriptors.astype(np.float32), two.descriptors.astype(np.float32), k=2
    )
    kept = [
        m
        for m, n in (pair for pair in nearest if len(pair) == 2)
        if m.distance < RATIO * n.distance
    ]
    x1 = one.points[[m.queryIdx for m in kept]].reshape(-1, 2)
    x2 = two.points[[m.trainIdx for m in kept]].reshape(-1, 2)
    return x1.astype(np.float64), x2.astype(np.float64)


def _undefined(x1: NDArray[np.float64], x2: NDArray[np.float64]) -> str:
    return STATIC if _is_static(x1, x2) else NO_MATCH


def _is_static(x1: NDArray[np.float64], x2: NDArray[np.float64]) -> bool:
    return bool(np.median(np.hypot(*(x2 - x1).T)) < STATIC_PX)


def _state(
    matrix: NDArray[np.float64],
    x1: NDArray[np.float64],
    x2: NDArray[np.float64],
    inside: NDArray[np.bool_],
) -> str:
    if _is_static(x1, x2):
        return STATIC
    homography, _ = cv2.findHomography(x1[inside], x2[inside], cv2.RANSAC, THRESHOLD_PX)
    if homography is None:
        return OK
    # Torr's criterion asks which model explains the matches for its price: where a homography does,
    # the scene is a plane or the camera only turned, and the epipolar geometry is not determined
    found = grics(matrix, homography, x1[inside], x2[inside])
    return PLANAR if found.homography < found.fundamental else OK
