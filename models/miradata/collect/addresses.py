"""Collect videos from a list of HTTP(S) addresses: resumed, checked, at a polite pace.

A download goes to a `.part` file, resumes while the server says that the file is still the same, is checked
against its length and sha256, and gets its name in one step.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from mirabench.errors import MirabenchError, OutputError
from mirabench.extras import needs_extra
from mirabench.partial_file import PartialFile, reason_of, status_of
from mirabench.video.decode import sha256_of
from miradata.collect.manifest import Collected, Manifest, Wanted, file_name, require_rights

_RETRIED = frozenset({408, 416, 425, 429, 500, 502, 503, 504})


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


class _GiveUp(MirabenchError):  # noqa: N818  # a decision
    """No try will succeed."""


def collect_http(
    wanted: Sequence[Wanted], folder: Path, settings: HttpSettings
) -> Iterator[Collected]:
    """Fetch addresses one after another; each ends as a `Collected`, whatever happens to it.

    Files of an earlier run are not fetched again; half-fetched ones resume where they stopped.

    Raises:
        InputError: `rights` is empty.
        OutputError: the folder cannot be written.
        MissingExtraError: pooch is missing.
    """
    require_rights(settings.rights)
    manifest = Manifest(folder, settings.rights)
    pace = _Pace(settings)
    for one in wanted:
        found = manifest.present(one)
        if found is None:
            found = _Download(one, folder, settings, pace).run()
            manifest.add(found)
        yield found


@dataclass
class _Pace:
    """Waits between requests, and between chunks."""

    settings: HttpSettings
    _next: float = field(default=0.0)
    _started: tuple[float, int] = field(default=(0.0, 0))  # time, bytes already here

    def request(self, here: int) -> None:
        wait = self._next - time.monotonic()
        if wait > 0:
            time.sleep(wait)
        self._started = (time.monotonic(), here)
        self._next = self._started[0] + self.settings.seconds_between

    def chunk(self, size: int) -> None:
        if self.settings.bytes_per_second > 0:
            started, here = self._started
            due = started + (size - here) / self.settings.bytes_per_second
            time.sleep(max(0.0, due - time.monotonic()))


@dataclass(frozen=True)
class _Download:
    """One address and its part file."""

    wanted: Wanted
    folder: Path
    settings: HttpSettings
    pace: _Pace

    @property
    def part(self) -> PartialFile:
        return PartialFile(self.folder / file_name(self.wanted.url))

    def run(self) -> Collected:
        with needs_extra("download", "collecting over HTTP needs pooch, which brings requests"):
            from requests import RequestException  # extra `download`
        reason = ""
        for attempt in range(self.settings.tries):
            self.pace.request(self.part.size)
            try:
                self.part.attempt(
                    self.wanted.url,
                    begins=self._begins,
                    progress=self._arrived,
                    timeout=self.settings.timeout,
                )
                return self._finish()
            except RequestException as error:
                reason, status = reason_of(error), status_of(error)
                if status not in _RETRIED and (status is not None or isinstance(error, ValueError)):
                    return self._failed(reason)  # not there, or no address at all
                self._wait(attempt, {} if error.response is None else error.response.headers)
            except _GiveUp as error:
                return self._failed(str(error))
            except OSError as error:
                raise OutputError.writing(self.part.target, error) from error
        return self._failed(f"{reason} ({self.settings.tries} tries)")

    def _wait(self, attempt: int, headers: Mapping[str, str]) -> None:
        if attempt + 1 == self.settings.tries:
            return
        told = _seconds(headers.get("Retry-After", ""))
        wait = self.settings.seconds_between * 2**attempt if told is None else told
        time.sleep(min(wait, self.settings.longest_wait))

    def _failed(self, reason: str) -> Collected:
        return Collected(self.wanted.url, "failed", reason=reason)

    def _begins(self, headers: Mapping[str, str], total: int | None) -> None:
        largest = self.settings.largest
        if total is not None and total > largest:
            raise _GiveUp(f"it has {total} bytes, more than the {largest} allowed")
        if headers.get("Content-Encoding", "identity") != "identity":
            raise _GiveUp("the server compresses it on the way, so that it cannot be resumed")

    def _arrived(self, size: int, _: int | None) -> None:
        self.pace.chunk(size)
        if size > self.settings.largest:
            raise _GiveUp(f"it is larger than the {self.settings.largest} bytes allowed")

    def _finish(self) -> Collected:
        part = self.part
        digest, size = sha256_of(part.path), part.size
        if size == 0:
            raise _GiveUp("the server sent an empty file")
        if self.wanted.sha256 and digest != self.wanted.sha256:
            part.discard()
            raise _GiveUp(f"its sha256 is {digest}, not {self.wanted.sha256}: nothing was kept")
        part.complete()
        return Collected(self.wanted.url, "fetched", part.target.name, digest, size)


def _seconds(text: str) -> float | None:
    return float(text) if re.fullmatch(r"\d+(\.\d+)?", text) else None
