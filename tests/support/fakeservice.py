"""A video service over a real socket, that answers what a test tells it to."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

VIDEO = bytes(range(256)) * 40

Reply = Callable[[BaseHTTPRequestHandler], None]


def answer(value: object, status: int = 200, **headers: str) -> Reply:
    def reply(handler: BaseHTTPRequestHandler) -> None:
        body = value if isinstance(value, bytes) else json.dumps(value).encode()
        handler.send_response(status)
        for name, text in {"Content-Length": str(len(body)), **headers}.items():
            handler.send_header(name.replace("_", "-"), text)
        handler.end_headers()
        handler.wfile.write(body)

    return reply


def truncated(handler: BaseHTTPRequestHandler) -> None:
    """Announces all of the video, sends half, and hangs up."""
    handler.send_response(200)
    handler.send_header("Content-Length", str(len(VIDEO)))
    handler.end_headers()
    handler.wfile.write(VIDEO[: len(VIDEO) // 2])


def dropped(handler: BaseHTTPRequestHandler) -> None:
    """Hangs up without a word."""
    handler.close_connection = True


BUSY = answer({"error": {"message": "slow down"}}, 429, Retry_After="0")
BROKEN = answer(b"oops", 500)


class Service:
    """A server that gives, for each path, its replies in turn, the last one for ever."""

    def __init__(self) -> None:
        self.replies: dict[str, list[Reply]] = {}
        self.seen: list[tuple[str, str, dict[str, str], bytes]] = []
        service = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                length = int(self.headers.get("Content-Length", 0))
                headers = {k.lower(): v for k, v in self.headers.items()}
                service.seen.append((self.command, self.path, headers, self.rfile.read(length)))
                known = service.replies.get(self.path, [answer({"detail": "nothing here"}, 404)])
                (known.pop(0) if len(known) > 1 else known[0])(self)

            def do_POST(self) -> None:
                self.do_GET()

            def log_message(self, *arguments: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    def asked(self, path: str) -> list[tuple[str, dict[str, str], bytes]]:
        return [(verb, headers, body) for verb, at, headers, body in self.seen if at == path]


@contextmanager
def running() -> Iterator[Service]:
    """The service, until the block ends."""
    found = Service()
    Thread(target=found.server.serve_forever, args=(0.01,), daemon=True).start()
    try:
        yield found
    finally:
        found.server.shutdown()
        found.server.server_close()
