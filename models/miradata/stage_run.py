"""Runs stages in order: what is pending of each is worked on, then its tables are published."""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from mirabench.errors import PluginError
from mirabench.files import require_writable
from mirabench.work.item import Item
from mirabench.work.journal import FileJournal
from mirabench.work.local import Executor, LocalExecutor
from mirabench.work.run import Listener, Policy, Progress, Run
from miradata.parts import PartStore, publish
from miradata.stage import Stage, key_of
from miradata.tables.store import Tables


@dataclass(frozen=True, slots=True)
class StageRun:
    """How stages are run; where they are run is the executor's affair."""

    folder: Path
    """The output folder."""
    executor: Executor = field(default_factory=LocalExecutor)
    policy: Policy = field(default_factory=Policy)
    listener: Listener | None = None
    id: str = field(default_factory=lambda: uuid.uuid4().hex[:12])

    def all(self, stages: Sequence[Stage]) -> dict[str, Progress]:
        """Run stages in order; stage -> how it ended.

        Raises:
            OutputError: the output folder cannot be written. Finished work is kept.
        """
        return {stage.name: self.one(stage) for stage in stages}

    def one(self, stage: Stage) -> Progress:
        """Run a stage over what is pending, then publish its tables.

        Raises:
            OutputError: the output folder cannot be written. Finished work is kept.
            PluginError: the stage returned a duplicate item, or rows that its tables cannot hold.
        """
        require_writable(self.folder)
        items = _keyed(stage, stage.items(Tables(self.folder)))
        run = Run(
            stage,
            items,
            self.executor,
            journal=FileJournal.of(self.folder, stage.name),
            store=PartStore(self.folder, stage, self.id),
            policy=self.policy,
            listener=self.listener,
        )
        progress = run.go()
        publish(self.folder, stage, items, run.lines)
        return progress


def _keyed(stage: Stage, items: Sequence[Item]) -> dict[str, Item]:
    for name, count in Counter(item.id for item in items).items():
        if count > 1:
            raise PluginError(f"the stage {stage.name!r} gave the item {name!r} {count} times")
    return {key_of(stage, item): item for item in items}
