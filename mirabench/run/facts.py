"""What a run took: seconds by stage, the cache's part, memory, tries; for `run.json`, status and logs.

Facts differ from run to run, so none of them is in the report.
"""

from __future__ import annotations

import logging
import os
import sys
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any

from mirabench.features.stream import DECODE

log = logging.getLogger(__name__)

FETCH, OPEN, CACHE, METRICS = "fetch", "open", "cache", "metrics"
"""Stages of a clip beside decoding and its features."""


@dataclass(frozen=True, slots=True)
class ClipFacts:
    """What one clip took."""

    seconds: Mapping[str, float] = field(default_factory=dict)
    """Stage -> seconds: fetching, opening and hashing, the cache, decoding, metrics."""
    feature_seconds: Mapping[str, float] = field(default_factory=dict)
    """Feature -> seconds. Those of one clip run side by side, so they may exceed the clip's."""
    networks: tuple[str, ...] = ()
    """Which of these features run a network."""
    peak_bytes: int = 0
    """Most memory that the worker's process held so far; 0 where the system does not tell."""
    worker: str = ""
    """Process and machine."""


@contextmanager
def clocked(seconds: dict[str, float], stage: str) -> Iterator[None]:
    """Add what the block takes to a stage."""
    began = perf_counter()
    try:
        yield
    finally:
        seconds[stage] = seconds.get(stage, 0.0) + perf_counter() - began


def peak_bytes() -> int:
    """Most memory that this process has held; 0 where the system does not tell."""
    if sys.platform == "win32":
        return 0
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


@dataclass(slots=True)
class Tally:
    """The facts of all clips so far."""

    clips: int = 0
    cached: int = 0
    computed: int = 0
    tries_lost: int = 0
    """Tries that ended with the death of their process."""
    seconds: Counter[str] = field(default_factory=Counter)
    feature_seconds: Counter[str] = field(default_factory=Counter)
    network_seconds: float = 0.0
    peaks: dict[str, int] = field(default_factory=dict)
    """Worker -> its peak."""

    def add(self, clip: str, facts: ClipFacts, *, cached: int, computed: int) -> None:
        """Count one clip, and log what it took."""
        log.debug("clip", extra={"facts": _of_clip(clip, facts, cached, computed)})
        self.clips += 1
        self.cached += cached
        self.computed += computed
        self.seconds.update(facts.seconds)
        self.feature_seconds.update(facts.feature_seconds)
        self.network_seconds += sum(facts.feature_seconds.get(n, 0.0) for n in facts.networks)
        if facts.peak_bytes:
            self.peaks[facts.worker] = max(self.peaks.get(facts.worker, 0), facts.peak_bytes)

    def told(self, started: float) -> None:
        """Log what the whole run took, which began at a time in seconds since 1970."""
        whole = {"seconds": round(time.time() - started, 3), "clips": self.clips}
        log.debug("run", extra={"facts": {**whole, **self.facts()}})

    def facts(self) -> dict[str, Any]:
        """As they are written."""
        asked = self.cached + self.computed
        return {
            "features_computed": self.computed,
            "features_from_cache": self.cached,
            "cache_hit_share": round(self.cached / asked, 4) if asked else None,
            "decode_seconds": round(self.seconds[DECODE], 3),
            "network_seconds": round(self.network_seconds, 3),
            "stage_seconds": _rounded(self.seconds),
            "feature_seconds": _rounded(self.feature_seconds),
            "peak_memory_bytes": {
                "driver": peak_bytes(),
                "largest_worker": max(self.peaks.values(), default=0),
            },
            "retries": self.tries_lost,
        }


def _of_clip(clip: str, facts: ClipFacts, cached: int, computed: int) -> dict[str, Any]:
    return {
        "clip": clip,
        "features_computed": computed,
        "features_from_cache": cached,
        "stage_seconds": _rounded(facts.seconds),
        "feature_seconds": _rounded(facts.feature_seconds),
        "peak_memory_bytes": facts.peak_bytes,
        "worker": facts.worker,
    }


def _rounded(seconds: Mapping[str, float]) -> dict[str, float]:
    return {name: round(value, 3) for name, value in sorted(seconds.items())}


def this_worker() -> str:
    """Names this process among those of a run."""
    return f"{os.uname().nodename if hasattr(os, 'uname') else ''}:{os.getpid()}"
