"""A check file, carried out: its clips are scored once, then each check is judged."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from mirabench.checks.check_run import CheckRun
from mirabench.checks.file import CheckFile
from mirabench.checks.judging import Baseline, judge
from mirabench.checks.requirement import BASELINE, Requirement
from mirabench.checks.result import RequirementResult
from mirabench.errors import InputError, MirabenchError
from mirabench.report.model import Report, load_report
from mirabench.run.prepare import Job, prepare


@dataclass(frozen=True, slots=True)
class Baselines:
    """What the command says of baselines."""

    path: Path | None = None
    """Takes precedence over the `baseline:` of check files."""
    update: bool = False
    """Whether the report of this run is to become the baseline."""


class FileChecks:
    """The checks of one file in one run."""

    def __init__(self, file: CheckFile, check_run: CheckRun, baselines: Baselines) -> None:
        self.file = file
        self._check_run = check_run
        self._baselines = baselines

    def result(self, asked: Requirement) -> RequirementResult:
        """Make one check of the file.

        Raises:
            MirabenchError: no clip, an unreadable baseline; every check of the file would raise it.
        """
        report = self._report
        baseline = self._baseline(asked.not_worse_than)
        return self._check_run.with_strip(judge(report, asked, baseline), self._job.generated)

    def results(self) -> list[RequirementResult]:
        """Make all checks; what cannot be made is an result with its reason."""
        return [self._result_or_error(asked) for asked in self.file.spec.checks]

    def _result_or_error(self, asked: Requirement) -> RequirementResult:
        try:
            return self.result(asked)
        except MirabenchError as error:
            return RequirementResult(asked, "error", (str(error),))

    @cached_property
    def _job(self) -> Job:
        spec, prompts = self.file.spec, self.file.spec.prompts
        return prepare(
            self.file.videos,
            suite=self.file.suite,
            prompts=None if prompts is None else self.file.beside(prompts),
            reference=self.file.reference,
            pictures=self._check_run.pictures,
            fps=spec.fps,
        )

    @cached_property
    def _report(self) -> Report:
        report = self._check_run.report(self._job, self.file.path.name.split(".")[0])
        if self._baselines.update and self._baseline_path is not None:
            self._check_run.keep_baseline(self._baseline_path, report)
        return report

    @property
    def _baseline_path(self) -> Path | None:
        if self._baselines.path is not None:
            return self._baselines.path
        named = self.file.spec.baseline
        return None if named is None else self.file.beside(named)

    def _baseline(self, named: str | None) -> Baseline | None:
        if named is None:
            return None
        path = self._baseline_path if named == BASELINE else self.file.beside(named)
        if path is None:
            raise InputError(
                f"{self.file.path} asks for {BASELINE!r} and has none: add `baseline: report.json` to "
                "it, or name one on the command line"
            )
        return Baseline(str(path), load_report(path))
