"""Parts of a film that no clip may hold: shots are what lies between them."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from miradata.frames.clip_range import NS
from miradata.frames.damage import TimeRange

MOST_NAMED = 5
"""Parts that a reason names; of the others it says how many there are."""


class LeftOut(NamedTuple):
    """A part of a film that is of no use."""

    when: TimeRange
    why: str


class Segment(NamedTuple):
    """A shot, or what is left of one."""

    first: int
    """Position of its first frame."""
    after: int
    """And of the frame after its last."""
    t0_ns: int
    t1_ns: int


def segments(
    times: Sequence[int],
    cuts: Sequence[int],
    parts: Sequence[LeftOut],
    *,
    end_ns: int,
    frame_ns: int,
) -> list[Segment]:
    """Shots without the parts that are left out, in order.

    Args:
        times: Of all frames, increasing.
        cuts: Positions of the first frames of shots, but for the first shot.
        parts: What is left out.
        end_ns: When the last frame ends.
        frame_ns: How long a frame lasts that is followed by such a part.

    Example:
        >>> gap = LeftOut(TimeRange(20, 40), "damaged")
        >>> [tuple(s) for s in segments([0, 10, 20, 30, 40], [1], [gap], end_ns=50, frame_ns=10)]
        [(0, 1, 0, 10), (1, 2, 10, 20), (4, 5, 40, 50)]
    """
    known = np.asarray(times, np.int64)
    useless = np.zeros(len(known) + 1, dtype=bool)
    starts: dict[int, int] = {}
    edges = {0, *cuts, len(known)}
    for part in parts:
        first, after = (int(np.searchsorted(known, time)) for time in part.when)
        useless[first:after] = True
        starts[first] = min(part.when.t0_ns, starts.get(first, part.when.t0_ns))
        edges |= {first, after}
    found = []
    for first, after in pairwise(sorted(edges)):
        if useless[first]:
            continue
        end = max(end_ns, int(known[-1]) + 1) if after == len(known) else int(known[after])
        if after in starts:
            last = int(known[after - 1])
            end = max(last + 1, min(end, starts[after], last + frame_ns))
        found.append(Segment(first, after, int(known[first]), end))
    return found


def sentence(parts: Sequence[LeftOut], end_ns: int) -> str:
    """What is left out, for people; empty when nothing is.

    Example:
        >>> sentence([LeftOut(TimeRange(2 * NS, 5 * NS // 2), "damaged")], 10 * NS)
        'left out: 2.00-2.50 s damaged'
    """
    named = [
        f"{part.when.t0_ns / NS:.2f}-{min(part.when.t1_ns, end_ns) / NS:.2f} s {part.why}"
        for part in sorted(parts)
    ]
    more = f" and {len(named) - MOST_NAMED} more" if len(named) > MOST_NAMED else ""
    return f"left out: {', '.join(named[:MOST_NAMED])}{more}" if named else ""
