"""Pictures of the things a room and a yard are made of: planks, plaster, books, paving, a ball.

Each function draws uint8 RGB (H, W, 3) from a seed. Light that does not depend on the view, such as
the dim corners of a room and the shadow under a box, is painted in, so that it stays put when the
camera moves and the scene remains exactly rigid.
"""

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from mirabench.testing.textures import (
    COOL,
    GREEN,
    WARM,
    Colour,
    Picture,
    colour_ramp,
    smooth_noise,
    structured,
)

Fractions = tuple[float, float, float, float]
"""Left, top, right, bottom, as fractions of a picture's width and height."""

SPINES: tuple[Colour, ...] = (
    (142, 52, 48),
    (204, 148, 70),
    (60, 92, 122),
    (84, 118, 92),
    (226, 210, 178),
    (98, 66, 98),
    (52, 54, 62),
)


def plaster(height: int, width: int, colour: Colour, seed: int) -> Picture:
    """A painted wall: one colour, faintly uneven, with a fine stripe every 48 pixels."""
    shade = 0.90 + 0.2 * smooth_noise(height, width, seed, coarsest=256, finest=4)
    stripe = 1 - 0.07 * (np.cos(np.arange(width) * (2 * np.pi / 48)) > 0.2)
    return _shaded(_flat(height, width, colour), _soft(shade * stripe))


