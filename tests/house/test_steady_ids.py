"""Tests that are collected in another order, or under another name, in each process are refused."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest_plugins = ["pytester"]

CONFTEST = f"""
import sys
sys.path.insert(0, {str(Path(__file__).parents[1] / "support")!r})
import steadyids

def pytest_generate_tests(metafunc):
    steadyids.refuse_sets(metafunc)

def pytest_collection_modifyitems(items):
    steadyids.refuse_addresses(items)
"""
UNSTEADY = {
    "a set": ('@pytest.mark.parametrize("x", {"a", "b"})\ndef test(x): pass', "are a set"),
    "of a class": (
        '@pytest.mark.parametrize("x", frozenset("ab"))\nclass TestIt:\n    def test(self, x): pass',
        "parameters of x are a set",
    ),
    "by keyword": (
        '@pytest.mark.parametrize("x", argvalues={1: 2}.keys() - {3})\ndef test(x): pass',
        "give them as sorted",
    ),
    "keys": ('@pytest.mark.parametrize("x", {"a"} | {"b"})\ndef test(x): pass', "are a set"),
    "an address": (
        '@pytest.mark.parametrize("x", [object()], ids=repr)\ndef test(x): pass',
        "holds an address in memory",
    ),
}
STEADY = """
import pytest

@pytest.fixture(params=["a", "b"])
def letter(request):
    return request.param

@pytest.mark.parametrize("x", sorted({"a", "b"}))
@pytest.mark.parametrize("y", {"k": 1, "l": 2}.keys())
def test_plain(x, y, letter):
    pass
"""


@pytest.mark.parametrize("case", UNSTEADY)
def test_what_differs_from_process_to_process_is_refused(
    case: str, pytester: pytest.Pytester
) -> None:
    source, said = UNSTEADY[case]
    pytester.makeconftest(CONFTEST)
    pytester.makepyfile(f"import pytest\n{source}")
    found = pytester.runpytest_inprocess("-p", "no:mirabench", "-p", "no:cacheprovider")
    assert found.ret != 0
    assert said in str(found.stdout) + str(found.stderr)


def test_lists_and_mappings_are_taken(pytester: pytest.Pytester) -> None:
    pytester.makeconftest(CONFTEST)
    pytester.makepyfile(STEADY)
    found = pytester.runpytest_inprocess("-p", "no:mirabench", "-p", "no:cacheprovider")
    found.assert_outcomes(passed=8)


def test_this_suite_is_held_to_it(pytestconfig: pytest.Config) -> None:
    hooks = [
        plugin
        for plugin in pytestconfig.pluginmanager.get_plugins()
        if hasattr(plugin, "steadyids")
    ]
    assert any(hasattr(plugin, "pytest_generate_tests") for plugin in hooks)
    assert any(hasattr(plugin, "pytest_collection_modifyitems") for plugin in hooks)
