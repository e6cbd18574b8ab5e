"""Clips with known answers: a pinhole renderer, ready-made films of it, and ways to spoil them.

For our tests, for `mirabench examples`, and for anybody who tests a metric of their own. Start at
`clips` (ready-made, with captions and facts) and `degrade` (ways to spoil frames); `scenes` renders
and gives exact optical flow, `cameras` the geometry of two views, `places` a room and a yard.
"""

from __future__ import annotations

import importlib
from typing import Any

__all__ = ["cameras", "clips", "degrade", "examples", "films", "places", "scenes"]


def __getattr__(name: str) -> Any:
    """A submodule, imported when it is first asked for."""
    if name in __all__:
        return importlib.import_module(f"{__name__}.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
