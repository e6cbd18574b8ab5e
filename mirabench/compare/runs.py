"""The reports of a comparison: read, and named by what tells them apart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from mirabench.errors import InputError
from mirabench.report.model import Report, load_report


@dataclass(frozen=True, slots=True, eq=False)
class Run:
    """A report with the name it goes by."""

    name: str
    report: Report
    path: str = ""
    """As it was given."""


def read_runs(paths: Sequence[str | Path]) -> list[Run]:
    """The reports at paths, each a `report.json` or its folder, named by what tells them apart.

    Raises:
        InputError: fewer than two, or one of them twice.
        ReportError: one cannot be read.
    """
    if len(paths) < 2:
        raise InputError("a comparison needs two reports: name the one to compare with first")
    runs: dict[Path, Run] = {}
    for path, name in zip(paths, _names([Path(p) for p in paths]), strict=True):
        report = load_report(path)
        place = _file(Path(path)).resolve()
        if place in runs:
            raise InputError(f"{path} and {runs[place].path} are the same file: name each run once")
        runs[place] = Run(name, report, Path(path).as_posix())
    return list(runs.values())


def _file(path: Path) -> Path:
    return path / "report.json" if path.is_dir() else path


def _names(paths: Sequence[Path]) -> list[str]:
    """Each path without `report.json` and without what all share at the front and the end."""
    parts = [list(_file(p.absolute()).parts) for p in paths]
    parts = [p[:-1] if p[-1] == "report.json" else [*p[:-1], Path(p[-1]).stem] for p in parts]
    shortest = min(map(len, parts))
    end = 0
    while end < shortest - 1 and len({p[len(p) - 1 - end] for p in parts}) == 1:
        end += 1
    named = [p[: len(p) - end] for p in parts]
    tail = 1
    while tail < max(map(len, named)) and len({tuple(p[-tail:]) for p in named}) < len(named):
        tail += 1
    return ["/".join(p[-tail:]) for p in named]
