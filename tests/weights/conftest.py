"""A web server on the loopback that can be told to fail, and cards that point at it."""

from __future__ import annotations

import hashlib
import re
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from mirabench.weights import WeightCard, WeightStore
from mirabench.weights.card import Mirror


@dataclass
class Remote:
    """One file the server offers, and how it misbehaves."""

    content: bytes
    drops: list[int] = field(default_factory=list)  # bytes to send before hanging up, per request
    status: int = 200
    etag: str = '"v1"'
    ranges: bool = True
    shift: int = 0  # how far from the byte asked for it resumes
    content_type: str = "application/octet-stream"


@dataclass
class Server:
    address: str
    files: dict[str, Remote] = field(default_factory=dict)
    requests: list[tuple[str, str | None]] = field(default_factory=list)  # path, Range header

    def add(self, path: str, content: bytes, **how: object) -> str:
        self.files[path] = Remote(content, **how)  # type: ignore[arg-type]
        return f"{self.address}/{path}"


class _Handler(BaseHTTPRequestHandler):
    """Set `offered` in a subclass."""

    offered: Server

    def do_GET(self) -> None:
        path, wanted = self.path.lstrip("/"), self.headers.get("Range")
        self.offered.requests.append((path, wanted))
        remote = self.offered.files.get(path)
        if remote is None or remote.status != 200:
            self.send_error(404 if remote is None else remote.status)
            return
        start = self._start(remote, wanted)
        if start >= len(remote.content):
            self.send_error(416)
            return
        self._send(remote, start)

    def do_HEAD(self) -> None:
        """What the Hugging Face hub says of a file before it is fetched."""
        path = self.path.lstrip("/")
        self.offered.requests.append((f"HEAD {path}", None))
        remote = self.offered.files.get(path)
        if remote is None:
            self.send_error(404)
            return
        self.send_response(200)
        self.send_header("X-Repo-Commit", "0" * 40)
        self.send_header("ETag", remote.etag)
        self.send_header("Content-Length", str(len(remote.content)))
        self.end_headers()

    def _start(self, remote: Remote, wanted: str | None) -> int:
        same = self.headers.get("If-Range") in (None, remote.etag)
        if not (wanted and same and remote.ranges):
            return 0
        return int(re.findall(r"\d+", wanted)[0]) + remote.shift

    def _send(self, remote: Remote, start: int) -> None:
        body, whole = remote.content[start:], len(remote.content)
        self.send_response(206 if start else 200)
        if start:
            self.send_header("Content-Range", f"bytes {start}-{whole - 1}/{whole}")
        self.send_header("Content-Type", remote.content_type)
        self.send_header("Content-Length", str(len(body)))
        if remote.etag:
            self.send_header("ETag", remote.etag)
        self.end_headers()
        limit = remote.drops.pop(0) if remote.drops else len(body)
        self.wfile.write(body[:limit])

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[Server]:
    offered = Server("")
    httpd = ThreadingHTTPServer(
        ("127.0.0.1", 0), type("Handler", (_Handler,), {"offered": offered})
    )
    offered.address = f"http://127.0.0.1:{httpd.server_port}"
    thread = threading.Thread(target=httpd.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield offered
    httpd.shutdown()
    thread.join()
    httpd.server_close()


@pytest.fixture(autouse=True)
def isolated_environment(tmp_path, monkeypatch):
    """No cache of the developer, no proxy and no offline switch reaches a test."""
    for name in (
        "MIRABENCH_OFFLINE",
        "HF_HUB_OFFLINE",
        "HF_HUB_CACHE",
        "HF_ENDPOINT",
        "http_proxy",
        "HTTP_PROXY",
    ):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
    monkeypatch.setenv("MIRABENCH_WEIGHTS", str(tmp_path / "weights"))


@pytest.fixture
def make_card() -> Callable[..., WeightCard]:
    """Makes a card for `net.pth`; with `content` it publishes that content's digest."""

    def make(*urls: str, content: bytes | None = None, **fields: object) -> WeightCard:
        values: dict[str, object] = {
            "name": "net",
            "filename": "net.pth",
            "sources": tuple(Mirror(*url.split("#")) for url in urls),
            "purpose": "a test",
            "licence": "MIT",
            "non_commercial": False,
            "sha256": hashlib.sha256(content).hexdigest() if content is not None else "",
        }
        return WeightCard(**{**values, **fields})  # type: ignore[arg-type]

    return make


@pytest.fixture
def make_store(tmp_path: Path) -> Callable[..., WeightStore]:
    """Makes a store in a fresh folder that knows these cards."""

    def make(*cards: WeightCard) -> WeightStore:
        return WeightStore(tmp_path / "weights", {card.name: card for card in cards})

    return make
