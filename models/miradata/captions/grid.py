"""The picture that a captioner sees: 8 moments in two rows of four, with white gutters."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mirabench.errors import VideoError
from mirabench.video.frames import UInt8Array
from mirabench.video.resize import Resize

ROWS, COLUMNS = 2, 4
TILE_WIDTH = 512
GUTTER = 8
"""Pixels between tiles, and around them."""


def grid(frames: Sequence[UInt8Array], tile_width: int = TILE_WIDTH) -> UInt8Array:
    """8 uint8 RGB frames (H, W, 3) as one picture; time runs along the rows.

    For 16:9 it is 2088 x 600 pixels. Frames are scaled to `tile_width`, by area when they shrink.

    Raises:
        VideoError: there are not 8 frames of one size.
    """
    if len(frames) != ROWS * COLUMNS or len({frame.shape for frame in frames}) != 1:
        raise VideoError(f"a grid takes {ROWS * COLUMNS} frames of one size, got {len(frames)}")
    height, width = frames[0].shape[:2]
    tall = max(1, round(tile_width * height / width))
    shrinks = tile_width < width
    tiles = Resize(size=(tile_width, tall), filter="area" if shrinks else "bilinear")(
        np.stack(frames)
    )
    sheet = np.full(
        (GUTTER + ROWS * (tall + GUTTER), GUTTER + COLUMNS * (tile_width + GUTTER), 3),
        255,
        np.uint8,
    )
    for i, tile in enumerate(tiles):
        row, column = divmod(i, COLUMNS)
        top, left = GUTTER + row * (tall + GUTTER), GUTTER + column * (tile_width + GUTTER)
        sheet[top : top + tall, left : left + tile_width] = tile
    return sheet
