"""Check files as pytest sees them: a file is collected into one item for each check."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from mirabench.checks.check_run import CheckRun
from mirabench.checks.file import read_check_file
from mirabench.checks.requirement import Requirement
from mirabench.checks.result import RequirementResult
from mirabench.checks.running import Baselines, FileChecks
from mirabench.errors import MirabenchError


class CheckFailed(MirabenchError):  # noqa: N818  # a verdict on the clips
    """A check was made and does not hold, or could not be made."""

    def __init__(self, result: RequirementResult) -> None:
        self.result = result
        super().__init__(result.text())


class CheckFileNode(pytest.File):
    """One `*.mirabench.yaml`."""

    check_run: CheckRun
    baselines: Baselines

    @classmethod
    def of(
        cls, parent: pytest.Collector, path: Path, check_run: CheckRun, baselines: Baselines
    ) -> CheckFileNode:
        """The node of a check file."""
        node: CheckFileNode = cls.from_parent(parent, path=path)
        node.check_run, node.baselines = check_run, baselines
        return node

    def collect(self) -> Iterable[pytest.Item]:
        """One item for each check."""
        try:
            file = read_check_file(self.path)
        except MirabenchError as error:
            raise self.CollectError(str(error)) from error
        checks = FileChecks(file, self.check_run, self.baselines)
        for asked, line in zip(file.spec.checks, file.lines, strict=True):
            yield CheckItem.of(self, asked, line, checks)


class CheckItem(pytest.Item):
    """One check of a file."""

    asked: Requirement
    line: int
    checks: FileChecks

    @classmethod
    def of(
        cls, parent: CheckFileNode, asked: Requirement, line: int, checks: FileChecks
    ) -> CheckItem:
        """The node of a check."""
        node: CheckItem = cls.from_parent(parent, name=str(asked))
        node.asked, node.line, node.checks = asked, line, checks
        node.add_marker("mirabench")
        return node

    def runtest(self) -> None:
        """Make the check.

        Raises:
            CheckFailed: it does not hold, or cannot be made.
        """
        result = self.checks.result(self.asked)
        if result.finding is not None and result.finding.value is not None:
            self.user_properties.append(("value", result.finding.value))
        if not result.passed:
            raise CheckFailed(result)

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], *args: Any) -> Any:
        """What went wrong in words; a traceback only for a bug."""
        if isinstance(excinfo.value, MirabenchError):
            return str(excinfo.value)
        return super().repr_failure(excinfo, *args)

    def reportinfo(self) -> tuple[Path, int, str]:
        """File, line counted from 0, and name."""
        return self.path, self.line - 1, self.name
