"""Published no-reference measures of single pictures, as they stand in their papers.

The metrics use those of `mirabench.functional.picture_quality`, which damage cannot raise; these serve to
compare with the literature. Each takes frames uint8, RGB (T, H, W, 3) or luma (T, H, W) where colour does not
matter, and gives one value a frame, float64 (T,). No frame gives no value.
"""

from __future__ import annotations

import cv2
import numpy as np

from mirabench.functional.arrays import length, luma, rgb, sobel
from mirabench.shapes import Float32, Float64, UInt8

SATURATED = (4, 251)
"""Levels at or beyond which noise is clipped away, so that a pixel does not tell how much there is."""
FEWEST_PIXELS = 64
"""Pixels below which no noise is estimated."""
FLATTEST = 0.1
"""Share of pixels, those with the weakest edges, on which noise is read."""


def sharpness(
    frames: UInt8[np.ndarray, "T H W 3"] | UInt8[np.ndarray, "T H W"], taps: int = 9
) -> Float64[np.ndarray, " T"]:
    """How much local variation is lost when a frame is blurred: 0 blurred already, 1 sharp.

    1 minus `blur_effect`. A frame without variation has none to lose: 0.

    Args:
        frames: uint8, RGB or luma.
        taps: Length of the moving mean in px, odd.

    Returns:
        One value a frame, 0 to 1.

    Raises:
        InputError: the frames are not uint8 (T, H, W, 3) or (T, H, W).

    Example:
        >>> black, dot = np.zeros((2, 9, 9), np.uint8)
        >>> dot[4, 4] = 255  # a mean over nine pixels, the border mirrored, leaves no step of it
        >>> sharpness(np.stack([black, dot])).tolist()
        [0.0, 1.0]
    """
    return 1.0 - blur_effect(frames, taps)


def blur_effect(
    frames: UInt8[np.ndarray, "T H W 3"] | UInt8[np.ndarray, "T H W"], taps: int = 9
) -> Float64[np.ndarray, " T"]:
    """How much of a frame's local variation survives being blurred again: 0 sharp, 1 blurred.

    Crete, Dolmiere, Ladret, Nicolas: "The blur effect: perception and estimation with a new no-reference
    perceptual blur metric", SPIE 6492, 2007. Along each axis: b = 1 - sum max(0, |df| - |dg|) / sum |df|, df
    the differences of neighbours and dg those after a moving mean over `taps` px; the larger of both axes.

    Args:
        frames: uint8, RGB or luma.
        taps: Length of the moving mean in px, odd.

    Returns:
        One value a frame, 0 to 1; a frame without variation gives 1.

    Raises:
        InputError: the frames are not uint8 (T, H, W, 3) or (T, H, W).
    """
    pictures = luma(frames)
    return _each([max(_blur_along(p, taps, axis) for axis in (0, 1)) for p in pictures])


def _each(values: list[float]) -> Float64[np.ndarray, " T"]:
    return np.asarray(values, np.float64)


def _blur_along(grey: UInt8[np.ndarray, "H W"], taps: int, axis: int) -> float:
    picture = grey.astype(np.float32)
    size = (1, taps) if axis == 0 else (taps, 1)
    blurred = cv2.blur(picture, size, borderType=cv2.BORDER_REFLECT)
    original = np.abs(np.diff(picture, axis=axis))
    lost = np.maximum(original - np.abs(np.diff(blurred, axis=axis)), 0)
    total = float(original.sum(dtype=np.float64))
    return 1.0 if total == 0 else 1.0 - float(lost.sum(dtype=np.float64)) / total


def noise(
    frames: UInt8[np.ndarray, "T H W 3"] | UInt8[np.ndarray, "T H W"],
) -> Float64[np.ndarray, " T"]:
    """Standard deviation of additive noise, in 8-bit levels.

    Immerkaer, "Fast noise variance estimation", CVIU 64(2), 1996, on the tenth of the picture with the
    weakest edges (Tai and Yang, ICIP 2008), because texture reads as noise. Saturated pixels, where noise is
    clipped away, do not count.

    Args:
        frames: uint8, RGB or luma.

    Returns:
        One value a frame, 0 and more; 0 for a frame with fewer than 64 pixels that are not saturated.

    Raises:
        InputError: the frames are not uint8 (T, H, W, 3) or (T, H, W).

    Example:
        >>> stripes = np.full((1, 32, 32), 100, np.uint8)
        >>> stripes[:, :, ::2] += 8  # along a column nothing changes, so the mask sees nothing
        >>> noise(stripes).tolist()
        [0.0]
    """
    return _each([_noise_sigma(picture) for picture in luma(frames)])


