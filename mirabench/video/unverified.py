"""Files in which damage would not show: no checksum, and a codec whose decoder makes a picture of anything.

Such a film is not called damaged, and not sound either: it is unverified, and the report says so.
"""

from __future__ import annotations

from pathlib import Path

import av

from mirabench.errors import VideoError
from mirabench.video.limits import MAX_PIXELS
from mirabench.video.reading import open_stream
from mirabench.video.structure.elements import has_checksums

TELLING = frozenset(
    {
        *("h264", "hevc", "av1", "libdav1d", "vp8", "vp9", "mpeg1video", "mpeg2video", "mpeg4"),
        *("h263", "flv", "flv1", "wmv1", "wmv2", "mjpeg", "jpeg2000", "png", "apng", "gif"),
        *("prores", "ffv1"),
    }
)
"""FFmpeg's names of the codecs in which random damages were tried and told: docs/health.md has the counts."""
RAW = frozenset({"rawvideo", "v210", "v410", "r210"})


def unverified(path: Path, max_pixels: int = MAX_PIXELS) -> str:
    """Why damage of a file that decodes to its end may have gone unseen, in words; empty where it would show.

    Args:
        path: A video file.
        max_pixels: Width times height of the largest frame.
    """
    try:
        container, stream = open_stream(path, max_pixels)
        with container:
            codec, kind = stream.codec_context.name, container.format.name
    except (VideoError, av.FFmpegError, OSError) as error:
        return f"the file could not be opened again: {error}"
    if codec in TELLING or (kind.startswith("matroska") and has_checksums(path)):
        return ""
    if codec in RAW:
        return "raw pictures carry no checksum: any bytes are a picture, so damage cannot be seen"
    return f"{codec} carries no checksum that is read here, and its decoder may hide damage"
