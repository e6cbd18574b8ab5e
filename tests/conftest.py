"""What every test gets: a cache of its own, no network beyond this machine, and the real clips."""

from __future__ import annotations

import gc
import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
import skiplist
import steadyids
from hypothesis import settings

# how long an example takes says how busy the machine is; what hangs is ended by pytest's `timeout`
settings.register_profile("any machine", deadline=None)
settings.load_profile("any machine")

if "PYTEST_XDIST_WORKER" in os.environ:
    # two workers with a thread for each core would wait for one another most of the time
    os.environ.setdefault("OMP_NUM_THREADS", "1")

ROOT = Path(__file__).resolve().parent.parent
DATA = ROOT.parent / "shared" / "data"


def pytest_configure(config: pytest.Config) -> None:
    skiplist.watch(config, Path(__file__).with_name("skips.toml"))


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    steadyids.refuse_sets(metafunc)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    steadyids.refuse_addresses(items)


def pytest_collection_finish() -> None:
    """What is imported stays to the end: walking through it again and again takes half a minute."""
    gc.freeze()


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "feature-cache"
    monkeypatch.setenv("MIRABENCH_CACHE", str(folder))
    return folder


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Connections leave this machine nowhere: a test that tries fails."""
    connect = socket.socket.connect

    def guarded(self: socket.socket, address: object) -> object:
        host = address[0] if isinstance(address, tuple) else "unix"
        if host not in {"127.0.0.1", "localhost", "::1", "unix"}:
            raise AssertionError(f"a test tried to reach {host}")
        return connect(self, address)

    monkeypatch.setattr(socket.socket, "connect", guarded)
    yield


@pytest.fixture
def data() -> Path:
    """The folder of real clips, where there is one."""
    if not DATA.is_dir():
        pytest.skip("the real clips are not on this machine")
    return DATA
