"""A test may be skipped in CI only where a written list says why; any other skip fails the run.

The list is `tests/skips.toml`. A skip that is right only without something names it under `absent`; where that
thing is on the machine, the skip fails like one that is not listed.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

import pytest

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

CI = ("1", "true", "yes")


def has_accelerator() -> bool:
    """Whether torch can compute on something else than the processor."""
    try:
        import torch
    except ImportError:
        return False
    return torch.cuda.is_available() or torch.backends.mps.is_available()


THINGS: dict[str, Callable[[], bool]] = {
    "accelerator": has_accelerator,
    "ordinary user": lambda: not hasattr(os, "geteuid") or os.geteuid() != 0,
    "postgres": lambda: bool(
        shutil.which("postgres") or list(Path("/usr/lib/postgresql").glob("*/bin/postgres"))
    ),
}
"""What `absent` may name besides a path from the repository's root -> whether it is here."""


@dataclass(frozen=True, slots=True)
class Allowed:
    """One entry of the list."""

    tests: str
    """Pattern of node ids."""
    reason: str
    """Part of the reason that the test gives."""
    because: str
    """Why CI can do without."""
    absent: str = ""
    """What must be missing on the machine for the skip to be right."""

    def covers(self, nodeid: str, reason: str, root: Path) -> bool:
        """Whether this entry allows the skip."""
        if not fnmatchcase(nodeid, self.tests) or self.reason not in reason:
            return False
        if self.absent in THINGS:
            return not THINGS[self.absent]()
        return not self.absent or not (root / self.absent).exists()


def read_list(path: Path) -> list[Allowed]:
    """The entries of a list."""
    table = tomllib.loads(path.read_text(encoding="utf-8"))
    return [Allowed(**entry) for entry in table["skip"]]


class SkipList:
    """Collects skips, from every worker, and judges them when all tests have run."""

    def __init__(self, allowed: Sequence[Allowed], root: Path) -> None:
        self.allowed, self.root = allowed, root
        self.unlisted: dict[str, str] = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.skipped and not hasattr(report, "wasxfail"):
            self._judge(report.nodeid, report.longrepr)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.skipped:
            self._judge(report.nodeid, report.longrepr)

    def _judge(self, nodeid: str, longrepr: object) -> None:
        reason = str(longrepr[2] if isinstance(longrepr, tuple) else longrepr)
        if not any(entry.covers(nodeid, reason, self.root) for entry in self.allowed):
            self.unlisted[nodeid] = reason

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        if self.unlisted and session.exitstatus in (0, pytest.ExitCode.OK):
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        if not self.unlisted:
            return
        terminalreporter.section("skips that tests/skips.toml does not allow", red=True)
        for nodeid, reason in sorted(self.unlisted.items()):
            terminalreporter.line(f"{nodeid}: {reason}")
        terminalreporter.line("Make the test run, or add an entry that says why CI can do without.")


def watch(config: pytest.Config, path: Path) -> None:
    """Hold this run to the list if it is one of CI; workers report to the process that judges."""
    if os.environ.get("CI", "").lower() in CI and not hasattr(config, "workerinput"):
        config.pluginmanager.register(SkipList(read_list(path), path.parents[1]), "skiplist")
