"""A run of the pipeline in a process of its own that is killed, with SIGKILL, at a chosen moment."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

from miradata import ledger, tables
from miradata.config import Config
from miradata.cut import CutStage
from miradata.engine import Progress, Run
from miradata.pipeline import pipeline_of
from miradata.sources import find_sources
from miradata.stage import Stage

Moment = tuple[str, str]
"""Stage, and `item` (results are not written yet), `ledger` (rows are, their lines are not) or
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
    Run(output, listener=listener, tries=2).all(stages_of(config, source, output))


def _arm(stage: str, moment: str) -> Callable[[Progress], None]:
    def listen(progress: Progress) -> None:
        if (progress.stage, moment) == (stage, "item"):
            _die()

    if moment == "ledger":
        add = ledger.Ledger.add

        def dying_add(self: ledger.Ledger, lines: Any) -> None:
            if self.path.stem == stage:
                _die()
            add(self, lines)

        ledger.Ledger.add = dying_add  # type: ignore[method-assign]  # this process is about to die
    if moment == "publish":
        write = tables.Tables.write

        def dying_write(self: tables.Tables, table: str, name: str, rows: Any) -> Path:
            if (name, table) == (stage, "outcomes"):
                _die()
            return write(self, table, name, rows)

        tables.Tables.write = dying_write  # type: ignore[method-assign]  # as above
    return listen


def _die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)
