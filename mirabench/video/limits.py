"""How large a picture may be, found out before memory is taken for it."""

from __future__ import annotations

from mirabench.errors import VideoError

MAX_PIXELS = 7680 * 4320
"""Pixels of a frame that are decoded unless the user allows more: 8K. Tiny files can announce far more."""


def decoder_limit(max_pixels: int) -> str:
    """The decoder's own limit, as its option: it counts lines filled up to whole blocks, so it is wider."""
    return str(2 * max_pixels + 2**16)


def refuse_larger(name: object, width: int, height: int, max_pixels: int) -> None:
    """Refuse a picture of more than `max_pixels`, or one that FFmpeg gave no size because of that limit.

    Raises:
        VideoError: it is larger.
    """
    if width * height > max_pixels:
        raise VideoError(
            f"{name} has pictures of {width}x{height}, more than the {max_pixels} pixels that are "
            f"decoded: allow them with --max-pixels {width * height}"
        )
    if width * height == 0:
        raise VideoError(
            f"{name} has pictures of no known size or of more than the {max_pixels} pixels that are "
            "decoded: allow more with --max-pixels, or write it again"
        )
