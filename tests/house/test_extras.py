"""What an extra brings is asked for in one way, and only what is not ours counts as missing."""

from __future__ import annotations

import pytest

from mirabench.errors import MissingExtraError
from mirabench.extras import needs_extra


def test_an_absent_package_names_the_extra() -> None:
    with (
        pytest.raises(MissingExtraError, match=r'count bees: .*pip install -e "\.\[bees\]"'),
        needs_extra("bees", "beekeepers count bees"),
    ):
        import bees  # noqa: F401


def test_the_package_is_named_where_the_sentence_does_not() -> None:
    with (
        pytest.raises(MissingExtraError, match=r"the hive needs more \(bees is not installed\)"),
        needs_extra("hive", "the hive needs more"),
    ):
        import bees.wax  # noqa: F401


def test_a_module_of_ours_that_is_gone_is_a_bug_and_stays_one() -> None:
    with pytest.raises(ModuleNotFoundError, match=r"mirabench\.bees"), needs_extra("data", "bees"):
        import mirabench.bees  # noqa: F401


def test_an_inner_sentence_wins() -> None:
    with (
        pytest.raises(MissingExtraError, match="bees need a hive"),
        needs_extra("outer", "the garden needs more"),
        needs_extra("inner", "bees need a hive"),
    ):
        import hive  # noqa: F401
