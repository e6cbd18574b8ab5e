"""Stage `cut`: clips to files, by time; needed only to hand clips over, nothing before it reads them.

`exact` decodes and encodes, so that a file holds just the clip's frames at their times (H.264, 8 bits,
upright). `keyframe` copies packets without loss: fast, but it begins at the key frame at or before the
clip's start, and the row says what the file really holds. Sound is left out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

import av
from av.container import OutputContainer
from av.packet import Packet
from av.video.frame import PictureType, VideoFrame
from av.video.stream import VideoStream

from mirabench.errors import OutputError, VideoError
from mirabench.files import named, replacing
from mirabench.video.decode import sha256_of, upright_rgb
from mirabench.video.encode import REPEATABLE
from mirabench.work.item import Item, Outcome, Resources
from miradata.config import Cut
from miradata.frames.clip_range import NS, VideoFile, opened
from miradata.frames.clip_rows import kept_clips
from miradata.publish.published import FILE, publication
from miradata.select.levels import Thresholds, load_thresholds
from miradata.select.selection import KEPT
from miradata.setting import Setting
from miradata.stage import TableRow
from miradata.tables.schema import FAILED, OK, SCHEMAS
from miradata.tables.store import Tables

FOLDER = "clips"
ROUNDING_NS = 1000
"""Times were rounded to nanoseconds; a frame this little before the start still belongs to the clip."""


class Held(NamedTuple):
    """What a file holds."""

    t0_ns: int
    t1_ns: int
    frames: int


@dataclass(frozen=True)
class CutStage:
    """A clip in, a file and its row of `files` out."""

    root: Path
    """The folder that `videos.path` is relative to."""
    output: Path
    """The output folder; files go under `clips`."""
    cut: Cut
    thresholds: Thresholds | None = None
    """What decides which clips are cut; None takes all that are long enough."""
    level: str = ""
    """Clips below it are not cut."""
    captions_required: bool = False
    """Neither are clips without captions."""
    name: ClassVar[str] = "cut"
    version: ClassVar[int] = 1
    inputs: ClassVar[tuple[str, ...]] = ("videos", "clips", "scores", "dups", "captions")
    outputs: ClassVar[tuple[str, ...]] = ("files",)
    resources: ClassVar[Resources] = Resources(memory_mb=1024)

    def __reduce__(self) -> tuple[type[CutStage], tuple[Path, Path, Cut]]:
        return CutStage, (
            self.root,
            self.output,
            self.cut,
        )  # what is decided is not a worker's business

    def params(self) -> Mapping[str, Any]:
        """How files are made."""
        return self.cut.model_dump()

    def items(self, tables: Tables) -> Sequence[Item]:
        """One per clip that lacks nothing but its file, or has it."""
        wanted = self._wanted(tables)
        return [
            Item(c["clip_id"], c["video"]["sha256"], c)
            for c in kept_clips(tables)
            if wanted is None or c["clip_id"] in wanted
        ]

    def _wanted(self, tables: Tables) -> frozenset[str] | None:
        if self.thresholds is None:
            return None
        made = publication(
            tables,
            self.thresholds,
            root=self.root,
            level=self.level,
            captions_required=self.captions_required,
        )
        return frozenset(fate.clip_id for fate in made.fates if fate.step in {KEPT, FILE})

    def work(self, item: Item) -> Outcome:
        """Write a clip's file."""
        clip = item.payload
        name = f"{FOLDER}/{item.id[:2]}/{item.id}.mp4"
        write = _exact if self.cut.mode == "exact" else _copied
        try:
            with opened(named(self.root, clip["video"]["path"])) as video:
                held = write_clip(self.output / name, video, clip, self.cut, write)
        except (VideoError, OutputError) as error:
            return Outcome(self.failed(item, str(error)), FAILED, str(error))
        path = self.output / name
        row = {
            "clip_id": item.id,
            "path": name,
            "sha256": sha256_of(path),
            "bytes": path.stat().st_size,
            "mode": self.cut.mode,
            **held._asdict(),
            "status": OK,
            "reason": "",
        }
        return Outcome({"files": [row]})

    def failed(self, item: Item, reason: str) -> Mapping[str, Sequence[TableRow]]:
        """A row without a file."""
        blank: dict[str, Any] = dict.fromkeys(SCHEMAS["files"].names)
        known = {"clip_id": item.id, "mode": self.cut.mode, "status": FAILED, "reason": reason}
        return {"files": [{**blank, **known}]}


