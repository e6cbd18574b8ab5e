"""An address where no Ray cluster is: one sentence, in bounded time, whatever listens there."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from mirabench.errors import InputError
from mirabench.work.cluster import require_cluster

pytest.importorskip("ray")
pytestmark = [pytest.mark.ray, pytest.mark.slow]


@contextmanager
def silent_listener() -> Iterator[str]:
    """Takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"127.0.0.1:{server.getsockname()[1]}"


@contextmanager
def web_server() -> Iterator[str]:
    with HTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.mark.parametrize("listener", [silent_listener, web_server])
def test_what_is_no_cluster_is_said_in_bounded_time(listener, capfd) -> None:
    began = time.monotonic()
    with listener() as address, pytest.raises(InputError) as caught:
        require_cluster(address, seconds=2)
    assert time.monotonic() - began < 60  # Ray alone takes more than 100 s
    assert str(caught.value).startswith(f"no Ray cluster at {address}: what listens there does not")
    assert "\n" not in str(caught.value)
    assert capfd.readouterr() == ("", "")  # none of Ray's own lines


@pytest.mark.parametrize("address", ["127.0.0.1:1", "ray://127.0.0.1:1", "127.0.0.1:99999"])
def test_nobody_at_the_address_is_said_at_once(address: str) -> None:
    began = time.monotonic()
    with pytest.raises(InputError, match=f"no Ray cluster at {address}"):
        require_cluster(address)
    assert time.monotonic() - began < 5


def test_no_cluster_on_this_machine_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAY_ADDRESS", "127.0.0.1:1")  # nothing that another test left running
    with pytest.raises(InputError, match=r"no Ray cluster at auto: .*--ray-address"):
        require_cluster("auto", seconds=5)
