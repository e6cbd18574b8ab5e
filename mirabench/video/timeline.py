"""Whether the packets of a film lie on one line in time, as long as its header announces."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import av
import numpy as np
from av.container import InputContainer
from av.video.stream import VideoStream

ROUNDING = 0.03
"""Part of its length by which a film may differ from what its header announces."""
HOLE = 1.5
"""Times the longest picture that two pictures shown one after the other may lie apart."""


class TimedPacket(NamedTuple):
    """Of a packet only its times: the packets of a long film do not fit the memory."""

    pts: int | None
    duration: int
    is_discard: bool


def hole_in_time(
    container: InputContainer, stream: VideoStream, packets: Sequence[TimedPacket]
) -> str:
    """Whether pictures are hidden from the middle of an mp4, in words.

    An edit list hides pictures, but shown and hidden ones together lie without a gap. A wrong time moves a
    picture out of the part that is shown and leaves a hole where it was.
    """
    if not container.format.name.startswith("mov") or stream.time_base is None:
        return ""
    hidden = sum(p.is_discard for p in packets)
    pts = np.sort(np.asarray([p.pts for p in packets if p.pts is not None], np.int64))
    longest = _longest(packets)
    first = min((p.pts for p in packets if p.pts is not None and not p.is_discard), default=0)
    holes = np.flatnonzero(np.diff(pts) > HOLE * longest)
    holes = holes[pts[holes] >= first]
    if not hidden or not longest or not len(holes):
        return ""
    seconds = float((int(pts[holes[0]]) - first) * stream.time_base)
    return f"the times of {hidden} pictures lie outside the film, with a hole after {seconds:.2f} s"


def missing_time(
    container: InputContainer, stream: VideoStream, packets: Sequence[TimedPacket]
) -> str:
    """Whether the film is as long as its header announces; the last frame's time on screen is uncertain."""
    shown_ones = [p for p in packets if not p.is_discard]  # an edit list may cut the start off
    pts = np.sort(np.asarray([p.pts for p in shown_ones if p.pts is not None], np.int64))
    announced = _announced_seconds(container, stream)
    if announced is None or len(pts) < 2 or stream.time_base is None:
        return ""
    # Matroska's duration ends with the last frame, the others' is counted from the first frame on, or from
    # where an edit list begins, though no picture does
    begins = {0} if stream.duration is None else {0, int(pts[0])}
    second = float(stream.time_base)
    last = (
        _longest(packets) * second
    )  # with pictures out of order nothing says how long the last one stays
    slack = max(ROUNDING * announced, 3 * float(np.median(np.diff(pts))) * second)
    lengths = [float(int(pts[-1]) - begin) * second for begin in sorted(begins)]
    if any(shown - slack <= announced <= shown + last + slack for shown in lengths):
        return ""
    shown = lengths[-1] + max(p.duration for p in packets if p.pts == pts[-1]) * second
    return f"its header announces {announced:.2f} s, {shown:.2f} s are there"


def _longest(packets: Sequence[TimedPacket]) -> int:
    """Of the pictures' times on screen, in ticks."""
    return max((packet.duration for packet in packets), default=0)


def _announced_seconds(container: InputContainer, stream: VideoStream) -> float | None:
    """How long the header says the film is; None where there is no such header."""
    form = container.format.name.split(",")[0]
    if form in ("mov", "avi") and stream.duration and stream.time_base is not None:
        return float(stream.duration * stream.time_base)
    if form == "matroska" and container.duration and len(container.streams) == 1:
        return container.duration / av.time_base
    return None
