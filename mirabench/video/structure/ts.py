"""MPEG transport streams: packets of one length, each with a sync byte (ISO/IEC 13818-1, 2.4.3)."""

from __future__ import annotations

from typing import BinaryIO

import numpy as np

SYNC = 0x47
LAYOUTS = ((188, 0), (192, 4), (204, 0))
"""Length of a packet, and where in it the sync byte stands: broadcast, Blu-ray, with error correction."""
BLOCK = 4096
"""Packets that are looked at at a time."""


def ts_damage(file: BinaryIO, size: int) -> str:
    """Where the packets fall out of step, in words."""
    for length, offset in LAYOUTS:
        if _in_step(file, length, offset, min(size // length, 3)) is None:
            return _of_layout(file, size, length, offset)
    return "its first packets are not in step"


def _of_layout(file: BinaryIO, size: int, length: int, offset: int) -> str:
    lost = _in_step(file, length, offset, size // length)
    if lost is not None:
        return f"from byte {lost * length} on its packets are out of step"
    left = size % length
    return f"it ends {left} bytes into a packet of {length}" if left else ""


def _in_step(file: BinaryIO, length: int, offset: int, count: int) -> int | None:
    """The first of `count` packets without its sync byte, or None."""
    file.seek(0)
    for first in range(0, count, BLOCK):
        number = min(BLOCK, count - first)
        packets = np.frombuffer(file.read(number * length), np.uint8).reshape(number, length)
        missing = np.flatnonzero(packets[:, offset] != SYNC)
        if len(missing):
            return first + int(missing[0])
    return None
