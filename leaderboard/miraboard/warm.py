"""What the first visitor would wait for, done before the port opens."""

from __future__ import annotations

import os
from contextlib import suppress

from mirabench.compare.statistics import holm
from miraboard.callbacks import Callbacks


def warm(calls: Callbacks) -> None:
    """Rank every track, make its first page, and load what is imported at the first call."""
    _load_matplotlib()
    holm([0.5])  # statsmodels is imported when it is first asked
    for track in calls.board.tracks:
        calls.first_table(track)


def _load_matplotlib() -> None:
    """Gradio asks matplotlib for its backend around each callback, and imports it for that where there is one.

    Without a backend named, the first question would try one window system after the other.
    """
    os.environ.setdefault("MPLBACKEND", "agg")
    with suppress(ImportError):  # no dependency of the board
        import matplotlib.pyplot  # noqa: F401
