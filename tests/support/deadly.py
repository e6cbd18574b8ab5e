"""Work that kills its process, for tests of what survives; a module, so that spawned processes find it."""

from __future__ import annotations

import os


def who(item: str) -> tuple[str, int]:
    """The item and the process that worked on it; `die` takes the process with it."""
    if item == "die":
        os._exit(9)
    return item, os.getpid()


def lost(item: str) -> tuple[str, int]:
    """What is said of an item whose process died."""
    return f"lost {item}", 0
