r"""Writing files so that a reader, or a run that is killed, never meets half of one.

Everything is written beside its place under another name, flushed to the disk and renamed. Text is UTF-8 with
`\n` line ends. A file name may hold bytes that are no UTF-8; Python keeps such a byte as a lone surrogate, and
it is written as its escape: `caf\udce9.webm`. Within JSON that is JSON's own escape, so whoever reads the file
gets the exact name back; elsewhere it is what people read.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from mirabench.errors import OutputError

LONGEST_SUFFIX = 16
"""Bytes of a suffix that the temporary name keeps: writers choose the format by it."""


def write_text(path: Path, text: str) -> None:
    """Write a text file in one step; folders on the way are made.

    Raises:
        OutputError: the folder is not writable, or the disk is full.
    """
    write_bytes(path, encoded(text))


def write_bytes(path: Path, data: bytes) -> None:
    """Write a file in one step; folders on the way are made.

    Raises:
        OutputError: the folder is not writable, or the disk is full.
    """
    with replacing(path) as part:
        part.write_bytes(data)


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A name beside `path`, with its suffix, for a writer of its own; renamed when the block ends well.

    When the block raises, what it wrote is removed and an older file at `path` stays.

    Raises:
        OutputError: the folder is not writable, or the disk is full.
    """
    part = path.with_name(_temporary_name(path))
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield part
        _flush(part)
        part.replace(path)
        _flush_folder(path.parent)
    except OSError as error:
        raise OutputError.writing(path, error) from error
    finally:
        with suppress(OSError):
            part.unlink(missing_ok=True)


def require_writable(folder: Path) -> None:
    """Find out before the work whether its result can be written.

    Raises:
        OutputError: it cannot.
    """
    probe = folder / _temporary_name(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise OutputError.writing(folder, error) from error


def encoded(text: str) -> bytes:
    r"""UTF-8 of any text; what stands for a byte of a file name that is no UTF-8 becomes its escape.

    Example:
        >>> encoded(os.fsdecode(b"caf\xe9.webm"))
        b'caf\\udce9.webm'
    """
    return text.encode("utf-8", "backslashreplace")


def _temporary_name(path: Path) -> str:
    """Short and unique: the longest name that a file system holds leaves no room for an addition."""
    suffix = path.suffix if len(os.fsencode(path.suffix)) <= LONGEST_SUFFIX else ""
    return f".{os.getpid()}.{secrets.token_hex(4)}.part{suffix}"


def _flush(path: Path) -> None:
    # a rename that survives a power cut must not lead to bytes that did not
    with path.open("rb+") as file:
        os.fsync(file.fileno())


def _flush_folder(folder: Path) -> None:
    with suppress(OSError):  # Windows opens no folders
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
