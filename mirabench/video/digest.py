"""The identity of a video file: the sha256 of its bytes."""

from __future__ import annotations

from pathlib import Path

from mirabench import file_digest
from mirabench.errors import VideoError


def sha256_of(path: Path) -> str:
    """The sha256 of a file's bytes, as hex.

    Raises:
        VideoError: the file is missing or may not be read.
    """
    try:
        return file_digest.sha256_of(path)
    except OSError as error:
        raise VideoError(f"cannot read {path}: {error.strerror or error}") from error
