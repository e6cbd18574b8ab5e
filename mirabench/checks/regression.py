"""Whether a run is worse than an earlier one: clip by clip, and only where that is no chance.

A metric is worse when the 95 % interval of the paired difference, clustered by prompt, lies wholly on
its bad side. Pairs and interval are those of `mirabench compare`; the p values there need scipy, and a check
decides without them. Clips that had a number and lost it are judged the same way, as a difference of 1 or 0,
so that a run cannot pass by freezing the clips it does badly. Below five prompts there is no interval: no
difference is shown then, and the outcome says so; only a metric that lost all of its numbers is worse.
In a `Pair`, `a` is the clip of the baseline and `b` that of this run.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean

from mirabench.compare.pairs import Pair, Pairs, pair_clips
from mirabench.compare.protocols import unlike
from mirabench.compare.table import interval, signed
from mirabench.errors import ReportError
from mirabench.report.interval import Interval, mean_interval, why_no_interval
from mirabench.report.model import Report, VideoRecord

SLACK = 1e-4
"""Differences up to this share of the baseline's values are none: another processor rounds otherwise,
the same way in every clip, and so without any spread that an interval could show."""


@dataclass(frozen=True, slots=True)
class Change:
    """A metric now and in the baseline, over the same clips or prompts."""

    metric: str
    difference: Interval | None
    """Now minus then; None when no pair has two valid scores."""
    shifted: bool
    """Whether the difference is significantly on the bad side."""
    problems: tuple[str, ...]
    """One sentence for each way in which it is worse: shifted, or without a number where it had one."""
    worst_clip: str
    """The clip that lost most."""
    unpaired: int
    """Clips of either side without a partner."""

    @property
    def worse(self) -> bool:
        """Whether it is significantly worse in any way."""
        return bool(self.problems)

    @property
    def undecided(self) -> str:
        """Why nothing could be shown, however large the difference; empty where it could."""
        return why_no_interval(self.difference.clusters) if self.difference else ""

    def text(self) -> str:
        """The difference in words."""
        if self.difference is None:
            return "no pair of clips has two valid scores"
        return _words(self.difference)


def require_same_suite(now: Report, baseline: Report, name: str) -> None:
    """Refuse to compare numbers of different suites.

    Raises:
        ReportError: the digests differ.
    """
    if now.suite.digest != baseline.suite.digest:
        raise ReportError(
            f"the baseline {name} belongs to another suite, {_named(baseline)}, and this run is of "
            f"{_named(now)}: choose the baseline's suite, or update the baseline with this one"
        )


def _named(report: Report) -> str:
    return f"{report.suite.name} v{report.suite.version} ({report.suite.digest})"


def change(now: Report, baseline: Report, metric: str, name: str) -> Change:
    """One metric against a baseline of that name.

    Raises:
        ReportError: another suite, no common clip, another protocol, or a metric without clips to pair.
    """
    require_same_suite(now, baseline, name)
    if metric not in baseline.summary:
        why = baseline.skipped.get(metric, "it is not in the report")
        raise ReportError(f"the baseline {name} has no {metric}: {why}")
    if now.summary[metric].scope == "set":
        raise ReportError(
            f"{metric} is one number for all clips, so nothing can be paired with the baseline {name}: "
            "use a min or a max instead"
        )
    pairs = pair_clips(baseline.videos, now.videos)
    if not pairs.pairs:
        raise ReportError(
            f"the baseline {name} has no clip and no prompt in common with this run: "
            "score clips of the same names, or give prompts"
        )
    if apart := unlike(baseline, now, metric, pairs.pairs):
        raise ReportError(
            f"{metric} was not measured in the same way in the baseline {name} and now ({apart}): "
            "update the baseline"
        )
    return _judged(pairs, metric, higher=now.summary[metric].higher_is_better)


def _judged(pairs: Pairs, metric: str, *, higher: bool) -> Change:
    scored = [p for p in pairs.pairs if _counts(p.a, metric) and _counts(p.b, metric)]
    steps = [p.b.scores[metric].value - p.a.scores[metric].value for p in scored]
    lost = [p.b for p in pairs.pairs if _counts(p.a, metric) and not _counts(p.b, metric)]
    difference = _paired(scored, steps) if scored else None
    slack = SLACK * fmean(abs(p.a.scores[metric].value) for p in scored) if scored else 0.0
    shifted = difference is not None and _is_worse(difference, higher=higher, slack=slack)
    problems, worst_clip = [], ""
    if difference is not None and shifted:
        problems.append(
            f"{metric} is significantly worse than in the baseline: {_words(difference)}"
        )
        worst_clip = _furthest(scored, steps, higher=higher)
    if lost and _lost_significantly(pairs.pairs, metric):
        problems.append(
            f"{metric} has no valid score for {len(lost)} of {len(pairs.pairs)} clips that had one "
            f"in the baseline: {lost[0].id}: {_reason(lost[0], metric)}"
        )
        worst_clip = worst_clip or lost[0].id
    unpaired = len(pairs.only_a) + len(pairs.only_b)
    return Change(metric, difference, shifted, tuple(problems), worst_clip, unpaired)


def _counts(video: VideoRecord, metric: str) -> bool:
    return metric in video.scores and video.scores[metric].status != "degenerate"


def _paired(pairs: Sequence[Pair], steps: Sequence[float]) -> Interval:
    return mean_interval(steps, [pair.cluster for pair in pairs])


def _is_worse(difference: Interval, *, higher: bool, slack: float = 0.0) -> bool:
    if difference.low is None or difference.high is None:
        return False
    return difference.high < -slack if higher else difference.low > slack


def _lost_significantly(pairs: Sequence[Pair], metric: str) -> bool:
    steps = [float(_counts(p.b, metric)) - float(_counts(p.a, metric)) for p in pairs]
    found = _paired(pairs, steps)
    # too few prompts for an interval: only when nothing is left, which is no matter of chance
    return found.mean == -1 if found.low is None else _is_worse(found, higher=True)


def _furthest(pairs: Sequence[Pair], steps: Sequence[float], *, higher: bool) -> str:
    order = min if higher else max
    return order(zip(steps, (pair.b.id for pair in pairs), strict=True))[1]


def _reason(video: VideoRecord, metric: str) -> str:
    if metric in video.scores:
        return video.scores[metric].why
    known = video.failures.get(metric) or video.not_applicable.get(metric) or video.error
    return known or "it was not measured"


def _words(difference: Interval) -> str:
    behind = f"{difference.n} clips"
    if difference.clusters != difference.n:
        behind += f" of {difference.clusters} prompts"
    if difference.low is None:
        return f"{signed(difference.mean)} ({behind}: no interval, so no change can be shown)"
    found = interval(difference.low, difference.high)
    return f"{signed(difference.mean)}, 95 % interval {found} ({behind})"
