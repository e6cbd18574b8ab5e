"""The book of a generation: the manifest in memory, the files that it speaks of, and what is still missing.

It is the journal of the work, in a form that people read and `mirabench evaluate` takes: what it calls done
is not made again. A clip is checked, moved to its place in one step, then noted.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from mirabench.errors import InputError, MirabenchError, OutputError
from mirabench.generators.clip_work import ClipOrder, Fatal
from mirabench.generators.manifest import (
    FILE_NAME,
    Entry,
    Facts,
    Maker,
    planned,
    read_manifest,
    write_manifest,
)
from mirabench.inputs.prompts import Prompt
from mirabench.video.decode import sha256_of
from mirabench.work.item import FAILED, OK, Item, Outcome
from mirabench.work.journal import Line
from mirabench.work.run import Held, Kept

log = logging.getLogger(__name__)

PART_FOLDER = ".generating"
"""Below the output folder: clips that are being made."""
LONGEST_REASON = 500
"""Characters; the whole of what a generator printed is in `generate.log`."""


class Book:
    """The entries of a run, by id; a journal and a store for the engine."""

    def __init__(self, folder: Path, maker: Maker, entries: dict[str, Entry]) -> None:
        self.folder, self.maker, self.entries = folder, maker, entries
        self.path = folder / FILE_NAME

    @classmethod
    def opened(cls, folder: Path, maker: Maker, *, resume: bool) -> Book:
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

    def items(self, keys: Iterable[str]) -> dict[str, Item]:
        """The work that entries stand for, under their ids."""
        return {key: self._item(self.entries[key]) for key in keys}

    def _item(self, entry: Entry) -> Item:
        order = ClipOrder(entry.prompt, entry.seed, self._part(entry).absolute())
        return Item(entry.id, entry.prompt_digest, order)

    def _part(self, entry: Entry) -> Path:
        return self.folder / PART_FOLDER / Path(entry.path).name

    def read(self) -> dict[str, Line]:
        """What is done; a clip that failed earlier is not, and is tried again."""
        done = [entry for entry in self.entries.values() if entry.status == "done"]
        return {e.id: Line(e.id, e.id, OK, "", 1, e.facts.sha256) for e in done}

    def add(self, lines: Iterable[Line]) -> None:
        """Write the manifest, which holds what the lines say."""
        self.save()

    def keep(self, held: Sequence[Held]) -> Kept:
        """Move clips to their places and change their entries.

        Raises:
            MirabenchError: one of them says that no clip can work.
        """
        return Kept([self._kept(one) for one in held])

    def _kept(self, one: Held) -> Outcome:
        entry, outcome = self.entries[one.item.id], one.outcome
        if isinstance(outcome.value, Fatal):
            raise MirabenchError(outcome.value.reason)
        if outcome.status == OK and (why := self._copied(entry, outcome.value)):
            outcome = Outcome(Facts(), FAILED, why)
        if outcome.status == OK:
            made = replace(entry, status="done", why="", facts=outcome.value)
            _move(self._part(entry), self.folder / entry.path)
            made = replace(made, why=self._oddity(made))
        else:
            why = _one_line(outcome.reason, self._part(entry))
            made = replace(entry, status="failed", why=why, facts=Facts())
            self.reject(self._part(entry))
        self.entries[entry.id] = made
        return outcome

    def _copied(self, entry: Entry, facts: Facts) -> str:
        """What gives a clip away as a copy of another; empty when it is none."""
        for other in self.entries.values():
            if other.id == entry.id or other.status != "done" or other.facts.sha256 != facts.sha256:
                continue
            if other.prompt.text != entry.prompt.text:
                return f"the same file as {other.id}: the generator does not use its prompt"
            if other.seed != entry.seed:
                return (
                    f"the same file as {other.id}: the generator does not use its seed; ask for one "
                    "seed only"
                )
        return ""

    def _oddity(self, made: Entry) -> str:
        first = next((e for e in self.entries.values() if e.status == "done"), made)
        size, usual = _size_text(made.facts), _size_text(first.facts)
        return "" if size == usual else f"it is {size}, the first clip ({first.id}) is {usual}"

    def reject(self, file: Path) -> None:
        """Put a file where nobody takes it for a clip, but somebody can look at it."""
        if file.exists():
            _move(file, self.folder / "rejected" / file.name)

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


def _move(file: Path, target: Path) -> None:
    try:
        target.parent.mkdir(exist_ok=True)
        file.replace(target)
    except OSError as error:
        raise OutputError.writing(target, error) from error


def _size_text(facts: Facts) -> str:
    return f"{facts.width}x{facts.height}"


def _one_line(text: str, part: Path) -> str:
    """A reason for the manifest, without the temporary path."""
    named = text.replace(str(part.absolute()), "the file").replace(str(part), "the file")
    return " ".join(named.split())[:LONGEST_REASON]
