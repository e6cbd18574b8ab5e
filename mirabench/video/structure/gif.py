"""GIF: blocks up to a trailer (GIF89a specification, 1990)."""

from __future__ import annotations

from typing import BinaryIO

EXTENSION, IMAGE, TRAILER = 0x21, 0x2C, 0x3B


def gif_damage(file: BinaryIO, size: int) -> str:
    """The first block that is none, or that the file ends without its trailer, in words."""
    file.seek(10)
    flags = file.read(1)
    file.seek(13 + (_table(flags[0]) if flags else 0))
    while label := file.read(1):
        start = file.tell() - 1
        if label[0] == TRAILER:
            return ""
        if label[0] == EXTENSION:
            file.read(1)
        elif label[0] == IMAGE:
            facts = file.read(9)
            file.seek(file.tell() + (_table(facts[8]) if len(facts) == 9 else 0) + 1)
        else:
            return f"at byte {start} stands no block"
        if not _skipped(file, size):
            break
    return "the file ends without its trailer"


def _table(flags: int) -> int:
    """Bytes of the colour table that these flags announce."""
    return 3 << (flags & 7) + 1 if flags & 0x80 else 0


def _skipped(file: BinaryIO, size: int) -> bool:
    """Go past sub-blocks; whether their end is in the file."""
    while length := file.read(1):
        if length[0] == 0:
            return True
        file.seek(length[0], 1)
        if file.tell() > size:
            return False
    return False
