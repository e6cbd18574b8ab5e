"""The data beside a page of many clips: files of bounded size that the page loads when it needs them.

A page opened from a disk may not fetch files, but it may load scripts. So each file is one call,
`mirabenchData(kind, number, records)`, of arrays of numbers and strings. Strangers' text is inside strings
alone, which hold no character outside ASCII, no `<`, `>` or `&`, and which the page shows as text. `rows`
files have what the table of clips shows, searches and sorts; `clips` files have what else a clip's part shows.
A file's name ends in a digest of its content, so a page never reads the data of another one.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from mirabench.features.film_strip import pictures
from mirabench.report.model import Report, VideoRecord
from mirabench.report.page_clips import ClipExtras, curves_of, ends_of, worst_of
from mirabench.report.page_pack import Budget, fitted, packed, points_for

DATA_FOLDER = "report-data"
"""Beside `report.html`."""
DATA_FILE = re.compile(r"(?:rows|clips)-\d{4,}-[0-9a-f]{10}\.js")
MOST_BYTES = 400_000
"""Of a file; a record that is larger has a file of its own."""


class PageFile(NamedTuple):
    """One file of a page."""

    name: str
    """Below the output folder."""
    text: str


@dataclass(slots=True)
class Chunks:
    """Records of one kind, cut into files."""

    kind: str
    written: list[tuple[int, str]] = field(default_factory=list)
    """(position of the first record, digest) of each file: what the page needs to find a record."""
    _records: list[str] = field(default_factory=list)
    _bytes: int = 0
    _first: int = 0

    def add(self, record: Sequence[Any]) -> Iterator[PageFile]:
        """Take a record; gives the file that it does not fit into any more."""
        text = inert(record)
        if self._records and self._bytes + len(text) > MOST_BYTES:
            yield self._file()
        self._records.append(text)
        self._bytes += len(text) + 2

    def end(self) -> Iterator[PageFile]:
        """The last file."""
        if self._records:
            yield self._file()

    def _file(self) -> PageFile:
        number = len(self.written)
        body = ",\n".join(self._records)
        text = f'mirabenchData("{self.kind}",{number},[\n{body}\n]);\n'
        digest = hashlib.sha256(text.encode()).hexdigest()[:10]
        self.written.append((self._first, digest))
        self._first += len(self._records)
        self._records, self._bytes = [], 0
        return PageFile(f"{DATA_FOLDER}/{self.kind}-{number:04d}-{digest}.js", text)


@dataclass(slots=True)
class PageData:
    """The data of one report's page."""

    report: Report
    columns: Sequence[str]
    """Metrics of the table of clips, in its order; the data names a metric by its place here."""
    rows: Chunks = field(default_factory=lambda: Chunks("rows"))
    clips: Chunks = field(default_factory=lambda: Chunks("clips"))

    def files(self, extras: Mapping[str, ClipExtras]) -> Iterator[PageFile]:
        """All files one by one; no more than one of each kind is held."""
        budget = Budget.of(len(self.report.videos))
        protocols = {key: i for i, key in enumerate(self.report.protocols)}
        for video in self.report.videos:
            yield from self.rows.add(row_record(video, self.columns))
            clip = _Clip(self.report, video, extras.get(video.id, ClipExtras()), self.columns)
            yield from self.clips.add(clip.record(protocols, budget))
        yield from self.rows.end()
        yield from self.clips.end()

    def layout(self, page: int) -> str:
        """What the page's script must know before it loads a file, once all are written.

        Args:
            page: Clips that the page shows at a time.
        """
        summaries = [(name, self.report.summary[name]) for name in self.columns]
        return inert(
            {
                "clips": len(self.report.videos),
                "page": page,
                "folder": DATA_FOLDER,
                "chunks": {"rows": self.rows.written, "clips": self.clips.written},
                "columns": [[name, int(s.higher_is_better), s.unit] for name, s in summaries],
                "protocols": list(self.report.protocols),
            }
        )


def inert(value: Any) -> str:
    r"""A value as JSON that no parser of scripts or of HTML takes for anything else.

    Example:
        >>> print(inert(["</script>\u2028é"]))
        ["\u003c/script\u003e\u2028\u00e9"]
    """
    text = json.dumps(value, ensure_ascii=True, allow_nan=False, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def row_record(video: VideoRecord, columns: Sequence[str]) -> list[Any]:
    """What the table shows of a clip: id, seconds, unreadable, flags and what was seen, prompt, cells."""
    return [
        video.id,
        _short(video.duration_seconds),
        int(bool(video.error)),
        list(video.health.items()),
        video.prompt or "",
        [_cell(video, name) for name in columns],
    ]


def _cell(video: VideoRecord, name: str) -> float | str | None:
    """A number, after `d` if degenerate or `t` if truncated; `f`ailed; `n`ot applicable; None: absent."""
    if name in video.scores:
        score = video.scores[name]
        value = _short(score.value)
        return value if score.status == "ok" else f"{score.status[0]}{value!r}"
    return "f" if name in video.failures else "n" if name in video.not_applicable else None


class _Clip(NamedTuple):
    """A clip on its way into the data."""

    report: Report
    video: VideoRecord
    extras: ClipExtras
    columns: Sequence[str]

    def record(self, protocols: Mapping[str, int], budget: Budget) -> list[Any]:
        """What the page shows of the clip beside its row."""
        video, strip = self.video, self.extras.strip
        stills = [] if strip is None else fitted(pictures(strip), budget.pictures)
        return [
            [video.width, video.height, _short(video.fps), video.num_frames] if video.width else 0,
            video.error or "",
            video.path,
            video.sha256 or "",
            [
                protocols.get(video.scores[name].protocol, -1) if name in video.scores else -1
                for name in self.columns
            ],
            self._reasons(),
            [[_short(still.seconds), still.data] for still in stills],
            self._curves(budget.curves),
        ]

    def _reasons(self) -> list[tuple[str, list[int]]]:
        """(reason, places of the columns that it is of): many columns often share one."""
        whys = {name: score.why for name, score in self.video.scores.items() if score.why}
        whys |= {**self.video.failures, **self.video.not_applicable}
        shared: dict[str, list[int]] = {}
        for place, name in enumerate(self.columns):
            if name in whys:
                shared.setdefault(whys[name], []).append(place)
        return list(shared.items())

    def _curves(self, budget: int) -> list[list[Any]]:
        """For each curve: column, numbers of its axis, worst moment and extent, gaps, points."""
        found = curves_of(self.report, self.extras)
        most = points_for(len(found), budget)
        curves = []
        for name, curve in found:
            summary = self.report.summary[name]
            pack = packed(curve, self.video.duration_seconds or 0.0, most)
            numbers = [*ends_of(summary, curve), *worst_of(summary, curve), pack.low, pack.high]
            short = [_short(number, 6) for number in numbers]
            curves.append([self.columns.index(name), short, pack.starts, pack.points])
        return curves


def _short(value: float | None, digits: int = 8) -> float | None:
    """A number in significant digits: more than are shown, so that what is shown is as if rounded once."""
    return None if value is None else float(f"{value:.{digits}g}")
