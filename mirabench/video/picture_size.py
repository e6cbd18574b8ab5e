"""The size of a picture from the first bytes of its file: nothing is decoded.

Formats: PNG (ISO/IEC 15948, 11.2.2), JPEG (ITU-T T.81, B.2.2), BMP, WebP (RFC 9649, 2.5 to 2.7).
"""

from __future__ import annotations

from typing import NamedTuple

_NO_FRAME = frozenset({0xC4, 0xC8, 0xCC})
"""JPEG markers between 0xC0 and 0xCF that start no frame."""


class Size(NamedTuple):
    """Of a picture, in px."""

    width: int
    height: int


def picture_size(raw: bytes) -> Size | None:
    """The size that the header of a PNG, JPEG, BMP or WebP file states; None for other files."""
    if raw[:8] == b"\x89PNG\r\n\x1a\n":
        return Size(_big(raw[16:20]), _big(raw[20:24]))
    if raw[:2] == b"\xff\xd8":
        return _jpeg(raw)
    if raw[:2] == b"BM":
        height = int.from_bytes(raw[22:26], "little", signed=True)  # negative: from the top down
        return Size(_little(raw[18:22]), abs(height))
    if raw[:4] == b"RIFF" and raw[8:12] == b"WEBP":
        return _webp(raw)
    return None


def _big(raw: bytes) -> int:
    return int.from_bytes(raw, "big")


def _little(raw: bytes) -> int:
    return int.from_bytes(raw, "little")


def _jpeg(raw: bytes) -> Size | None:
    at = 2
    while at + 9 <= len(raw) and raw[at] == 0xFF:
        marker = raw[at + 1]
        if 0xC0 <= marker <= 0xCF and marker not in _NO_FRAME:
            return Size(_big(raw[at + 7 : at + 9]), _big(raw[at + 5 : at + 7]))
        at += 1 if marker == 0xFF else 2 + _big(raw[at + 2 : at + 4])
    return None


def _webp(raw: bytes) -> Size | None:
    if raw[12:16] == b"VP8X":
        return Size(_little(raw[24:27]) + 1, _little(raw[27:30]) + 1)
    if raw[12:16] == b"VP8L":
        packed = _little(raw[21:25])
        return Size((packed & 0x3FFF) + 1, (packed >> 14 & 0x3FFF) + 1)
    if raw[12:16] == b"VP8 ":
        return Size(_little(raw[26:28]) & 0x3FFF, _little(raw[28:30]) & 0x3FFF)
    return None
