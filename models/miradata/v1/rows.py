"""MiraData's published table, version 1: its 18 columns, checked cell by cell.

The cells are strangers' text. Lists and times are matched by pattern, nothing is evaluated, and no
text reaches a shell. What the published tables get wrong is put right here: the clip's id is taken
from `file_path`, because `1431495.10` written as a number became `1431495.1`; and captions of clips
beyond 120 s, which hold all windows in one string in any order, are parsed into sorted windows.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from fractions import Fraction
from typing import NamedTuple
from urllib.parse import urlsplit

from mirabench.errors import InputError

CAPTIONS = (
    "short_caption",
    "dense_caption",
    "background_caption",
    "main_object_caption",
    "style_caption",
    "camera_caption",
)
"""The caption columns in the table's order."""
LONGEST_TEXT = 1_000_000
"""Characters of one cell; 300 windows of the longest published caption take 250,000."""
LONGEST_NAME = 4096
"""Characters of a path, an id or an address."""
NUL = "\ufdd0"
"""Stands for a NUL byte while a table is read; Unicode promises that no text holds it."""

_FORMULA = re.compile(r"[=@\t\r]|[+-](?=\S)")
_TIMES = re.compile(r"\[\s*(['\"])([\d:.]+)\1\s*,\s*(['\"])([\d:.]+)\3\s*\]")
_TIME = re.compile(r"(\d{2,4}):([0-5]\d):([0-5]\d)(\.\d{1,9})?")
_FRAMES = re.compile(r"\[\s*(\d{1,15}(?:\.0)?)\s*,\s*(\d{1,15}(?:\.0)?)\s*\]")
_WHOLE = re.compile(r"(\d{1,15})(?:\.0)?")
_FILE = re.compile(r"(?:[\w-][\w.-]*/)*0*(\d+)\.(\d+)\.[A-Za-z0-9]{2,4}")
_VIDEO_ID = re.compile(r"[\w.-]{1,200}")
_WINDOW_END = re.compile(r"\s*\d{1,9}(?:\.\d{1,9})?\s*")


class V1Error(InputError):
    """A row of a MiraData table that cannot be used; the text names the column."""


class Window(NamedTuple):
    """One captioned window of a clip, in seconds from the clip's start."""

    start: float
    end: float
    text: str


class CaptionWindow(NamedTuple):
    """All captions of one window of a clip."""

    start: float
    end: float
    captions: Mapping[str, str]
    """Column -> text."""


@dataclass(frozen=True, slots=True)
class V1Row:
    """One clip, its fields the 18 columns in their order.

    The captions are kept as published; `windows` takes them apart.
    """

    clip_id: str
    """`<download id>.<clip number>`, text: a number would lose the zero of `.10`."""
    source: str
    """Site, then category, or the site alone."""
    video_url: str
    """Empty for a video that came from no address."""
    video_id: str
    """The video's id at its source."""
    width: int
    height: int
    fps: float
    seconds: float
    """Duration of the clip."""
    timestamp: tuple[str, str]
    """Start and end in the source video, `HH:MM:SS.mmm`."""
    frame_number: int
    """Frames of the clip."""
    framestamp: tuple[float, float]
    """Start and end in the source video; HD-VILA's disagree with the times, which are right.

    Whole numbers; rows of stock sites write the end as `500.0`, which is kept.
    """
    file_path: str
    short_caption: str
    dense_caption: str
    background_caption: str
    main_object_caption: str
    style_caption: str
    camera_caption: str

    @property
    def time_range(self) -> tuple[Fraction, Fraction]:
        """Start and end in the source video, exact seconds."""
        start, end = (_seconds("timestamp", text) for text in self.timestamp)
        return start, end

    @property
    def windows(self) -> list[CaptionWindow]:
        """The captions, one entry a window, in order of time.

        A clip whose captions are plain text has one window, the whole clip. Windows that the
        table lacks are not made up: the published tables miss some.
        """
        return caption_windows({name: getattr(self, name) for name in CAPTIONS}, self.seconds)


