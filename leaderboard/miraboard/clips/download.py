"""Fetching a file from a stranger's address: the machine that was looked at, so many bytes and seconds."""

from __future__ import annotations

import contextlib
import hashlib
import http.client
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urljoin

from miraboard.clips.addresses import Gate, Target
from miraboard.guard import refuse

MAX_CLIP_BYTES = 64 * 2**20
"""Of one clip; ten seconds of 1080p have about 10 MB."""
SECONDS = 120.0
"""For one clip, redirects and all."""
REDIRECTS = 5
PART = 2**16

Connect = Callable[[str, int, float], socket.socket]
"""Address, port and seconds -> a connection."""


def connect(machine: str, port: int, seconds: float) -> socket.socket:
    """A connection to an address."""
    return socket.create_connection((machine, port), timeout=seconds)


@dataclass(frozen=True, slots=True)
class Fetched:
    """What was fetched."""

    sha256: str
    size: int


@dataclass(frozen=True, slots=True)
class Download:
    """Fetches files through a gate."""

    gate: Gate
    connect: Connect = connect
    seconds: float = SECONDS
    most: int = MAX_CLIP_BYTES

    def __call__(self, url: str, path: Path) -> Fetched:
        """Write what is at an address into a file.

        Raises:
            SubmissionRefused: the address or one that it leads to is not allowed, or the file is not there, too
                large or too slow.
        """
        deadline = time.monotonic() + self.seconds
        for _ in range(REDIRECTS + 1):
            with self._answer(self.gate.target(url), deadline) as answer:
                where = answer.headers.get("Location", "")
                if answer.status in (301, 302, 303, 307, 308) and where:
                    url = urljoin(url, where)
                    continue
                if answer.status != http.client.OK:
                    raise refuse("clips", f"{url} answers {answer.status}: make the clips public")
                return self._write(answer, path, deadline, url)
        raise refuse("clips", f"{url} redirects more than {REDIRECTS} times")

    @contextmanager
    def _answer(self, target: Target, deadline: float) -> Iterator[http.client.HTTPResponse]:
        left = deadline - time.monotonic()
        if left <= 0:
            raise refuse("clips", f"{target.host} took more than {self.seconds:g} s")
        connection = http.client.HTTPConnection(target.host, target.port)
        try:
            plain = self.connect(target.machine, target.port, left)
            connection.sock = _secured(plain, target)
            # a timeout of a socket is for one read: a drop a second would keep us for ever
            watch = threading.Timer(left, _cut, [plain])
            watch.start()
            try:
                connection.request("GET", target.path, headers=_headers(target))
                yield connection.getresponse()
            finally:
                watch.cancel()
        except (OSError, http.client.HTTPException) as error:
            name = type(error).__name__
            raise refuse(
                "clips", f"{target.host} did not send the clip ({name}): try again"
            ) from error
        finally:
            connection.close()

    def _write(
        self, answer: http.client.HTTPResponse, path: Path, deadline: float, url: str
    ) -> Fetched:
        digest, size = hashlib.sha256(), 0
        with path.open("wb") as file:
            while part := answer.read(PART):
                size += len(part)
                if size > self.most:
                    raise refuse("clips", f"{url} has more than {self.most:,} bytes")
                digest.update(part)
                file.write(part)
        if time.monotonic() > deadline:  # what was cut off may look like an end
            raise refuse("clips", f"{url} took more than {self.seconds:g} s")
        if answer.length:
            raise refuse("clips", f"{url} ended {answer.length:,} bytes early: try again")
        return Fetched(digest.hexdigest(), size)


def _secured(plain: socket.socket, target: Target) -> socket.socket:
    if target.scheme != "https":
        return plain
    return ssl.create_default_context().wrap_socket(plain, server_hostname=target.host)


def _headers(target: Target) -> dict[str, str]:
    usual = {"https": 443, "http": 80}[target.scheme]
    host = target.host if target.port == usual else f"{target.host}:{target.port}"
    return {"Host": host, "Accept-Encoding": "identity", "User-Agent": "miraboard"}


def _cut(plain: socket.socket) -> None:
    with contextlib.suppress(OSError):
        plain.shutdown(socket.SHUT_RDWR)
