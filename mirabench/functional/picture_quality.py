"""What single pictures show, measured so that damage does not read as merit.

The published measures in `mirabench.functional.pictures` improve when a picture is washed out, noisy,
sharpened, blurred or put between black bars. Those here do not, within the limits that docs/attacks.md lists.
Each takes frames uint8, RGB (T, H, W, 3) or luma (T, H, W) where colour does not matter, leaves black bars
out, and gives one value a frame, float64 (T,). No frame gives no value.
"""

from __future__ import annotations

import cv2
import numpy as np

from mirabench.functional.active_picture import active_picture
from mirabench.functional.arrays import luma, rgb
from mirabench.functional.pictures import NOISE_MASK, SATURATED, m3
from mirabench.shapes import Float32, Float64, UInt8

TILE = 16
"""Side in px of the tiles by which detail and noise are read."""
OCTAVES = (1.0, 2.0, 4.0)
"""Standard deviations in px of the blurs that part three octaves of scale, the finest first."""
WHITE_NOISE = (0.668, 0.0359, 0.00895)
"""Share of the variance of white noise that falls into each of the three: sums of squares of the filters."""
ROUNDING = 1 / 12
"""Variance, in levels squared, of rounding to whole levels: noise that no picture is without."""
FAINTEST = 4.0
"""Variance of the coarser octave, in levels squared, below which a tile has no detail to be sharp in."""
SOFT, SHARP = (0.26, 0.35), (0.55, 0.6)
"""Contrast of the first octave over the second, and of the second over the third, up to which a picture is
blurred (what coding alone leaves of either), and from which on it is sharp."""
FLAT_TILES = 0.1
"""Share of tiles, those with the least in the finest octave, that tell how noisy a frame is."""
NOISE_SPREAD = 1.15
"""A tenth of the tiles of a noisy frame lies this much below its noise, in variance."""
TENTH = 0.9
"""A tenth of the tiles of noise on grey reads this share of its standard deviation, or less."""
KNEE = 0.02
"""Part that still counts of what lies beyond the point from which more is not better."""

JUST_VISIBLE = 1.5
"""Levels of noise that rounding to 8 bits, coding and faint texture leave in any clip."""

VIVID = 36.0
"""M3 of a vivid photograph (33 "averagely", 45 "quite colourful" in Hasler and Suesstrunk's scale)."""
COLOUR_SIDE, LIGHT_SIDE = 64, 32
"""Long side in px of the picture by which colour and light are read: no detail counts."""

WELL_LIT = (0.3, 0.7)
"""Luma in [0, 1] within which a part of the picture is neither too dark nor too bright."""
LIGHT_SIGMA = 0.2
"""How fast it is beyond: the width of Mertens' well-exposedness."""
TONES, TONE_QUANTILES = 0.3, (0.1, 0.9)
"""The least distance of these quantiles of luma in a picture that is not washed out."""

BLOCK_CHANCE = 0.12
"""Excess at a grid that pictures without blocks reach by chance."""


def fine_detail(
    frames: UInt8[np.ndarray, "T H W 3"] | UInt8[np.ndarray, "T H W"],
) -> Float64[np.ndarray, " T"]:
    """How much of the finest detail is there: 0 none, about 1 as much as a sharp photograph has.

    Natural pictures have much the same contrast in every octave of scale (Field, J. Opt. Soc. Am. A 4, 1987),
    and blur takes the finest first. In tiles of 16 px, the contrast of the finest detail (what a blur of 1 px
    takes away, twice) is divided by that of the next octave (between blurs of 1 and 2 px), and that by the
    third's (2 and 4 px), all less what noise gives, which is read where there is least detail; the median over
    the half of the tiles with most detail counts. The first ratio tells sharp from soft, the second soft from
    blurred, where only coding is left of the finest octave. Each counts from what coding alone leaves, 0.26 and
    0.35, up to what a sharp picture has, 0.55 and 0.6, and the value is their mean. Text drawn into a few tiles
    moves no median; beyond a sharp picture, where sharpening and aliasing lie, next to nothing counts.

    Args:
        frames: uint8, RGB or luma.

    Returns:
        One value a frame, 0 to 1; 0 for a frame without detail.

    Raises:
        InputError: the frames are not uint8 (T, H, W, 3) or (T, H, W).

    Example:
        >>> picture = np.random.default_rng(0).integers(0, 256, (64, 64), np.uint8)
        >>> blurred = [cv2.GaussianBlur(picture, (0, 0), sigma) for sigma in (0.5, 3.0, 4.0)]
        >>> fine_detail(np.stack(blurred)).round(2).tolist()
        [0.5, 0.25, 0.05]
    """
    return _each([_detail(picture) for picture in _active(luma(frames))])


