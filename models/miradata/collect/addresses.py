"""Collect videos from a list of HTTP(S) addresses: resumed, checked, at a polite pace.

A download goes to a `.part` file, resumes (Range, only while the server says that
the file is still the same), is checked against its length and sha256, and gets its name in one step.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from mirabench.errors import MirabenchError, OutputError
from mirabench.extras import needs_extra
from mirabench.files import put_in_place
from mirabench.video.decode import sha256_of
from miradata.collect.manifest import Collected, Manifest, Wanted, file_name, require_rights

if TYPE_CHECKING:
    import httpx

_RETRIED = frozenset({408, 425, 429, 500, 502, 503, 504})


@dataclass(frozen=True, slots=True)
class HttpSettings:
    """How politely addresses are fetched."""

    rights: str = ""
    """On what ground you may fetch and use these videos; required."""
    tries: int = 3
    timeout: float = 60.0
    """Seconds without a byte before a try is given up."""
    seconds_between: float = 1.0
    """Least time between two requests."""
    bytes_per_second: float = 0.0
    """Most bytes per second; 0 means no limit."""
    largest: int = 50 * 2**30
    """Bytes of a file beyond which it is refused."""
    longest_wait: float = 120.0
    """Most seconds that a server's Retry-After is obeyed."""


class _Retry(MirabenchError):  # noqa: N818  # a decision
    """This try failed, another may succeed."""

    def __init__(self, reason: str, wait: float | None = None) -> None:
        self.reason, self.wait = reason, wait
        super().__init__(reason)


class _GiveUp(MirabenchError):  # noqa: N818  # a decision
    """No try will succeed."""


def collect_http(
    wanted: Sequence[Wanted],
    folder: Path,
    settings: HttpSettings,
    *,
    client: httpx.Client | None = None,
) -> Iterator[Collected]:
    """Fetch addresses one after another; each ends as a `Collected`, whatever happens to it.

    Files of an earlier run are not fetched again; half-fetched ones resume where they stopped.

    Raises:
        InputError: `rights` is empty.
        OutputError: the folder cannot be written.
        MissingExtraError: httpx is missing.
    """
    require_rights(settings.rights)
    with needs_extra("data", "collecting over HTTP needs httpx"):
        import httpx  # extra `data`
    manifest = Manifest(folder, settings.rights)
    pace = _Pace(settings)
    own = client or httpx.Client(
        follow_redirects=True, timeout=settings.timeout, headers={"Accept-Encoding": "identity"}
    )
    try:
        for one in wanted:
            found = manifest.present(one)
            if found is None:
                found = _Download(one, folder, settings, own, pace).run()
                manifest.add(found)
            yield found
    finally:
        if client is None:
            own.close()


@dataclass
class _Pace:
    """Waits between requests, and between blocks."""

    settings: HttpSettings
    _next: float = field(default=0.0)

    def request(self) -> None:
        wait = self._next - time.monotonic()
        if wait > 0:
            time.sleep(wait)
        self._next = time.monotonic() + self.settings.seconds_between

    def block(self, size: int, started: float, received: int) -> None:
        if self.settings.bytes_per_second > 0:
            due = started + (received + size) / self.settings.bytes_per_second
            time.sleep(max(0.0, due - time.monotonic()))


