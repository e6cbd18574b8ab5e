"""The content-addressed store of feature tables; what makes a killed run resumable.

A table's key is the clip's sha256, the extractor's identity and the versions of the libraries that
computed it, so a hit is always the very numbers a fresh computation would give. Each entry is one
`.npz` with the digest of its own arrays inside; an entry that does not match is recomputed.
"""

from __future__ import annotations

import hashlib
import io
import logging
import os
import time
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache as memoise
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import numpy as np
import platformdirs

from mirabench.features.api import AnyExtractor, FeatureTable, digest_of, feature_identity

log = logging.getLogger(__name__)

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
        weights: Card name -> sha256 of the parameters in use.
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

    def __repr__(self) -> str:
        return f"FeatureCache({str(self.folder)!r})"

    def get(self, key: str) -> FeatureTable | None:
        """The table, or None when it is absent or damaged (a damaged one is removed and said)."""
        path = self._path(key)
        try:
            raw = path.read_bytes()
        except OSError:
            return None
        try:
            table = _unpack(raw)
        except (ValueError, KeyError, EOFError, OSError, zipfile.BadZipFile) as error:
            log.warning("the cache entry %s is damaged (%s): it is computed again", path, error)
            _unlink(path)
            return None
        _touch(path)
        return table

    def put(self, key: str, table: FeatureTable) -> None:
        """Store a table atomically. A full or read-only disk only costs the next run its time."""
        path = self._path(key)
        part = path.with_name(f".{path.name}.{os.getpid()}.part")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            part.write_bytes(_pack(table))
            part.replace(path)
        except OSError as error:
            log.warning("cannot keep a feature in the cache: %s", error)
            _unlink(part)

    def info(self) -> CacheInfo:
        """Count entries and bytes."""
        sizes = [_size(path) for path in self._entries()]
        return CacheInfo(self.folder, len(sizes), sum(sizes))

    def clear(self) -> CacheInfo:
        """Remove every entry; returns what was removed."""
        for part in self.folder.glob("??/.*.part"):  # left by a killed process
            _unlink(part)
        return self._remove(list(self._entries()))

    def prune(
        self, *, max_bytes: int | None = None, max_age_days: float | None = None
    ) -> CacheInfo:
        """Remove entries unused for longer than `max_age_days`, then the oldest above `max_bytes`."""
        entries = sorted(self._entries(), key=lambda p: p.stat().st_mtime)
        doomed = []
        if max_age_days is not None:
            oldest = time.time() - max_age_days * 86_400
            doomed = [p for p in entries if p.stat().st_mtime < oldest]
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
        return self.folder.glob("??/*.npz") if self.folder.is_dir() else iter(())

    def _path(self, key: str) -> Path:
        return self.folder / key[:2] / f"{key}.npz"


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


def _digest(arrays: Mapping[str, np.ndarray]) -> str:
    digest = hashlib.sha256()
    for name in sorted(arrays):
        array = np.ascontiguousarray(arrays[name])
        digest.update(f"{name} {array.dtype.str} {array.shape}".encode())
        digest.update(array.tobytes())
    return digest.hexdigest()


def _pack(table: FeatureTable) -> bytes:
    arrays = {name: np.asarray(value) for name, value in table.columns.items()}
    buffer = io.BytesIO()
    np.savez_compressed(
        buffer, allow_pickle=False, __digest__=np.asarray(_digest(arrays)), **arrays
    )
    return buffer.getvalue()


def _unpack(raw: bytes) -> FeatureTable:
    with np.load(io.BytesIO(raw), allow_pickle=False) as stored:
        arrays = {name: stored[name] for name in stored.files}
    if str(arrays.pop("__digest__")) != _digest(arrays):
        raise ValueError("its digest does not match its content")
    return FeatureTable(arrays)
