"""MP4: how long a film is by its edit list and by its header (ISO/IEC 14496-12, 8.3.2, 8.6.6)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, NamedTuple

from mirabench.video.structure.boxes import Box, boxes

CLOSE = 0.01
"""Part of its length by which a track's header may differ from the sum of its edits."""
MOST_EDITS = 10_000


class EditedLengths(NamedTuple):
    """Of a film with an edit list, in seconds."""

    header: float
    """That its track's header states."""
    edits: float
    """Of all edits."""
    gaps: float
    """Of the edits that show nothing; some writers leave them out of the header."""
    media: float
    """Of what there is to show."""

    @property
    def agree(self) -> bool:
        """Whether list and header do."""
        sums = (self.edits, self.edits - self.gaps)
        return min(abs(length - self.header) for length in sums) <= CLOSE * self.header

    @property
    def hides(self) -> bool:
        """Whether there is more than is shown."""
        return self.edits - self.gaps < (1 - CLOSE) * self.media


def edited_lengths(path: Path) -> list[EditedLengths]:
    """For each film of an mp4 that has an edit list with an end.

    Raises:
        OSError: the file cannot be read.
    """
    with path.open("rb") as file:
        return list(_lengths(file, path.stat().st_size))


def edit_damage(path: Path) -> str:
    """Whether the edit list of a film shows another length than its track's header states, in words.

    Raises:
        OSError: the file cannot be read.
    """
    for found in edited_lengths(path):
        if not found.agree:
            return (
                f"its edit list shows {found.edits:.2f} s, "
                f"its track's header announces {found.header:.2f} s"
            )
    return ""


def _lengths(file: BinaryIO, size: int) -> Iterator[EditedLengths]:
    for movie in _named(file, b"moov", 0, size):
        for head in _named(file, b"mvhd", movie.body, movie.end):
            second = _scale(_body(file, head))
            for track in _named(file, b"trak", movie.body, movie.end):
                if second:
                    yield from _of_track(file, track, second)


def _of_track(file: BinaryIO, track: Box, second: int) -> Iterator[EditedLengths]:
    inside = {box.kind: box for box in boxes(file, track.body, track.end)}
    if not {b"tkhd", b"mdia", b"edts"} <= inside.keys():
        return
    media = {b.kind: b for b in boxes(file, inside[b"mdia"].body, inside[b"mdia"].end)}
    if not {b"mdhd", b"hdlr"} <= media.keys() or _body(file, media[b"hdlr"])[8:12] != b"vide":
        return
    header = _duration(_body(file, inside[b"tkhd"]), 8)
    length = _body(file, media[b"mdhd"])
    for box in _named(file, b"elst", inside[b"edts"].body, inside[b"edts"].end):
        parts = list(_edits(_body(file, box)))
        total = sum(ticks for ticks, _ in parts)
        gaps = sum(ticks for ticks, shows in parts if not shows)
        if header and parts and all(ticks for ticks, _ in parts) and _scale(length):
            whole = _duration(length, 4) / _scale(length)
            yield EditedLengths(header / second, total / second, gaps / second, whole)


def _scale(body: bytes) -> int:
    """Ticks a second of a header of a movie or of media."""
    at = 20 if body[:1] == b"\1" else 12
    return int.from_bytes(body[at : at + 4], "big")


def _duration(body: bytes, between: int) -> int:
    """That of a header with so many bytes between its dates and its duration; 0 where it is not stated."""
    at, width = (20 + between, 8) if body[:1] == b"\1" else (12 + between, 4)
    field = body[at : at + width]
    return 0 if field == b"\xff" * width else int.from_bytes(field, "big")


def _edits(body: bytes) -> Iterator[tuple[int, bool]]:
    """(length in the movie's ticks, whether it shows anything)."""
    width = 8 if body[:1] == b"\1" else 4
    count = min(int.from_bytes(body[4:8], "big"), MOST_EDITS)
    for at in range(8, 8 + count * (2 * width + 4), 2 * width + 4):
        start = body[at + width : at + 2 * width]
        yield int.from_bytes(body[at : at + width], "big"), start != b"\xff" * width


def _named(file: BinaryIO, kind: bytes, start: int, end: int) -> list[Box]:
    return [box for box in boxes(file, start, end) if box.kind == kind]


def _body(file: BinaryIO, box: Box) -> bytes:
    file.seek(box.body)
    return file.read(min(box.end - box.body, 8 + 20 * MOST_EDITS))
