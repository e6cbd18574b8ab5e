"""ASF (wmv): objects that lie end to end, packets of one length, pictures in numbered pieces.

Source: Advanced Systems Format, revision 01.20.06, sections 3 to 5.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO, NamedTuple

HEADER = bytes.fromhex("3026b2758e66cf11a6d900aa0062ce6c")
FILE_PROPERTIES = bytes.fromhex("a1dcab8c47a9cf118ee400c00c205365")
DATA = bytes.fromhex("3626b2758e66cf11a6d900aa0062ce6c")
OBJECT_HEAD = 24
"""Bytes of an object's name and length."""
DATA_HEAD = 50
"""Bytes of the data object before its first packet."""
BROADCAST = 1
"""Flag of a recording whose writer could not go back: its lengths say nothing, or are zero."""
WIDTHS = (0, 1, 2, 4)
"""Bytes of a field, by the two bits that announce it."""
OBJECT_NUMBERS = 256
"""Numbers of pictures begin anew after so many, or after a power of it."""


class _Object(NamedTuple):
    kind: bytes
    start: int
    end: int


class _Announced(NamedTuple):
    """What the header says of the file."""

    file_bytes: int
    packets: int
    flags: int
    packet_bytes: tuple[int, int]
    """Smallest and largest."""


class Piece(NamedTuple):
    """A part of a picture or of sound, as a packet holds it."""

    stream: int
    number: int
    offset: int
    size: int
    whole: int
    """Bytes of the picture that it belongs to."""


def asf_damage(file: BinaryIO, size: int) -> str:
    """The first object, packet or piece of a picture that does not fit, in words."""
    objects = list(_objects(file, 0, size))
    if len(objects) < 2 or objects[0].kind != HEADER or objects[1].kind != DATA:
        return "the header is not followed by data"
    announced = _announced(file, objects[0])
    if announced is None:
        return "the objects of the header do not come out"
    if announced.flags & BROADCAST or not announced.packets:
        return ""
    for found in objects:
        if found.end > size or found.end - found.start < OBJECT_HEAD:
            return f"the object at byte {found.start} goes on beyond the end of the file"
    if announced.file_bytes != size:
        return f"its header announces {announced.file_bytes} bytes, the file has {size}"
    room = objects[1].end - objects[1].start - DATA_HEAD
    if room != announced.packets * announced.packet_bytes[1]:
        return f"its header announces {announced.packets} packets, their data have {room} bytes"
    return _data_damage(file, objects[1], announced)


def _objects(file: BinaryIO, start: int, end: int) -> Iterator[_Object]:
    """Objects until one does not fit, which is the last one given."""
    while start < end:
        file.seek(start)
        head = file.read(OBJECT_HEAD)
        found = _Object(head[:16], start, start + int.from_bytes(head[16:], "little"))
        yield found
        if found.end - start < OBJECT_HEAD:
            return
        start = found.end


def _announced(file: BinaryIO, header: _Object) -> _Announced | None:
    """What the file's properties say, or None where the header's objects do not fill it."""
    file.seek(header.start + OBJECT_HEAD)
    count = int.from_bytes(file.read(4), "little")
    inside = list(_objects(file, header.start + 30, header.end))
    if len(inside) != count or not inside or inside[-1].end != header.end:
        return None
    properties = next((o for o in inside if o.kind == FILE_PROPERTIES), None)
    if properties is None:
        return None
    file.seek(properties.start + 40)
    body = file.read(64)
    size, packets = (int.from_bytes(body[a : a + 8], "little") for a in (0, 16))
    flags, least, most = (int.from_bytes(body[a : a + 4], "little") for a in (48, 52, 56))
    return _Announced(size, packets, flags, (least, most))


