"""Motion JPEG and Huffyuv: a step of brightness or colour that begins in the middle of a row.

The mean of each block is coded as its difference from the block before. Wrong bits in one of them shift the
rest of the picture, from that block on in the order of coding, and the next picture is right again. Nothing
that is filmed does so: light changes from a line on, never from the middle of a row on, nor everywhere alike.
Huffyuv does the same with each sample, line by line.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import numpy as np
from av.video.frame import VideoFrame

from mirabench.video.frames import FloatArray
from mirabench.video.planes import samples
from mirabench.video.reading import decoded

BLOCK = 8
SMALLEST, STEADY = 4.0, 4.0
"""A step is at least so many levels and so many times the median departures on both sides of it."""
LIKE = 0.5
"""Against each of the pictures beside it, a step has at least this share of its size."""
FEWEST = 4
"""Blocks on each side of a step."""
FORMATS = frozenset({"yuvj420p", "yuvj422p", "yuvj444p", "yuv420p", "yuv422p", "yuv444p", "gray"})
"""Of which the order of the blocks is known."""


class Means(NamedTuple):
    """A picture's block means."""

    format: str
    planes: tuple[FloatArray, ...]
    """Each (rows, blocks in a row of units), in the order of coding."""


def step_damage(path: Path, max_pixels: int) -> tuple[str, ...]:
    """The first picture of a film in JPEG with such a step, or of another format than the one before, in words.

    Raises:
        VideoError: the file cannot be decoded.
    """
    return _step_damage(_means(path, max_pixels, _blocks))


def line_step_damage(path: Path, max_pixels: int) -> tuple[str, ...]:
    """The same for a film in Huffyuv, from the middle of a line on.

    Raises:
        VideoError: the file cannot be decoded.
    """
    return _step_damage(_means(path, max_pixels, _lines))


def _step_damage(means: Iterator[Means]) -> tuple[str, ...]:
    for number, (one, two, three, where) in enumerate(_triples(means)):
        if not one.format == two.format == three.format:
            return (f"the format of the pictures changes near picture {number}",)
        pictures = [one, two, three]
        found = pictures.pop(where)
        for plane, beside in zip(
            found.planes, zip(*(p.planes for p in pictures), strict=True), strict=True
        ):
            if steps_in_a_row(plane, beside[0], beside[1]):
                return (f"from the middle of a row on, picture {number} has another brightness",)
    return ()


def steps_in_a_row(plane: FloatArray, before: FloatArray, after: FloatArray) -> bool:
    """Whether block means (R, C), in the order of coding, step away from those of two pictures beside them.

    Example:
        >>> flat = np.full((6, 10), 100.0)
        >>> shifted = flat + 30.0 * (np.arange(60).reshape(6, 10) >= 34)
        >>> steps_in_a_row(shifted, flat, flat), steps_in_a_row(shifted, shifted, flat)
        (True, False)
        >>> steps_in_a_row(flat + 30.0 * (np.arange(60).reshape(6, 10) >= 30), flat, flat)
        False
    """
    departures = [(plane - other).ravel() for other in (before, after)]
    mean = (departures[0] + departures[1]) / 2
    if len(mean) < 2 * FEWEST:
        return False
    at = _likeliest_step(mean)
    if at % plane.shape[1] == 0 or not FEWEST <= at <= len(mean) - FEWEST:
        return False
    sides = mean[:at], mean[at:]
    middles = [float(np.median(side)) for side in sides]
    spread = sum(
        float(np.median(np.abs(side - middle)))
        for side, middle in zip(sides, (0.0, middles[1]), strict=True)
    )
    step = middles[1] - middles[0]
    if abs(step) < SMALLEST + STEADY * spread or not _in_the_row(mean, at, plane.shape[1], step):
        return False
    each = [float(np.median(d[at:]) - np.median(d[:at])) for d in departures]
    return min(one / step for one in each) >= LIKE


def _in_the_row(values: FloatArray, at: int, columns: int, step: float) -> bool:
    """Whether nearly all blocks of the row before the place lack the step, and most after it have it.

    Light that changes from a line in the middle of a row of units on looks otherwise: both kinds alternate.
    """
    start = at // columns * columns
    shifted = values[start : start + columns] / step > 0.5
    before, after = shifted[: at - start], shifted[at - start :]
    return float(before.mean()) <= 0.1 and float(after.mean()) >= 0.75


def _likeliest_step(values: FloatArray) -> int:
    """Where two constants, one up to a place and one from it on, fit (N,) values best; at least 1."""
    sums = np.cumsum(values)
    left = np.arange(1, len(values))
    right = len(values) - left
    gain = (sums[:-1] / left - (sums[-1] - sums[:-1]) / right) ** 2 * left * right
    return int(np.argmax(gain)) + 1


def _triples(means: Iterator[Means]) -> Iterator[tuple[Means, Means, Means, int]]:
    """Each picture among its two neighbours, and its place: an end has both on one side."""
    first = tuple(islice(means, 3))
    if len(first) < 3:
        return
    one, two, three = first
    yield one, two, three, 0
    yield one, two, three, 1
    for four in means:
        one, two, three = two, three, four
        yield one, two, three, 1
    yield one, two, three, 2


def _means(
    path: Path, max_pixels: int, of: Callable[[VideoFrame], Iterator[FloatArray]]
) -> Iterator[Means]:
    for frame in decoded(path, max_pixels=max_pixels):
        yield Means(frame.format.name, tuple(of(frame)))


def _blocks(frame: VideoFrame) -> Iterator[FloatArray]:
    """Each plane's (R, C) means of whole blocks: rows of units, in them the blocks in the order of coding."""
    for number in range(len(frame.planes) if frame.format.name in FORMATS else 0):
        across = down = 1
        if number == 0 and len(frame.planes) > 1:  # a unit holds several blocks of luma
            across = round(frame.planes[0].width / frame.planes[1].width)
            down = round(frame.planes[0].height / frame.planes[1].height)
        plane = samples(frame, number)
        rows, columns = plane.shape[0] // (BLOCK * down), plane.shape[1] // (BLOCK * across)
        whole = plane[: rows * BLOCK * down, : columns * BLOCK * across].astype(np.float64)
        means = whole.reshape(rows, down, BLOCK, columns, across, BLOCK).mean(axis=(2, 5))
        yield np.asarray(means.transpose(0, 2, 1, 3).reshape(rows, -1), np.float64)


def _lines(frame: VideoFrame) -> Iterator[FloatArray]:
    """Each component's (H, C) means of pieces of lines, from above and, as Huffyuv stores RGB, from below."""
    for number, plane in enumerate(frame.planes):
        together = round(samples(frame, number).shape[1] / plane.width)
        pixels = samples(frame, number).reshape(plane.height, plane.width, together)
        columns = plane.width // BLOCK
        whole = pixels[:, : columns * BLOCK].astype(np.float64)
        for component in range(together):
            lines = whole[..., component].reshape(plane.height, columns, BLOCK).mean(axis=2)
            yield from (lines, lines[::-1])
