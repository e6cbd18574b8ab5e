"""Seeded pictures to hang on surfaces: band-limited, so that a moving camera does not alias.

`Texture` keeps a picture with its mipmaps. The functions draw pictures that give corner detectors,
descriptors and optical flow something to hold on to at every scale.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import cv2
import numpy as np
from numpy.typing import NDArray

from mirabench.errors import InputError

Picture = NDArray[np.uint8]
Colour = tuple[int, int, int]
Plane = NDArray[np.float32]

LEVELS = 5
"""Mipmaps below the full picture: enough for a surface 32 times farther away than its detail."""

WARM: tuple[Colour, ...] = ((58, 34, 45), (150, 62, 58), (214, 129, 84), (243, 214, 160))
COOL: tuple[Colour, ...] = ((24, 42, 66), (44, 92, 120), (108, 160, 158), (220, 230, 210))
GREEN: tuple[Colour, ...] = ((38, 66, 40), (74, 116, 58), (128, 158, 82), (196, 200, 128))


@dataclass(frozen=True, slots=True, eq=False)
class Texture:
    """A picture and its mipmaps, side by side in one image so that one lookup reaches any level.

    Raises:
        InputError: The picture is not uint8 (H, W, 3).
    """

    image: Picture
    """uint8 RGB (H, W, 3); enlarged where needed until both sides are multiples of 32."""
    pyramid: Picture = field(init=False, repr=False)
    """uint8 (H, 2 W, 3): level k starts at column 2 W (1 - 2^-k) and is 2^-k as large."""

    def __post_init__(self) -> None:
        if self.image.dtype != np.uint8 or self.image.ndim != 3 or self.image.shape[2] != 3:
            raise InputError(
                f"a texture is a uint8 picture (H, W, 3), not {self.image.dtype} {self.image.shape}"
            )
        object.__setattr__(self, "image", _whole_levels(self.image))
        object.__setattr__(self, "pyramid", _pyramid(self.image))

    def crop(self, left: float, top: float, right: float, bottom: float) -> "Texture":
        """The part between fractions in [0, 1] of the width and the height."""
        height, width = self.image.shape[:2]
        rows = slice(round(top * height), round(bottom * height))
        columns = slice(round(left * width), round(right * width))
        return Texture(np.ascontiguousarray(self.image[rows, columns]))


def smooth_noise(
    height: int, width: int, seed: int, *, coarsest: float = 128.0, finest: float = 4.0
) -> Plane:
    """Noise float32 (H, W) in [0, 1] whose octaves have wavelengths from `coarsest` to `finest` px.

    An octave's amplitude grows with the square root of its wavelength, which looks like stone or
    cloth and leaves detail at every scale.
    """
    generator = np.random.default_rng([seed, height, width])
    total = np.zeros((height, width), np.float32)
    wavelength = coarsest
    while wavelength >= finest:
        shape = (int(2 * height / wavelength) + 2, int(2 * width / wavelength) + 2)
        grid = generator.standard_normal(shape).astype(np.float32)
        octave = cv2.resize(grid, (width, height), interpolation=cv2.INTER_CUBIC)
        total += octave * np.float32(wavelength**0.5)
        wavelength /= 2
    spread = total.std() or 1.0
    noise: Plane = np.clip(0.5 + (total - total.mean()) / (5 * spread), 0, 1).astype(np.float32)
    return noise


def colour_ramp(values: NDArray[np.floating], palette: Sequence[Colour]) -> Picture:
    """Values (H, W) in [0, 1] as colours uint8 (H, W, 3), linear between those of the palette."""
    stops = np.linspace(0, 255, len(palette))
    levels = np.arange(256)
    table = np.stack([np.interp(levels, stops, channel) for channel in zip(*palette, strict=True)])
    ramp: Picture = table.T.round().astype(np.uint8)[np.round(values * 255).astype(np.uint8)]
    return ramp


def structured(
    height: int, width: int, seed: int, palette: Sequence[Colour] = WARM, shapes: int = 0
) -> Picture:
    """A picture (H, W, 3) of noise with discs and slabs over it: corners, edges and flat colour.

    Args:
        height: Pixels.
        width: Pixels.
        seed: Same seed, same picture.
        palette: Two or more colours, dark to bright.
        shapes: How many discs and slabs; 0 takes one for each 40 x 40 pixels.
    """
    picture = colour_ramp(smooth_noise(height, width, seed), palette)
    generator = np.random.default_rng([seed, 1])
    large = _picture(cv2.resize(picture, (2 * width, 2 * height)))
    for _ in range(shapes or max(8, height * width // 1600)):
        _draw_shape(large, generator, palette)
    drawn = cv2.resize(large, (width, height), interpolation=cv2.INTER_AREA)
    # Edges as sharp as the pixel grid would alias when the picture moves by a fraction of a pixel.
    return _picture(cv2.GaussianBlur(drawn, (0, 0), 0.8))


def _draw_shape(
    picture: Picture, generator: np.random.Generator, palette: Sequence[Colour]
) -> None:
    height, width = picture.shape[:2]
    colour = np.array(palette[int(generator.integers(len(palette)))]) + generator.integers(
        -25, 26, 3
    )
    paint = tuple(int(value) for value in np.clip(colour, 0, 255))
    centre = generator.uniform(0, (width, height))
    radius = generator.uniform(6, 36)
    if generator.random() < 0.5:
        position = (int(centre[0]), int(centre[1]))
        cv2.circle(picture, position, int(radius), paint, -1, cv2.LINE_AA)
        return
    sides = (2 * radius, radius * generator.uniform(0.4, 2.0))
    corners = cv2.boxPoints(((centre[0], centre[1]), sides, generator.uniform(0, 180)))
    cv2.fillConvexPoly(picture, corners.astype(np.int32), paint, cv2.LINE_AA)


def _whole_levels(image: Picture) -> Picture:
    step = 2**LEVELS
    height, width = (-(-side // step) * step for side in image.shape[:2])
    if (height, width) == image.shape[:2]:
        return image
    return _picture(cv2.resize(image, (width, height), interpolation=cv2.INTER_CUBIC))


def _pyramid(image: Picture) -> Picture:
    height, width = image.shape[:2]
    pyramid = np.zeros((height, 2 * width, 3), np.uint8)
    level, left = image, 0
    for _ in range(LEVELS + 1):
        rows, columns = level.shape[:2]
        pyramid[:rows, left : left + columns] = level
        left += columns
        level = _picture(cv2.resize(level, (columns // 2, rows // 2), interpolation=cv2.INTER_AREA))
    return pyramid


def _picture(image: object) -> Picture:
    return np.asarray(image, dtype=np.uint8)
