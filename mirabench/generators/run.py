"""The resumable loop: one video for each prompt and seed, checked, and noted in the manifest.

A folder of a run holds `manifest.csv`, `videos/`, `generate.log` (what the generator printed) and,
where something was wrong, `rejected/` (files that did not pass). A clip is written beside its place,
checked, moved there in one step, then noted: a crash at any moment loses at most the clip in progress.
"""

from __future__ import annotations

import contextlib
import logging
import shutil
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import mean
from typing import Protocol

from mirabench.errors import GeneratorError, InputError, OutputError, VideoError
from mirabench.generators.api import Generator
from mirabench.generators.manifest import (
    FILE_NAME,
    Entry,
    Facts,
    Maker,
    planned,
    read_manifest,
    write_manifest,
)
from mirabench.generators.worker import Worker
from mirabench.inputs.prompts import Prompt
from mirabench.video.decode import open_video, sha256_of

try:
    import fcntl
except ImportError:  # not on Windows: two runs in one folder are not told apart there
    fcntl = None  # type: ignore[assignment]

log = logging.getLogger(__name__)

Size = tuple[int, int]

LONGEST_REASON = 500
"""Characters; the whole of what a generator printed is in `generate.log`."""


class Progress(Protocol):
    """Told after each clip."""

    def __call__(self, done: int, total: int, entry: Entry, seconds_left: float) -> None:
        """`done` of `total` clips of this run are finished or failed; `entry` was the last."""
        ...


def silent(done: int, total: int, entry: Entry, seconds_left: float) -> None:
    """Say nothing."""


@dataclass(frozen=True, slots=True)
class Outcome:
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


def generate_all(
    generator: Generator,
    prompts: Iterable[Prompt],
    folder: Path,
    *,
    seeds: Sequence[int] = (0,),
    timeout: float | None = None,
    size: Size | None = None,
    resume: bool = True,
    progress: Progress = silent,
) -> Outcome:
    """Make every clip that is not there yet.

    Args:
        generator: Runs in a process of its own.
        prompts: Ids unique.
        folder: Of the run; made when missing.
        seeds: Not negative; each prompt gets one clip for each.
        timeout: Seconds that one clip may take, the loading of a network included; None is no limit.
        size: (width, height) that every clip must have; else what the generator says of itself.
        resume: False forgets what an earlier run left in the folder.
        progress: Told after each clip.

    Raises:
        InputError: nothing to do, another run is at work in the folder, or it holds clips of another
            generator or other settings.
        OutputError: the folder cannot be written.
        MirabenchError: the generator says that no clip can work.
    """
    listed = list(prompts)
    if not listed or not seeds or min(seeds) < 0:
        raise InputError("nothing to generate: name at least one prompt and one seed from 0 on")
    twice = [key for key, count in Counter(p.id for p in listed).items() if count > 1]
    if twice:
        raise InputError(f"two prompts have the id {twice[0]!r}: give each one of its own")
    with _locked(folder), Worker(generator, folder / "generate.log") as worker:
        description = worker.describe()
        book = _Book.opened(folder, Maker.of(generator.name, description), resume=resume)
        wanted = book.plan([(prompt, seed) for prompt in listed for seed in seeds])
        todo = [key for key in wanted if book.entries[key].status != "done"]
        expected = size or _declared_size(description)
        run = _Run(book, worker, timeout, expected)
        took: list[float] = []
        for number, key in enumerate(todo, start=1):
            entry, seconds = run.make(key)
            took.append(seconds)
            progress(number, len(todo), entry, mean(took) * (len(todo) - number))
        return Outcome(book.path, tuple(book.entries[k] for k in wanted), len(wanted) - len(todo))


@contextlib.contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """The folder with its parts, for this run alone."""
    work = folder / ".generating"
    try:
        (folder / "videos").mkdir(parents=True, exist_ok=True)
        lock = (folder / ".lock").open("w")
    except OSError as error:
        raise OutputError.writing(folder, error) from error
    with lock:
        if fcntl is not None:
            _take(lock.fileno(), folder)
        shutil.rmtree(work, ignore_errors=True)
        work.mkdir()
        try:
            yield
        finally:
            shutil.rmtree(work, ignore_errors=True)


def _take(descriptor: int, folder: Path) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise InputError(
            f"another run is at work in {folder}: wait for it, or choose another --output"
        ) from None


