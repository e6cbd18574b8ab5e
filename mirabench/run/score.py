"""Clips become results, wherever the work is done; what resumes a run is the feature cache."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar, Protocol

from mirabench.features.cache import default_cache_folder
from mirabench.inputs.samples import Sample
from mirabench.run.clip import ClipResult, ClipTask, score_clip
from mirabench.run.plan import Plan
from mirabench.run.prepare import Job
from mirabench.video.frames import CHUNK_BYTES
from mirabench.video.limits import MAX_PIXELS
from mirabench.weights.licence import noncommercial_allowed
from mirabench.work.item import Item, Outcome, Resources
from mirabench.work.journal import NoJournal
from mirabench.work.local import LocalExecutor
from mirabench.work.run import Policy, Run
from mirabench.work.run import Progress as Pace
from mirabench.work.store import MemoryStore

log = logging.getLogger(__name__)

TRIES = 2
"""Of a clip whose process died: it may have been another one's memory."""


class Progress(Protocol):
    """Told how far a run is; ours draws a bar, a server may log."""

    def __call__(self, done: int, total: int, clip_id: str) -> None:
        """`done` of `total` clips are finished; `clip_id` was the last."""
        ...


def silent(done: int, total: int, clip_id: str) -> None:
    """Say nothing."""


@dataclass(frozen=True, slots=True)
class Options:
    """How a run is carried out; none of it may change a number."""

    workers: int = 0
    """Child processes; 0 scores in this one, which a decoder that crashes takes along."""
    cache: Path | None = None
    """Folder of the feature cache; None keeps nothing, so nothing can be resumed."""
    chunk_bytes: int = CHUNK_BYTES
    progress: Progress = silent
    device: str = "auto"
    """Where networks run: auto, cpu, cuda, cuda:N or mps."""
    noncommercial: bool = field(default_factory=noncommercial_allowed)
    """Whether weights whose licence forbids commercial use may be used."""
    clip_seconds: float | None = None
    """How long one clip may take before its process is ended; needs a worker."""
    max_pixels: int = MAX_PIXELS
    """Width times height of the largest frame that is decoded; a clip with larger ones fails."""


@dataclass(frozen=True, slots=True, eq=False)
class Scored:
    """The results of a job, in the order of its clips."""

    generated: Sequence[ClipResult]
    reference: Sequence[ClipResult]

    @property
    def all(self) -> list[ClipResult]:
        """Of both sets."""
        return [*self.generated, *self.reference]


ClipDone = Callable[[Sample, ClipResult], None]


def score_clips(job: Job, options: Options, clip_done: ClipDone | None = None) -> Scored:
    """Score every clip of a job; what fails becomes a result that says so.

    Args:
        job: From `prepare`.
        options: How to carry it out.
        clip_done: Told of each clip's result, once it is final.

    Raises:
        WorkError: no worker process starts.
    """
    samples = [*job.generated, *job.reference]
    work = _ClipWork.of(job, options)
    items = {name: Item(name, "", sample) for sample in samples for name in [_name(sample)]}
    results = MemoryStore()

    def tell(pace: Pace) -> None:
        if pace.ended:
            return
        if clip_done is not None and run.is_final(pace.item):
            clip_done(items[pace.item].payload, results.values[pace.item])
        options.progress(pace.done, pace.total, pace.item)

    with closing(LocalExecutor(options.workers)) as executor:
        run = Run(
            work,
            items,
            executor,
            journal=NoJournal(),
            store=results,
            policy=Policy(tries=TRIES, flush_items=1),
            listener=tell,
        )
        run.go()
    found = [results.values[_name(sample)] for sample in samples]
    _warn_of_cache(found)
    return Scored(found[: len(job.generated)], found[len(job.generated) :])


def _warn_of_cache(results: Sequence[ClipResult]) -> None:
    """Say each kind of trouble with the cache once, however many features had it."""
    troubles: dict[str, str] = {}
    for result in results:
        troubles = {**result.cache_troubles, **troubles}
    for sentence in troubles.values():
        log.warning("%s", sentence)


def _name(sample: Sample) -> str:
    """The sample's id; the two sets may use the same ids."""
    return sample.id if sample.role == "generated" else f"{sample.role} {sample.id}"


@dataclass(frozen=True, slots=True)
class _ClipWork:
    """Scoring one clip; an item's payload is its sample."""

    plan: Plan
    reference_plan: Plan
    cache: Path | None
    threads: int
    chunk_bytes: int
    fps: float | None
    device: str
    noncommercial: bool
    seconds: float | None
    max_pixels: int
    name: ClassVar[str] = "score"

    @classmethod
    def of(cls, job: Job, options: Options) -> _ClipWork:
        """The work that a job means."""
        return cls(
            job.plan,
            job.plan.for_reference(),
            options.cache,
            max(1, (os.cpu_count() or 1) // max(1, options.workers)),
            options.chunk_bytes,
            job.fps,
            options.device,
            options.noncommercial,
            options.clip_seconds,
            options.max_pixels,
        )

    @property
    def resources(self) -> Resources:
        """A core, and the time limit."""
        return Resources(seconds=self.seconds)

    def work(self, item: Item) -> Outcome:
        """Score the clip; what goes wrong with it is part of its result."""
        sample: Sample = item.payload
        plan = self.plan if sample.role == "generated" else self.reference_plan
        task = ClipTask(
            sample, plan, self.cache, self.threads, self.chunk_bytes, self.fps, self.device,
            self.max_pixels, self.noncommercial,
        )  # fmt: skip
        return Outcome(score_clip(task))

    def failed(self, item: Item, reason: str) -> ClipResult:
        """The result of a clip whose process died or took too long."""
        sample: Sample = item.payload
        return ClipResult(sample.id, error=reason)


def cache_folder(cache: bool | str | Path) -> Path | None:
    """The folder that a `cache` argument stands for."""
    if isinstance(cache, bool):
        return default_cache_folder() if cache else None
    return Path(cache)
