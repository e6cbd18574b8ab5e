"""The content-addressed store of feature tables; what makes a killed run resumable.

A table's key is the clip's sha256, the extractor's identity and the versions of the libraries that
computed it, so a hit is always the very numbers a fresh computation would give. Each entry is one
`.table` file: a line that names the format, a line with the sha256 of the key and all that follows,
then the arrays as `.npz`. The checksum is verified before anything is parsed, so a damaged or swapped
entry gives no number: it is removed and computed again. Entries of earlier versions (`.npz`, without
such a checksum) are not read; `clear` and `prune` remove them.
"""

from __future__ import annotations

import hashlib
import io
import logging
import os
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache as memoise
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import numpy as np
import platformdirs

from mirabench.errors import OutputError
from mirabench.features.api import AnyExtractor, FeatureTable, feature_identity
from mirabench.files import write_bytes
from mirabench.identity import digest_of

log = logging.getLogger(__name__)

FORMAT = b"mirabench feature table 2\n"
"""First line of an entry; another version of the format has another number."""
_LIBRARIES = ("numpy", "av", "opencv-python-headless", "torch", "torchvision")


def default_cache_folder() -> Path:
    """`$MIRABENCH_CACHE`, else `mirabench/features` in the user's cache folder."""
    named = os.environ.get("MIRABENCH_CACHE")
    return Path(named) if named else Path(platformdirs.user_cache_dir("mirabench")) / "features"


@memoise
def library_versions() -> dict[str, str]:
    """Exact versions of the installed libraries that may change a number."""
    found = {}
    for name in _LIBRARIES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def cache_key(
    content: str, extractor: AnyExtractor, weights: Mapping[str, str] | None = None
) -> str:
    """The name of a table in the cache: 40 hex digits of a sha256.

    Args:
        content: sha256 of the clip, or of the text.
        extractor: The feature.
        weights: Card name -> sha256 of the weights in use.
    """
    parts = {
        "content": content,
        "feature": feature_identity(extractor),
        "libraries": library_versions(),
        "weights": dict(weights or {}),
    }
    return digest_of(parts, length=40)


@dataclass(frozen=True, slots=True)
class CacheInfo:
    """How much a cache holds."""

    folder: Path
    entries: int
    bytes: int


class FeatureCache:
    """A folder of feature tables. Safe for any number of processes at once."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.troubles: dict[str, str] = {}
        """Kind of trouble -> the first of it, in a sentence; for the owner to say once."""

    def __repr__(self) -> str:
        return f"FeatureCache({str(self.folder)!r})"

    def get(self, key: str) -> FeatureTable | None:
        """The table, or None when it is absent or damaged (a damaged one is removed and noted)."""
        path = self._path(key)
        try:
            raw = path.read_bytes()
        except OSError:
            return None
        try:
            table = _unpack(key, raw)
        except (
            Exception
        ) as error:  # whatever is wrong with an entry, the clip must not suffer for it
            self._note(
                "damaged", f"the cache entry {path} is damaged ({error}): it is computed again"
            )
            _unlink(path)
            return None
        _touch(path)
        return table

    def put(self, key: str, table: FeatureTable) -> None:
        """Store a table atomically. A full or read-only disk only costs the next run its time."""
        try:
            # not flushed: what a power cut spoils has a wrong checksum, and is computed again
            write_bytes(self._path(key), _pack(key, table), flush=False)
        except OutputError as error:
            self._note("full", f"cannot keep a feature in the cache: {error}")

    def _note(self, kind: str, sentence: str) -> None:
        log.debug("%s", sentence)
        self.troubles.setdefault(kind, sentence)

    def info(self) -> CacheInfo:
        """Count entries and bytes."""
        sizes = [_size(path) for path in self._entries()]
        return CacheInfo(self.folder, len(sizes), sum(sizes))

    def clear(self) -> CacheInfo:
        """Remove every entry; returns what was removed."""
        for part in self.folder.glob("??/.*.part*"):  # left by a killed process
            _unlink(part)
        return self._remove(list(self._entries()))

    def prune(
        self, *, max_bytes: int | None = None, max_age_days: float | None = None
    ) -> CacheInfo:
        """Remove entries unused for longer than `max_age_days`, then the oldest above `max_bytes`."""
        entries = sorted(self._entries(), key=_last_use)
        doomed = []
        if max_age_days is not None:
            oldest = time.time() - max_age_days * 86_400
            doomed = [p for p in entries if _last_use(p) < oldest]
        if max_bytes is not None:
            kept = [p for p in entries if p not in set(doomed)]
            total = sum(map(_size, kept))
            for path in kept:
                if total <= max_bytes:
                    break
                doomed.append(path)
                total -= _size(path)
        return self._remove(doomed)

    def _remove(self, paths: list[Path]) -> CacheInfo:
        removed = CacheInfo(self.folder, len(paths), sum(map(_size, paths)))
        for path in paths:
            _unlink(path)
        return removed

    def _entries(self) -> Iterator[Path]:
        found = self.folder.glob("??/*") if self.folder.is_dir() else iter(())
        return (p for p in found if p.suffix in (".table", ".npz") and not p.name.startswith("."))

    def _path(self, key: str) -> Path:
        return self.folder / key[:2] / f"{key}.table"


def _unlink(path: Path) -> None:
    try:
        path.unlink(missing_ok=True)
    except OSError:
        return


def _touch(path: Path) -> None:
    try:
        os.utime(path)  # `prune` removes what was not used for longest
    except OSError:
        return


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


def _last_use(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:  # another process removed it meanwhile
        return 0.0


def _checksum(key: str, payload: bytes) -> bytes:
    # the key is part of it: an entry under another entry's name is damage too
    return hashlib.sha256(FORMAT + f"{key}\n".encode() + payload).hexdigest().encode() + b"\n"


def _pack(key: str, table: FeatureTable) -> bytes:
    buffer = io.BytesIO()
    arrays = {name: np.asarray(value) for name, value in table.columns.items()}
    np.savez_compressed(buffer, allow_pickle=False, **arrays)
    payload = buffer.getvalue()
    return FORMAT + _checksum(key, payload) + payload


def _unpack(key: str, raw: bytes) -> FeatureTable:
    start = len(FORMAT) + 65
    payload = raw[start:]
    if raw[:start] != FORMAT + _checksum(key, payload):
        raise ValueError("its checksum does not match its content")
    with np.load(io.BytesIO(payload), allow_pickle=False) as stored:
        return FeatureTable({name: stored[name] for name in stored.files})
