"""MP4 and QuickTime: boxes that lie end to end (ISO/IEC 14496-12, 4.2)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO, NamedTuple

NESTED = frozenset(
    {b"moov", b"trak", b"mdia", b"minf", b"stbl", b"edts", b"mvex", b"moof", b"traf", b"mfra"}
)
"""Boxes that hold boxes and nothing else."""


class Box(NamedTuple):
    """Where a box lies."""

    kind: bytes
    start: int
    body: int
    end: int


def box_damage(file: BinaryIO, size: int) -> str:
    """The first box that does not fit, in words."""
    return _among(file, 0, size, "the file")


def _among(file: BinaryIO, start: int, end: int, inside: str) -> str:
    for box in boxes(file, start, end):
        name = box.kind.decode("latin-1")
        if not _is_kind(box.kind):
            return f"at byte {box.start} stands no box"
        if box.body > box.end or box.end > end:
            return f"the box `{name}` at byte {box.start} goes on beyond the end of {inside}"
        if box.kind in NESTED and (found := _among(file, box.body, box.end, f"`{name}`")):
            return found
    return ""


def boxes(file: BinaryIO, start: int, end: int) -> Iterator[Box]:
    """Boxes until one does not fit, which is the last one given."""
    while start < end:
        file.seek(start)
        head = file.read(min(16, end - start))
        if not any(head):
            return  # QuickTime ends some lists with zeros
        length, body = int.from_bytes(head[:4], "big"), start + 8
        if length == 1:
            length, body = int.from_bytes(head[8:16], "big"), start + 16
        box = Box(head[4:8], start, body, end if length == 0 else start + length)
        yield box
        if box.end < box.body or box.end > end:
            return
        start = box.end


def _is_kind(kind: bytes) -> bool:
    return len(kind) == 4 and all(32 <= byte < 127 or byte == 0xA9 for byte in kind)
