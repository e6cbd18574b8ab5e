"""Clips at addresses (s3://, gs://, hf://): found by fsspec, fetched one at a time while they are scored.

A clip is fetched by the worker that scores it, into a temporary file that goes when the clip is done: the disk
holds one clip for each worker.
"""

from __future__ import annotations

import logging
import re
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, TypeVar

from mirabench.errors import InputError, VideoError
from mirabench.extras import needs_extra
from mirabench.video.frames import UInt8Array, Video

log = logging.getLogger(__name__)

_ADDRESS = re.compile(r"[a-z][a-z0-9+.-]+://", re.IGNORECASE)
TRIES = 4
"""Of one call of a storage: those over a network fail now and then."""
FIRST_PAUSE = 0.2
"""Seconds before the second try; each later pause is twice as long."""
Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class RemoteClip:
    """A clip at an address."""

    url: str

    @property
    def path(self) -> PurePosixPath:
        """Its path without the scheme: for its name and its suffix."""
        return PurePosixPath(self.url.partition("://")[2].strip("/"))


def is_address(text: str) -> bool:
    """Whether a text is an address rather than a path.

    Example:
        >>> is_address("s3://bucket/clip.mp4"), is_address("clips/a.mp4"), is_address("C:/clips")
        (True, False, False)
    """
    return _ADDRESS.match(text) is not None


def matches(url: str) -> list[str]:
    """The files at an address, sorted: itself, all files below it, or those that its glob matches.

    Raises:
        InputError: nothing is there, or the storage cannot be reached.
        MissingExtraError: fsspec, or the library of this storage, is not installed.
    """
    system, path = _opened(url)

    def listed() -> list[str]:
        if any(character in path for character in "*?["):
            return list(system.glob(path))
        return [path] if system.isfile(path) else list(system.find(path))

    try:
        found = _tried(listed)
    except FileNotFoundError:
        found = []
    except Exception as error:  # each storage has errors of its own
        raise InputError(f"cannot look at {url}: {_said(error)}") from error
    if not found:
        raise InputError(
            f"there is nothing at {url}: correct the address, or check who may read it"
        )
    return sorted(str(system.unstrip_protocol(name)) for name in found)


@contextmanager
def at_hand(
    source: Path | RemoteClip | Video | UInt8Array,
) -> Iterator[Path | Video | UInt8Array]:
    """A source as it is, or a copy of it on this machine within the block.

    Raises:
        VideoError: it cannot be fetched.
    """
    if not isinstance(source, RemoteClip):
        yield source
        return
    with fetched(source.url) as path:
        yield path


@contextmanager
def fetched(url: str) -> Iterator[Path]:
    """A copy of a file on this machine, within the block.

    Raises:
        VideoError: it cannot be fetched.
        MissingExtraError: fsspec, or the library of this storage, is not installed.
    """
    system, path = _opened(url)
    with tempfile.TemporaryDirectory(prefix="mirabench-") as folder:
        here = Path(folder, PurePosixPath(path).name or "file")
        try:
            _tried(lambda: system.get_file(path, str(here)))
        except FileNotFoundError as error:
            raise VideoError(
                f"there is no file {url}: correct the address or remove it from the list"
            ) from error
        except Exception as error:  # each storage has errors of its own
            raise VideoError(
                f"cannot fetch {url}: {_said(error)}; run the same command again"
            ) from error
        yield here


def _opened(url: str) -> tuple[Any, str]:
    """The file system of an address, and the path in it."""
    scheme = url.partition("://")[0]
    with needs_extra("storage", f"{scheme}:// needs a library for that storage"):
        import fsspec  # extra `storage`

        try:
            system, path = fsspec.core.url_to_fs(url)
        except ValueError as error:
            raise InputError(f"cannot read {url}: {error}") from error
    return system, str(path)


def _tried(call: Callable[[], Result]) -> Result:
    """A call's result, tried again when the storage fails; a file that is not there is no failure."""
    pause = FIRST_PAUSE
    for _ in range(TRIES - 1):
        try:
            return call()
        except (FileNotFoundError, PermissionError):
            raise
        except Exception as error:  # as above
            log.debug("the storage failed, trying again: %s", error)
            time.sleep(pause)
            pause *= 2
    return call()


def _said(error: Exception) -> str:
    return " ".join(str(error).split())[:300] or type(error).__name__