def _detail(grey: UInt8[np.ndarray, "H W"]) -> float:
    octaves = [_tiles(band**2) for band in _bands(grey.astype(np.float32))]
    noise = NOISE_SPREAD * float(np.quantile(octaves[0], FLAT_TILES)) / WHITE_NOISE[0] + ROUNDING
    signals = [
        np.maximum(octave - noise * share, 0)
        for octave, share in zip(octaves, WHITE_NOISE, strict=True)
    ]
    shares = []
    for finer, coarser, soft, sharp in zip(signals, signals[1:], SOFT, SHARP, strict=False):
        told = (coarser >= np.median(coarser)) & (coarser > FAINTEST)
        ratio = float(np.median(np.sqrt(finer[told] / coarser[told]))) if told.any() else 0.0
        shares.append(max(0.0, (ratio - soft) / (sharp - soft)))
    return float(np.mean([(1 - KNEE) * min(s, 1.0) + KNEE * s / (1 + s) for s in shares]))


def _bands(picture: Float32[np.ndarray, "H W"]) -> list[Float32[np.ndarray, "H W"]]:
    """What each of three octaves of scale holds, the finest first."""
    first, second, third = (cv2.GaussianBlur(picture, (0, 0), sigma) for sigma in OCTAVES)
    edges = picture - first
    return [edges - cv2.GaussianBlur(edges, (0, 0), OCTAVES[0]), first - second, second - third]


def visible_noise(
    frames: UInt8[np.ndarray, "T H W 3"] | UInt8[np.ndarray, "T H W"],
) -> Float64[np.ndarray, " T"]:
    """How far additive noise lies above what every clip has, in 8-bit levels; 0 is none to be seen.

    Immerkaer's standard deviation (CVIU 64(2), 1996) in each tile of 16 px; noise is everywhere and texture
    is not, so the tenth of the tiles with least tells. Less 1.5 levels: below, noise cannot be told
    from faint texture, and blur or a poor codec would be rewarded for taking it away. Saturated pixels,
    where noise is clipped, do not count.

    Args:
        frames: uint8, RGB or luma.

    Returns:
        One value a frame, 0 and more; 0 for a frame that is saturated nearly everywhere.

    Raises:
        InputError: the frames are not uint8 (T, H, W, 3) or (T, H, W).

    Example:
        >>> visible_noise(np.full((1, 32, 32), 100, np.uint8)).tolist()
        [0.0]
    """
    return _each([_noise(picture) for picture in _active(luma(frames))])


def _noise(grey: UInt8[np.ndarray, "H W"]) -> float:
    picture = grey.astype(np.float32)
    smooth = cv2.GaussianBlur(picture, (0, 0), 2.0)
    usable = ((smooth > SATURATED[0]) & (smooth < SATURATED[1])).astype(np.float32)
    response = np.abs(cv2.filter2D(picture, cv2.CV_32F, NOISE_MASK)) * usable
    within = (slice(1, -1), slice(1, -1)) if min(grey.shape) > 2 else (slice(0), slice(0))
    shares = _tiles(usable[within])
    told = shares >= 0.5
    if not told.any():
        return 0.0
    sigmas = np.sqrt(np.pi / 2) / 6 * _tiles(response[within])[told] / shares[told]
    return max(0.0, float(np.quantile(sigmas, FLAT_TILES)) / TENTH - JUST_VISIBLE)


def vividness(frames: UInt8[np.ndarray, "T H W 3"]) -> Float64[np.ndarray, " T"]:
    """How colourful a frame is, up to what a vivid photograph is: 0 grey, 36 vivid.

    Hasler and Suesstrunk's M3 (SPIE 5007, 2003) of the frame shrunk to 64 px, where blur, noise and blocks
    change no colour. Of M3 beyond 36 only a fiftieth counts: more saturation is not more quality.

    Args:
        frames: uint8 RGB.

    Returns:
        One value a frame, 0 to about 40.

    Raises:
        InputError: the frames are not uint8 (T, H, W, 3).

    Example:
        >>> vividness(np.full((1, 4, 4, 3), 128, np.uint8)).tolist()
        [0.0]
        >>> vividness(np.full((1, 8, 8, 3), (30, 0, 15), np.uint8)).tolist()  # 0.3 * 30
        [9.0]
    """
    return _each([_vivid(picture) for picture in _active(rgb(frames))])


def _vivid(frame: UInt8[np.ndarray, "H W 3"]) -> float:
    found = m3(_shrunk(frame, COLOUR_SIDE))
    return min(found, VIVID) + KNEE * max(0.0, found - VIVID)