def _data_damage(file: BinaryIO, data: _Object, announced: _Announced) -> str:
    least, length = announced.packet_bytes
    room = data.end - data.start - DATA_HEAD
    if least != length or not length or room % length:
        return "its packets are not of one length"
    pictures = _Pictures()
    for number in range(room // length):
        file.seek(data.start + DATA_HEAD + number * length)
        try:
            wrong = [
                found for piece in pieces(file.read(length)) if (found := pictures.take(piece))
            ]
        except EOFError:
            return f"packet {number} does not come out"
        if wrong:
            return f"in packet {number} {wrong[0]}"
    return ""


@dataclass(slots=True)
class _Reader:
    """Fields of a packet, one after the other."""

    data: bytes
    at: int = 0

    def number(self, width: int) -> int:
        return int.from_bytes(self.take(width), "little")

    def take(self, count: int) -> bytes:
        if self.at + count > len(self.data):
            raise EOFError
        self.at += count
        return self.data[self.at - count : self.at]


class _Layout(NamedTuple):
    """How many bytes the fields of a payload have."""

    number: int
    offset: int
    replicated: int


def pieces(packet: bytes) -> list[Piece]:
    """The pieces of pictures and sound in a packet; those of several small pictures at once are left out.

    Raises:
        EOFError: the packet is not filled to its last byte by what it announces.
    """
    reader = _Reader(packet)
    first = reader.number(1)
    if first & 0x80:  # error correction data come first
        if first & 0x70:
            raise EOFError
        reader.take(first & 0x0F)
        first = reader.number(1)
    properties = reader.number(1)
    length = reader.number(WIDTHS[first >> 5 & 3]) or len(packet)
    reader.number(WIDTHS[first >> 1 & 3])
    end = length - reader.number(WIDTHS[first >> 3 & 3])
    reader.take(6)  # when it is sent, and for how long
    if properties >> 6 != 1 or length > len(packet) or end < reader.at:
        raise EOFError
    layout = _Layout(
        WIDTHS[properties >> 4 & 3], WIDTHS[properties >> 2 & 3], WIDTHS[properties & 3]
    )
    reader.data = packet[:end]
    count, width = 1, 0
    if first & 1:
        several = reader.number(1)
        count, width = several & 0x3F, WIDTHS[several >> 6]
    found = [_piece(reader, layout, width) for _ in range(count)]
    if reader.at != end:
        raise EOFError
    return [piece for piece in found if piece is not None]


def _piece(reader: _Reader, layout: _Layout, width: int) -> Piece | None:
    """The next one; its length is written in so many bytes, or it goes on to the end for 0."""
    stream = reader.number(1) & 0x7F
    number, offset = reader.number(layout.number), reader.number(layout.offset)
    told = reader.number(layout.replicated)
    replicated = reader.take(told)
    size = reader.number(width) if width else len(reader.data) - reader.at
    reader.take(size)
    if told < 8 or not layout.number:
        return None  # small pictures one behind the other, or pictures without a number
    return Piece(stream, number, offset, size, int.from_bytes(replicated[:4], "little"))


@dataclass(slots=True)
class _Part:
    """How much of a picture has come."""

    number: int
    whole: int
    so_far: int


class _Pictures:
    """Pictures of each stream follow in number, their pieces in place."""

    def __init__(self) -> None:
        self._parts: dict[int, _Part] = {}

    def take(self, piece: Piece) -> str:
        """What is wrong with the next piece, in words."""
        last = self._parts.get(piece.stream)
        self._parts[piece.stream] = _Part(piece.number, piece.whole, piece.offset + piece.size)
        if last is None:
            return ""
        if piece.number == last.number and last.so_far < last.whole:
            fits = piece.offset == last.so_far and piece.whole == last.whole
            return (
                ""
                if fits and piece.offset + piece.size <= piece.whole
                else "a piece of a picture is missing"
            )
        if last.so_far != last.whole:
            return "a picture lacks its end"
        follows = (piece.number - last.number) % OBJECT_NUMBERS == 1 and piece.offset == 0
        return "" if follows else "a picture is missing"