def planks(height: int, width: int, seed: int, *, rows: int, colour: Colour) -> Picture:
    """Floor boards along the width, each of its own tone, with grain and dark gaps."""
    generator = np.random.default_rng([seed, 2])
    tones = np.repeat(generator.uniform(0.78, 1.12, rows), -(-height // rows))[:height]
    grain = cv2.resize(smooth_noise(height, width // 8, seed), (width, height))
    gaps = _lines(height, width, seed, rows=rows, columns=4)
    return _shaded(_flat(height, width, colour), tones[:, None] * (0.72 + 0.56 * grain) * gaps)


def paving(height: int, width: int, seed: int, *, rows: int, colour: Colour) -> Picture:
    """Square slabs, each of its own tone, with dark joints."""
    generator = np.random.default_rng([seed, 3])
    columns = max(1, round(rows * width / height))
    tones = generator.uniform(0.8, 1.12, (rows, columns)).astype(np.float32)
    tones = cv2.resize(tones, (width, height), interpolation=cv2.INTER_NEAREST)
    joints = np.ones((height, width), np.float32)
    for row in range(rows + 1):
        joints[_band(row * height / rows, 3)] = 0.62
    for column in range(columns + 1):
        joints[:, _band(column * width / columns, 3)] = 0.62
    stone = 0.7 + 0.6 * smooth_noise(height, width, seed)
    return _shaded(_flat(height, width, colour), _soft(tones * joints) * stone)


def crate(size: int, seed: int, colour: Colour = (196, 142, 84)) -> Picture:
    """The side of a wooden crate: boards in a frame with a diagonal brace."""
    side = planks(size, size, seed, rows=6, colour=colour)
    beam = planks(size, size, seed + 1, rows=1, colour=tuple_shade(colour, 0.8))
    mask = np.zeros((size, size), np.uint8)
    edge = size // 9
    cv2.line(mask, (0, size), (size, 0), 255, edge, cv2.LINE_AA)
    cv2.rectangle(mask, (0, 0), (size - 1, size - 1), 255, 2 * edge)
    lower = cv2.GaussianBlur(mask, (0, 0), size / 60).astype(np.float32) / 255
    mask = cv2.GaussianBlur(mask, (0, 0), 1.0)
    share = mask.astype(np.float32)[..., None] / 255
    shadowed = side * (1 - 0.5 * lower[..., None])
    return _to_picture(shadowed * (1 - share) + beam * share)


def books(height: int, width: int, seed: int, *, shelves: int = 4) -> Picture:
    """A bookcase: rows of spines between dark shelves."""
    generator = np.random.default_rng([seed, 4])
    picture = _flat(height, width, (48, 34, 28))
    step = height // shelves
    for shelf in range(shelves):
        foot, left = (shelf + 1) * step - step // 12, step // 10
        while left < width - step // 10:
            thick = int(generator.uniform(0.06, 0.15) * step)
            top = foot - int(generator.uniform(0.6, 0.86) * step)
            _spine(picture[top:foot, left : min(left + thick, width - step // 10)], generator)
            left += thick
        picture[foot : foot + step // 12] = (122, 84, 56)
    return _shaded(picture, 0.86 + 0.28 * smooth_noise(height, width, seed))


def painting(height: int, width: int, seed: int) -> Picture:
    """An abstract painting in a pale mount and a dark frame."""
    palette = (WARM, COOL, GREEN)[seed % 3]
    picture = _flat(height, width, (58, 42, 34))
    frame, mount = height // 24, height // 9
    picture[frame:-frame, frame:-frame] = (236, 230, 216)
    inner = picture[mount:-mount, mount:-mount]
    inner[:] = structured(inner.shape[0], inner.shape[1], seed, palette)
    return _to_picture(cv2.GaussianBlur(picture, (0, 0), 0.8))


def rug(height: int, width: int, seed: int) -> Picture:
    """A woven rug: a field of lozenges inside striped borders."""
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    inset = np.minimum(np.minimum(x, width - 1 - x), np.minimum(y, height - 1 - y)) / height
    pitch = height / 5
    lozenge = (np.abs((x / pitch) % 1 - 0.5) + np.abs((y / pitch) % 1 - 0.5)) * 2
    values = np.where(inset < 0.16, 0.5 + 0.5 * np.cos(inset * 2 * np.pi / 0.064), lozenge / 2)
    palette = ((126, 40, 44), (196, 104, 74), (238, 212, 166), (52, 74, 96))
    woven = colour_ramp(_soft(np.clip(values, 0, 1)), palette)
    return _shaded(woven, 0.85 + 0.3 * smooth_noise(height, width, seed, coarsest=32))


def beach_ball(size: int, seed: int) -> Picture:
    """Six coloured segments (H, W = 2 H) with white poles, to be wrapped around a ball."""
    colours = ((222, 66, 58), (250, 246, 238), (58, 116, 196), (250, 196, 62), (250, 246, 238))
    generator = np.random.default_rng([seed, 5])
    order = [*generator.permutation(len(colours)), 0]
    width = 2 * size
    picture = np.zeros((size, width, 3), np.uint8)
    for index, colour in enumerate(order):
        picture[:, index * width // 6 : (index + 1) * width // 6] = colours[colour]
    picture[: size // 12] = picture[-(size // 12) :] = (250, 246, 238)
    picture = _to_picture(cv2.GaussianBlur(picture, (0, 0), 1.0))
    return _shaded(picture, 0.94 + 0.12 * smooth_noise(size, width, seed, coarsest=64))


def meadow(height: int, width: int, seed: int) -> Picture:
    """Grass in patches of several greens."""
    grass = smooth_noise(height, width, seed, coarsest=height / 4, finest=3)
    return colour_ramp(grass, GREEN)


def with_dim_edges(picture: Picture, strength: float = 0.35, reach: float = 0.07) -> Picture:
    """The picture, darker towards its edges, as walls are where they meet.

    Args:
        picture: uint8 (H, W, 3).
        strength: How much darker at the very edge, in [0, 1].
        reach: Distance over which it fades, as a fraction of the shorter side.
    """
    height, width = picture.shape[:2]
    scale = reach * min(height, width)
    y, x = (np.minimum(np.arange(n), np.arange(n)[::-1]) for n in (height, width))
    dim_y, dim_x = (1 - strength * np.exp(-axis / scale) for axis in (y, x))
    return _shaded(picture, dim_y[:, None] * dim_x[None, :])


def with_shadow(picture: Picture, where: Fractions, strength: float = 0.55) -> Picture:
    """The picture with a soft dark patch, as under a box that stands on it."""
    height, width = picture.shape[:2]
    left, top, right, bottom = where
    mask = np.zeros((height, width), np.float32)
    rows = slice(max(0, int(top * height)), int(bottom * height))
    mask[rows, max(0, int(left * width)) : int(right * width)] = 1
    blurred = cv2.GaussianBlur(mask, (0, 0), 0.012 * (height + width))
    return _shaded(picture, 1 - strength * blurred)


def tuple_shade(colour: Colour, factor: float) -> Colour:
    """A colour times a factor."""
    red, green, blue = (int(np.clip(channel * factor, 0, 255)) for channel in colour)
    return red, green, blue


def _spine(cover: Picture, generator: np.random.Generator) -> None:
    """Paint one book: a colour, a dark hinge and one or two bands."""
    colour = np.array(SPINES[int(generator.integers(len(SPINES)))])
    cover[:] = np.clip(colour * generator.uniform(0.8, 1.15), 0, 255)
    cover[:, -2:] = colour * 0.5
    for height in generator.uniform(0.1, 0.9, 2):
        row = int(height * cover.shape[0])
        cover[row : row + max(2, cover.shape[0] // 24), :-2] = np.clip(colour * 1.6 + 30, 0, 255)


def _lines(height: int, width: int, seed: int, *, rows: int, columns: int) -> NDArray[np.floating]:
    """Factors (H, W) below 1 at the gaps between boards and at the boards' staggered ends."""
    generator = np.random.default_rng([seed, 6])
    gaps = np.ones((height, width), np.float32)
    step = -(-height // rows)
    for row in range(rows):
        gaps[_band(row * step, 3)] = 0.45
        for end in generator.uniform(0, width, columns):
            gaps[row * step : (row + 1) * step, _band(end, 3)] = 0.5
    return _soft(gaps)


def _band(centre: float, thickness: int) -> slice:
    start = max(0, round(centre) - thickness // 2)
    return slice(start, start + thickness)


def _flat(height: int, width: int, colour: Sequence[int]) -> Picture:
    return np.full((height, width, 3), colour, np.uint8)


def _soft(values: NDArray[np.floating]) -> NDArray[np.floating]:
    """Values without steps sharper than the pixel grid can hold."""
    return np.asarray(cv2.GaussianBlur(values.astype(np.float32), (0, 0), 0.9), np.float32)


def _shaded(picture: Picture, factor: NDArray[np.floating]) -> Picture:
    return _to_picture(picture * factor[..., None])


def _to_picture(values: object) -> Picture:
    levels: Picture = np.clip(np.asarray(values, np.float32) + 0.5, 0, 255).astype(np.uint8)
    return levels
