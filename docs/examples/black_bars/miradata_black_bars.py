"""Stage `black_bars`: the share of the picture that black bars at its borders take.

Formula: mean over `frames` frames, evenly spaced, of 1 - (height without bars x width without bars) /
(height x width). A bar is the unbroken run of rows or columns, from a border inwards, whose every pixel has
luma below `dark`.

When not to trust it: a night scene with black borders has bars to it; bars of another colour are picture.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import cv2
import numpy as np

from mirabench.work.item import Item, Outcome, Resources
from miradata.config import Section
from miradata.frames.clip_range import frames_at
from miradata.frames.clip_rows import clip_range_of, kept_clips
from miradata.setting import Setting
from miradata.tables.store import Tables


class Options(Section):
    """What stands under `options.black_bars` in a configuration."""

    frames: int = 8
    dark: int = 18
    """Luma below which a pixel is black: limited-range black with some compression noise."""


def prepare(setting: Setting) -> "BlackBars":
    """The stage of a run; the entry point names this function."""
    return BlackBars(setting.root, setting.options("black_bars", Options))


@dataclass(frozen=True)
class BlackBars:
    """A clip in, one row of `scores` out. Frozen and picklable: workers are sent a copy."""

    root: Path
    options: Options
    name: ClassVar[str] = "black_bars"
    version: ClassVar[int] = 1
    inputs: ClassVar[tuple[str, ...]] = ("videos", "clips")
    outputs: ClassVar[tuple[str, ...]] = ("scores",)
    resources: ClassVar[Resources] = Resources(memory_mb=256)

    def params(self) -> Mapping[str, Any]:
        """What may change a row: with other values all clips are measured again."""
        return self.options.model_dump()

    def items(self, tables: Tables) -> Sequence[Item]:
        """One per clip that is long enough; its content is the source's digest and its times."""
        return [
            Item(c["clip_id"], f"{c['video']['sha256']} {c['t0_ns']} {c['t1_ns']}", c)
            for c in kept_clips(tables)
        ]

    def work(self, item: Item) -> Outcome:
        """Measure a clip. What this raises becomes a failed outcome with the rows of `failed`."""
        clip = item.payload
        part = clip_range_of(self.root, clip["video"], clip["t0_ns"], clip["t1_ns"])
        step = (part.t1_ns - part.t0_ns) / self.options.frames
        times = [part.t0_ns + int((k + 0.5) * step) for k in range(self.options.frames)]
        shares = [bars_share(frame, self.options.dark) for frame in frames_at(part.path, times)]
        return Outcome({"scores": [self._row(item, float(np.mean(shares)), "ok", "")]})

    def failed(self, item: Item, reason: str) -> Mapping[str, Sequence[Mapping[str, Any]]]:
        """The row of a clip that could not be measured."""
        return {"scores": [self._row(item, None, "failed", reason)]}

    def _row(self, item: Item, value: float | None, status: str, reason: str) -> Mapping[str, Any]:
        return {
            "clip_id": item.id,
            "metric": "black_bars",
            "value": value,
            "n_frames": self.options.frames if value is not None else 0,
            "model": f"luma below {self.options.dark}",
            "version": self.version,
            "status": status,
            "reason": reason,
        }


def bars_share(frame: np.ndarray, dark: int) -> float:
    """Share of a uint8 RGB frame (H, W, 3) under bars; 1 when all of it is dark."""
    lit = cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY) >= dark
    return 1 - _extent(lit.any(axis=1)) * _extent(lit.any(axis=0))


def _extent(lit: np.ndarray) -> float:
    """Share of a line between its first and its last lit place; 0 when all is dark."""
    places = np.flatnonzero(lit)
    return float((places[-1] - places[0] + 1) / len(lit)) if len(places) else 0.0
