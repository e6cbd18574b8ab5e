"""Which codec's hidden damage is looked for in which way.

H.264, HEVC, VP8, VP9 and Huffyuv carry no checksum, and almost any bytes decode to some picture. But a decoder
that has lost its way does not come to the end of a picture's data at the end of the picture (`consumption`).
The scans of JPEG pictures can be followed without a decoder (`scans`), and what remains there is a step of
brightness that begins in the middle of a row (`steps`).
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import av

from mirabench.errors import VideoError
from mirabench.video.hidden.consumption import consumption_damage
from mirabench.video.hidden.scans import scan_damage
from mirabench.video.hidden.steps import line_step_damage, step_damage
from mirabench.video.hidden.units import BITWISE
from mirabench.video.limits import MAX_PIXELS
from mirabench.video.reading import open_stream

Check = Callable[[Path, int], tuple[str, ...]]
_CHECKS: dict[str, tuple[Check, ...]] = {
    "h264": (consumption_damage,),
    "hevc": (consumption_damage,),
    "vp8": (consumption_damage,),
    "vp9": (consumption_damage,),
    "huffyuv": (consumption_damage, line_step_damage),
    "ffvhuff": (consumption_damage, line_step_damage),
    **dict.fromkeys(BITWISE, (consumption_damage,)),
    "mjpeg": (scan_damage, step_damage),
}
"""FFmpeg's name of a codec -> its checks."""


def hidden_damage(path: Path, max_pixels: int = MAX_PIXELS) -> tuple[str, ...]:
    """What the data of a film's pictures show of damage that no decoder reports, in words.

    Reads and decodes the film once more, and parts of it again, within a fixed budget of pixels.

    Args:
        path: A file that decodes to its end.
        max_pixels: Width times height of the largest frame that is decoded.
    """
    try:
        container, stream = open_stream(path, max_pixels)
        with container:
            checks = _CHECKS.get(stream.codec_context.name, ())
        return tuple(sentence for check in checks for sentence in check(path, max_pixels))
    except (VideoError, av.FFmpegError, OSError) as error:
        # the first decoding ended well, or it would not have come here
        return (f"a second decoding breaks off: {error}",)
