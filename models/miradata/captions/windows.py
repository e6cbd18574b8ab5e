"""Which stretches of a clip are captioned: 120 s windows, each a row of its own."""

from __future__ import annotations

from typing import NamedTuple

WINDOW_SECONDS = 120.0
"""Published: the table's long clips are captioned in 120 s windows."""
SHORTEST_REST = 20.0
"""Ours: the published tables never caption what is left after the last full window."""


class TimeRange(NamedTuple):
    """A window, in seconds from the clip's start."""

    start: float
    end: float


def windows_of(
    seconds: float, length: float = WINDOW_SECONDS, shortest_rest: float = SHORTEST_REST
) -> list[TimeRange]:
    """The windows of a clip, in order; a clip of up to `length` is one.

    A rest shorter than `shortest_rest` belongs to no window.

    Example:
        >>> windows_of(250.0)
        [TimeRange(start=0.0, end=120.0), TimeRange(start=120.0, end=240.0)]
    """
    if seconds <= length:
        return [TimeRange(0.0, seconds)]
    full = int(seconds / length + 1e-9)
    found = [TimeRange(i * length, (i + 1) * length) for i in range(full)]
    if seconds - full * length >= shortest_rest:
        found.append(TimeRange(full * length, seconds))
    return found


def grid_moments(window: TimeRange, count: int = 8) -> list[float]:
    """The moments of a window that its picture shows: (i + 0.5) / count of it."""
    return [window.start + (i + 0.5) / count * (window.end - window.start) for i in range(count)]