COLUMNS = tuple(field.name for field in fields(V1Row))
"""The 18 columns, in the published order."""


def parse_row(cells: Mapping[str, object]) -> V1Row:
    """A row from its cells, as text (CSV) or as values (Parquet).

    Raises:
        V1Error: a cell is missing, is not what its column holds, or looks like an attack.
    """
    text = {name: _cell(name, cells) for name in COLUMNS}
    row = V1Row(
        clip_id=clip_id_of(text["file_path"]),
        source=_plain("source", text["source"]),
        video_url=_address(text["video_url"]) if text["video_url"] else "",
        video_id=_matched("video_id", text["video_id"], _VIDEO_ID, "letters, digits, . _ -"),
        width=_whole("width", text["width"], least=1),
        height=_whole("height", text["height"], least=1),
        fps=_positive("fps", text["fps"]),
        seconds=_positive("seconds", text["seconds"]),
        timestamp=_times(text["timestamp"]),
        frame_number=_whole("frame_number", text["frame_number"]),
        framestamp=_frames(text["framestamp"]),
        file_path=text["file_path"],
        **{name: _plain(name, text[name]) for name in CAPTIONS},
    )
    caption_windows({name: text[name] for name in CAPTIONS}, row.seconds)
    return row


def clip_id_of(file_path: str) -> str:
    """The clip's id from its file's name, which keeps the digits that the id column loses.

    Example:
        >>> clip_id_of("video_clips/000001431/000001431495.10.mp4")
        '1431495.10'

    Raises:
        V1Error: it is not a relative path `<folders>/<download id>.<clip number>.<suffix>`.
    """
    found = _matched("file_path", file_path, _FILE, "a path such as 000000000/000000000000.4.mp4")
    name = _FILE.fullmatch(found)
    assert name is not None
    return f"{name[1]}.{name[2]}"


def format_row(row: V1Row) -> dict[str, str]:
    """The 18 cells as text, written as the published tables write them."""
    cells = {name: str(getattr(row, name)) for name in COLUMNS}
    cells["fps"], cells["seconds"] = repr(float(row.fps)), repr(float(row.seconds))
    cells["timestamp"] = "['{}', '{}']".format(*row.timestamp)
    cells["framestamp"] = "[{}, {}]".format(*row.framestamp)
    return cells


def parse_windows(text: str) -> list[Window]:
    """The windows of one caption cell, sorted by time; none when the cell is plain text.

    Example:
        >>> parse_windows("[|||120||| 240||| Later. |||,|||0||| 120||| First. |||,]")[0]
        Window(start=0.0, end=120.0, text='First.')

    Raises:
        V1Error: it begins as windows do, and goes on otherwise; or a window ends before it starts.
    """
    stripped = text.strip()
    if not stripped.startswith("[|||"):
        return []
    # split, not searched: the time a pattern takes on a hostile cell grows with its length squared
    parts = stripped[1:].removesuffix("]").split("|||")[1:]
    ends = [*parts[0::4], *parts[1::4]]
    if (
        not stripped.endswith("]")
        or len(parts) % 4
        or not all(map(_WINDOW_END.fullmatch, ends))
        or any(between.strip() != "," for between in parts[3::4])
    ):
        raise V1Error(f"a windowed caption is malformed: {_shown(text)}")
    windows = [
        Window(float(start), float(end), said.strip())
        for start, end, said in zip(parts[0::4], parts[1::4], parts[2::4], strict=True)
    ]
    if any(w.end <= w.start for w in windows):
        raise V1Error(f"a caption's window ends before it starts: {_shown(text)}")
    return sorted(windows)


def format_windows(windows: Iterable[Window]) -> str:
    """Windows as one cell, in the published form.

    Example:
        >>> format_windows([Window(0.0, 120.0, "First.")])
        '[|||0||| 120||| First. |||,]'
    """
    parts = [
        f"|||{w.start:.15g}||| {w.end:.15g}||| {w.text.replace('|||', '| | |')} |||,"
        for w in windows
    ]
    return f"[{''.join(parts)}]"


