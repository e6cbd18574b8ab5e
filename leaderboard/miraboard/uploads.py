"""What one address may upload in an hour, before anybody reads it: else strangers fill the disk."""

from __future__ import annotations

import time
from collections import OrderedDict
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from miraboard.guard import MAX_BYTES

HOUR = 3600.0
MOST_ADDRESSES = 10_000
"""Remembered at a time; the oldest are forgotten."""


class UploadQuota:
    """Counts the bytes of uploads by address, and answers 429 to who sends too many.

    Args:
        app: What answers otherwise.
        per_hour: Reports that an address may submit: it may upload that many of the largest.
        proxies: In front of the server.
    """

    def __init__(self, app: ASGIApp, per_hour: int, proxies: int) -> None:
        self.app, self.proxies = app, proxies
        self.most = per_hour * MAX_BYTES
        self._sent: OrderedDict[str, tuple[float, int]] = OrderedDict()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request pass, its upload counted."""
        if scope["type"] != "http" or scope["method"] != "POST" or not _uploads(scope["path"]):
            await self.app(scope, receive, send)
            return
        address = client_of(Request(scope), self.proxies)
        if self._count(address, 0) >= self.most:
            text = "too many bytes were uploaded from this address: try again in an hour"
            await JSONResponse({"error": text}, 429)(scope, receive, send)
            return

        async def counted() -> Message:
            message = await receive()
            self._count(address, len(message.get("body", b"")))
            return message

        await self.app(scope, counted, send)

    def _count(self, address: str, size: int) -> int:
        began, sent = self._sent.pop(address, (time.monotonic(), 0))
        if time.monotonic() - began > HOUR:
            began, sent = time.monotonic(), 0
        self._sent[address] = (began, sent + size)
        if len(self._sent) > MOST_ADDRESSES:
            self._sent.popitem(last=False)
        return sent + size


def _uploads(path: str) -> bool:
    return path.rstrip("/").endswith(("/upload", "/api/submissions", "/clips"))


def client_of(request: Any, proxies: int) -> str:
    """The address behind a request of Starlette or Gradio: the peer's, or what the last trusted proxy saw."""
    peer = request.client.host if request.client else "unknown"
    said = str(request.headers.get("x-forwarded-for", ""))
    seen = [part.strip() for part in said.split(",") if part.strip()]
    return seen[-proxies] if 0 < proxies <= len(seen) else str(peer)
