"""`assert_metric`: one metric of a clip, a folder or a report, asserted in one line."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mirabench.checks.check_run import CheckRun
    from mirabench.checks.judging import Baseline
    from mirabench.checks.result import RequirementResult
    from mirabench.inputs.prompts import Prompt
    from mirabench.inputs.samples import Sample
    from mirabench.report.model import Report
    from mirabench.run.prepare import Inputs, Job
    from mirabench.suites.api import Suite


def assert_metric(  # noqa: PLR0913  # keywords, of which a line of a test names one or two
    videos: Report | Inputs | Iterable[Inputs],
    metric: str,
    *,
    min: float | None = None,
    max: float | None = None,
    not_worse_than: Report | str | Path | None = None,
    each_clip: bool = False,
    min_coverage: float | None = None,
    refuse: Sequence[str] = (),
    suite: str | Path | Suite = "lite",
    prompts: str | Path | Mapping[str, Prompt] | None = None,
    reference: Inputs | Iterable[Inputs] | None = None,
    check_run: CheckRun | None = None,
) -> RequirementResult:
    """Fail unless a metric is within its bounds.

    One clip is held to its own number, several to their mean. A number whose status is `degenerate` says
    nothing, so it passes no bound; with bounds, every clip must have a valid score unless
    `min_coverage` says less.

    Args:
        videos: What `mirabench.evaluate` takes, or the report that it gave.
        metric: A registered metric.
        min: The least value that passes.
        max: The greatest value that passes.
        not_worse_than: An earlier report or its path: fails when significantly worse, clip by clip.
        each_clip: Whether every clip must keep within the bounds, not just their mean.
        min_coverage: The least share of clips whose number counts, 0 to 1.
        refuse: Health flags that no clip may raise, `unverified` for one.
        suite: Where the metric's parameters stand, if the suite names it.
        prompts: A table of prompts, for metrics that compare with text.
        reference: Real clips, for metrics that compare sets.
        check_run: Shares results with other checks; the pytest fixture passes its own.

    Returns:
        What was found, with the value and its interval.

    Raises:
        AssertionError: the metric fails; the message has value, interval, status, reason and film strip.
        InputError: nothing to score, an unknown metric, a min above the max.
        ReportError: a baseline that cannot be read or compared.
    """
    __tracebackhide__ = True
    from mirabench.checks.judging import judge
    from mirabench.checks.requirement import requirement
    from mirabench.checks.strip import clip_of
    from mirabench.report.model import Report
    from mirabench.run.prepare import prepare

    baseline = baseline_of(not_worse_than)
    asked = requirement(
        metric=metric, min=_number(min), max=_number(max), each_clip=each_clip,
        min_coverage=_number(min_coverage), not_worse_than=baseline.name if baseline else None,
        refuse=list(refuse),
    )  # fmt: skip
    if isinstance(videos, Report):
        result = judge(videos, asked, baseline)
        return require(_shown(result, clip_of(videos, result.worst_clip), check_run))
    job = prepare(
        videos, suite=suite, metrics=[metric], prompts=prompts, reference=reference, pictures=False
    )
    result = judge(_measured(job, check_run), asked, baseline)
    return require(_shown(result, job.generated, check_run))


def _measured(job: Job, check_run: CheckRun | None) -> Report:
    from mirabench.run.evaluate import run
    from mirabench.run.score import Options, cache_folder

    if check_run is not None:
        return check_run.report(job)
    return run(job, None, Options(cache=cache_folder(True)))


def _shown(
    result: RequirementResult, samples: Sequence[Sample], check_run: CheckRun | None
) -> RequirementResult:
    """With a film strip, if there is a failure to look at."""
    from mirabench.checks.check_run import with_strip

    if result.passed:
        return result
    if check_run is not None:
        return check_run.with_strip(result, samples)
    return with_strip(result, samples, Path(tempfile.mkdtemp(prefix="mirabench-")))


def baseline_of(named: Report | str | Path | None) -> Baseline | None:
    """The baseline that an argument stands for.

    Raises:
        ReportError: the file cannot be read.
    """
    from mirabench.checks.judging import Baseline
    from mirabench.report.model import load_report

    if named is None:
        return None
    if isinstance(named, str | Path):
        return Baseline(str(named), load_report(named))
    return Baseline("given", named)


def require(result: RequirementResult) -> RequirementResult:
    """The result, if it passed.

    Raises:
        AssertionError: the check failed.
        InputError: the check could not be made.
    """
    __tracebackhide__ = True
    from mirabench.errors import InputError

    if result.verdict == "error":
        raise InputError(result.problems[0])
    if not result.passed:
        raise AssertionError(result.text())
    return result


def _number(value: float | None) -> float | None:
    """NumPy's numbers are numbers too; a strict schema takes Python's own."""
    return None if value is None else float(value)