def prepare(setting: Setting) -> CutStage:
    """The stage of a run."""
    config = setting.config
    return CutStage(
        setting.root,
        setting.output,
        config.cut,
        load_thresholds(config.publish.levels),
        config.publish.level,
        config.captions_required,
    )


Writer = Callable[[OutputContainer, VideoFile, Mapping[str, Any], Cut], Held]


def write_clip(
    path: Path, video: VideoFile, clip: Mapping[str, Any], cut: Cut, write: Writer
) -> Held:
    """Write a clip in one step.

    Raises:
        OutputError: the disk is full, or the folder may not be written to.
        VideoError: the source cannot be read, or has no frame there.
    """
    with replacing(path) as part, av.open(f"file:{part}", "w") as container:
        return write(container, video, clip, cut)


def _exact(container: OutputContainer, video: VideoFile, clip: Mapping[str, Any], cut: Cut) -> Held:
    rate = Fraction(clip["video"]["fps"]).limit_denominator(1001)
    base = video.stream.time_base or 1 / rate
    stream: VideoStream | None = None
    times: list[int] = []
    for frame in _inside(video, clip["t0_ns"], clip["t1_ns"]):
        times.append(video.frame_ns(frame))
        pts, picture = frame.pts or 0, _upright(frame)
        if stream is None:
            stream, first = _encoder(container, picture, rate, base, cut.crf), pts
        picture.pts, picture.time_base = pts - first, base
        container.mux(stream.encode(picture))
    if stream is None:
        raise VideoError(f"{video.path}: no frame between the clip's start and end")
    container.mux(stream.encode(None))
    return Held(times[0], clip["t1_ns"], len(times))


def _inside(video: VideoFile, t0_ns: int, t1_ns: int) -> Iterator[VideoFrame]:
    for frame in video.frames_from(t0_ns):
        time = video.frame_ns(frame)
        if time >= t1_ns - ROUNDING_NS:
            return
        if time >= t0_ns - ROUNDING_NS:
            yield frame


def _upright(frame: VideoFrame) -> VideoFrame:
    """The frame turned upright, free to be any kind of frame; the encoder converts its pixels."""
    if round(frame.rotation / 90) % 4:
        frame = VideoFrame.from_ndarray(upright_rgb(frame), format="rgb24")
    frame.pict_type = PictureType.NONE
    return frame


def _encoder(
    container: OutputContainer, picture: VideoFrame, rate: Fraction, base: Fraction, crf: int
) -> VideoStream:
    stream: VideoStream = container.add_stream("libx264", rate=rate)
    stream.width, stream.height = picture.width, picture.height
    stream.pix_fmt = "yuv420p" if picture.width % 2 == picture.height % 2 == 0 else "yuv444p"
    stream.options = {**REPEATABLE, "crf": str(crf)}
    stream.codec_context.time_base = base
    stream.codec_context.thread_count = 1
    return stream


def _copied(
    container: OutputContainer, video: VideoFile, clip: Mapping[str, Any], cut: Cut
) -> Held:
    del cut
    stream = container.add_stream_from_template(video.stream)
    shift: int | None = None
    times: list[int] = []
    for packet in _packets_from(video, clip["t0_ns"]):
        if packet.dts is None or packet.pts is None:
            continue
        if times and video.time_ns(packet.dts) >= clip["t1_ns"] - ROUNDING_NS:
            break
        shift = packet.dts if shift is None else shift
        times.append(video.time_ns(packet.pts))
        last = packet.duration or 0
        packet.pts, packet.dts, packet.stream = packet.pts - shift, packet.dts - shift, stream
        container.mux(packet)
    if not times:
        raise VideoError(f"{video.path}: no packet between the clip's start and end")
    base = video.stream.time_base or Fraction(1, 90_000)
    return Held(min(times), max(times) + round(last * base * NS), len(times))


def _packets_from(video: VideoFile, time_ns: int) -> Iterator[Packet[VideoStream]]:
    base = video.stream.time_base or Fraction(1, 90_000)
    pts = int(Fraction(time_ns + ROUNDING_NS, NS) / base) + (video.stream.start_time or 0)
    try:
        video.container.seek(max(0, pts), stream=video.stream, backward=True)
        yield from video.container.demux(video.stream)
    except (av.FFmpegError, OSError) as error:
        raise VideoError(f"{video.path} cannot be read: {error}") from error
