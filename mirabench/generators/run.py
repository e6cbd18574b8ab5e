"""One video for each prompt and seed, checked and noted in the manifest; what is there is not made again.

A folder of a run holds `manifest.csv`, `videos/`, `generate.log` (what the generator printed) and,
where something was wrong, `rejected/` (files that did not pass). The generator runs in a process of its
own, which keeps a loaded network from clip to clip: a hang, a crash or a leak costs one clip.
"""

from __future__ import annotations

import contextlib
import shutil
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from mirabench.errors import InputError, MirabenchError, OutputError
from mirabench.generators.api import Generator, Service
from mirabench.generators.book import PART_FOLDER, Book
from mirabench.generators.clip_work import ClipWork, Description, Size
from mirabench.generators.manifest import FILE_NAME, Entry, Maker, read_manifest
from mirabench.inputs.prompts import Prompt
from mirabench.work.item import OK, Item
from mirabench.work.journal import locked
from mirabench.work.local import LocalExecutor
from mirabench.work.run import Policy, Run
from mirabench.work.run import Progress as Pace
from mirabench.work.status import StatusFile


class Progress(Protocol):
    """Told after each clip."""

    def __call__(self, done: int, total: int, entry: Entry, seconds_left: float) -> None:
        """`done` of `total` clips of this run are finished or failed; `entry` was the last."""
        ...


def silent(done: int, total: int, entry: Entry, seconds_left: float) -> None:
    """Say nothing."""


@dataclass(frozen=True, slots=True)
class Generated:
    """What a run did."""

    manifest: Path
    entries: tuple[Entry, ...]
    """The clips that were asked for, each `done` or `failed`."""
    reused: int
    """How many of them were there before."""

    @property
    def failed(self) -> list[Entry]:
        """The clips that are missing; the next run tries them again."""
        return [e for e in self.entries if e.status != "done"]

    @property
    def odd(self) -> list[Entry]:
        """Clips that are there, but with a note."""
        return [e for e in self.entries if e.status == "done" and e.why]


def generate_all(  # noqa: PLR0913 - what a user may want to say
    generator: Generator,
    prompts: Iterable[Prompt],
    folder: Path,
    *,
    seeds: Sequence[int] = (0,),
    timeout: float | None = None,
    size: Size | None = None,
    resume: bool = True,
    jobs: int = 1,
    progress: Progress = silent,
) -> Generated:
    """Make every clip that is not there yet.

    Args:
        generator: Runs in a process of its own.
        prompts: Ids unique.
        folder: Of the run; made when missing.
        seeds: Not negative; each prompt gets one clip for each.
        timeout: Seconds that one clip may take, the loading of a network included; None means no limit.
        size: (width, height) that every clip must have; else what the generator says of itself.
        resume: False forgets what an earlier run left in the folder.
        jobs: Clips that are made at once, each in a process of its own.
        progress: Told after each clip.

    Raises:
        InputError: nothing to do, another run is active in the folder, or it holds clips of another
            generator or other settings.
        OutputError: the folder cannot be written.
        MirabenchError: the generator says that no clip can work.
    """
    listed = _checked(prompts, seeds)
    with _folder(folder), LocalExecutor(jobs, log=folder / "generate.log") as executor:
        if not resume and isinstance(generator, Service):
            generator.orders(folder).begin()
        description = _described(generator, executor)
        status = StatusFile(folder, work="generate")
        book = Book.opened(folder, Maker.of(generator.name, description), resume=resume)
        wanted = book.plan([(prompt, seed) for prompt in listed for seed in seeds])
        run = Run(
            ClipWork(generator, size or _declared_size(description), timeout, folder.absolute()),
            book.items(wanted),
            executor,
            journal=book,
            store=book,
            policy=Policy(tries=1, flush_items=1),
            listener=lambda pace: _tell(progress, pace, book, status),
        )
        reused = run.go().reused
        status.end()
        return Generated(book.path, tuple(book.entries[key] for key in wanted), reused)


@dataclass(frozen=True, slots=True)
class Plan:
    """What a run would do."""

    total: int
    there: int
    """Clips that are done."""
    waiting: int
    """Clips that were ordered, and only have to be fetched."""
    price: float
    """Of one clip; 0 when nobody said."""
    spent: float

    @property
    def to_pay(self) -> float:
        """What the clips cost that are neither here nor ordered."""
        return self.price * max(0, self.total - self.there - self.waiting)


def plan_all(
    generator: Generator, prompts: Iterable[Prompt], folder: Path, *, seeds: Sequence[int] = (0,)
) -> Plan:
    """What `generate_all` would do, without doing it; nothing is written or asked of anybody.

    Raises:
        InputError: nothing to do.
    """
    wanted = {f"{prompt.id}/seed-{seed}" for prompt in _checked(prompts, seeds) for seed in seeds}
    entries = read_manifest(folder / FILE_NAME)
    there = {
        entry.id
        for entry in entries.values()
        if entry.id in wanted and entry.status == "done" and (folder / entry.path).is_file()
    }
    if not isinstance(generator, Service):
        return Plan(len(wanted), len(there), 0, 0.0, 0.0)
    book = generator.orders(folder)
    waiting = (wanted - there) & book.ordered()
    return Plan(len(wanted), len(there), len(waiting), generator.price, book.spent())


def _checked(prompts: Iterable[Prompt], seeds: Sequence[int]) -> list[Prompt]:
    listed = list(prompts)
    if not listed or not seeds or min(seeds) < 0:
        raise InputError("nothing to generate: name at least one prompt and one seed from 0 on")
    twice = [key for key, count in Counter(p.id for p in listed).items() if count > 1]
    if twice:
        raise InputError(f"two prompts have the id {twice[0]!r}: give each one of its own")
    return listed


def _described(generator: Generator, executor: LocalExecutor) -> dict[str, str]:
    """What the generator says of itself; may take long, since it may download.

    Raises:
        MirabenchError: it cannot work at all.
    """
    [(_, done)] = executor.run(Description(generator), [Item("describe", "", None)])
    if done.outcome.status != OK:
        raise MirabenchError(done.outcome.reason)
    described: dict[str, str] = done.outcome.value
    return described


def _tell(progress: Progress, pace: Pace, book: Book, status: StatusFile) -> None:
    status.tell(pace)
    if not pace.ended:
        done, total = pace.done - pace.reused, pace.total - pace.reused
        progress(done, total, book.entries[pace.item], pace.eta_seconds or 0.0)


@contextlib.contextmanager
def _folder(folder: Path) -> Iterator[None]:
    """The folder with its parts, for this run alone."""
    parts = folder / PART_FOLDER
    with locked(folder):
        try:
            (folder / "videos").mkdir(exist_ok=True)
            shutil.rmtree(parts, ignore_errors=True)
            parts.mkdir()
        except OSError as error:
            raise OutputError.writing(folder, error) from error
        try:
            yield
        finally:
            shutil.rmtree(parts, ignore_errors=True)


def _declared_size(description: Mapping[str, str]) -> Size | None:
    """What the settings ask for: `width` and `height`, or `size` as 640x360."""
    sides = [description.get("width", ""), description.get("height", "")]
    if not all(sides):
        sides = description.get("size", "").split("x")
    return (int(sides[0]), int(sides[1])) if _are_two_counts(sides) else None


def _are_two_counts(texts: Sequence[str]) -> bool:
    return len(texts) == 2 and all(text.isdecimal() for text in texts)