@dataclass(frozen=True)
class _Download:
    """One address and its part file."""

    wanted: Wanted
    folder: Path
    settings: HttpSettings
    client: httpx.Client
    pace: _Pace

    @property
    def target(self) -> Path:
        return self.folder / file_name(self.wanted.url)

    @property
    def part(self) -> Path:
        return self.target.with_name(f".{self.target.name}.part")

    @property
    def tag_file(self) -> Path:
        return self.target.with_name(f".{self.target.name}.tag")

    def run(self) -> Collected:
        import httpx  # the caller has found it

        reason = ""
        for attempt in range(self.settings.tries):
            try:
                self._fetch()
                return self._finish()
            except (_Retry, httpx.TransportError) as error:
                reason = str(error) or type(error).__name__
                self._wait(attempt, error)
            except (_GiveUp, httpx.HTTPError, httpx.InvalidURL) as error:
                return self._failed(str(error))
            except OSError as error:
                raise OutputError.writing(self.target, error) from error
        return self._failed(f"{reason} ({self.settings.tries} tries)")

    def _wait(self, attempt: int, error: Exception) -> None:
        if attempt + 1 == self.settings.tries:
            return
        told = error.wait if isinstance(error, _Retry) else None
        wait = self.settings.seconds_between * 2**attempt if told is None else told
        time.sleep(min(wait, self.settings.longest_wait))

    def _failed(self, reason: str) -> Collected:
        return Collected(self.wanted.url, "failed", reason=reason)

    def _fetch(self) -> None:
        """Bring the part file to its full length."""
        offset = self.part.stat().st_size if self.part.exists() else 0
        tag = self.tag_file.read_text(encoding="utf-8") if self.tag_file.exists() else ""
        if offset and not tag:
            offset = 0  # nothing tells whether the server still has the same file
        headers = {"Range": f"bytes={offset}-", "If-Range": tag} if offset else {}
        self.pace.request()
        with self.client.stream("GET", self.wanted.url, headers=headers) as response:
            self._judge(response.status_code, response.headers)
            resumed = response.status_code == 206
            offset = self._agreed_offset(response.headers, offset) if resumed else 0
            total = _total(response.headers, offset)
            if total is not None and total > self.settings.largest:
                raise _GiveUp(
                    f"it has {total} bytes, more than the {self.settings.largest} allowed"
                )
            self._remember(_tag(response.headers))
            # not in blocks: what a block still lacks when the connection breaks would be lost
            self._receive(response.iter_raw(), offset)
        size = self.part.stat().st_size
        if total is not None and size != total:
            raise _Retry(f"the connection broke after {size} of {total} bytes")

    def _judge(self, status: int, headers: httpx.Headers) -> None:
        if status == 416:
            self._discard()
            raise _Retry("the server has another file than the half that is here")
        if status in _RETRIED:
            raise _Retry(f"HTTP status {status}", _seconds(headers.get("Retry-After", "")))
        if status not in {200, 206}:
            raise _GiveUp(f"HTTP status {status}")
        if headers.get("Content-Encoding", "identity") != "identity":
            raise _GiveUp("the server compresses it on the way, so that it cannot be resumed")

    def _agreed_offset(self, headers: httpx.Headers, offset: int) -> int:
        found = re.match(r"bytes (\d+)-", headers.get("Content-Range", ""))
        if not found or int(found[1]) != offset:
            self._discard()
            raise _Retry("the server sent another range than was asked for")
        return offset

    def _remember(self, tag: str) -> None:
        if tag:
            self.tag_file.write_text(tag, encoding="utf-8")
        else:
            self.tag_file.unlink(missing_ok=True)

    def _receive(self, blocks: Iterator[bytes], offset: int) -> None:
        started, received = time.monotonic(), 0
        with self.part.open("r+b" if offset else "wb") as file:
            file.seek(offset)
            for block in blocks:
                file.write(block)
                self.pace.block(len(block), started, received)
                received += len(block)
                if offset + received > self.settings.largest:
                    raise _GiveUp(f"it is larger than the {self.settings.largest} bytes allowed")

    def _finish(self) -> Collected:
        digest, size = sha256_of(self.part), self.part.stat().st_size
        if size == 0:
            raise _GiveUp("the server sent an empty file")
        if self.wanted.sha256 and digest != self.wanted.sha256:
            self._discard()
            raise _GiveUp(f"its sha256 is {digest}, not {self.wanted.sha256}: nothing was kept")
        put_in_place(self.part, self.target)
        self.tag_file.unlink(missing_ok=True)
        return Collected(self.wanted.url, "fetched", self.target.name, digest, size)

    def _discard(self) -> None:
        self.part.unlink(missing_ok=True)
        self.tag_file.unlink(missing_ok=True)


def _tag(headers: httpx.Headers) -> str:
    """What If-Range takes: a strong ETag, else the date of the last change."""
    tag = headers.get("ETag", "")
    strong = tag and not tag.startswith("W/")
    return str(tag if strong else headers.get("Last-Modified", ""))


def _total(headers: httpx.Headers, offset: int) -> int | None:
    length = headers.get("Content-Length", "")
    return offset + int(length) if length.isdigit() else None


def _seconds(text: str) -> float | None:
    return float(text) if re.fullmatch(r"\d+(\.\d+)?", text) else None
