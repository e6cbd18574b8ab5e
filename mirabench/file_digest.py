"""The sha256 of a file or a folder, read in pieces."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hashlib import _Hash

READ_BYTES = 2**20


def sha256_of(path: Path) -> str:
    """The sha256 of a file's bytes, as hex.

    Raises:
        OSError: the file is missing or may not be read.
    """
    digest = hashlib.sha256()
    _add(digest, path)
    return digest.hexdigest()


def sha256_of_folder(folder: Path) -> str:
    """The sha256 over the names and contents of all files of a folder, as hex.

    Raises:
        OSError: a file may not be read.
    """
    digest = hashlib.sha256()
    for file in sorted(path for path in folder.rglob("*") if path.is_file()):
        digest.update(os.fsencode(file.relative_to(folder).as_posix()))
        _add(digest, file)
    return digest.hexdigest()


def _add(digest: _Hash, path: Path) -> None:
    with path.open("rb") as file:
        while block := file.read(READ_BYTES):
            digest.update(block)
