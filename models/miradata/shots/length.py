"""Stage `length`: shots and joins to clips, and the gate on their length. Reads no video.

Joined neighbours become one clip as long as it is not longer than `max_seconds`; a single shot that is
longer is divided evenly, at frames. A clip under the least length stays in the table, rejected: `short`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

from mirabench.identity import digest_of
from mirabench.work.item import Item, Outcome, Resources
from miradata.config import Length
from miradata.frames.clip_range import NS
from miradata.frames.clip_rows import by_video, usable_videos
from miradata.setting import Setting
from miradata.stage import TableRow
from miradata.tables.schema import OK, REJECTED, clip_id
from miradata.tables.store import Tables


class Shot(NamedTuple):
    """A range of a video in time and in frames, and how many shots it is made of."""

    t0_ns: int
    t1_ns: int
    frame0: int
    frame1: int
    shots: int = 1


@dataclass(frozen=True, slots=True)
class LengthStage:
    """A video's shots and joins in, rows of `clips` out."""

    length: Length
    name: ClassVar[str] = "length"
    version: ClassVar[int] = 1
    inputs: ClassVar[tuple[str, ...]] = ("videos", "cuts", "joins")
    outputs: ClassVar[tuple[str, ...]] = ("clips",)
    resources: ClassVar[Resources] = Resources(memory_mb=256, light=True)

    def params(self) -> Mapping[str, Any]:
        """The least and the greatest length."""
        return self.length.model_dump()

    def items(self, tables: Tables) -> Sequence[Item]:
        """One per video with shots."""
        cuts, joins = by_video(tables.rows("cuts")), by_video(tables.rows("joins"))
        found = []
        for video in usable_videos(tables):
            mine = cuts.get(video["video_id"], ())
            if not mine:
                continue
            shots = [Shot(c["t0_ns"], c["t1_ns"], c["frame0"], c["frame1"]) for c in mine]
            joined = {j["i"]: j["joined"] for j in joins.get(video["video_id"], ())}
            linked = [bool(joined.get(i)) for i in range(len(shots) - 1)]
            content = digest_of([video["sha256"], video["source"], shots, linked], length=32)
            found.append(Item(video["video_id"], content, (video, shots, linked)))
        return found

    def work(self, item: Item) -> Outcome:
        """Put clips together."""
        video, shots, linked = item.payload
        least = least_seconds(self.length, video["source"])
        longest = round(self.length.max_seconds * NS)
        clips = [
            part for clip in chained(shots, linked, longest) for part in divided(clip, longest)
        ]
        rows = [
            {
                "clip_id": clip_id(video["sha256"], clip.t0_ns, clip.t1_ns),
                "video_id": item.id,
                "i": i,
                "t0_ns": clip.t0_ns,
                "t1_ns": clip.t1_ns,
                "frame0": clip.frame0,
                "frame1": clip.frame1,
                "n_cuts": clip.shots,
                **_verdict(clip, least),
            }
            for i, clip in enumerate(clips)
        ]
        return Outcome({"clips": rows})

    def failed(self, item: Item, reason: str) -> Mapping[str, Sequence[TableRow]]:
        """No row: without shots there are no clips; the outcome says why."""
        del item, reason
        return {}


def prepare(setting: Setting) -> LengthStage:
    """The stage of a run."""
    return LengthStage(setting.config.length)


def least_seconds(length: Length, source: str) -> float:
    """The least length for a source: of the longest beginning in the configuration that matches."""
    known = length.min_seconds_by_source
    fitting = [begin for begin in known if source.lower().startswith(begin.lower())]
    return known[max(fitting, key=len)] if fitting else length.min_seconds


def chained(shots: Sequence[Shot], linked: Sequence[bool], longest_ns: int) -> list[Shot]:
    """Joined neighbours as one clip, in order, none made longer than `longest_ns` by joining.

    Args:
        shots: In order, without gaps.
        linked: Whether shot i and shot i + 1 belong together.
        longest_ns: Greatest length of a joined clip.
    """
    clips = [shots[0]]
    for shot, belongs in zip(shots[1:], linked, strict=True):
        last = clips[-1]
        if belongs and shot.t1_ns - last.t0_ns <= longest_ns:
            clips[-1] = Shot(
                last.t0_ns, shot.t1_ns, last.frame0, shot.frame1, last.shots + shot.shots
            )
        else:
            clips.append(shot)
    return clips


def divided(clip: Shot, longest_ns: int) -> list[Shot]:
    """A clip in equal parts, each at most `longest_ns`; itself when it is short enough.

    Parts begin at frames as if these were evenly spaced, which a variable rate makes inexact by
    at most a frame in what is said of frames; times stay exact.

    Example:
        >>> [tuple(part) for part in divided(Shot(0, 90, 0, 9), 50)]
        [(0, 40, 0, 4, 1), (40, 90, 4, 9, 1)]
    """
    length, frames = clip.t1_ns - clip.t0_ns, clip.frame1 - clip.frame0
    count = min(-(-length // longest_ns), max(1, frames))
    if count <= 1:
        return [clip]
    edges = [frames * k // count for k in range(count + 1)]
    times = [clip.t0_ns + round(length * edge / frames) for edge in edges]
    return [
        Shot(times[k], times[k + 1], clip.frame0 + edges[k], clip.frame0 + edges[k + 1])
        for k in range(count)
    ]


def _verdict(clip: Shot, least: float) -> dict[str, str]:
    seconds = (clip.t1_ns - clip.t0_ns) / NS
    if round(seconds, 6) >= least:
        return {"status": OK, "reason": ""}
    return {
        "status": REJECTED,
        "reason": f"short: {seconds:.2f} s, at least {least:g} s are needed",
    }
