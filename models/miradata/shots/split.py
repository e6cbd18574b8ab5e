"""Stage `split`: shots, by PySceneDetect's content detector, and by fades through black.

Frames are decoded here, once and small, and handed to the library's detector, so that times are the
file's own and memory does not grow with the video's length beyond 9 bytes per frame. A fade is a run of
dark frames at whose ends the content detector saw no cut; it is cut in its middle, as the library's
threshold detector does, which would cut every dark shot as well.

Where everything changes for a while (a fast pan, few frames per second) the library by default merges all
cuts into the last one, and what was before and after the first is one shot. Here a cut is made at once
and again after `min_scene_seconds`: too many cuts are what `stitch` repairs, a missed one nothing does. For
the same reason shots may be short; what is too short for a clip leaves at the length gate.

Known limits: a dissolve from one shot into the next changes too little from frame to frame and is
missed; a flash of light or a very fast pan is cut; of two cuts closer than `min_scene_seconds` the second
is missed.

What is damaged (`miradata.frames.damage`), and what has another size than the film's first frame, is in no
shot; the outcome says which parts were left out.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

import cv2
import numpy as np
from av.video.frame import VideoFrame
from av.video.reformatter import VideoReformatter
from numpy.typing import NDArray

from mirabench.errors import VideoError
from mirabench.extras import needs_extra
from mirabench.files import named
from mirabench.video.frames import UInt8Array
from mirabench.work.item import Item, Outcome, Resources
from miradata.config import Split
from miradata.frames.clip_range import NS, opened
from miradata.frames.clip_rows import usable_videos
from miradata.frames.damage import ENDLESS, Damage, TimeRange, frames_despite
from miradata.setting import Setting
from miradata.shots.left_out import LeftOut, segments, sentence
from miradata.stage import TableRow
from miradata.tables.schema import REJECTED
from miradata.tables.store import Tables

if TYPE_CHECKING:
    from scenedetect import FrameTimecode

TWICE = "whose times come twice"
ANY_RATE = 25.0
"""What the library is told: lengths are given to it in frames, so that its times do not matter."""


@dataclass(frozen=True, slots=True)
class SplitStage:
    """Video in, rows of `cuts` out."""

    root: Path
    """The folder that `videos.path` is relative to."""
    split: Split
    name: ClassVar[str] = "split"
    version: ClassVar[int] = 1
    inputs: ClassVar[tuple[str, ...]] = ("videos",)
    outputs: ClassVar[tuple[str, ...]] = ("cuts",)
    resources: ClassVar[Resources] = Resources(memory_mb=512)

    def params(self) -> Mapping[str, Any]:
        """The detectors' settings."""
        return self.split.model_dump()

    def items(self, tables: Tables) -> Sequence[Item]:
        """One per usable video."""
        return [Item(v["video_id"], v["sha256"], v) for v in usable_videos(tables)]

    def work(self, item: Item) -> Outcome:
        """Find the shots of a video."""
        video = item.payload
        try:
            found = detect(named(self.root, video["path"]), self.split, video["fps"])
        except VideoError as error:
            return Outcome({}, REJECTED, f"corrupt: {error}")
        if not found.times:
            return Outcome({}, REJECTED, "corrupt: not one frame decodes")
        first = min([found.times[0], *(part.when.t0_ns for part in found.left_out)])
        end = first + video["duration_ns"]
        frame = round(NS / video["fps"]) if video["fps"] > 0 else 1
        shots = segments(found.times, found.cuts, found.left_out, end_ns=end, frame_ns=frame)
        reason = sentence(found.left_out, end)
        if not shots:
            return Outcome({}, REJECTED, f"corrupt: no frame is sound: {reason}")
        rows = [
            {
                "video_id": item.id,
                "i": i,
                "t0_ns": shot.t0_ns,
                "t1_ns": shot.t1_ns,
                "frame0": shot.first,
                "frame1": shot.after,
                "detector": detector_name(self.split),
            }
            for i, shot in enumerate(shots)
        ]
        return Outcome({"cuts": rows}, reason=reason)

    def failed(self, item: Item, reason: str) -> Mapping[str, Sequence[TableRow]]:
        """No row: a video without shots has none; its outcome says why."""
        del item, reason
        return {}


def detector_name(split: Split) -> str:
    """What found the cuts, for the table."""
    fades = "" if split.fade_threshold is None else f"+fade-{split.fade_threshold:g}"
    return f"content-{split.threshold:g}{fades}"


def prepare(setting: Setting) -> SplitStage:
    """The stage of a run."""
    return SplitStage(setting.root, setting.config.split)


class Size(NamedTuple):
    """Of a picture, in pixels."""

    width: int
    height: int


class Detected(NamedTuple):
    """What a pass over all frames of a film found."""

    times: array[int]
    """Of all frames, in nanoseconds."""
    cuts: list[int]
    """Positions of the first frames of all shots but the first."""
    left_out: list[LeftOut]
    """Damaged parts, and those whose picture has another size than the first."""


