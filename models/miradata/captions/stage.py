"""Stage `caption`: six captions of each window of each clip that is worth their price.

Only clips that keep the limits, are not duplicates and reach the wanted level are captioned. An item
is one window, so that what is paid for is kept window by window.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from mirabench.files import named
from mirabench.identity import digest_of
from mirabench.work.item import Item, Outcome, Resources
from miradata.captions import prompt
from miradata.captions.caption import WindowCaption, caption_picture
from miradata.captions.grid import COLUMNS, GUTTER, ROWS, TILE_WIDTH, grid
from miradata.captions.windows import TimeRange, grid_moments, windows_of
from miradata.chat.client import Captioner
from miradata.chat.picture import JPEG_QUALITY, jpeg
from miradata.chat.shared import shared_captioner
from miradata.config import Captions, Endpoint
from miradata.frames.clip_range import NS, frames_at
from miradata.frames.clip_rows import kept_clips
from miradata.select.levels import Thresholds, load_thresholds
from miradata.select.selection import kept_ids
from miradata.setting import Setting
from miradata.stage import TableRow
from miradata.tables.schema import FAILED, OK, REJECTED, SCHEMAS
from miradata.tables.store import Tables

SKIPPED = "skipped"
TRIED_AGAIN = frozenset({"timeout", "rate_limited", "over_budget", "error"})
"""Statuses that another time may mend; the others are the model's last word on this window."""


@dataclass(frozen=True, slots=True)
class CaptionStage:
    """Clips in, one row of `captions` a window out."""

    root: Path
    """The folder that `videos.path` is relative to."""
    output: Path
    """The output folder, for replies and the account."""
    captions: Captions
    thresholds: Thresholds
    level: str = ""
    """Clips below it are not captioned."""
    name: ClassVar[str] = "caption"
    version: ClassVar[int] = 1
    inputs: ClassVar[tuple[str, ...]] = ("videos", "clips", "scores", "dups")
    outputs: ClassVar[tuple[str, ...]] = ("captions",)

    @property
    def resources(self) -> Resources:
        """Threads: it waits for a server."""
        return Resources(cpus=0.2, memory_mb=512, threads=self.captions.concurrency)

    def params(self) -> Mapping[str, Any]:
        """What may change a caption; not where the model runs, nor what it may cost."""
        settings = self.captions
        return {
            "model": settings.endpoint.model if settings.endpoint else "",
            "hint": settings.hint.model if settings.hint else "",
            "prompt": prompt.VERSION,
            "temperature": settings.temperature,
            "max_tokens": settings.max_tokens,
            "window": [settings.window_seconds, settings.shortest_rest_seconds],
            "grid": [ROWS, COLUMNS, TILE_WIDTH, GUTTER, JPEG_QUALITY],
        }

    def items(self, tables: Tables) -> Sequence[Item]:
        """One per window; none without an endpoint."""
        if self.captions.endpoint is None:
            return []
        kept = set(kept_ids(tables, self.thresholds, self.level))
        found = []
        for clip in kept_clips(tables):
            if clip["clip_id"] in kept:
                found += [
                    Item(
                        f"{clip['clip_id']}:{number}",
                        digest_of([clip["clip_id"], clip["video"]["sha256"], *window]),
                        (clip, number, window),
                    )
                    for number, window in enumerate(self._windows(clip))
                ]
        return found

    def _windows(self, clip: Mapping[str, Any]) -> list[TimeRange]:
        """The windows of a clip; a rest that is too short is among them, to be skipped by name."""
        seconds = (clip["t1_ns"] - clip["t0_ns"]) / NS
        return windows_of(seconds, self.captions.window_seconds, shortest_rest=1e-3)

    def work(self, item: Item) -> Outcome:
        """Caption one window."""
        clip, number, window = item.payload
        least = self.captions.shortest_rest_seconds
        if number and window.end - window.start < least:
            reason = f"the last {window.end - window.start:.1f} s are shorter than {least:g} s"
            found = WindowCaption(SKIPPED, reason)
        else:
            found = caption_picture(
                self._captioner(self.captions.endpoint),
                self._picture(clip, window),
                short=self._captioner(self.captions.hint) if self.captions.hint else None,
            )
        return Outcome({"captions": [_row(item, found)]}, *_verdict(found))

    def failed(self, item: Item, reason: str) -> Mapping[str, Sequence[TableRow]]:
        """The row of a window whose picture could not be made."""
        return {"captions": [_row(item, WindowCaption("error", reason))]}

    def _picture(self, clip: Mapping[str, Any], window: TimeRange) -> bytes:
        times = [clip["t0_ns"] + round(moment * NS) for moment in grid_moments(window)]
        return jpeg(grid(frames_at(named(self.root, clip["video"]["path"]), times)))

    def _captioner(self, endpoint: Endpoint | None) -> Captioner:
        assert endpoint is not None  # there are no items without one
        return shared_captioner(endpoint, self.captions, self.output)


def prepare(setting: Setting) -> CaptionStage:
    """The stage of a run; without an endpoint it has nothing to do."""
    config = setting.config
    if config.captions.endpoint is None:
        setting.remark("captions: no endpoint is configured")
    thresholds = load_thresholds(config.publish.levels)
    return CaptionStage(
        setting.root, setting.output, config.captions, thresholds, config.publish.level
    )


def _verdict(found: WindowCaption) -> tuple[str, str]:
    if found.status == "success":
        return OK, ""
    status = FAILED if found.status in TRIED_AGAIN else REJECTED
    return status, f"{found.status}: {found.reason}"


def _row(item: Item, found: WindowCaption) -> TableRow:
    clip, number, window = item.payload
    blank: dict[str, Any] = dict.fromkeys(SCHEMAS["captions"].names)
    if found.fields is not None:
        blank.update(found.fields.model_dump())
    last = found.replies[-1] if found.replies else None
    blank.update(
        clip_id=clip["clip_id"],
        window=number,
        t0_s=window.start,
        t1_s=window.end,
        model=last.model if last else "",
        prompt_version=prompt.VERSION,
        finish_reason=last.finish_reason if last else "",
        prompt_tokens=found.tokens.prompt,
        completion_tokens=found.tokens.completion,
        status=found.status,
        reason=found.reason,
    )
    return blank
