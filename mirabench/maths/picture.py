"""No-reference measures of one picture, as pure functions of uint8 arrays."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

UInt8Array = NDArray[np.uint8]
Float32 = NDArray[np.float32]


def blur_effect(luma: UInt8Array, taps: int = 9) -> float:
    """How much of a picture's local variation survives being blurred again; 0 sharp, 1 blurred.

    Crete, Dolmiere, Ladret, Nicolas: "The blur effect: perception and estimation with a new
    no-reference perceptual blur metric", SPIE 6492, 2007. The larger of both directions. A picture
    without variation gives 1.
    """
    picture = luma.astype(np.float32)
    return max(_blur_along(picture, taps, axis) for axis in (0, 1))


def _blur_along(picture: Float32, taps: int, axis: int) -> float:
    size = (1, taps) if axis == 0 else (taps, 1)
    blurred = cv2.blur(picture, size, borderType=cv2.BORDER_REFLECT)
    original = np.abs(np.diff(picture, axis=axis))
    lost = np.maximum(original - np.abs(np.diff(blurred, axis=axis)), 0)
    total = float(original.sum(dtype=np.float64))
    return 1.0 if total == 0 else 1.0 - float(lost.sum(dtype=np.float64)) / total


_NOISE_MASK = np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]], np.float32)


def noise_sigma(luma: UInt8Array) -> float:
    """Standard deviation of additive noise, in 8-bit levels.

    Immerkaer, "Fast noise variance estimation", CVIU 64(2), 1996, on the tenth of the picture with
    the weakest edges (Tai and Yang, ICIP 2008), because texture reads as noise. Saturated pixels,
    where noise is clipped away, do not count. A picture with too few such pixels gives 0.
    """
    picture = luma.astype(np.float32)
    response = np.abs(cv2.filter2D(picture, cv2.CV_32F, _NOISE_MASK))[1:-1, 1:-1]
    smooth = cv2.GaussianBlur(picture, (0, 0), 2.0)
    edges = _gradient(cv2.Sobel(smooth, cv2.CV_32F, 1, 0), cv2.Sobel(smooth, cv2.CV_32F, 0, 1))
    edges = edges[1:-1, 1:-1]
    usable = (smooth[1:-1, 1:-1] > 4) & (smooth[1:-1, 1:-1] < 251)
    if usable.sum() < 64:
        return 0.0
    flat = usable & (edges <= np.quantile(edges[usable], 0.1))
    return float(np.sqrt(np.pi / 2) / 6 * response[flat].mean(dtype=np.float64))


def _gradient(dx: Float32, dy: Float32) -> Float32:
    # not cv2.magnitude: its last bit depends on where in memory the array lies
    return np.sqrt(dx * dx + dy * dy)


def colorfulness(rgb: UInt8Array) -> float:
    """Hasler and Suesstrunk's M3 (SPIE 5007, 2003): 0 grey, about 15 slightly, 59 quite, 109 extremely.

    Example:
        >>> colorfulness(np.full((4, 4, 3), 128, np.uint8))
        0.0
    """
    red, green, blue = cv2.split(rgb.astype(np.float32))
    red_green, yellow_blue = red - green, 0.5 * (red + green) - blue
    (m1, m2), (s1, s2) = zip(*(_mean_std(c) for c in (red_green, yellow_blue)), strict=True)
    return float(np.hypot(s1, s2) + 0.3 * np.hypot(m1, m2))


def _mean_std(values: Float32) -> tuple[float, float]:
    mean, deviation = cv2.meanStdDev(values)
    return mean.item(), deviation.item()


_WELL_EXPOSED = np.exp(-((np.arange(256) / 255 - 0.5) ** 2) / (2 * 0.2**2))


def well_exposed(luma: UInt8Array) -> float:
    """Mean well-exposedness of Mertens, Kautz, Van Reeth (Pacific Graphics 2007), 0 to 1.

    A pixel's luma x in [0, 1] weighs exp(-(x - 0.5)^2 / (2 * 0.2^2)): mid-grey 1, black and white 0.04.
    """
    counts = np.bincount(luma.ravel(), minlength=256)
    return float((counts * _WELL_EXPOSED).sum() / luma.size)


def blockiness(luma: UInt8Array, block: int = 8) -> float:
    """How much stronger steps are at block borders than elsewhere; 0 is none.

    The excess of the mean absolute step across the borders of a `block` grid over the mean step one
    pixel beside them, relative to the latter plus one level, after Wang, Bovik, Evans (ICIP 2000). The
    stronger of both directions; a picture of fewer than three blocks a side gives 0.
    """
    if min(luma.shape) < 3 * block:
        return 0.0
    picture = luma.astype(np.float32)
    return max(_block_steps(picture, block), _block_steps(picture.T, block))


def _block_steps(picture: Float32, block: int) -> float:
    steps = np.abs(np.diff(picture, axis=1)).mean(axis=0, dtype=np.float64)
    at_border = steps[block - 1 :: block]
    beside = np.concatenate([steps[block - 2 :: block], steps[block::block]])
    return float(max(0.0, (at_border.mean() - beside.mean()) / (beside.mean() + 1.0)))


def appearance(rgb: UInt8Array) -> NDArray[np.float64]:
    """(20,) what a picture looks like: luma layout (3x3), colour means and spreads (3), edges (8).

    Scaled so that natural pictures vary by roughly one in each place.
    """
    lab = cv2.cvtColor(rgb, cv2.COLOR_RGB2LAB).astype(np.float32)
    layout = cv2.resize(lab[..., 0], (3, 3), interpolation=cv2.INTER_AREA).ravel() / 64
    spread = lab.reshape(-1, 3).std(axis=0, dtype=np.float64) / (32, 16, 16)
    dx, dy = cv2.Sobel(lab[..., 0], cv2.CV_32F, 1, 0), cv2.Sobel(lab[..., 0], cv2.CV_32F, 0, 1)
    bins = (np.floor((np.arctan2(dy, dx) % np.pi) / np.pi * 8).astype(np.int64) % 8).ravel()
    edges = np.bincount(bins, weights=_gradient(dx, dy).ravel(), minlength=8) / bins.size / 16
    return np.concatenate([layout, spread, edges]).astype(np.float64)
