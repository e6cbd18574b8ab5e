"""Clips with known answers: a pinhole renderer, ready-made films of it, and ways to degrade them.

For our tests, for `mirabench examples`, and for anybody who tests a metric of their own. Start at
`clips` (ready-made, with captions and facts) and `degrade` (ways to degrade frames); `scenes` renders
and gives exact optical flow, `cameras` the geometry of two views, `places` a room and a yard.
`check_metric` and `assert_conforms` check a metric, ours or a stranger's (`conformance`).
"""

from __future__ import annotations

import importlib
from typing import Any

_KIT = ("CheckResult", "assert_conforms", "check_metric")
_MODULES = ("cameras", "clips", "conformance", "degrade", "examples", "films", "places", "scenes")

__all__ = [
    "CheckResult",
    "assert_conforms",
    "cameras",
    "check_metric",
    "clips",
    "conformance",
    "degrade",
    "examples",
    "films",
    "places",
    "scenes",
]


def __getattr__(name: str) -> Any:
    """A submodule, or a name of the conformance kit, imported when it is first asked for."""
    if name in _KIT:
        return getattr(importlib.import_module(f"{__name__}.conformance"), name)
    if name in _MODULES:
        return importlib.import_module(f"{__name__}.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
