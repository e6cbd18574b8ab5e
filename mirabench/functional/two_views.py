"""Whether two views can be of one rigid scene: the geometry of all their matches, and whether it is defined.

Two models are fitted to the matches, robustly and with a fixed seed: a fundamental matrix F, which allows any
rigid scene seen from two places, and a homography H, which allows a plane, or a camera that only turns. Torr's
criterion says which of them the matches pay for. Where it is H, or nothing moved, the views show no depth: they
are no evidence for a rigid scene, however well they agree.
"""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np

from mirabench.errors import InputError
from mirabench.functional.epipolar import epipolar_agreement, grics, signed_parallax
from mirabench.shapes import Float64

SIGMA_SHARE = 1e-3
"""Sigma of score and criterion, as share of the diagonal."""
KEYPOINT_PX = 0.25
"""How well a keypoint's place is known at best: what keeps sigma from vanishing in small pictures."""
FOCAL = 1.2
"""Assumed focal length in long sides of the picture, COLMAP's; it only tells front from behind."""
BEHIND_SIGMAS = 2.0
"""How far a point must move the wrong way to be behind the camera: the horizon trembles too."""
STATIC_SHARE = 5e-4
"""Median displacement, as share of the diagonal, below which two views are one."""
FEWEST_MATCHES = 15
"""Below this chance alone finds a model: COLMAP's least number of matches."""
INLIER_SIGMAS = 2.0
CONFIDENCE, ITERATIONS = 0.999, 5000

OK, STATIC, PLANAR, NO_MATCH, LOW_TEXTURE = (
    "ok", "static", "planar-or-rotation", "no-match", "low-texture",
)  # fmt: skip
NO_EVIDENCE = (STATIC, PLANAR, LOW_TEXTURE)
"""States in which the views neither support nor contradict a rigid scene; `no-match` contradicts it."""


class TwoViews(NamedTuple):
    """What the matches of two views say."""

    state: str
    """`ok`, `static`, `planar-or-rotation` or `no-match`."""
    agreement: Float64[np.ndarray, " N"]
    """How far each match agrees with one rigid scene, 0 to 1; all 0 without a model."""
    displacement: float
    """Median over the matches, as share of the diagonal; 0 without matches."""

    @property
    def score(self) -> float:
        """Mean agreement over all matches; 0 where the geometry is not defined."""
        return float(self.agreement.mean()) if self.state == OK else 0.0


def two_views(
    x1: Float64[np.ndarray, "N 2"],
    x2: Float64[np.ndarray, "N 2"],
    size: tuple[int, int],
    seed: int = 0,
) -> TwoViews:
    """The evidence of all matches of two views for one rigid scene.

    F is fitted by MAGSAC (Barath et al., CVPR 2020, OpenCV's USAC) and judged on every match, not on the
    inliers it was fitted to; a match behind the cameras agrees with nothing. F against H: Torr's GRIC.

    Args:
        x1: px in the first view.
        x2: px of the same matches in the second.
        size: Width and height of the pictures, px: sigma is a thousandth of the diagonal, and a quarter of a
            pixel more for the keypoints' own places (their squares add up).
        seed: Of the random samples.

    Raises:
        InputError: the points are not equally many, or a side is not positive.

    Example:
        >>> points = np.random.default_rng(0).uniform(0, 300, (40, 2))
        >>> two_views(points, points, size=(400, 300)).state
        'static'
    """
    if x1.shape != x2.shape or min(size) <= 0:
        raise InputError(
            f"two views need equally many points and sides above 0; got {x1.shape}, {x2.shape} and {size}"
        )
    diagonal, nothing = float(np.hypot(*size)), np.zeros(len(x1))
    moved = float(np.median(np.hypot(*(x2 - x1).T))) / diagonal if len(x1) else 0.0
    if len(x1) < FEWEST_MATCHES:
        return TwoViews(NO_MATCH, nothing, moved)
    if moved < STATIC_SHARE:
        return TwoViews(STATIC, nothing, moved)
    sigma = float(np.hypot(SIGMA_SHARE * diagonal, KEYPOINT_PX))
    fundamental = _fundamental(x1, x2, _sampling(sigma, seed))
    if fundamental is None:
        return TwoViews(NO_MATCH, nothing, moved)
    agreement = epipolar_agreement(fundamental, x1, x2, sigma)
    parallax = signed_parallax(fundamental, x1, x2, _intrinsics(size), agreement)
    agreement = agreement * (parallax > -BEHIND_SIGMAS * sigma)
    homography = _homography(x1, x2, _sampling(sigma, seed))
    if homography is None:
        return TwoViews(OK, agreement, moved)
    found = grics(fundamental, homography, x1, x2, sigma)
    return TwoViews(PLANAR if found.homography < found.fundamental else OK, agreement, moved)


def _intrinsics(size: tuple[int, int]) -> Float64[np.ndarray, "3 3"]:
    focal, (x, y) = FOCAL * max(size), ((side - 1) / 2 for side in size)
    return np.array([[focal, 0.0, x], [0.0, focal, y], [0.0, 0.0, 1.0]])


def _sampling(sigma: float, seed: int) -> cv2.UsacParams:
    settings = cv2.UsacParams()
    settings.threshold = INLIER_SIGMAS * sigma
    settings.confidence, settings.maxIterations = CONFIDENCE, ITERATIONS
    settings.score, settings.loMethod = cv2.SCORE_METHOD_MAGSAC, cv2.LOCAL_OPTIM_SIGMA
    settings.randomGeneratorState, settings.isParallel = seed, False
    return settings


def _fundamental(
    x1: Float64[np.ndarray, "N 2"], x2: Float64[np.ndarray, "N 2"], settings: cv2.UsacParams
) -> Float64[np.ndarray, "3 3"] | None:
    try:
        found, _ = cv2.findFundamentalMat(x1, x2, settings)
    except (
        cv2.error
    ):  # OpenCV's polisher asserts that a sample gave a model, which degenerate ones do not
        return None
    return _checked(found)


def _homography(
    x1: Float64[np.ndarray, "N 2"], x2: Float64[np.ndarray, "N 2"], settings: cv2.UsacParams
) -> Float64[np.ndarray, "3 3"] | None:
    try:
        found, _ = cv2.findHomography(x1, x2, settings)
    except cv2.error:  # as above
        return None
    found = _checked(found)
    return None if found is None or abs(np.linalg.det(found)) < 1e-12 else found


def _checked(found: np.ndarray | None) -> Float64[np.ndarray, "3 3"] | None:
    if found is None or found.shape != (3, 3) or not np.isfinite(found).all():
        return None
    return np.asarray(found, np.float64)
