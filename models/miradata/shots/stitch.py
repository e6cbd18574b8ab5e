"""Stage `stitch`: which neighbouring shots belong together, by the rule that MiraData's figure shows.

    join = (vlm_a AND vlm_b) OR (emb_a AND emb_b)

One frame near the end of the earlier shot and one near the start of the later are compared; which
frames the authors took is unpublished. A voter that is not there leaves its pair to its partner, and
a pair without voters never joins anything.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, ClassVar, Protocol

from mirabench.errors import MissingExtraError, WeightsError
from mirabench.files import named
from mirabench.identity import digest_of
from mirabench.video.decode import upright_rgb
from mirabench.video.frames import UInt8Array
from mirabench.work.item import Item, Outcome, Resources
from miradata.config import Embedder, Endpoint, Stitch
from miradata.frames.clip_range import NS, on_screen, opened
from miradata.frames.clip_rows import by_video, usable_videos
from miradata.frames.embedding import DINOV2, embed, require_embedder
from miradata.setting import Setting
from miradata.shots.votes import EndpointAsker
from miradata.stage import TableRow
from miradata.tables.schema import FAILED, OK
from miradata.tables.store import Tables

LEARNED = ("dinov2", "clip")
UNJOINED = {"emb_a": None, "emb_b": None, "vlm_a": None, "vlm_b": None, "joined": False}
"""A pair that nobody was asked about."""
Pair = tuple[UInt8Array, UInt8Array]


class Answer(Protocol):
    """What a model said about two frames."""

    @property
    def same(self) -> bool | None:
        """Whether they show one scene; None when no usable answer came."""
        ...

    @property
    def reason(self) -> str:
        """Why there is no answer."""
        ...


class SceneAsker(Protocol):
    """A vision-language model that is asked about two frames; picklable."""

    @property
    def model(self) -> str:
        """Its name; part of what names the work."""
        ...

    def ask_same_scene(self, frame_a: UInt8Array, frame_b: UInt8Array) -> Answer:
        """Whether two frames (H, W, 3) show the same scene."""
        ...


def joins(vlm_a: bool | None, vlm_b: bool | None, emb_a: bool | None, emb_b: bool | None) -> bool:
    """The rule; None stands for a voter that is not there.

    Example:
        >>> joins(True, False, True, True), joins(True, None, False, True)
        (True, True)
    """
    return _agreed(vlm_a, vlm_b) or _agreed(emb_a, emb_b)


def _agreed(a: bool | None, b: bool | None) -> bool:
    votes = [vote for vote in (a, b) if vote is not None]
    return bool(votes) and all(votes)


@dataclass(frozen=True, slots=True)
class StitchStage:
    """A video and its shots in, one row of `joins` per pair of neighbours out."""

    root: Path
    """The folder that `videos.path` is relative to."""
    stitch: Stitch
    dinov2: str = DINOV2
    gpus: float = 0.0
    """For each video, where a voter is a network."""
    vlm_a: SceneAsker | None = None
    vlm_b: SceneAsker | None = None
    name: ClassVar[str] = "stitch"
    version: ClassVar[int] = 1
    inputs: ClassVar[tuple[str, ...]] = ("videos", "cuts")
    outputs: ClassVar[tuple[str, ...]] = ("joins",)

    @property
    def resources(self) -> Resources:
        """A GPU where a voter is a network."""
        learned = self.stitch.emb_a in LEARNED or self.stitch.emb_b in LEARNED
        return Resources(gpus=self.gpus, memory_mb=4096) if learned else Resources(memory_mb=512)

    def params(self) -> Mapping[str, Any]:
        """The voters and their thresholds; not where a model runs."""
        voters = {
            "vlm_a": self.vlm_a.model if self.vlm_a else None,
            "vlm_b": self.vlm_b.model if self.vlm_b else None,
            "dinov2": self.dinov2 if "dinov2" in (self.stitch.emb_a, self.stitch.emb_b) else None,
        }
        return {**self.stitch.model_dump(exclude={"vlm_a", "vlm_b"}), **voters}

    def items(self, tables: Tables) -> Sequence[Item]:
        """One per video with shots."""
        cuts = by_video(tables.rows("cuts"))
        return [
            Item(v["video_id"], digest_of([v["sha256"], _time_ranges(mine)], length=32), (v, mine))
            for v in usable_videos(tables)
            if (mine := cuts.get(v["video_id"]))
        ]

    def work(self, item: Item) -> Outcome:
        """Vote on every pair of neighbours."""
        video, cuts = item.payload
        rows = []
        for i, pair in enumerate(self._pairs(named(self.root, video["path"]), cuts)):
            # what lies between shots that do not touch was left out: no clip may hold it
            touch = cuts[i]["t1_ns"] == cuts[i + 1]["t0_ns"]
            judged = self._judged(pair) if touch else {**UNJOINED, "status": OK, "reason": ""}
            rows.append({"video_id": item.id, "i": i, **judged})
        broken = [row["reason"] for row in rows if row["status"] == FAILED]
        if broken:
            return Outcome({"joins": rows}, FAILED, broken[0])
        return Outcome({"joins": rows})

    def failed(self, item: Item, reason: str) -> Mapping[str, Sequence[TableRow]]:
        """Every pair unjoined."""
        _, cuts = item.payload
        rows = [
            {"video_id": item.id, "i": i, **UNJOINED, "status": FAILED, "reason": reason}
            for i in range(len(cuts) - 1)
        ]
        return {"joins": rows}

    def _pairs(self, path: Path, cuts: Sequence[Mapping[str, Any]]) -> Iterator[Pair]:
        """The two frames around every cut, one cut at a time."""
        times = _vote_times(_time_ranges(cuts), round(self.stitch.inset_seconds * NS))
        if not times:
            return
        with opened(path) as video:
            frames = (upright_rgb(frame) for frame in on_screen(video, times))
            for before in frames:
                yield before, next(frames)

    def _judged(self, pair: Pair) -> dict[str, Any]:
        s = self.stitch
        near_a, near_b = (self._similarity(name, pair) for name in (s.emb_a, s.emb_b))
        problems: list[str] = []
        vlm_a, vlm_b = (_ask(asker, pair, problems) for asker in (self.vlm_a, self.vlm_b))
        emb_a = None if near_a is None else near_a >= s.threshold_a
        emb_b = None if near_b is None else near_b >= s.threshold_b
        # a model that gave no answer is not absent: its pair must not be decided by its partner
        asked = (None, None) if problems else (vlm_a, vlm_b)
        return {
            "emb_a": near_a,
            "emb_b": near_b,
            "vlm_a": vlm_a,
            "vlm_b": vlm_b,
            "joined": joins(*asked, emb_a, emb_b),
            "status": FAILED if problems else OK,
            "reason": "; ".join(problems),
        }

    def _similarity(self, name: str | None, pair: Pair) -> float | None:
        if name is None:
            return None
        a, b = embed(name, pair, dinov2=self.dinov2)
        return round(float(a.astype(float) @ b.astype(float)), 6)


def prepare(setting: Setting) -> StitchStage:
    """The stage of a run, with the voters that are here."""
    stitch = _with_voters_here(setting)
    return StitchStage(
        setting.root,
        stitch,
        gpus=setting.config.running.gpus,
        vlm_a=_asker(setting, stitch.vlm_a),
        vlm_b=_asker(setting, stitch.vlm_b),
    )


def _with_voters_here(setting: Setting) -> Stitch:
    """The settings without embeddings that are not here; without any voter, those of `lite`."""
    wanted = setting.config.stitch
    here: dict[str, Embedder | None] = {"emb_a": wanted.emb_a, "emb_b": wanted.emb_b}
    for voter, name in list(here.items()):
        try:
            require_embedder(name)
        except (MissingExtraError, WeightsError) as error:
            here[voter] = None
            setting.remark(f"stitch: {voter} does not vote: {error}")
    asked = wanted.emb_a or wanted.emb_b
    if asked and not any(here.values()) and not (wanted.vlm_a or wanted.vlm_b):
        lite = Stitch()
        here = {"emb_a": lite.emb_a, "emb_b": lite.emb_b}
        setting.remark(f"stitch: {lite.emb_a} and {lite.emb_b} vote instead")
    return wanted.model_copy(update=here)


def _asker(setting: Setting, endpoint: Endpoint | None) -> SceneAsker | None:
    if endpoint is None:
        return None
    return EndpointAsker(endpoint, setting.config.captions, setting.output)


def _ask(asker: SceneAsker | None, pair: Pair, problems: list[str]) -> bool | None:
    if asker is None:
        return None
    answer = asker.ask_same_scene(*pair)
    if answer.same is None:
        problems.append(f"vote: {asker.model}: {answer.reason}")
    return answer.same


def _time_ranges(cuts: Sequence[Mapping[str, Any]]) -> list[tuple[int, int]]:
    return [(cut["t0_ns"], cut["t1_ns"]) for cut in cuts]


def _vote_times(shots: Sequence[tuple[int, int]], inset: int) -> list[int]:
    """Times before and after each cut in turn, never beyond the middle of a shot.

    Example:
        >>> _vote_times([(0, 10), (10, 14), (14, 30)], 3)
        [6, 12, 12, 17]
    """
    times = []
    for (start, cut), (_, end) in pairwise(shots):
        # one more than the inset: the frame that begins at the cut itself is the next shot's
        times.append(max(cut - inset - 1, (start + cut) // 2))
        times.append(min(cut + inset, (cut + end) // 2))
    return times
