"""One way to open a file with FFmpeg: any name, any text in its metadata, never the network."""

from __future__ import annotations

from pathlib import Path

import av
from av.container import InputContainer
from av.video.stream import VideoStream

from mirabench.video.limits import MAX_PIXELS, decoder_limit

PYAV_MAJOR = int(av.__version__.split(".")[0])


def open_container(path: Path, *, max_pixels: int = MAX_PIXELS) -> InputContainer:
    """The file, opened for reading, whatever its name and whatever encoding its title is in.

    Much larger pictures than `max_pixels` are not even decoded to find out what they are; their stream
    may then state a size of 0x0.

    Raises:
        av.FFmpegError: it is not a media file.
        OSError: it cannot be read.
    """
    # without `file:` a name such as `take:2.mp4` would be read as a protocol and an address
    name, options = f"file:{path}", {"max_pixels": decoder_limit(max_pixels)}
    if PYAV_MAJOR >= 19:  # keeps bytes that are not UTF-8, and no longer takes the option
        return av.open(name, options=options)
    return av.open(name, metadata_errors="replace", options=options)


def moving_pictures(container: InputContainer) -> VideoStream | None:
    """The first video stream that is not cover art, or None."""
    for stream in container.streams.video:
        if not stream.disposition & av.stream.Disposition.attached_pic:
            return stream
    return None
