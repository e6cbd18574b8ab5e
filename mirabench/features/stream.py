"""One decode pass: frames stream once, every feature that is missing takes what it needs.

Sessions of different features run side by side in threads (the libraries release the interpreter's
lock); each session sees its frames in order, so neither threads nor batch size change a number.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from time import perf_counter
from typing import TypeVar

import cv2
import numpy as np

from mirabench.errors import NotApplicable, reason_for
from mirabench.features.api import AnyExtractor, Extractor, FeatureTable, Session, weights_of
from mirabench.video.frames import CHUNK_BYTES, FrameBatch, IntArray, Video

Result = TypeVar("Result")

DECODE = "decode"
"""The stage that gets the seconds of decoding."""


@dataclass(slots=True, eq=False)
class Extraction:
    """What became of the features of one clip."""

    tables: dict[AnyExtractor, FeatureTable] = field(default_factory=dict)
    failures: dict[AnyExtractor, str] = field(default_factory=dict)
    """Feature -> why it could not be computed; the others are unharmed."""
    not_applicable: dict[AnyExtractor, str] = field(default_factory=dict)
    """Feature -> why the clip has nothing for it to look at."""
    seconds: dict[str, float] = field(default_factory=dict)
    """`decode` -> what decoding took."""
    feature_seconds: dict[str, float] = field(default_factory=dict)
    """Feature's name -> what it took; features run side by side."""


@dataclass(slots=True, eq=False)
class _Reader:
    extractor: Extractor
    session: Session
    wanted: IntArray


def extract(
    video: Video,
    extractors: Sequence[Extractor],
    *,
    threads: int = 1,
    chunk_bytes: int = CHUNK_BYTES,
) -> Extraction:
    """Compute features of one clip in one pass over its frames.

    Raises:
        VideoError: the video itself cannot be decoded to its end.
    """
    result = Extraction()
    readers = _open_all(video, extractors, result)
    with _single_threaded_opencv(), ThreadPoolExecutor(max(1, threads)) as pool:
        for batch in _clocked_frames(video, chunk_bytes, result):
            readers = _push_all(pool, readers, batch, result)
        jobs = [(r.extractor, _start(pool, r.extractor, r.session.finish, result)) for r in readers]
        for extractor, job in jobs:
            try:
                result.tables[extractor] = job()
            except NotApplicable as error:
                result.not_applicable[extractor] = str(error)
            except Exception as error:  # the boundary: one feature's bug must not lose the others
                result.failures[extractor] = reason_for(error)
    return result


def _clocked_frames(video: Video, chunk_bytes: int, result: Extraction) -> Iterator[FrameBatch]:
    """The frames; what they took to decode is noted."""
    frames = iter(video.frames(chunk_bytes=chunk_bytes))
    while True:
        began = perf_counter()
        batch = next(frames, None)
        result.seconds[DECODE] = result.seconds.get(DECODE, 0.0) + perf_counter() - began
        if batch is None:
            return
        yield batch


def _start(
    pool: ThreadPoolExecutor, extractor: Extractor, work: Callable[[], Result], result: Extraction
) -> Callable[[], Result]:
    """Begin work in the pool, or, for a network, put it off until its result is asked for.

    Networks run in the thread that streams: each thread that calls one keeps a team of arithmetic
    threads of its own, which wait by spinning and take the cores from each other.
    """
    clocked = partial(_clocked, work, extractor.name, result.feature_seconds)
    if weights_of(extractor):
        return clocked
    return pool.submit(clocked).result


def _clocked(work: Callable[[], Result], name: str, seconds: dict[str, float]) -> Result:
    began = perf_counter()
    try:
        return work()
    finally:
        seconds[name] = seconds.get(name, 0.0) + perf_counter() - began


def _open_all(video: Video, extractors: Sequence[Extractor], result: Extraction) -> list[_Reader]:
    readers = []
    for extractor in extractors:
        try:
            session, wanted = extractor.open(video.info), extractor.select(video.info)
        except NotApplicable as error:
            result.not_applicable[extractor] = str(error)
            continue
        except Exception as error:  # the boundary, as above
            result.failures[extractor] = reason_for(error)
            continue
        readers.append(_Reader(extractor, session, wanted))
    return readers


def _push_all(
    pool: ThreadPoolExecutor, readers: list[_Reader], batch: FrameBatch, result: Extraction
) -> list[_Reader]:
    resized = _resized(pool, readers, batch)
    jobs = [
        (r, _start(pool, r.extractor, partial(r.session.push, resized[r.extractor]), result))
        for r in readers
        if r.extractor in resized
    ]
    failed = set()
    for reader, job in jobs:
        try:
            job()
        except Exception as error:  # the boundary, as above
            result.failures[reader.extractor] = reason_for(error)
            failed.add(reader.extractor)
    return [reader for reader in readers if reader.extractor not in failed]


def _resized(
    pool: ThreadPoolExecutor, readers: Sequence[_Reader], batch: FrameBatch
) -> Mapping[Extractor, FrameBatch]:
    """The frames each reader wants, resized once for all readers that want them alike."""
    rows = {r.extractor: np.flatnonzero(np.isin(batch.index, r.wanted)) for r in readers}
    by_resize: dict[object, IntArray] = {}
    for reader in readers:
        key = reader.extractor.resize
        needed = rows[reader.extractor]
        by_resize[key] = np.union1d(by_resize[key], needed) if key in by_resize else needed
    futures = {
        key: pool.submit(_resize, batch, needed, key)
        for key, needed in by_resize.items()
        if len(needed)
    }
    taken = {}
    for reader in readers:
        mine = rows[reader.extractor]
        if len(mine):
            key = reader.extractor.resize
            taken[reader.extractor] = (
                futures[key].result().take(np.searchsorted(by_resize[key], mine))
            )
    return taken


def _resize(batch: FrameBatch, rows: IntArray, resize: object) -> FrameBatch:
    frames = batch if len(rows) == len(batch) else batch.take(rows)
    if not callable(resize):
        return frames
    return FrameBatch(resize(frames.data), frames.index, frames.seconds, frames.damage)


@contextmanager
def _single_threaded_opencv() -> Iterator[None]:
    before = cv2.getNumThreads()
    cv2.setNumThreads(1)  # our own threads are better balanced, and numbers cannot depend on theirs
    try:
        yield
    finally:
        cv2.setNumThreads(before)