def caption_windows(captions: Mapping[str, str], seconds: float) -> list[CaptionWindow]:
    """The six cells of a row as windows in order of time, each with the captions it has.

    Raises:
        V1Error: a cell is malformed.
    """
    found: dict[tuple[float, float], dict[str, str]] = {}
    for name, text in captions.items():
        for start, end, said in parse_windows(text) or [Window(0.0, seconds, text.strip())]:
            if said:
                found.setdefault((start, end), {})[name] = said
    return [CaptionWindow(*window, said) for window, said in sorted(found.items())]


def _cell(name: str, cells: Mapping[str, object]) -> str:
    value = cells.get(name)
    if value is None:
        raise V1Error(f"{name} is missing")
    if isinstance(value, Sequence) and not isinstance(value, str):
        value = repr([v if isinstance(v, int | float) else str(v) for v in value])
    text = value if isinstance(value, str) else repr(value)
    if NUL in text or "\0" in text:
        raise V1Error(f"{name} holds a NUL byte")
    if len(text) > LONGEST_TEXT:
        raise V1Error(f"{name} is longer than {LONGEST_TEXT:,} characters")
    return text


def _shown(text: str) -> str:
    return repr(text if len(text) <= 60 else f"{text[:57]}...")


def _plain(name: str, text: str) -> str:
    """Text that no spreadsheet will take for a formula."""
    if _FORMULA.match(text):
        raise V1Error(f"{name} begins like a spreadsheet formula: {_shown(text)}")
    return text


def _matched(name: str, text: str, pattern: re.Pattern[str], wanted: str) -> str:
    if len(text) > LONGEST_NAME or not pattern.fullmatch(text) or ".." in text:
        raise V1Error(f"{name} is {_shown(text)}, not {wanted}")
    return text


def _address(text: str) -> str:
    bad = len(text) > LONGEST_NAME or not text.isprintable()
    try:
        parts = urlsplit(text)
        bad = bad or parts.scheme not in {"http", "https"} or not parts.hostname
    except ValueError:
        bad = True
    if bad:
        raise V1Error(f"video_url is {_shown(text)}, not an http or https address")
    return text


def _whole(name: str, text: str, least: int = 0) -> int:
    number = int(float(_matched(name, text, _WHOLE, "a whole number")))  # pandas writes 1280.0
    if number < least:
        raise V1Error(f"{name} is {number}, less than {least}")
    return number


def _positive(name: str, text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        raise V1Error(f"{name} is {_shown(text)}, not a number") from None
    if not (math.isfinite(number) and number > 0):
        raise V1Error(f"{name} is {_shown(text)}, not a finite number above 0")
    return number


def _times(text: str) -> tuple[str, str]:
    found = _TIMES.fullmatch(text.strip())
    if not found:
        raise V1Error(f"timestamp is {_shown(text)}, not a list of two times")
    start, end = found[2], found[4]
    if _seconds("timestamp", start) >= _seconds("timestamp", end):
        raise V1Error(f"timestamp is {_shown(text)}: it ends before it starts")
    return start, end


def _seconds(name: str, text: str) -> Fraction:
    found = _TIME.fullmatch(text)
    if not found:
        raise V1Error(f"{name} holds {_shown(text)}, not a time HH:MM:SS.mmm")
    hours, minutes, seconds, part = found.groups()
    return 3600 * int(hours) + 60 * int(minutes) + int(seconds) + Fraction(part or 0)


def _frames(text: str) -> tuple[float, float]:
    found = _FRAMES.fullmatch(text.strip())
    if not found:
        raise V1Error(f"framestamp is {_shown(text)}, not a list of two whole numbers")
    start, end = (float(text) if "." in text else int(text) for text in found.groups())
    if start > end:
        raise V1Error(f"framestamp is {_shown(text)}: it ends before it starts")
    return start, end
