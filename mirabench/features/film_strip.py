"""Feature `film_strip`: a few small pictures of the clip for people to look at; no metric reads it.

Reports, checks, comparisons, the leaderboard and the curation page all show these pictures.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, NamedTuple

import cv2
import numpy as np

from mirabench.errors import VideoError
from mirabench.features.api import FeatureTable, as_table
from mirabench.features.cache import FeatureCache, cache_key
from mirabench.features.stream import extract
from mirabench.inputs.remote import RemoteClip, fetched
from mirabench.inputs.samples import Source
from mirabench.video.decode import FrameCountError, open_video
from mirabench.video.frames import FrameBatch, IntArray, UInt8Array, Video, VideoInfo
from mirabench.video.resize import Resize
from mirabench.video.sampling import evenly

QUALITY, ROW_QUALITY = 80, 85
"""Of the JPEG files: of a picture, and of several side by side."""
SIZES = ((54, 30), (54, 12), (36, 12), (20, 12))
"""(short side in px, quality) of a picture made smaller, tried in turn until it fits; noise needs the last."""


@dataclass(frozen=True, slots=True)
class FilmStrip:
    """Extractor of the feature `film_strip`.

    Columns: `seconds` (N,), `jpeg` (all files one after the other, uint8), `ends` (N,) where each ends.
    """

    count: int = 10
    max_short_side: int = 90
    name: ClassVar[str] = "film_strip"
    version: ClassVar[int] = 1

    @property
    def resize(self) -> Resize:
        """Shrunk by area averaging."""
        return Resize(max_short_side=self.max_short_side)

    def select(self, video: VideoInfo) -> IntArray:
        """`count` frames, evenly spaced."""
        return evenly(video, self.count)

    def open(self, video: VideoInfo) -> _Session:
        """Start on a clip."""
        return _Session()


class _Session:
    def __init__(self) -> None:
        self._files: list[bytes] = []
        self._seconds: list[float] = []

    def push(self, batch: FrameBatch) -> None:
        for rgb, seconds in zip(batch.data, batch.seconds.tolist(), strict=True):
            self._files.append(_jpeg(np.ascontiguousarray(rgb[..., ::-1]), QUALITY))
            self._seconds.append(seconds)

    def finish(self) -> FeatureTable:
        return as_table(
            seconds=self._seconds,
            jpeg=np.frombuffer(b"".join(self._files), np.uint8),
            ends=np.cumsum([len(f) for f in self._files]),
        )


class StripPicture(NamedTuple):
    """One picture of a film strip."""

    seconds: float
    """When the clip shows it."""
    jpeg: bytes
    """A whole file."""


def pictures(table: FeatureTable, share: float = 1.0) -> list[StripPicture]:
    """The pictures of a film strip in order.

    Args:
        table: The feature.
        share: How many of them, 0 to 1, the middles of equal intervals; at least one.
    """
    data, ends = table["jpeg"].tobytes(), table["ends"].tolist()
    starts = [0, *ends[:-1]]
    seconds = table["seconds"].tolist()
    found = [StripPicture(s, data[a:b]) for s, a, b in zip(seconds, starts, ends, strict=True)]
    count = max(1, round(len(found) * share)) if found else 0
    return [found[int((i + 0.5) * len(found) / count)] for i in range(count)]


class ClipStrip(NamedTuple):
    """A few pictures of a clip."""

    sha256: str
    """Of the clip."""
    pictures: list[StripPicture]


def film_strip(
    source: Source,
    *,
    sha256: str | None = None,
    cache: Path | None = None,
    fps: float | None = None,
) -> ClipStrip:
    """The film strip of a clip.

    Args:
        source: The clip.
        sha256: Of the clip that is meant; another one is refused. Pictures in the cache do without the file.
        cache: Folder of the feature cache, where the pictures may be already, and are kept.
        fps: Frames per second of a clip that carries none.

    Raises:
        VideoError: the clip cannot be read, is not there, or is not the one that is meant.
    """
    store = FeatureCache(cache) if cache is not None else None
    if store is not None and sha256 is not None:
        table = store.get(cache_key(sha256, FilmStrip()))
        if table is not None:
            return ClipStrip(sha256, pictures(table))
    if isinstance(source, RemoteClip):
        with fetched(source.url) as here:
            return film_strip(here, sha256=sha256, cache=cache, fps=fps)
    if isinstance(source, Path) and not source.exists():
        raise VideoError(f"no pictures: not in the feature cache, and {source} is not here")
    video = open_video(source, fps=fps)
    if sha256 is not None and video.info.sha256 != sha256:
        raise VideoError(f"no pictures: {video.info.path} is not the file any more that was scored")
    return ClipStrip(video.info.sha256, pictures(_table(video, source, fps, store)))


def _table(
    video: Video, source: Path | Video | UInt8Array, fps: float | None, store: FeatureCache | None
) -> FeatureTable:
    key = cache_key(video.info.sha256, FilmStrip())
    table = store.get(key) if store is not None else None
    if table is None:
        try:
            table = _computed(video, FilmStrip())
        except FrameCountError:  # the container miscounts: its frames are counted first
            table = _computed(open_video(source, fps=fps, exact=True), FilmStrip())
        if store is not None:
            store.put(key, table)
    return table


def strip_of(video: Video, settings: FilmStrip | None = None) -> list[StripPicture]:
    """The pictures of an opened video.

    Raises:
        VideoError: it cannot be decoded.
    """
    return pictures(_computed(video, settings or FilmStrip()))


def _computed(video: Video, extractor: FilmStrip) -> FeatureTable:
    found = extract(video, [extractor])
    if extractor not in found.tables:
        raise VideoError(f"no pictures of {video.info.path}: {found.failures[extractor]}")
    return found.tables[extractor]


def side_by_side(strip: Sequence[StripPicture], height: int | None = None) -> bytes:
    """A JPEG file of the pictures in a row on white, each with its time below.

    Args:
        strip: At least one picture; all of one size.
        height: Of each picture in px; None leaves them as they are.
    """
    cells = [_cell(picture, height) for picture in strip]
    return _jpeg(np.hstack(cells), ROW_QUALITY)


def shrunk(jpeg: bytes, most: int) -> bytes:
    """A JPEG file of at most `most` bytes, as large and as good as that allows; empty for no picture."""
    pixels = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR) if jpeg else None
    if pixels is None:
        return b""
    file = b""
    for side, quality in SIZES:
        height, width = pixels.shape[:2]
        scale = min(1.0, side / min(height, width), 2 * side / max(height, width))
        size = max(1, round(width * scale)), max(1, round(height * scale))
        small = np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), np.uint8)
        file = _jpeg(small, quality, cv2.IMWRITE_JPEG_OPTIMIZE, 1)
        if len(file) <= most:
            break
    return file


def _cell(picture: StripPicture, height: int | None) -> UInt8Array:
    bgr = cv2.imdecode(np.frombuffer(picture.jpeg, np.uint8), cv2.IMREAD_COLOR)
    if height is not None:
        width = max(1, bgr.shape[1] * height // bgr.shape[0])
        bgr = cv2.resize(bgr, (width, height), interpolation=cv2.INTER_AREA)
    cell = cv2.copyMakeBorder(bgr, 2, 18, 2, 2, cv2.BORDER_CONSTANT, value=(255, 255, 255))
    at, grey = (4, cell.shape[0] - 5), (60, 60, 60)
    text = f"{picture.seconds:.2f} s"
    cv2.putText(cell, text, at, cv2.FONT_HERSHEY_SIMPLEX, 0.4, grey, 1, cv2.LINE_AA)
    return np.asarray(cell, np.uint8)


def _jpeg(bgr: UInt8Array, quality: int, *settings: int) -> bytes:
    _, file = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, quality, *settings])
    return bytes(file.tobytes())
