"""Motion JPEG: whether the scan of each picture holds exactly the blocks that its header announces.

A wrong byte turns one symbol into another of some other length. The decoder finds its step again after a few
symbols, and only the count tells: there is a block too many or too few, a coefficient beyond the last, or data
behind the last block. Only sequential pictures with their own tables are followed; of others nothing is said.
The syntax is that of ITU-T T.81, annexes B, C and F.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mirabench.video.reading import open_stream

SOF_BASELINE, SOF_EXTENDED, DHT, SOI, EOI, SOS, DRI = 0xC0, 0xC1, 0xC4, 0xD8, 0xD9, 0xDA, 0xDD
OTHER_PROCESSES = frozenset(range(0xC2, 0xD0)) - {DHT, 0xC8, 0xCC}
RESTARTS = range(0xD0, 0xD8)
END_OF_BLOCK, NO_CODE = 128, 250
"""In place of a number of coefficients."""
HABIT = 0.9
"""If so large a share of the pictures are wrong, their writer reads the standard in another way."""


class _Table(NamedTuple):
    """For each 16 bits that may come next."""

    length: NDArray[np.uint8]
    """Of the code, in bits; 0 where there is none."""
    symbol: NDArray[np.uint8]


@dataclass(slots=True)
class _Header:
    size: tuple[int, int] = (0, 0)
    """Width and height."""
    sampling: dict[int, tuple[int, int]] = field(default_factory=dict)
    """Component -> its blocks in a unit, across and down."""
    tables: dict[int, _Table] = field(default_factory=dict)
    """Number of a table, 16 more for AC."""
    scan: list[tuple[int, int, int]] = field(default_factory=list)
    """(component, DC table, AC table)."""
    restart: int = 0
    """Units between restart markers; 0 for none."""

    @property
    def units(self) -> int:
        across = 8 * max(h for h, _ in self.sampling.values())
        down = 8 * max(v for _, v in self.sampling.values())
        return -(-self.size[0] // across) * -(-self.size[1] // down)

    @property
    def blocks(self) -> list[tuple[int, int]]:
        """(DC table, AC table) of each block of a unit, in their order."""
        return [
            (dc, ac)
            for component, dc, ac in self.scan
            for _ in range(self.sampling[component][0] * self.sampling[component][1])
        ]


def scan_damage(path: Path, max_pixels: int) -> tuple[str, ...]:
    """The first scan that does not come out, in words.

    Raises:
        VideoError: the file cannot be opened.
        av.FFmpegError: it cannot be read to its end.
    """
    container, stream = open_stream(path, max_pixels)
    with container:
        found = [wrong_scan(bytes(packet)) for packet in container.demux(stream) if packet.size]
    wrong = [(number, why) for number, why in enumerate(found) if why]
    if not wrong or (len(wrong) > HABIT * len(found) and len(found) >= 8):
        return ()
    return (f"the data of picture {wrong[0][0]} do not come out: {wrong[0][1]}",)


def wrong_scan(data: bytes) -> str:
    """What is wrong with the scans of JPEG pictures that lie end to end, in words; empty if nothing is.

    A packet of interlaced film holds two. Unknown and progressive pictures are left alone.
    """
    at = 0
    while (at := data.find(b"\xff\xd8", at)) >= 0:
        try:
            why, at = _in_picture(data, at + 2)
        except (IndexError, KeyError, ValueError):
            return ""  # no header that is followed here, and FFmpeg had no objection
        if why:
            return why
    return ""


def _in_picture(data: bytes, at: int) -> tuple[str, int]:
    """What is wrong with the picture whose first marker is here, and where its scan ends."""
    header = _Header()
    for kind, body, end in _segments(data, at):
        at = end
        if kind in OTHER_PROCESSES:
            return "", len(data)
        _READERS.get(kind, _ignored)(header, body)
        if kind == SOS:
            break
    if len(header.scan) != len(header.sampling) or not header.scan:
        return "", len(data)  # a scan for each component
    parts, end = _parts(data, at)
    left = header.units
    for part in parts:
        units = min(left, header.restart or left)
        if why := _wrong_part(part, units, header):
            return why, end
        left -= units
    return ("a part of the picture is missing" if left else ""), end


def _segments(data: bytes, at: int) -> Iterator[tuple[int, bytes, int]]:
    """(marker, body, end) up to the scan."""
    while at + 4 <= len(data):
        if data[at] != 0xFF:
            raise ValueError("no marker")
        if data[at + 1] == 0xFF:
            at += 1  # filling
            continue
        length = int.from_bytes(data[at + 2 : at + 4], "big")
        yield data[at + 1], data[at + 4 : at + 2 + length], at + 2 + length
        at += 2 + max(2, length)


def _frame_header(header: _Header, body: bytes) -> None:
    header.size = int.from_bytes(body[3:5], "big"), int.from_bytes(body[1:3], "big")
    header.sampling = {
        body[6 + 3 * n]: (body[7 + 3 * n] >> 4, body[7 + 3 * n] & 15) for n in range(body[5])
    }


def _tables(header: _Header, body: bytes) -> None:
    while body:
        end = 17 + sum(body[1:17])
        header.tables[body[0]] = _table(body[1:17], body[17:end])
        body = body[end:]


@lru_cache(maxsize=64)
def _table(counts: bytes, symbols: bytes) -> _Table:
    """The codes in the order of their lengths (annex C), each for all bits that may follow it."""
    length, symbol = np.zeros(1 << 16, np.uint8), np.zeros(1 << 16, np.uint8)
    start = place = 0
    for bits, count in enumerate(counts, 1):
        for value in symbols[place : place + count]:
            end = start + (1 << 16 - bits)
            length[start:end], symbol[start:end] = bits, value
            start = end
        place += count
    if start > 1 << 16 or place != len(symbols):
        raise ValueError("no table")
    return _Table(length, symbol)


def _scan_header(header: _Header, body: bytes) -> None:
    header.scan = [
        (body[1 + 2 * n], body[2 + 2 * n] >> 4, 16 | body[2 + 2 * n] & 15) for n in range(body[0])
    ]


def _restart_interval(header: _Header, body: bytes) -> None:
    header.restart = int.from_bytes(body[:2], "big")


def _ignored(header: _Header, body: bytes) -> None:
    pass


_READERS = {
    SOF_BASELINE: _frame_header,
    SOF_EXTENDED: _frame_header,
    DHT: _tables,
    SOS: _scan_header,
    DRI: _restart_interval,
}


def _parts(data: bytes, at: int) -> tuple[list[bytes], int]:
    """The scan's data between restart markers, without stuffing, and where they end."""
    found, start = [], at
    while (at := data.find(b"\xff", at)) >= 0 and at + 1 < len(data):
        if data[at + 1] in RESTARTS or data[at + 1] not in (0, 0xFF):
            found.append(data[start:at].replace(b"\xff\0", b"\xff"))
            if data[at + 1] not in RESTARTS:
                return found, at
            start = at + 2
        at += 1 if data[at + 1] == 0xFF else 2
    return [*found, data[start:].replace(b"\xff\0", b"\xff")], len(data)