class _Book:
    """The manifest in memory, and the files it speaks of."""

    def __init__(self, folder: Path, maker: Maker, entries: dict[str, Entry]) -> None:
        self.folder, self.maker, self.entries = folder, maker, entries
        self.path = folder / FILE_NAME

    @classmethod
    def opened(cls, folder: Path, maker: Maker, *, resume: bool) -> _Book:
        """What an earlier run left; a clip whose file is gone or changed is to be made again."""
        entries = read_manifest(folder / FILE_NAME)
        if not resume:
            for entry in entries.values():
                (folder / entry.path).unlink(missing_ok=True)
            entries = {}
        book = cls(folder, maker, entries)
        for entry in entries.values():
            _refuse_other_maker(folder, entry, maker)
        return book

    def plan(self, wanted: Sequence[tuple[Prompt, int]]) -> list[str]:
        """The ids of the wanted clips, each with an entry; what is good of it is kept."""
        fresh = {e.id: e for e in (planned(p, seed, self.maker) for p, seed in wanted)}
        for key, entry in fresh.items():
            old = self.entries.get(key)
            if old is None or not self._still_good(old, entry):
                self.entries[key] = entry
        self.save()
        return list(fresh)

    def _still_good(self, old: Entry, new: Entry) -> bool:
        if old.status != "done":
            return False
        file = self.folder / old.path
        if not file.is_file():
            log.warning("%s: its file is gone and is made again", old.id)
            return False
        if old.prompt_digest != new.prompt_digest:
            log.warning("%s: its prompt has changed since; it is made again", old.id)
        elif sha256_of(file) != old.facts.sha256:
            log.warning("%s: its file has changed since; it is made again", old.id)
        else:
            return True
        self.reject(file)
        return False

    def reject(self, file: Path) -> None:
        """Put a file where nobody takes it for a clip, but somebody can look at it."""
        if file.exists():
            _move(file, self.folder / "rejected" / file.name)

    def note(self, entry: Entry) -> None:
        """Replace an entry, on disk too."""
        self.entries[entry.id] = entry
        self.save()

    def save(self) -> None:
        """Write the manifest."""
        write_manifest(self.path, self.entries.values())


def _refuse_other_maker(folder: Path, entry: Entry, maker: Maker) -> None:
    if entry.status != "done" or entry.maker == maker:
        return
    for what in ("generator", "revision", "settings"):
        before, now = getattr(entry.maker, what), getattr(maker, what)
        if before != now:
            raise InputError(
                f"{folder} holds clips made with {what} {before or 'unknown'}, this run has "
                f"{now or 'unknown'}: choose another --output, or start over with --no-resume"
            )


@dataclass(frozen=True, slots=True)
class _Run:
    """Making one clip after the other."""

    book: _Book
    worker: Worker
    timeout: float | None
    size: Size | None

    def make(self, key: str) -> tuple[Entry, float]:
        """The new entry of a clip, and how many seconds it took."""
        entry = self.book.entries[key]
        part = self.book.folder / ".generating" / Path(entry.path).name
        started = time.monotonic()
        try:
            self.worker.generate(
                entry.prompt, seed=entry.seed, output=part.absolute(), timeout=self.timeout
            )
            seconds = time.monotonic() - started
            made = replace(entry, status="done", facts=self._checked(entry, part, seconds))
            made = replace(made, why=self._oddity(made))
            _move(part, self.book.folder / entry.path)
        except (GeneratorError, VideoError) as error:
            seconds = time.monotonic() - started
            made = replace(entry, status="failed", why=_one_line(str(error), part))
            self.book.reject(part)
        self.book.note(made)
        return made, seconds

    def _checked(self, entry: Entry, file: Path, seconds: float) -> Facts:
        """The facts of a file that is a whole video of the right size, and no copy of another."""
        if not file.is_file():
            raise GeneratorError("it ended without an error and without a video")
        video = open_video(file)
        for _ in video.frames():
            pass  # every frame decodes, and their number is the announced one
        info = video.info
        if self.size is not None and self.size != (info.width, info.height):
            wanted = "x".join(map(str, self.size))
            raise GeneratorError(f"the video is {info.width}x{info.height}, asked for was {wanted}")
        self._refuse_copy(entry, info.sha256)
        return Facts(
            info.sha256, f"{seconds:.3f}", str(info.width), str(info.height),
            str(info.num_frames), f"{float(info.fps):g}",
        )  # fmt: skip

    def _refuse_copy(self, entry: Entry, sha256: str) -> None:
        for other in self.book.entries.values():
            if other.id == entry.id or other.status != "done" or other.facts.sha256 != sha256:
                continue
            if other.prompt.text != entry.prompt.text:
                raise GeneratorError(
                    f"the same file as {other.id}: the generator does not use its prompt"
                )
            if other.seed != entry.seed:
                raise GeneratorError(
                    f"the same file as {other.id}: the generator does not use its seed; ask for one "
                    "seed only"
                )

    def _oddity(self, made: Entry) -> str:
        first = next((e for e in self.book.entries.values() if e.status == "done"), made)
        size, usual = _size_text(made.facts), _size_text(first.facts)
        return "" if size == usual else f"it is {size}, the first clip ({first.id}) is {usual}"


def _move(file: Path, target: Path) -> None:
    try:
        target.parent.mkdir(exist_ok=True)
        file.replace(target)
    except OSError as error:
        raise OutputError.writing(target, error) from error


def _size_text(facts: Facts) -> str:
    return f"{facts.width}x{facts.height}"


def _declared_size(description: Mapping[str, str]) -> Size | None:
    """What the settings ask for: `width` and `height`, or `size` as 640x360."""
    sides = [description.get("width", ""), description.get("height", "")]
    if not all(sides):
        sides = description.get("size", "").split("x")
    return (int(sides[0]), int(sides[1])) if _are_two_counts(sides) else None


def _are_two_counts(texts: Sequence[str]) -> bool:
    return len(texts) == 2 and all(text.isdecimal() for text in texts)


def _one_line(text: str, part: Path) -> str:
    """A reason for the manifest, without the temporary path."""
    named = text.replace(str(part.absolute()), "the file").replace(str(part), "the file")
    return " ".join(named.split())[:LONGEST_REASON]