def tonal_exposure(
    frames: UInt8[np.ndarray, "T H W 3"] | UInt8[np.ndarray, "T H W"],
) -> Float64[np.ndarray, " T"]:
    """How well lit a frame is, and how much of the range of tones it uses: 1 well, 0 black, white or flat.

    Of the frame shrunk to 32 px: the mean over pixels of exp(-d^2 / (2 * 0.2^2)), d how far luma in [0, 1]
    lies outside 0.3 to 0.7 (after Mertens, Kautz, Van Reeth, Pacific Graphics 2007, whose peak at mid-grey
    rewards a washed-out picture), times the distance of the 10 % and 90 % quantiles of luma over 0.3, at
    most 1.

    Args:
        frames: uint8, RGB or luma.

    Returns:
        One value a frame, 0 to 1.

    Raises:
        InputError: the frames are not uint8 (T, H, W, 3) or (T, H, W).

    Example:
        >>> halves = np.full((1, 32, 32), 90, np.uint8)
        >>> halves[:, 16:] = 170  # both well lit, and further apart than 0.3
        >>> tonal_exposure(halves).tolist(), tonal_exposure(halves // 2 + 64).round(2).tolist()
        ([1.0], [0.52])
    """
    return _each([_exposed(picture) for picture in _active(luma(frames))])


def _exposed(grey: UInt8[np.ndarray, "H W"]) -> float:
    light = _shrunk(grey, LIGHT_SIDE) / 255
    outside = np.maximum(np.maximum(WELL_LIT[0] - light, light - WELL_LIT[1]), 0)
    lit = float(np.exp(-((outside / LIGHT_SIGMA) ** 2) / 2).mean(dtype=np.float64))
    low, high = np.quantile(light, TONE_QUANTILES)
    return lit * min(1.0, float(high - low) / TONES)


def blockiness(
    frames: UInt8[np.ndarray, "T H W 3"] | UInt8[np.ndarray, "T H W"], block: int = 8
) -> Float64[np.ndarray, " T"]:
    """How much stronger steps are at the borders of compression blocks than elsewhere; 0 is none, 1 all.

    (b - a) / (b + a + 1), b the mean absolute step across the borders of a grid of `block` px, a that across
    all other columns (or rows), in levels; after Wang, Bovik, Evans, ICIP 2000. The smaller of both
    directions, because a codec's blocks have both and a scene's lines seldom lie on both grids; what chance
    reaches, 0.12, is taken off.

    Args:
        frames: uint8, RGB or luma, as they were compressed: resizing moves the borders.
        block: Side of a block in px.

    Returns:
        One value a frame, 0 to 1; 0 for a frame of fewer than three blocks a side.

    Raises:
        InputError: the frames are not uint8 (T, H, W, 3) or (T, H, W).

    Example:
        >>> board = (np.indices((24, 24)) // 8).sum(axis=0) % 2
        >>> blockiness((40 * board[None]).astype(np.uint8)).round(3).tolist()  # (40 / 41 - 0.12) / 0.88
        [0.972]
    """
    found = []
    for grey in luma(frames):
        part = active_picture(grey)
        picture = part.of(grey).astype(np.float32)
        if min(picture.shape) < 3 * block:
            found.append(0.0)
            continue
        across = _excess(picture, part.left, block)
        excess = min(across, _excess(picture.T, part.top, block))
        found.append(max(0.0, excess - BLOCK_CHANCE) / (1 - BLOCK_CHANCE))
    return _each(found)


def _excess(picture: Float32[np.ndarray, "H W"], start: int, block: int) -> float:
    """How steps across the grid stand out; `start`, where in the frame the first column lies."""
    steps = np.abs(np.diff(picture, axis=1)).mean(axis=0, dtype=np.float64)
    at_border = (np.arange(len(steps)) + start + 1) % block == 0
    border, other = float(steps[at_border].mean()), float(steps[~at_border].mean())
    return (border - other) / (border + other + 1)


def _active(pictures: UInt8[np.ndarray, T * S]) -> list[UInt8[np.ndarray, "H W ..."]]:
    """The part of each frame within its bars."""
    return [np.ascontiguousarray(active_picture(p).of(p)) for p in pictures]


def _shrunk(picture: UInt8[np.ndarray, "H W ..."], side: int) -> Float32[np.ndarray, "h w ..."]:
    """By area averaging to a long side of at most `side` px."""
    height, width = picture.shape[:2]
    scale = min(1.0, side / max(height, width))
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    small = cv2.resize(picture.astype(np.float32), size, interpolation=cv2.INTER_AREA)
    return np.asarray(small, np.float32)


def _tiles(values: Float32[np.ndarray, "H W"]) -> Float64[np.ndarray, " N"]:
    """Mean of each whole tile; of everything where no whole tile fits."""
    if 0 in values.shape:
        return np.zeros(1)
    side = (min(TILE, values.shape[0]), min(TILE, values.shape[1]))
    rows, columns = values.shape[0] // side[0], values.shape[1] // side[1]
    cut = values[: rows * side[0], : columns * side[1]]
    shape = (rows, side[0], columns, side[1])
    return np.asarray(cut.reshape(shape).mean(axis=(1, 3), dtype=np.float64).ravel())


def _each(values: list[float]) -> Float64[np.ndarray, " T"]:
    return np.asarray(values, np.float64)
