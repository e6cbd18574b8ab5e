"""A file that arrives over HTTP in as many attempts as it takes.

pooch streams the bytes. What it lacks is here: an attempt continues where the last one broke off, as long as
the server still has the same file (If-Range, RFC 9110, 13.1.5), and only a whole file gets the final name.
"""

from __future__ import annotations

import http
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from io import BufferedIOBase
from pathlib import Path
from typing import Any

from mirabench.extras import needs_extra
from mirabench.files import put_in_place

Progress = Callable[[int, int | None], None]
"""Called with the bytes on disk and the total, or None while the total is unknown."""
Begins = Callable[[Mapping[str, str], int | None], None]
"""Called with the server's headers and the total before a byte is written; it raises to refuse the file."""

_CHUNK_BYTES = 1 << 14  # what a broken connection loses at the most


@dataclass(frozen=True)
class PartialFile:
    """`<target>.part`, and beside it `<target>.part.json`: which version of which remote file it holds."""

    target: Path
    """The final path."""

    @property
    def path(self) -> Path:
        """Where the bytes arrive."""
        return self.target.with_name(self.target.name + ".part")

    @property
    def size(self) -> int:
        """The bytes that are here."""
        return self.path.stat().st_size if self.path.exists() else 0

    def attempt(
        self,
        url: str,
        *,
        begins: Begins | None = None,
        progress: Progress | None = None,
        timeout: float = 30.0,
    ) -> None:
        """Ask once for what is lacking; the file is whole when this returns.

        Args:
            url: http or https address.
            begins: May refuse the file.
            progress: Told after each chunk.
            timeout: Seconds of silence before the attempt ends.

        Raises:
            requests.RequestException: no whole file; `size` says what was kept.
            OSError: the disk.
            MissingExtraError: pooch is not installed.
        """
        with needs_extra("download", "downloading needs pooch"):
            from pooch import HTTPDownloader  # extra `download`
        known = self._origin()
        headers = {"User-Agent": "mirabench", "Accept-Encoding": "identity"}
        if self.size and known.get("url") == url and known.get("validator"):
            headers |= {"Range": f"bytes={self.size}-", "If-Range": known["validator"]}
        with self.path.open("ab") as file:
            arrival = _Arrival(file, progress)

            def answered(response: Any, *_: object, **__: object) -> None:
                if response.status_code == http.HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
                    file.truncate(
                        0
                    )  # it is longer than the remote file: the next attempt starts over
                if response.is_redirect or not response.ok:
                    return  # requests follows it, or pooch raises it
                arrival.start(response.status_code, response.headers)
                if begins is not None:
                    begins(response.headers, arrival.whole)
                origin = {"url": url, "validator": _validator(response.headers)}
                self._origin_path.write_text(json.dumps(origin), encoding="utf-8")

            stream = HTTPDownloader(
                progressbar=arrival, chunk_size=_CHUNK_BYTES, headers=headers, timeout=timeout,
                hooks={"response": answered},
            )  # fmt: skip
            stream(url, file, None)

    def complete(self) -> None:
        """Give the file its final name."""
        put_in_place(self.path, self.target)
        self._origin_path.unlink(missing_ok=True)

    def discard(self) -> None:
        """Forget what is here."""
        self.path.unlink(missing_ok=True)
        self._origin_path.unlink(missing_ok=True)

    @property
    def _origin_path(self) -> Path:
        return self.path.with_name(self.path.name + ".json")

    def _origin(self) -> dict[str, str]:
        try:
            return dict(json.loads(self._origin_path.read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError):
            return {}


class _Arrival:
    """The bytes of one answer, told as pooch tells a progress bar: `total`, `update`, `reset`, `close`."""

    def __init__(self, file: BufferedIOBase, progress: Progress | None) -> None:
        self.file, self.progress = file, progress
        self.whole: int | None = None
        self.total = 0  # pooch writes the length of this answer alone

    def start(self, status: int, headers: Mapping[str, str]) -> None:
        from requests import ConnectionError  # pooch has brought it

        if status != http.HTTPStatus.PARTIAL_CONTENT:  # the first attempt, or no resuming
            self.file.truncate(0)
            self.file.seek(0)
        elif _first_byte(headers) != self.file.tell():
            self.file.truncate(0)
            raise ConnectionError("the server sent another range than was asked for")
        length = headers.get("Content-Length", "")
        self.whole = self.file.tell() + int(length) if length.isdigit() else None

    def update(self, _: int) -> None:
        if self.progress is not None:
            self.progress(self.file.tell(), self.whole)

    def reset(self) -> None:
        pass

    def close(self) -> None:
        pass


def reason_of(error: BaseException) -> str:
    """Why an attempt failed, in a few words: the HTTP status, or what lies below the libraries' errors."""
    while (status := status_of(error)) is None:
        if (deeper := error.__cause__ or error.__context__) is None:
            told = str(error) or type(error).__name__
            return "the connection ended early" if told.startswith("IncompleteRead") else told
        error = deeper
    known = {each.value: each.phrase for each in http.HTTPStatus}
    return f"HTTP {status} {known.get(status, '')}".rstrip()


def status_of(error: BaseException) -> int | None:
    """The HTTP status that an error of requests or huggingface_hub carries, if any."""
    return getattr(getattr(error, "response", None), "status_code", None)


def _first_byte(headers: Mapping[str, str]) -> int:
    found = re.match(r"bytes (\d+)-", headers.get("Content-Range", ""))
    return int(found[1]) if found else -1


def _validator(headers: Mapping[str, str]) -> str:
    """A strong ETag, else the date of the last change: what If-Range may carry."""
    tag = headers.get("ETag", "")
    return tag if tag and not tag.startswith("W/") else headers.get("Last-Modified", "")
