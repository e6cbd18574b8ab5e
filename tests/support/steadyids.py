"""Tests have the same names in the same order in every process, or pytest-xdist runs none of them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

import pytest

_ADDRESS = re.compile(r"0x[0-9a-f]{6,}")


def refuse_sets(metafunc: pytest.Metafunc) -> None:
    """Parameters in the order of a set differ from process to process, with the seed of its hashes.

    Raises:
        UsageError: parameters of the test, or of one of its fixtures, are a set.
    """
    for what, values in _parameters(metafunc):
        if isinstance(values, set | frozenset):
            raise pytest.UsageError(
                f"{metafunc.definition.nodeid}: the parameters of {what} are a set, which has another "
                "order in each process: give them as sorted(...)"
            )


def _parameters(metafunc: pytest.Metafunc) -> Iterator[tuple[str, object]]:
    for mark in metafunc.definition.iter_markers("parametrize"):
        yield str(mark.args[0]), mark.args[1] if len(mark.args) > 1 else mark.kwargs["argvalues"]
    definitions = metafunc.definition._fixtureinfo.name2fixturedefs  # pytest has no public way
    for name, fixtures in definitions.items():
        yield from ((name, fixture.params) for fixture in fixtures)


def refuse_addresses(items: Iterable[pytest.Item]) -> None:
    """An address in memory is another one in each process.

    Raises:
        UsageError: the name of a test holds one.
    """
    for item in items:
        if _ADDRESS.search(item.nodeid):
            raise pytest.UsageError(f"{item.nodeid} holds an address in memory: give it an id")
