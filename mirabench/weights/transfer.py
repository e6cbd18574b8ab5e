"""One file over HTTP: resumable, never half-finished under its final name.

Bytes arrive in `<target>.part`; beside it `<target>.part.json` remembers from which address and
which version of the remote file they came, so that a later call continues only what it began.
"""

from __future__ import annotations

import http.client
import json
import logging
import shutil
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from mirabench.errors import OutputError, WeightsError
from mirabench.files import put_in_place

log = logging.getLogger(__name__)

Progress = Callable[[int, int | None], None]
"""Called with the bytes on disk and the total, or None while the total is unknown."""

_CHUNK_BYTES = 1 << 20
_TIMEOUT_SECONDS = 30
_DRY_ATTEMPTS = 3  # attempts in a row that bring nothing before a source counts as dead


class TransferError(WeightsError):
    """One address did not deliver; the next mirror may."""


@dataclass(frozen=True, slots=True)
class _Origin:
    """Which version of which remote file a partial download holds."""

    url: str
    validator: str = ""


def fetch(url: str, target: Path, progress: Progress | None = None) -> None:
    """Download `url` to `target`, continuing an earlier partial download where the server allows.

    Args:
        url: http or https address.
        target: final path; appears only when every byte is there.
        progress: told after each chunk.

    Raises:
        TransferError: the address answers with an error, a web page, or goes silent repeatedly.
        OutputError: the disk is too small or cannot be written.
    """
    part = target.with_name(target.name + ".part")
    dry = 0
    while True:
        before = _size(part)
        try:
            complete = _attempt(url, part, progress)
        except (urllib.error.URLError, http.client.HTTPException, OSError) as error:
            reason, complete = _reason(error, part), False
        else:
            reason = "the connection ended early"
        if complete:
            break
        dry = 0 if _size(part) > before else dry + 1
        if dry >= _DRY_ATTEMPTS:
            kept = f" ({_size(part)} bytes are kept for the next try)" if _size(part) else ""
            raise TransferError(f"{url}: {reason}{kept}")
        log.debug("%s: %s, trying again from byte %d", url, reason, _size(part))
    put_in_place(part, target)
    _origin_path(part).unlink(missing_ok=True)


def discard_partial(target: Path) -> None:
    """Forget what an earlier `fetch` left behind for `target`."""
    part = target.with_name(target.name + ".part")
    part.unlink(missing_ok=True)
    _origin_path(part).unlink(missing_ok=True)


def _attempt(url: str, part: Path, progress: Progress | None) -> bool:
    """One request; True when the partial file is complete afterwards."""
    request = urllib.request.Request(url, headers={"User-Agent": "mirabench"})
    origin, have = _read_origin(part), _size(part)
    if have and origin.url == url and origin.validator:
        request.add_header("Range", f"bytes={have}-")
        request.add_header("If-Range", origin.validator)
    with urllib.request.urlopen(request, timeout=_TIMEOUT_SECONDS) as response:
        resumed = response.status == http.client.PARTIAL_CONTENT
        start = have if resumed else 0
        _refuse_web_page(url, response.headers.get("Content-Type", ""))
        length = response.headers.get("Content-Length")
        total = start + int(length) if length is not None else None
        _refuse_small_disk(part, total, start)
        _write_origin(part, _Origin(url, _validator(response.headers)))
        done = _copy(response, part, start, total, progress)
    return total is None or done == total


def _copy(
    response: http.client.HTTPResponse,
    part: Path,
    start: int,
    total: int | None,
    progress: Progress | None,
) -> int:
    done = start
    with part.open("ab" if start else "wb") as file:
        while chunk := response.read(_CHUNK_BYTES):
            file.write(chunk)
            done += len(chunk)
            if progress:
                progress(done, total)
    return done


def _validator(headers: http.client.HTTPMessage) -> str:
    """A strong ETag, else the date: what If-Range may carry (RFC 9110, 13.1.5)."""
    tag = headers.get("ETag", "")
    return tag if tag and not tag.startswith("W/") else headers.get("Last-Modified", "")


def _refuse_web_page(url: str, content_type: str) -> None:
    # A login or error page with status 200 would otherwise be pinned as the weights.
    if content_type.startswith("text/html"):
        raise TransferError(f"{url}: the server sent a web page instead of the file")


def _refuse_small_disk(part: Path, total: int | None, start: int) -> None:
    free = shutil.disk_usage(part.parent).free
    if total is not None and total - start > free:
        raise OutputError(
            f"{part.parent} has {free / 1e9:.1f} GB free and {part.stem} needs "
            f"{(total - start) / 1e9:.1f} GB more: free some space or name another folder with "
            f"MIRABENCH_WEIGHTS"
        )


def _reason(error: Exception, part: Path) -> str:
    """Why an attempt failed; raises at once what no further attempt can mend."""
    if isinstance(error, urllib.error.HTTPError):
        if error.code == http.client.REQUESTED_RANGE_NOT_SATISFIABLE:
            part.unlink(missing_ok=True)
            return "the partial download was longer than the file"
        if error.code < http.client.INTERNAL_SERVER_ERROR:
            raise TransferError(f"{error.url}: HTTP {error.code} {error.reason}") from error
        return f"HTTP {error.code} {error.reason}"
    if isinstance(error, OSError) and error.filename:
        raise OutputError.writing(part, error) from error
    return str(getattr(error, "reason", error)) or type(error).__name__


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _origin_path(part: Path) -> Path:
    return part.with_name(part.name + ".json")


def _read_origin(part: Path) -> _Origin:
    try:
        return _Origin(**json.loads(_origin_path(part).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return _Origin("")


def _write_origin(part: Path, origin: _Origin) -> None:
    _origin_path(part).write_text(json.dumps(asdict(origin)), encoding="utf-8")
