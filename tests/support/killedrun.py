"""A run of the pipeline in a process of its own that is killed, with SIGKILL, at a chosen moment."""

from __future__ import annotations

import importlib
import json
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from mirabench.work import journal
from mirabench.work.local import LocalExecutor
from mirabench.work.run import Policy, Progress
from miradata.collect.sources import find_sources
from miradata.config import Config, config_of
from miradata.pipeline import pipeline_of
from miradata.publish.cut import CutStage
from miradata.stage import Stage
from miradata.stage_run import StageRun
from miradata.tables.store import Tables

Moment = tuple[str, str]
"""Stage, and `item` (results are not written yet), `journal` (rows are, their lines are not) or
`publish` (half of the tables are)."""


def stages_of(config: Config, source: Path, output: Path) -> tuple[Stage, ...]:
    """The pipeline, and the cutting of every clip."""
    sources = find_sources(source)
    cut = CutStage(source, output, config.cut)
    return (*pipeline_of(config, sources, output).stages, cut)


def run(config: Config, source: Path, output: Path, death: Moment | None = None) -> None:
    """Run to the end, or to the moment of death."""
    listener: Callable[[Progress], None] | None = None
    if death is not None:
        listener = _arm(*death)
    StageRun(output, LocalExecutor(0), Policy(tries=2), listener).all(
        stages_of(config, source, output)
    )


def _arm(stage: str, moment: str) -> Callable[[Progress], None]:
    def listen(progress: Progress) -> None:
        if (progress.work, moment) == (stage, "item"):
            _die()

    if moment == "journal":
        _arm_journal(stage)
    if moment == "publish":
        _arm_publish(stage)
    return listen


def _arm_journal(stage: str) -> None:
    add = journal.FileJournal.add

    def dying_add(self: journal.FileJournal, lines: Any) -> None:
        if self.path.stem == stage:
            _die()
        add(self, lines)

    journal.FileJournal.add = dying_add  # type: ignore[method-assign]  # this process is about to die


def _arm_publish(stage: str) -> None:
    write = Tables.write

    def dying_write(self: Tables, table: str, name: str, rows: Any) -> Path:
        if (name, table) == (stage, "outcomes"):
            _die()
        return write(self, table, name, rows)

    Tables.write = dying_write  # type: ignore[method-assign]  # as above


def _die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def main() -> None:
    """Run once per death, each in a fork of this process, and print how each ended, as JSON.

    Arguments: the configuration, the source folder, the output folder, the deaths.
    """
    config = config_of(json.loads(sys.argv[1]))
    source, output = Path(sys.argv[2]), Path(sys.argv[3])
    for name in ("pandas", "scenedetect", "imagehash"):  # else each fork imports them
        importlib.import_module(name)
    codes = []
    for death in json.loads(sys.argv[4]):
        child = os.fork()
        if child == 0:
            run(config, source, output, tuple(death))
            os._exit(0)
        codes.append(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
    sys.stdout.write(json.dumps(codes))


if __name__ == "__main__":
    main()
