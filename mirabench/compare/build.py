"""Reports become a comparison: what may be compared, the differences, and what they say."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

import numpy as np

from mirabench.compare.interest import interest_of, require_margins
from mirabench.compare.model import (
    Comparison,
    Contrast,
    Difference,
    LeftOut,
    PairRecord,
    RunRecord,
    Side,
)
from mirabench.compare.pairs import Pair, Pairs, pair_clips
from mirabench.compare.protocols import unlike
from mirabench.compare.runs import Run
from mirabench.compare.statistics import FLIPS, LEVEL, POWER, holm, paired_difference
from mirabench.compare.verdicts import overall_of, verdict_of, why_withheld
from mirabench.errors import InputError, ReportError, UnknownNameError
from mirabench.metrics.api import DESCRIPTIVE_DIMENSIONS
from mirabench.report.interval import METHOD, RESAMPLES, SEED
from mirabench.report.model import MetricSummary, Report, VideoRecord


@dataclass(frozen=True, slots=True)
class _Choice:
    """What the caller wants to know."""

    metrics: Sequence[str] | None
    across: bool
    margins: Mapping[str, float]
    bands: Mapping[str, float]

    def shows(self, metric: str) -> bool:
        """Whether a metric is asked for."""
        return self.metrics is None or metric in self.metrics


def compare(
    runs: Sequence[Run],
    *,
    metrics: Sequence[str] | None = None,
    across: bool = False,
    smallest_differences: Mapping[str, float] | None = None,
    bands: Mapping[str, float] | None = None,
) -> Comparison:
    """Every run against the first, metric by metric; a difference is the run minus the first.

    Args:
        runs: At least two.
        metrics: Only these; fewer tests ask for less correction, if they are chosen before looking. The others
            still bear witness against gains that are bought.
        across: Compare what compares of runs whose suites or protocols differ, and show the rest apart,
            instead of refusing.
        smallest_differences: Metric -> the smallest difference of interest, in its unit, in place of the
            default (`mirabench.compare.interest`).
        bands: Metric -> the band of its error budget (`ErrorBudget.bands_for`): a difference within it is
            called neither better nor worse, higher nor lower.

    Raises:
        InputError: fewer than two runs, or a negative smallest difference.
        UnknownNameError: a metric that is in none of the reports.
        ReportError: no pair of clips; or, unless `across`, other suites or protocols.
        MissingExtraError: the extra `stats` is not installed.
    """
    if len(runs) < 2:
        raise InputError("a comparison needs two runs")
    known = {name for run in runs for name in run.report.summary}
    for name in metrics or ():
        if name not in known:
            raise UnknownNameError("metric", name, known)
    choice = _Choice(metrics, across, smallest_differences or {}, bands or {})
    require_margins(choice.margins, known)
    first, others = runs[0], runs[1:]
    found: list[dict[str, Difference]] = []
    contrasts = []
    remarks: list[str] = []
    for run in others:
        if not across:
            _require_same_suite(first, run)
        paired = pair_clips(first.report.videos, run.report.videos)
        if not paired.pairs:
            raise ReportError(_nothing_shared(first, run))
        found.append(_differences(first, run, paired, choice))
        remarks += _remarks(first, run, choice)
        contrasts.append((run.name, paired))
    _judge(found, choice)
    return Comparison(
        reference=_record(first),
        runs=[_record(run) for run in others],
        contrasts=[
            _contrast(name, paired, metrics, choice)
            for (name, paired), metrics in zip(contrasts, found, strict=True)
        ],
        remarks=remarks,
        method=_method(),
    )


def _record(run: Run) -> RunRecord:
    return RunRecord(
        name=run.name, path=run.path, suite=run.report.suite, clips=len(run.report.videos)
    )


def _method() -> dict[str, Any]:
    return {
        "mirabench": version("mirabench"),
        "level": LEVEL,
        "power": POWER,
        "interval": METHOD,
        "resamples": RESAMPLES,
        "null": "the expected difference over the population of prompts is 0",
        "p": "the larger of sign flips of prompts (two-sided, exact up to 13 prompts) and Student's t after "
        "Hall's transformation for the skewness that speaks most against the difference",
        "flips": FLIPS,
        "correction": "Holm, over all tests of this file",
        "smallest_difference": "the larger of the metric's own error and a fifth of the spread of scores",
        "effect_size": "Cohen's d_z over prompts",
        "seed": SEED,
    }


def _require_same_suite(first: Run, other: Run) -> None:
    a, b = first.report.suite, other.report.suite
    if a.digest != b.digest:
        raise ReportError(
            f"{first.name} was measured with suite {a.name} v{a.version} ({a.digest}) and {other.name} "
            f"with {b.name} v{b.version} ({b.digest}): evaluate both with one suite, or add --across "
            "to compare the metrics that both measured in the same way"
        )


def _nothing_shared(first: Run, other: Run) -> str:
    prompts = {v.prompt_id for v in first.report.videos} & {
        v.prompt_id for v in other.report.videos
    }
    if prompts - {None}:
        return (
            f"{first.name} and {other.name} share prompts, but no clip of one prompt and seed: "
            "name clips by prompt and seed, or generate them with the same seeds"
        )
    return (
        f"{first.name} and {other.name} have no prompt and no clip id in common: compare runs over "
        "the same prompts"
    )


def _remarks(first: Run, other: Run, choice: _Choice) -> Iterator[str]:
    for one, two in ((first, other), (other, first)):
        summary = filter(choice.shows, one.report.summary)
        alone = [name for name in summary if name not in two.report.summary]
        if alone:
            yield f"only {one.name} has {', '.join(alone)}"
    ours, theirs = (run.report.provenance.get("libraries", {}) for run in (first, other))
    unlike_versions = [
        f"{name} {ours.get(name, 'absent')} and {theirs.get(name, 'absent')}"
        for name in sorted({*ours, *theirs})
        if ours.get(name) != theirs.get(name)
    ]
    if unlike_versions:
        yield f"{first.name} and {other.name} were made with {', '.join(unlike_versions)}"


def _differences(first: Run, other: Run, paired: Pairs, choice: _Choice) -> dict[str, Difference]:
    """Every metric of both reports, without verdicts."""
    a, b = first.report, other.report
    shared = [name for name in a.summary if name in b.summary]
    unlikes = {name: unlike(a, b, name, paired.pairs) for name in shared}
    apart = {name: why for name, why in unlikes.items() if why and choice.shows(name)}
    if apart and not choice.across:
        name, why = next(iter(apart.items()))
        more = f" (and {len(apart) - 1} more metrics differ)" if len(apart) > 1 else ""
        raise ReportError(
            f"{name} was not measured in the same way in {first.name} and {other.name}: {why}{more}; "
            "evaluate both alike, or add --across to show such metrics apart"
        )
    return {name: _difference(a, b, name, paired.pairs, unlikes[name], choice) for name in shared}


def _contrast(
    name: str, paired: Pairs, metrics: Mapping[str, Difference], choice: _Choice
) -> Contrast:
    shown = {metric: found for metric, found in metrics.items() if choice.shows(metric)}
    return Contrast(
        name=name,
        overall=overall_of(shown, metrics),
        pairs=[PairRecord(a=p.a.id, b=p.b.id, prompt=p.cluster, how=p.how) for p in paired.pairs],
        only_a=list(paired.only_a),
        only_b=list(paired.only_b),
        metrics=shown,
        most_different=_most_different(shown),
    )


def _difference(
    a: Report, b: Report, name: str, pairs: Sequence[Pair], apart: str, choice: _Choice
) -> Difference:
    ours, theirs = a.summary[name], b.summary[name]
    found = Difference(
        dimension=ours.dimension,
        unit=ours.unit,
        higher_is_better=ours.higher_is_better,
        descriptive=ours.dimension in DESCRIPTIVE_DIMENSIONS,
        scope=ours.scope,
        summary=ours.summary,
        a=_side(ours),
        b=_side(theirs),
        verdict="no test",
    )
    if apart:
        found.why = f"not measured in the same way: {apart}"
    elif ours.scope == "set":
        found.why = _why_no_pairs(a, b)
    else:
        _fill(found, name, pairs, choice)
    return found


def _side(summary: MetricSummary) -> Side:
    return Side(
        mean=summary.mean,
        ci_low=summary.ci_low,
        ci_high=summary.ci_high,
        n=summary.n,
        protocols=list(summary.protocols),
    )


def _why_no_pairs(a: Report, b: Report) -> str:
    of_a, of_b = ({(r.sha256 or r.id) for r in report.reference} for report in (a, b))
    if of_a != of_b:
        return "the two distances are to different reference clips, so they do not compare"
    return "a distance between sets has no pairs of clips, so no paired test is possible"


def _fill(found: Difference, name: str, pairs: Sequence[Pair], choice: _Choice) -> None:
    """The numbers of a metric of clips, over the pairs where both count."""
    found.left_out = _left_out(name, pairs)
    used = [p for p in pairs if _state(p.a, name) == _state(p.b, name) == "counts"]
    if not used:
        found.verdict = "nothing to compare"
        found.why = "no pair of clips has a score that counts on both sides"
        return
    scores = np.array([(p.a.scores[name].value, p.b.scores[name].value) for p in used])
    differences = scores[:, 1] - scores[:, 0]
    result = paired_difference(differences, [p.cluster for p in used])
    found.n, found.prompts = result.n, result.clusters
    found.mean_a, found.mean_b = (float(m) for m in scores.mean(axis=0))
    found.mean, found.ci_low, found.ci_high = result.mean, result.low, result.high
    found.p, found.effect_size = result.p, result.effect_size
    found.needed_prompts = result.needed_prompts
    found.score_sd = float(scores.std(ddof=1))
    interest = interest_of(name, scores, choice.margins)
    found.smallest_difference = interest.margin
    found.smallest_difference_origin = interest.origin
    found.truncated = sum(
        "truncated" in (p.a.scores[name].status, p.b.scores[name].status) for p in used
    )
    found.by_prompt = _by_prompt(used, differences.tolist())


def _state(video: VideoRecord, name: str) -> str:
    if name in video.scores:
        return "degenerate" if video.scores[name].status == "degenerate" else "counts"
    return "not applicable" if name in video.not_applicable else "failed"


def _left_out(name: str, pairs: Sequence[Pair]) -> LeftOut:
    states = [(_state(p.a, name), _state(p.b, name)) for p in pairs]
    return LeftOut(
        pairs=sum(s != ("counts", "counts") for s in states),
        degenerate_a=sum(a == "degenerate" for a, _ in states),
        degenerate_b=sum(b == "degenerate" for _, b in states),
        failed_a=sum(a == "failed" for a, _ in states),
        failed_b=sum(b == "failed" for _, b in states),
        not_applicable=sum("not applicable" in s for s in states),
        lost=sum(a == "counts" and b in ("degenerate", "failed") for a, b in states),
    )


def _by_prompt(used: Sequence[Pair], differences: Sequence[float]) -> dict[str, float]:
    groups: dict[str, list[float]] = {}
    for pair, difference in zip(used, differences, strict=True):
        groups.setdefault(pair.cluster, []).append(difference)
    return {cluster: math.fsum(found) / len(found) for cluster, found in groups.items()}


def _most_different(metrics: dict[str, Difference]) -> list[str]:
    """Clusters by the root mean square of their differences, each in its metric's score deviations."""
    squares: dict[str, list[float]] = {}
    for difference in metrics.values():
        if difference.score_sd:
            for cluster, value in difference.by_prompt.items():
                squares.setdefault(cluster, []).append((value / difference.score_sd) ** 2)
    far = {cluster: math.fsum(found) / len(found) for cluster, found in squares.items()}
    return sorted((c for c in far if far[c] > 0), key=lambda c: (-far[c], c))


def _judge(found: Sequence[Mapping[str, Difference]], choice: _Choice) -> None:
    """Correct the p of all tests that are asked for together, and say what they say."""
    tested = [
        (name, metrics)
        for metrics in found
        for name, difference in metrics.items()
        if difference.mean is not None and choice.shows(name)
    ]
    ps = holm([metrics[name].p for name, metrics in tested])
    tests = max(1, sum(p is not None for p in ps))
    for (name, metrics), p in zip(tested, ps, strict=True):
        difference = metrics[name]
        difference.p_holm = p
        difference.error_band = choice.bands.get(name)
        difference.verdict, difference.why = verdict_of(difference, tests)
        if difference.verdict == "better" and (why := why_withheld(name, metrics)):
            difference.verdict, difference.why = "open", why
