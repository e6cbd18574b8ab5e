"""The identity of a file: the sha256 of its bytes."""

from __future__ import annotations

import hashlib
from pathlib import Path

from mirabench.errors import VideoError


def sha256_of(path: Path) -> str:
    """The sha256 of a file's bytes, as hex.

    Raises:
        VideoError: the file is missing or may not be read.
    """
    digest = hashlib.sha256()
    try:
        with path.open("rb") as file:
            while block := file.read(2**20):
                digest.update(block)
    except OSError as error:
        raise VideoError(f"cannot read {path}: {error.strerror or error}") from error
    return digest.hexdigest()
