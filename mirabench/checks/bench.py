"""What the pytest fixture `mirabench` is: scores, reports and assertions that share their work."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from mirabench.checks.asserting import assert_metric
from mirabench.checks.check_run import CheckRun, label_of
from mirabench.checks.judging import Baseline, judge
from mirabench.checks.regression import require_same_suite
from mirabench.checks.requirement import BASELINE, Requirement
from mirabench.checks.result import RequirementResult
from mirabench.checks.running import Baselines
from mirabench.errors import ReportError
from mirabench.inputs.prompts import Prompt
from mirabench.metrics.api import Score
from mirabench.report.model import Report, load_report
from mirabench.run.prepare import Inputs, Job, prepare
from mirabench.suites.api import Suite


@dataclass(frozen=True, slots=True, eq=False)
class Bench:
    """The fixture, for one test."""

    check_run: CheckRun = field(repr=False)
    baselines: Baselines = field(default_factory=Baselines)
    suite: str | Path | Suite = "lite"
    """Where a call names none."""

    def score(
        self,
        video: Inputs,
        metric: str,
        *,
        prompt: str | None = None,
        fps: float | None = None,
        **parameters: int | float | str | bool,
    ) -> Score:
        """One clip with one metric, as `mirabench.score`; computed once for all tests."""
        return self.check_run.score(video, metric, prompt=prompt, fps=fps, **parameters)

    def evaluate(
        self,
        inputs: Inputs | Iterable[Inputs],
        *,
        suite: str | Path | Suite | None = None,
        metrics: Sequence[str] | None = None,
        prompts: str | Path | Mapping[str, Prompt] | None = None,
        reference: Inputs | Iterable[Inputs] | None = None,
        fps: float | None = None,
    ) -> Report:
        """Clips with a suite, as `mirabench.evaluate`; computed once for all tests and processes.

        Raises:
            AssertionError: under `--mirabench-baseline`, a metric is significantly worse.
            ReportError: the baseline cannot be read, or is of another suite.
        """
        __tracebackhide__ = True
        job = prepare(
            inputs, suite=suite or self.suite, metrics=metrics, prompts=prompts,
            reference=reference, pictures=self.check_run.pictures, fps=fps,
        )  # fmt: skip
        report = self.check_run.report(job, label_of(inputs))
        if self.baselines.path is not None:
            if self.baselines.update:
                self.check_run.keep_baseline(self.baselines.path, report)
            else:
                self._require_no_worse(report, job, self.baselines.path)
        return report

    def _require_no_worse(self, report: Report, job: Job, path: Path) -> None:
        __tracebackhide__ = True
        baseline = Baseline(str(path), load_report(path))
        require_same_suite(report, baseline.report, baseline.name)
        asked = [
            Requirement(metric=name, not_worse_than=BASELINE)
            for name, summary in report.summary.items()
            if summary.scope == "clip" and name in baseline.report.summary
        ]
        results = [judge(report, each, baseline) for each in asked]
        for result in results:
            if result.verdict == "error":
                raise ReportError(result.problems[0])
        worse = [self.check_run.with_strip(o, job.generated) for o in results if not o.passed]
        if worse:
            head = f"{len(worse)} of {len(asked)} metrics are significantly worse than in {path}"
            raise AssertionError("\n".join([head, *(o.text() for o in worse)]))

    def assert_metric(  # noqa: PLR0913  # keywords, of which a line of a test names one or two
        self,
        videos: Report | Inputs | Iterable[Inputs],
        metric: str,
        *,
        min: float | None = None,
        max: float | None = None,
        not_worse_than: Report | str | Path | None = None,
        each_clip: bool = False,
        min_coverage: float | None = None,
        refuse: Sequence[str] = (),
        suite: str | Path | Suite | None = None,
        prompts: str | Path | Mapping[str, Prompt] | None = None,
        reference: Inputs | Iterable[Inputs] | None = None,
    ) -> RequirementResult:
        """`mirabench.checks.assert_metric`, computed once for all tests and processes."""
        __tracebackhide__ = True
        return assert_metric(
            videos, metric, min=min, max=max, not_worse_than=not_worse_than, each_clip=each_clip,
            min_coverage=min_coverage, refuse=refuse, suite=suite or self.suite, prompts=prompts,
            reference=reference, check_run=self.check_run,
        )  # fmt: skip