def detect(path: Path, split: Split, fps: float) -> Detected:
    """Decode a film once, past what is damaged, and find its shots.

    Args:
        path: A video file.
        split: The detectors' settings.
        fps: Average frames per second, to turn the least length into frames.

    Raises:
        VideoError: the file cannot be read to its end.
        MissingExtraError: PySceneDetect is not installed.
    """
    detector, timecode = _content_detector(split, fps)
    times, dark, found = array("q"), array("b"), set[int]()
    left_out: list[LeftOut] = []
    for position, (time, picture) in enumerate(_small_frames(path, split.height, left_out)):
        times.append(time)
        dark.append(split.fade_threshold is not None and _level(picture) < split.fade_threshold)
        now = timecode(position, ANY_RATE)
        found.update(cut.frame_num for cut in detector.process_frame(now, picture))
    found.update(fades(np.frombuffer(dark, np.int8), sorted(found)) if dark else ())
    inside = sorted(cut for cut in found if 0 < cut < len(times))
    return Detected(times, spaced(inside, _least_frames(split, fps)), left_out)


def fades(dark: NDArray[np.int8], cuts: Sequence[int]) -> list[int]:
    """The middles of runs of dark frames that have a picture on both sides and no cut at either end.

    Args:
        dark: (T,) 1 where the frame is dark.
        cuts: Positions of the first frames of shots, increasing.

    Example:
        >>> fades(np.array([0, 0, 1, 1, 1, 1, 0, 0], np.int8), [])
        [4]
    """
    steps = np.diff(dark)
    starts, ends = np.flatnonzero(steps == 1) + 1, np.flatnonzero(steps == -1) + 1
    if dark[0]:
        ends = ends[1:]  # begins in the dark: there is no shot before it
    found = []
    for start, end in zip(starts.tolist(), ends.tolist(), strict=False):
        known = np.searchsorted(cuts, [start - 1, end + 2])
        if known[0] == known[1]:
            found.append((start + end) // 2)
    return found


def spaced(cuts: Sequence[int], least: int) -> list[int]:
    """Of increasing cuts, those at least `least` frames after the one before.

    A cut and a fade may be found for one change, some frames apart: the first stays.

    Example:
        >>> spaced([10, 60, 63, 118], 48)
        [60, 118]
    """
    kept: list[int] = []
    for cut in cuts:
        if cut - (kept[-1] if kept else 0) >= least:
            kept.append(cut)
    return kept


def _least_frames(split: Split, fps: float) -> int:
    return max(1, round(split.min_scene_seconds * fps))


def _content_detector(split: Split, fps: float) -> tuple[Any, type[FrameTimecode]]:
    with needs_extra("data", "finding cuts needs PySceneDetect"):
        from scenedetect import FrameTimecode  # extra `data`
        from scenedetect.detector import FlashFilter
        from scenedetect.detectors import ContentDetector
    detector = ContentDetector(
        split.threshold,
        min_scene_len=_least_frames(split, fps),
        filter_mode=FlashFilter.Mode.SUPPRESS,
    )
    return detector, FrameTimecode


def _level(picture: UInt8Array) -> float:
    """Mean over pixels and channels, 0-255."""
    return float(sum(cv2.mean(picture)[:3])) / 3


def _small_frames(
    path: Path, height: int, left_out: list[LeftOut]
) -> Iterator[tuple[int, UInt8Array]]:
    """(time in ns, BGR picture of at most this height) of every frame, all of one size.

    Args:
        path: A video file.
        height: In pixels.
        left_out: Takes the parts that are of no use; they are known once all frames are.

    Raises:
        VideoError: the file cannot be read to its end.
    """
    shrink = VideoReformatter()  # keeps its tables from frame to frame
    damage = Damage()
    changes: list[tuple[int, Size]] = []
    latest = -1
    with opened(path) as video:
        for frame in frames_despite(video, damage):
            time, size = video.frame_ns(frame), Size(frame.width, frame.height)
            if time < latest:  # joined streams: a seek to such a time may lead to either
                if not left_out or left_out[-1].when.t1_ns <= latest:
                    left_out.append(LeftOut(TimeRange(time, latest + 1), TWICE))
                continue
            latest = time
            if not changes or changes[-1][1] != size:
                changes.append((time, size))
            # the detector compares pixel by pixel: all frames in the size of the first
            yield time, _small(shrink, frame, _small_size(changes[0][1], height))
    left_out += [LeftOut(when, "damaged") for when in damage.ranges]
    left_out += _of_another_size(changes)


def _of_another_size(changes: Sequence[tuple[int, Size]]) -> list[LeftOut]:
    """The parts whose size is not that of the first.

    Args:
        changes: (time, size) of each first frame of another size than the frame before it.
    """
    if not changes:
        return []
    first = changes[0][1]
    ends = [time for time, _ in changes[1:]] + [ENDLESS]
    return [
        LeftOut(
            TimeRange(time, end),
            f"{size.width}x{size.height} instead of {first.width}x{first.height}",
        )
        for (time, size), end in zip(changes, ends, strict=True)
        if size != first
    ]


def _small_size(size: Size, height: int) -> Size:
    scale = min(1.0, height / size.height)
    return Size(max(2, round(size.width * scale)), max(2, round(size.height * scale)))


def _small(shrink: VideoReformatter, frame: VideoFrame, size: Size) -> UInt8Array:
    # AREA averages, so that a moving texture does not alias into false changes
    small = shrink.reformat(
        frame,
        width=size.width,
        height=size.height,
        format="bgr24",
        interpolation="AREA",
        threads=1,
    )
    return small.to_ndarray().astype(np.uint8, copy=False)
