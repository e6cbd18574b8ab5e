"""A cache never gives a number that was not put there, and never costs a clip anything but time."""

from __future__ import annotations

import errno
import hashlib
import logging
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import faults
import numpy as np
import pytest

from mirabench.features import cache as cache_module
from mirabench.features.api import FeatureTable, as_table
from mirabench.features.cache import FORMAT, FeatureCache

ONE, TWO = "1" * 40, "2" * 40


def table(seed: int) -> FeatureTable:
    random = np.random.default_rng(seed)
    return as_table(
        seconds=random.random(24), curve=random.random((24, 5)).astype(np.float32), fact=seed
    )


def same(one: FeatureTable | None, two: FeatureTable) -> bool:
    return (
        one is not None
        and one.columns.keys() == two.columns.keys()
        and all(
            one[k].dtype == two[k].dtype and np.array_equal(one[k], two[k]) for k in two.columns
        )
    )


@pytest.fixture
def filled(tmp_path: Path) -> FeatureCache:
    store = FeatureCache(tmp_path / "cache")
    store.put(ONE, table(1))
    store.put(TWO, table(2))
    return store


def entry(store: FeatureCache, key: str) -> Path:
    (found,) = store.folder.glob(f"{key[:2]}/{key}*")
    return found


def signed(key: str, payload: bytes) -> bytes:
    """An entry whose checksum is right, whatever it holds."""
    checksum = hashlib.sha256(FORMAT + key.encode() + b"\n" + payload).hexdigest()
    return FORMAT + checksum.encode() + b"\n" + payload


def test_what_was_put_comes_back(filled: FeatureCache) -> None:
    assert same(filled.get(ONE), table(1))
    assert same(filled.get(TWO), table(2))
    assert filled.get("3" * 40) is None


Change = Callable[[bytes, bytes, int, np.random.Generator], bytes]

DAMAGES: dict[str, Change] = {
    "a bit": lambda raw, _, at, r: raw[:at] + bytes([raw[at] ^ 1 << r.integers(8)]) + raw[at + 1 :],
    "four bytes": lambda raw, _, at, r: raw[:at] + r.bytes(4) + raw[at + 4 :],
    "cut": lambda raw, _, at, r: raw[:at],
    "zeros, as after a crash": lambda raw, _, at, r: raw[:at] + bytes(512) + raw[at + 512 :],
    "the end twice": lambda raw, _, at, r: raw + raw[at:],
    "bytes lost": lambda raw, _, at, r: raw[:at] + raw[at + int(r.integers(1, 64)) :],
    "bytes more": lambda raw, _, at, r: raw[:at] + r.bytes(int(r.integers(1, 64))) + raw[at:],
    "another's end": lambda raw, other, at, r: raw[:at] + other[at:],
    "another entry": lambda raw, other, at, r: other,
}


@pytest.mark.parametrize("count", [500, faults.whole(10_000)], ids=["500", "10000"])
def test_no_damage_gives_a_number_or_an_error(
    filled: FeatureCache, count: int, caplog: pytest.LogCaptureFixture
) -> None:
    whole, other = (entry(filled, key).read_bytes() for key in (ONE, TWO))
    random, path = np.random.default_rng(0), entry(filled, ONE)
    caplog.set_level(logging.ERROR)
    for number in range(count):
        change = list(DAMAGES.values())[number % len(DAMAGES)]
        damaged = change(whole, other, int(random.integers(len(whole))), random)
        if damaged == whole:
            continue
        path.write_bytes(damaged)
        assert filled.get(ONE) is None, number
        assert not path.exists(), number


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"PK\x03\x04 no archive",
        b"\x93NUMPY\x01\x00v\x00{'descr': '<f8', 'fortran_order': False, 'shape': (10**12,), }",
        b"\x80\x04K\x01.",
    ],
    ids=["nothing", "no archive", "a header of terabytes", "a pickle"],
)
def test_even_a_signed_entry_that_does_not_parse_is_computed_again(
    filled: FeatureCache, payload: bytes
) -> None:
    entry(filled, ONE).write_bytes(signed(ONE, payload))
    assert filled.get(ONE) is None


@pytest.mark.parametrize("error", [RuntimeError, MemoryError, NotImplementedError, OSError])
def test_whatever_parsing_raises_the_entry_is_computed_again(
    filled: FeatureCache, monkeypatch: pytest.MonkeyPatch, error: type[Exception]
) -> None:
    def fails(*_: object, **__: object) -> None:
        raise error("any")

    monkeypatch.setattr(cache_module.np, "load", fails)
    assert filled.get(ONE) is None


def test_entries_of_earlier_versions_are_not_read_but_cleared(filled: FeatureCache) -> None:
    old = entry(filled, ONE).with_name(f"{'3' * 40}.npz")
    with old.open("wb") as file:
        np.savez_compressed(file, seconds=np.arange(3))
    assert filled.get("3" * 40) is None
    assert filled.info().entries == 3
    assert filled.clear().entries == 3
    assert not old.exists()


def test_damage_and_a_full_disk_are_noted_once_each(
    filled: FeatureCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    for key in (ONE, TWO):
        entry(filled, key).write_bytes(b"")
        assert filled.get(key) is None

    def full(*_: object) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(Path, "write_bytes", full)
    for key in (ONE, TWO):
        filled.put(key, table(1))
    said = list(filled.troubles.values())
    assert len(said) == 2
    assert ONE in said[0]
    assert "is damaged" in said[0]
    assert "No space left" in said[1]


def test_writers_of_one_entry_at_one_time_leave_it_whole(tmp_path: Path) -> None:
    store = FeatureCache(tmp_path / "cache")
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: store.put(ONE, table(1)), range(200)))
        found = list(pool.map(lambda _: store.get(ONE), range(50)))
    assert all(same(each, table(1)) for each in found)
    assert [p.name for p in (tmp_path / "cache" / ONE[:2]).iterdir()] == [f"{ONE}.table"]


def test_an_entry_that_vanishes_while_pruning_is_no_error(
    filled: FeatureCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = filled.folder / "33" / f"{'3' * 40}.table"
    entries = [*filled._entries(), gone]
    monkeypatch.setattr(FeatureCache, "_entries", lambda _: iter(entries))
    assert filled.prune(max_bytes=0).entries >= 2
