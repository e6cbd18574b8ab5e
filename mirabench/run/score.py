"""Clips become results, wherever the work is done; what resumes a run is the feature cache."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar, Literal, Protocol, overload

from mirabench.features.api import weights_of
from mirabench.features.cache import default_cache_folder
from mirabench.inputs.samples import Sample
from mirabench.run.clip import ClipResult, ClipTask, score_clip
from mirabench.run.facts import Tally
from mirabench.run.plan import Plan
from mirabench.run.prepare import Job
from mirabench.video.frames import CHUNK_BYTES
from mirabench.video.limits import MAX_PIXELS
from mirabench.weights.licence import noncommercial_allowed
from mirabench.work.item import FAILED, Item, Outcome, Resources
from mirabench.work.journal import FailureJournal, NoJournal
from mirabench.work.local import Executor, LocalExecutor
from mirabench.work.ray import RayExecutor
from mirabench.work.run import Held, Kept, Policy, Run
from mirabench.work.run import Progress as Pace
from mirabench.work.status import StatusFile
from mirabench.work.store import MemoryStore, SpillStore

Values = MemoryStore | SpillStore

log = logging.getLogger(__name__)

TRIES = 5
"""Of a clip whose process died: it may have been another one's memory, or somebody who ended processes."""


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
    """Child processes; 0 scores in this one, which a decoder that crashes takes along. Of Ray: the cores of a
    cluster that is started here, 0 for all of them."""
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
    executor: Literal["local", "ray"] = "local"
    """Where clips are scored: processes of this machine, or a Ray cluster."""
    ray_address: str | None = None
    """Of a running cluster (`auto`: this machine's); None starts one here."""
    gpus: float = 0.0
    """Share of a GPU that Ray keeps for each of its workers where a feature is a network."""

    @property
    def separate(self) -> bool:
        """Whether clips are scored in other processes than this one."""
        return self.workers > 0 or self.executor == "ray"


class Results(Sequence[ClipResult]):
    """Results in the order of their clips, each read when it is asked for."""

    def __init__(self, values: Values, keys: Sequence[str]) -> None:
        """Args: values: Key -> result. keys: In order."""
        self._values, self._keys = values, keys

    @overload
    def __getitem__(self, index: int) -> ClipResult: ...
    @overload
    def __getitem__(self, index: slice) -> Results: ...
    def __getitem__(self, index: int | slice) -> ClipResult | Results:
        """One result, or some."""
        if isinstance(index, slice):
            return Results(self._values, self._keys[index])
        result: ClipResult = self._values[self._keys[index]]
        return result

    def __len__(self) -> int:
        return len(self._keys)


@dataclass(frozen=True, slots=True, eq=False)
class Scored:
    """The results of a job, in the order of its clips; on disk rather than in memory where workers scored."""

    generated: Sequence[ClipResult]
    reference: Sequence[ClipResult]
    tally: Tally = field(default_factory=Tally)
    """What it took."""

    def each(self) -> Iterator[ClipResult]:
        """Of both sets, one after the other."""
        yield from self.generated
        yield from self.reference


ClipDone = Callable[[Sample, ClipResult], None]


def score_clips(
    job: Job,
    options: Options,
    clip_done: ClipDone | None = None,
    *,
    status: StatusFile | None = None,
    journal: FailureJournal | None = None,
    folder: Path | None = None,
    tally: Tally | None = None,
) -> Scored:
    """Score every clip of a job; what fails becomes a result that says so.

    Args:
        job: From `prepare`.
        options: How to carry it out.
        clip_done: Told of each clip's result, once it is final.
        status: Told how far the run is.
        journal: Remembers which clips killed their processes; None forgets.
        folder: Whose disk takes results that workers send; None takes the system's place for such files.
        tally: Counts what clips took; None makes one.

    Raises:
        WorkError: no worker process starts.
        OutputError: the disk is full.
        InputError: there is no Ray cluster at the address.
    """
    samples = [*job.generated, *job.reference]
    work = _ClipWork.of(job, options)
    items = {name: Item(name, "", sample) for sample in samples for name in [_name(sample)]}
    # what workers send was pickled anyway; a result of this process may hold what cannot be
    results = SpillStore(folder) if options.separate else MemoryStore()
    keeper = _Keeper(results, tally or Tally())

    def tell(pace: Pace) -> None:
        if status is not None:
            status.tell(pace)
        if pace.ended:
            return
        if clip_done is not None and run.is_final(pace.item):
            clip_done(items[pace.item].payload, results[pace.item])
        options.progress(pace.done, pace.total, pace.item)

    with closing(_executor_of(options)) as executor:
        run = Run(
            work,
            items,
            executor,
            journal=journal or NoJournal(),
            store=keeper,
            policy=Policy(tries=TRIES, flush_items=1),
            listener=tell,
        )
        run.go()
    for name, item in items.items():
        if name not in results:  # given up by the run that this one resumes
            results.put(name, work.failed(item, run.lines[name].reason))
    for sentence in keeper.troubles.values():  # each kind once, however many features had it
        log.warning("%s", sentence)
    names = [_name(sample) for sample in samples]
    first = len(job.generated)
    return Scored(Results(results, names[:first]), Results(results, names[first:]), keeper.tally)


class _Keeper:
    """Keeps results, and counts what they took."""

    def __init__(self, values: Values, tally: Tally) -> None:
        self._values, self.tally = values, tally
        self.troubles: dict[str, str] = {}
        """Kind of trouble with the cache -> the first of it."""

    def keep(self, held: Sequence[Held]) -> Kept:
        """Keep results."""
        for one in held:
            result: ClipResult = one.outcome.value
            self.tally.add(
                one.item.id, result.facts, cached=result.cached, computed=result.computed
            )
            self.tally.tries_lost += one.outcome.status == FAILED
            self.troubles = {**result.cache_troubles, **self.troubles}
        return self._values.keep(held)


def _executor_of(options: Options) -> Executor:
    if options.executor == "ray":
        return RayExecutor(options.ray_address, options.workers or None)
    return LocalExecutor(options.workers)


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
    gpus: float
    name: ClassVar[str] = "score"

    @classmethod
    def of(cls, job: Job, options: Options) -> _ClipWork:
        """The work that a job means."""
        return cls(
            job.plan,
            job.plan.for_reference(),
            options.cache,
            1 if options.executor == "ray" else _threads(options.workers),
            options.chunk_bytes,
            job.fps,
            options.device,
            options.noncommercial,
            options.clip_seconds,
            options.max_pixels,
            options.gpus if any(map(weights_of, job.plan.extractors)) else 0.0,
        )

    @property
    def resources(self) -> Resources:
        """A core, a share of a GPU for networks, and the time limit."""
        return Resources(gpus=self.gpus, seconds=self.seconds)

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


def _threads(workers: int) -> int:
    """Of one clip: the cores that its process may take for itself."""
    return max(1, (os.cpu_count() or 1) // max(1, workers))


def cache_folder(cache: bool | str | Path) -> Path | None:
    """The folder that a `cache` argument stands for."""
    if isinstance(cache, bool):
        return default_cache_folder() if cache else None
    return Path(cache)