NOISE_MASK = np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]], np.float32)


def _noise_sigma(grey: UInt8[np.ndarray, "H W"]) -> float:
    picture = grey.astype(np.float32)
    response = np.abs(cv2.filter2D(picture, cv2.CV_32F, NOISE_MASK))[1:-1, 1:-1]
    smooth = cv2.GaussianBlur(picture, (0, 0), 2.0)
    edges = length(*sobel(smooth))[1:-1, 1:-1]
    usable = (smooth[1:-1, 1:-1] > SATURATED[0]) & (smooth[1:-1, 1:-1] < SATURATED[1])
    if usable.sum() < FEWEST_PIXELS:
        return 0.0
    flat = usable & (edges <= np.quantile(edges[usable], FLATTEST))
    return float(np.sqrt(np.pi / 2) / 6 * response[flat].mean(dtype=np.float64))


def colorfulness(frames: UInt8[np.ndarray, "T H W 3"]) -> Float64[np.ndarray, " T"]:
    """How vivid and varied colours are: 0 grey, about 15 slightly, 59 quite, 109 extremely.

    Hasler and Suesstrunk's M3 (SPIE 5007, 2003): sqrt(s1^2 + s2^2) + 0.3 sqrt(m1^2 + m2^2), s and m the
    standard deviation and the mean of R - G and of (R + G) / 2 - B over the pixels.

    Args:
        frames: uint8 RGB.

    Returns:
        One value a frame, 0 and more.

    Raises:
        InputError: the frames are not uint8 (T, H, W, 3).

    Example:
        >>> colorfulness(np.full((1, 4, 4, 3), 128, np.uint8)).tolist()
        [0.0]
        >>> colorfulness(np.full((1, 1, 1, 3), (30, 0, 15), np.uint8)).tolist()  # 0.3 * 30
        [9.0]
    """
    return _each([m3(frame) for frame in rgb(frames)])


def m3(frame: UInt8[np.ndarray, "H W 3"] | Float32[np.ndarray, "H W 3"]) -> float:
    """Hasler and Suesstrunk's M3 of one picture in RGB."""
    red, green, blue = cv2.split(frame.astype(np.float32))
    red_green, yellow_blue = red - green, 0.5 * (red + green) - blue
    (m1, m2), (s1, s2) = zip(*(_mean_std(c) for c in (red_green, yellow_blue)), strict=True)
    return float(np.hypot(s1, s2) + 0.3 * np.hypot(m1, m2))


def _mean_std(values: Float32[np.ndarray, "H W"]) -> tuple[float, float]:
    mean, deviation = cv2.meanStdDev(values)
    return mean.item(), deviation.item()


_WELL_EXPOSED = np.exp(-((np.arange(256) / 255 - 0.5) ** 2) / (2 * 0.2**2))


def exposure(
    frames: UInt8[np.ndarray, "T H W 3"] | UInt8[np.ndarray, "T H W"],
) -> Float64[np.ndarray, " T"]:
    """How far luma stays from black and white: 1 mid-grey, 0.04 black or white.

    Mean over pixels of exp(-(x - 0.5)^2 / (2 * 0.2^2)), x luma in [0, 1]: the well-exposedness of Mertens,
    Kautz, Van Reeth, Pacific Graphics 2007.

    Args:
        frames: uint8, RGB or luma.

    Returns:
        One value a frame, 0.04 to 1.

    Raises:
        InputError: the frames are not uint8 (T, H, W, 3) or (T, H, W).

    Example:
        >>> exposure(np.array([[[0]], [[102]]], np.uint8)).round(4).tolist()  # exp(-3.125), exp(-0.125)
        [0.0439, 0.8825]
    """
    grey = luma(frames)
    return _each(
        [
            float((np.bincount(p.ravel(), minlength=256) * _WELL_EXPOSED).sum() / p.size)
            for p in grey
        ]
    )
