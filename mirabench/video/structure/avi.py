"""AVI: chunks that lie end to end in RIFF lists."""

from __future__ import annotations

from typing import BinaryIO

UNKNOWN = (0, 0xFFFFFFFF)
"""Lengths that a writer leaves that could not go back."""


def avi_damage(file: BinaryIO, size: int) -> str:
    """The first chunk that does not fit, in words."""
    start = 0
    while start + 12 <= size:
        kind, length = _head(file, start)
        if kind != b"RIFF":
            return f"at byte {start} stands no list"
        if length in UNKNOWN:
            return ""
        if start + 8 + length > size:
            return f"the file lacks its last {start + 8 + length - size} bytes"
        if found := _among(file, start + 12, start + 8 + length):
            return found
        start += 8 + length + length % 2
    return ""


def _among(file: BinaryIO, start: int, end: int) -> str:
    while start + 8 <= end:
        kind, length = _head(file, start)
        if not kind.isascii() or start + 8 + length > end:
            return f"at byte {start} stands no chunk"
        if kind == b"LIST" and (found := _among(file, start + 12, start + 8 + length)):
            return found
        start += 8 + length + length % 2
    return ""


def _head(file: BinaryIO, start: int) -> tuple[bytes, int]:
    file.seek(start)
    head = file.read(8)
    return head[:4], int.from_bytes(head[4:8], "little")
