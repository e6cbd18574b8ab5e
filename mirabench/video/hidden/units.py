"""Where the coded pictures lie in a packet, and packets that are altered at the end of them.

H.264 and HEVC divide a packet into NAL units, each with its length in front (ISO/IEC 14496-15) or after a start
code (Annex B of both). A VP8 packet is one picture, a VP9 packet may be several with an index behind them
(Annex B of the VP9 bitstream specification). Huffyuv and FFVHUFF store a picture as words of Huffman codes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import accumulate
from typing import NamedTuple

START_CODE = re.compile(b"\x00\x00\x01")
SHORTEST = 32
"""Bytes: in less data the last ones may lawfully carry next to nothing."""
TRIALS = 8
"""Where a picture is flat, other symbols may lawfully look the same; so many times in a row they do not."""
TAIL, TAIL_SHARE = 8, 0.02
"""How much of a picture's end is altered: so many bytes, or this share of it if that is more."""
LAST = WORD = 4
"""Bytes at the end of a VP8 picture that are taken for a number, and in a word of Huffyuv."""
SLOTS = 8
"""Pictures that a VP9 decoder keeps."""
JUNK = bytes([0, 0, 0, 0, 0x80, 0x5A, *((37 * n) % 253 + 1 for n in range(64))])
"""What is appended. It begins with zeros, which some writers leave out at the end."""


HUFFMAN = ("huffyuv", "ffvhuff")
"""Codecs whose pictures are words of four bytes, the lowest first, filled up with zeros."""
JUNK_WORDS = b"\x5a\xa7\x33\xcc" * 16
BITWISE = ("wmv1", "wmv2")
"""Windows Media 7 and 8: bits, the highest first, filled up with zeros to a byte. Their decoder complains
itself of bytes that are left over, so none are appended."""


@dataclass(frozen=True, slots=True)
class Layout:
    """How a codec's packets are divided."""

    codec: str
    length_bytes: int
    """Of the length in front of each unit; 0 for start codes."""

    @staticmethod
    def of(codec: str, extradata: bytes | None) -> Layout:
        """The layout that the stream's header states."""
        at = {"h264": 4, "hevc": 21}.get(codec)
        if at is None or not extradata or extradata[0] != 1 or len(extradata) <= at:
            return Layout(codec, 0)  # without that header there are start codes
        return Layout(codec, (extradata[at] & 3) + 1)

    def pictures(self, data: bytes) -> list[tuple[int, int]]:
        """(start, end) of the data of each coded picture or slice; none where the units do not fit."""
        if self.codec in ("vp8", "vp9", *HUFFMAN, *BITWISE):
            whole = [(0, len(data))] if data else []
            return (_indexed(data) if self.codec == "vp9" else []) or whole
        units = self._by_length(data) if self.length_bytes else self._by_start_code(data)
        return [(a, b) for a, b in units if b > a and self._is_picture(data[a])]

    def _is_picture(self, head: int) -> bool:
        return 1 <= head & 31 <= 5 if self.codec == "h264" else (head >> 1 & 63) < 32

    def _by_length(self, data: bytes) -> list[tuple[int, int]]:
        found, at = [], 0
        while at + self.length_bytes <= len(data):
            start = at + self.length_bytes
            at = start + int.from_bytes(data[at:start], "big")
            found.append((start, at))
        return found if at == len(data) else []

    @staticmethod
    def _by_start_code(data: bytes) -> list[tuple[int, int]]:
        starts = [found.end() for found in START_CODE.finditer(data)]
        ends = [start - 3 for start in starts[1:]] + [len(data)]
        # zeros between units belong to none
        return [(a, a + len(data[a:b].rstrip(b"\0"))) for a, b in zip(starts, ends, strict=True)]

    def lengthened(self, data: bytes) -> bytes:
        """A packet with bytes appended to its pictures' data: a sound decoder never comes to them.

        Of H.264's slices only the last: without arithmetic coding an earlier one ends where its data does.
        """
        pictures = self.pictures(data)
        if self.codec in BITWISE:
            return data
        if self.codec in HUFFMAN:
            return data + JUNK_WORDS
        if self.codec == "vp9":
            frames = (data[start:end] for start, end in pictures)
            # one that only shows another stays as it is
            return _superframe([f + JUNK if len(f) >= SHORTEST else f for f in frames])
        for start, end in reversed(pictures[-1:] if self.codec == "h264" else pictures):
            unit = data[start:end] + JUNK
            length = b""
            if self.length_bytes:
                if len(unit) >= 1 << 8 * self.length_bytes:
                    continue
                length = len(unit).to_bytes(self.length_bytes, "big")
            data = data[: start - self.length_bytes] + length + unit + data[end:]
        return data

    def trials(self, data: bytes) -> int:
        """How many trials it makes of a packet, at most."""
        return 2 if self.codec == "vp8" else len(self.pictures(data))

    def spoiled(self, data: bytes) -> Iterator[Trial]:
        """A trial for each picture in a packet that is long enough."""
        if self.codec in HUFFMAN:
            yield from (Trial(data, (other,)) for other in _without_last_one(data))
            return
        if self.codec in BITWISE:
            yield from (Trial(data, (other,)) for other in _without_last_bit(data))
            return
        pictures = self.pictures(data)
        for number, (start, whole) in enumerate(pictures):
            # H.264 and HEVC may fill up a picture's end
            end = start + len(data[start:whole].rstrip(b"\0\3" if self.codec[0] == "h" else b""))
            if end - start < SHORTEST:
                continue
            tail = end - max(TAIL, int((end - start) * TAIL_SHARE))
            ends = tuple(_altered(data, tail, end, pattern) for pattern in range(TRIALS))
            if self.codec == "vp9" and number < len(pictures) - 1:
                yield _of_hidden(data, ends, pictures[: number + 1])
            else:
                yield Trial(data, ends)
            if self.codec == "vp8" and (lower := _lowered(data)):
                yield Trial(data, lower, lowered=True)


