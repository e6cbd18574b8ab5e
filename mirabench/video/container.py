"""One way to open a file with FFmpeg: any name, any text in its metadata, never the network."""

from __future__ import annotations

from pathlib import Path

import av
from av.container import InputContainer
from av.video.stream import VideoStream


def open_container(path: Path) -> InputContainer:
    """The file, opened for reading, whatever its name and whatever encoding its title is in.

    Raises:
        av.FFmpegError: it is no media file.
        OSError: it cannot be read.
    """
    # without `file:` a name such as `take:2.mp4` would be read as a protocol and an address
    return av.open(f"file:{path}", metadata_errors="replace")


def moving_pictures(container: InputContainer) -> VideoStream | None:
    """The first video stream that is no cover art, or None."""
    for stream in container.streams.video:
        if not stream.disposition & av.stream.Disposition.attached_pic:
            return stream
    return None
