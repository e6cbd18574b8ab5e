"""No network while a metric is checked: connections and look-ups are refused, and remembered."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest import mock


@contextmanager
def offline() -> Iterator[list[str]]:
    """Refuse every connection that leaves this process; gives the list of what was tried.

    An attempt is listed even when the code that made it swallows the error. Sockets of other
    threads of the process are refused too.
    """
    tried: list[str] = []

    def refuse(target: object) -> OSError:
        tried.append(str(target))
        return OSError(f"no network while a metric is checked (tried {target})")

    def connect(sock: socket.socket, address: Any) -> None:
        raise refuse(address[0] if isinstance(address, tuple) else address)

    def look_up(host: object, *_args: Any, **_more: Any) -> None:
        raise refuse(host)

    with (
        mock.patch.object(socket.socket, "connect", connect),
        mock.patch.object(socket.socket, "connect_ex", connect),
        mock.patch.object(socket, "getaddrinfo", look_up),
    ):
        yield tried