class Trial(NamedTuple):
    """Packets that differ from the original in the data of one picture."""

    original: bytes
    ends: tuple[bytes, ...]
    """With other bytes at the end of the data: a sound picture shows at least one of them."""
    reveals: tuple[bytes, ...] = ()
    """Packets that show all pictures that are kept, for one that is not shown at once."""
    lowered: bool = False
    """Whether the data are one number, made smaller, instead of other bytes."""


def _of_hidden(data: bytes, ends: tuple[bytes, ...], pictures: list[tuple[int, int]]) -> Trial:
    """A trial of the last of these VP9 frames, with what follows it taken away."""
    profile = data[pictures[-1][0]] & 0x30
    reveals = tuple(bytes([0x88 | profile | slot]) for slot in range(SLOTS))
    original, *others = (
        _superframe([packet[start:end] for start, end in pictures]) for packet in (data, *ends)
    )
    return Trial(original, tuple(others), reveals if profile != 0x30 else ())


def _lowered(data: bytes) -> tuple[bytes, ...]:
    """A VP8 packet whose last number is smaller by one; none where that is zero.

    The writer of RFC 6386, section 7.3, ends with the lower end of the interval that stands for all symbols,
    and zeros: below it the last symbols are others.
    """
    number = int.from_bytes(data[-LAST:], "big")
    return (data[:-LAST] + (number - 1).to_bytes(LAST, "big"),) if number else ()


def _without_last_one(data: bytes) -> Iterator[bytes]:
    """A picture of Huffman codes without its last bit that is set: a sound one needs it; none without any."""
    for at in range(len(data) // WORD * WORD - WORD, 0, -WORD):
        word = int.from_bytes(data[at : at + WORD], "little")
        if word:
            yield data[:at] + (word & word - 1).to_bytes(WORD, "little") + data[at + WORD :]
            return


def _without_last_bit(data: bytes) -> Iterator[bytes]:
    """The same for bits that come the highest first."""
    end = len(data.rstrip(b"\0"))
    if end:
        yield data[: end - 1] + bytes([data[end - 1] & data[end - 1] - 1]) + data[end:]


def _altered(data: bytes, start: int, end: int, pattern: int) -> bytes:
    return data[:start] + _other(data[start:end], 0x5A + 0x4D * pattern & 0xFF) + data[end:]


def _other(data: bytes, pattern: int) -> bytes:
    """Other bytes, and none that stands for something in a packet: start codes, VP9's mark of an index."""
    changed = ((byte, byte ^ pattern) for byte in data)
    return bytes(new if 3 < new < 0xC0 else 0x2A if old != 0x2A else 0x55 for old, new in changed)


def _indexed(data: bytes) -> list[tuple[int, int]]:
    """(start, end) of the frames of a VP9 superframe; none where the packet is one frame."""
    marker = data[-1] if data else 0
    count, width = (marker & 7) + 1, (marker >> 3 & 3) + 1
    index = data[-(2 + count * width) :]
    if marker & 0xE0 != 0xC0 or index[0] != marker or len(index) < 2 + count * width:
        return []
    sizes = [int.from_bytes(index[1 + n * width :][:width], "little") for n in range(count)]
    ends = list(accumulate(sizes))
    if ends[-1] > len(data) - len(index):
        return []
    return [(end - size, end) for end, size in zip(ends, sizes, strict=True)]


def _superframe(frames: list[bytes]) -> bytes:
    """VP9 frames as one packet."""
    if len(frames) == 1:
        return frames[0]
    marker = bytes([0xC0 | 3 << 3 | len(frames) - 1])
    sizes = b"".join(len(frame).to_bytes(4, "little") for frame in frames)
    return b"".join(frames) + marker + sizes + marker