def _wrong_part(part: bytes, units: int, header: _Header) -> str:
    """Follow a part from code to code, `units` units long."""
    bits = len(part) * 8
    steps = _steps(part, header)
    at = 0
    for _ in range(units):
        for dc, (advance, coefficients) in steps:
            if at >= bits or not dc[at]:
                return (
                    "it ends before its last block"
                    if at >= bits
                    else "it holds a code that is none"
                )
            at, k = at + dc[at], 1
            while k < 64:
                k += coefficients[at]
                at += advance[at]
            if k != 64 and not END_OF_BLOCK < k < END_OF_BLOCK + 64:
                return "a block has too many coefficients, or a code that is none"
    return (
        ""
        if 0 <= bits - at < 8
        else f"{abs(bits - at)} bits are left or lacking behind the last block"
    )


def _steps(part: bytes, header: _Header) -> Sequence[tuple[bytes, tuple[bytes, bytes]]]:
    """For each block of a unit: what each place in a part is followed by, as a DC code or as an AC code."""
    coming = _coming(part)
    dc = {number: _dc(header.tables[number], coming) for number, _ in set(header.blocks)}
    ac = {number: _ac(header.tables[number], coming) for _, number in set(header.blocks)}
    return [(dc[first], ac[second]) for first, second in header.blocks]


def _coming(part: bytes) -> NDArray[np.uint16]:
    """The 16 bits from each bit of a part on; ones follow its end, as they fill its last byte."""
    padded = np.frombuffer(part + b"\xff" * 300, np.uint8).astype(np.uint32)
    words = padded[:-2] << 16 | padded[1:-1] << 8 | padded[2:]
    return (
        (words[:, None] >> (8 - np.arange(8, dtype=np.uint32)) & 0xFFFF).astype(np.uint16).ravel()
    )


def _dc(table: _Table, coming: NDArray[np.uint16]) -> bytes:
    length, size = table.length[coming], table.symbol[coming]
    return np.where(length > 0, length + np.minimum(size, 16), 0).astype(np.uint8).tobytes()


def _ac(table: _Table, coming: NDArray[np.uint16]) -> tuple[bytes, bytes]:
    length, symbol = table.length[coming], table.symbol[coming]
    coefficients = np.where(symbol == 0, END_OF_BLOCK, (symbol >> 4) + 1)
    coefficients = np.where(length > 0, coefficients, NO_CODE)
    advance = np.where(length > 0, length + (symbol & 15), 0)
    return advance.astype(np.uint8).tobytes(), coefficients.astype(np.uint8).tobytes()
