"""Collect source videos: what every way of collecting shares, and the local folder.

Off unless a configuration asks for it. Videos belong to their owners and sites have terms of use:
whether you may download and use one is your legal decision, and `rights` is where you state it. It
is written beside every file in `collected.jsonl`. `collect_http` fetches a list of addresses,
`collect_site` asks yt-dlp.
"""

from __future__ import annotations

import csv
import hashlib
import json
import re
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from mirabench.errors import InputError, ManifestError, OutputError
from mirabench.video.paths import VIDEO_SUFFIXES, is_video_file, natural_key

MANIFEST = "collected.jsonl"
LEGAL_NOTE = (
    "Videos belong to their owners, and sites have terms of use. Whether you may download a video and "
    "what you may do with it is your decision and your responsibility; nothing here gives you a right."
)
_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Wanted:
    """One address to fetch."""

    url: str
    sha256: str = ""
    """What the file must hash to, as hex; empty takes any."""


@dataclass(frozen=True, slots=True)
class Collected:
    """What became of one address."""

    url: str
    status: str
    """`fetched`, `present` (from an earlier run) or `failed`."""
    path: str = ""
    """Relative to the folder; empty when it failed."""
    sha256: str = ""
    size: int = 0
    """Bytes."""
    reason: str = ""
    """Why it failed."""


def local_videos(folder: Path) -> list[Path]:
    """The video files under a folder, in natural order; hidden ones are left out.

    Raises:
        InputError: it is not a folder, or holds no video file.
    """
    if not folder.is_dir():
        raise InputError(f"{folder} is not a folder: give one with video files")
    found = [
        path
        for path in folder.rglob("*")
        if is_video_file(path) and path.is_file() and not _hidden(path.relative_to(folder))
    ]
    if not found:
        known = ", ".join(sorted(VIDEO_SUFFIXES))
        raise InputError(f"{folder} holds no video file ({known})")
    return sorted(found, key=lambda path: natural_key(str(path.relative_to(folder))))


def _hidden(path: Path) -> bool:
    return any(part.startswith(".") for part in path.parts)


def read_list(path: Path) -> list[Wanted]:
    """Addresses from a text file, one a line, optionally `,sha256`; `#` begins a comment.

    Raises:
        ManifestError: the file cannot be read, or a line is not an http(s) address or no sha256.
    """
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ManifestError(f"cannot read the list {path}: {error}") from error
    wanted: dict[str, Wanted] = {}
    for number, cells in enumerate(csv.reader(lines), start=1):
        if not cells or not cells[0].strip() or cells[0].lstrip().startswith("#"):
            continue
        url, digest = cells[0].strip(), (cells[1].strip().lower() if len(cells) > 1 else "")
        if (number, url.lower()) == (1, "url"):
            continue  # a header
        where = f"{path.name} line {number}"
        if urlsplit(url).scheme not in {"http", "https"} or not urlsplit(url).hostname:
            raise ManifestError(f"{where}: {url[:80]!r} is not an http or https address")
        if digest and not _SHA256.fullmatch(digest):
            raise ManifestError(f"{where}: {digest[:80]!r} is not a sha256 (64 hex digits)")
        wanted[url] = Wanted(url, digest)
    return list(wanted.values())


def file_name(url: str) -> str:
    """A file name for an address: unique to it, made of harmless characters, its suffix kept.

    Example:
        >>> file_name("https://example.org/a/../My%20clip.MP4?x=1")
        '6b36c25c3b09-My-clip.mp4'
    """
    last = Path(unquote(urlsplit(url).path)).name
    stem, suffix = Path(last).stem, Path(last).suffix.lower()
    clean = re.sub(r"[^A-Za-z0-9_-]+", "-", stem).strip("-")[:80] or "video"
    known = suffix if suffix in VIDEO_SUFFIXES else ".mp4"
    return f"{hashlib.sha256(url.encode()).hexdigest()[:12]}-{clean}{known}"


def site_of(url: str) -> str:
    """The site of an address, as the column `source` names it.

    Example:
        >>> site_of("https://www.youtube.com/watch?v=x"), site_of("https://videos.pexels.com/1.mp4")
        ('youtube', 'pexels')
    """
    labels = (urlsplit(url).hostname or "").split(".")
    known = {"youtu": "youtube"}
    name = labels[-2] if len(labels) > 1 and not labels[-1].isdigit() else ".".join(labels)
    return known.get(name, name)


def require_rights(rights: str) -> None:
    """Refuse to fetch before the user has said that they may.

    Raises:
        InputError: `rights` is empty.
    """
    if not rights.strip():
        raise InputError(
            "collecting needs `rights`: one sentence that says on what ground you may fetch and use "
            f"these videos. {LEGAL_NOTE}"
        )


class Manifest:
    """`collected.jsonl`: every address that was tried, and what it became.

    Raises:
        OutputError: the folder cannot be written.
    """

    def __init__(self, folder: Path, rights: str) -> None:
        self._folder, self._rights = folder, rights
        self._path = folder / MANIFEST
        self._known: dict[str, dict[str, Any]] = {}
        try:
            folder.mkdir(parents=True, exist_ok=True)
            lines = self._path.read_text(encoding="utf-8").splitlines()
        except FileNotFoundError:
            return
        except OSError as error:
            raise OutputError.writing(folder, error) from error
        for line in lines:
            try:
                entry = json.loads(line)
                self._known[str(entry["url"])] = entry
            except (ValueError, KeyError, TypeError):
                continue  # the last line of a run that was killed

    def present(self, wanted: Wanted) -> Collected | None:
        """The file of an earlier run, if it is still there and is what is wanted."""
        entry = self._known.get(wanted.url)
        if entry is None or entry.get("status") == "failed":
            return None
        path = self._folder / file_name(wanted.url)
        same = path.is_file() and path.stat().st_size == entry.get("size")
        if not same or (wanted.sha256 and wanted.sha256 != entry.get("sha256")):
            return None
        return Collected(
            wanted.url, "present", path.name, str(entry["sha256"]), path.stat().st_size
        )

    def add(self, found: Collected) -> None:
        """Write down what became of an address.

        Raises:
            OutputError: the manifest cannot be written.
        """
        entry = {
            **asdict(found),
            "source": site_of(found.url),
            "rights": self._rights,
            "unix_time": round(time.time(), 3),
        }
        try:
            with self._path.open("a", encoding="utf-8") as file:
                file.write(json.dumps(entry) + "\n")
        except OSError as error:
            raise OutputError.writing(self._path, error) from error
