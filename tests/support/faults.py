"""The fault suites have a short version for every run and a whole one for when it is asked for."""

from __future__ import annotations

import os

import pytest


def whole(count: int) -> object:
    """So many faults, where MIRABENCH_FAULTS is set."""
    return whole_case(count)


def whole_case(*values: object, id: str | None = None) -> object:  # as pytest.param has it
    """A case that takes minutes, where MIRABENCH_FAULTS is set."""
    asked = pytest.mark.skipif(
        not os.environ.get("MIRABENCH_FAULTS"),
        reason="set MIRABENCH_FAULTS=1 for the whole fault suite",
    )
    return pytest.param(*values, marks=[pytest.mark.slow, pytest.mark.timeout(3600), asked], id=id)
