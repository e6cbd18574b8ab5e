"""Matroska and WebM: elements with lengths, some with a checksum (RFC 8794, RFC 9559)."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, NamedTuple

EBML, SEGMENT, CLUSTER, CRC, VOID = 0x1A45DFA3, 0x18538067, 0x1F43B675, 0xBF, 0xEC
TOP = frozenset(
    {0x114D9B74, 0x1549A966, 0x1654AE6B, 0x1C53BB6B, 0x1254C367, 0x1043A770, 0x1941A469, CLUSTER,
     CRC, VOID}
)  # fmt: skip
"""Children of the segment: seek head, info, tracks, cues, tags, chapters, attachments."""
IN_CLUSTER = frozenset({0xE7, 0xA3, 0xA0, 0xAB, 0xA7, 0x5854, 0xAF, CRC, VOID})


CHECKSUM_HEAD = b"\xbf\x84"
"""Of an element that holds a CRC-32."""


class Element(NamedTuple):
    """Where an element lies; `end` is None where it has no length, as in a recorder's stream."""

    id: int
    start: int
    body: int
    end: int | None


def element_damage(file: BinaryIO, size: int) -> str:
    """The first element that does not fit or whose checksum is wrong, in words."""
    start = 0
    while start < size:
        element = _element(file, start, size)
        if element is None or element.id not in (EBML, SEGMENT, VOID):
            return f"at byte {start} stands no element"
        if element.end is not None and element.end > size:
            return f"the file lacks the last {element.end - size} bytes of its segment"
        if element.id == SEGMENT and (found := _in_segment(file, element, size)):
            return found
        start = size if element.end is None else element.end
    return ""


def has_checksums(path: Path) -> bool:
    """Whether each cluster of a Matroska file has a checksum, so that `element_damage` sees any wrong byte."""
    size, clusters = path.stat().st_size, 0
    with path.open("rb") as file:
        top = [e for e in _children(file, 0, size) if e is not None and e.id == SEGMENT]
        for segment in top:
            for element in _children(file, segment.body, segment.end or size):
                if element is not None and element.id == CLUSTER:
                    clusters += 1
                    if element.end is None or not _has_checksum(file, element):
                        return False
    return clusters > 0


def _has_checksum(file: BinaryIO, element: Element) -> bool:
    file.seek(element.body)
    return file.read(2) == CHECKSUM_HEAD


def _in_segment(file: BinaryIO, segment: Element, size: int) -> str:
    end = size if segment.end is None else segment.end
    for element in _children(file, segment.body, end):
        if element is None or element.id not in TOP | IN_CLUSTER:
            return "between its elements stand bytes that are none"
        if element.end is not None and element.end > end:
            return f"the element at byte {element.start} goes on beyond the end of the file"
        if element.id in TOP and not _checksum_holds(file, element):
            return f"the checksum of the element at byte {element.start} is wrong"
        if element.id == CLUSTER and (found := _in_cluster(file, element)):
            return found
    return ""


def _in_cluster(file: BinaryIO, cluster: Element) -> str:
    if cluster.end is None:
        return ""  # its blocks come up as the segment's own children
    for block in _children(file, cluster.body, cluster.end):
        if block is None or block.id not in IN_CLUSTER or (block.end or 0) > cluster.end:
            return f"the cluster at byte {cluster.start} holds bytes that are no block"
    return ""


def _children(file: BinaryIO, start: int, end: int) -> Iterator[Element | None]:
    """Elements that lie end to end; None, as the last, where there is none."""
    while start < end:
        element = _element(file, start, end)
        yield element
        if element is None or (element.end or 0) > end:
            return
        # what has no length ends where its first child begins, as far as we look
        start = element.body if element.end is None else element.end


def _element(file: BinaryIO, start: int, end: int) -> Element | None:
    file.seek(start)
    head = file.read(min(12, end - start))
    width = _width(head, 4)
    length_width = _width(head[width:], 8) if width else 0
    if not width or not length_width:
        return None
    body = start + width + length_width
    mask = (1 << 7 * length_width) - 1
    length = int.from_bytes(head[width : width + length_width], "big") & mask
    kind = int.from_bytes(head[:width], "big")
    return Element(kind, start, body, None if length == mask else body + length)


def _width(head: bytes, most: int) -> int:
    """Bytes of the number that begins here, from the zeros before its first one; 0 when there is none."""
    width = 9 - head[0].bit_length() if head else 9
    return width if width <= min(most, len(head)) else 0


def _checksum_holds(file: BinaryIO, element: Element) -> bool:
    """Whether an element whose first child is a CRC-32 has it right."""
    if element.end is None or element.end - element.body < 6 or not _has_checksum(file, element):
        return True
    stored = int.from_bytes(file.read(4), "little")
    found, left = 0, element.end - element.body - 6
    while left > 0 and (block := file.read(min(left, 2**20))):
        found, left = zlib.crc32(block, found), left - len(block)
    return found == stored
