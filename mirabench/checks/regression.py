"""Whether a run is worse than an earlier one: clip by clip, and only where that is no chance.

A metric is worse when the 95 % interval of the paired difference, clustered by prompt, lies wholly on
its bad side; the interval is that of `mirabench.compare`. Clips that had a number and lost it are judged
the same way, as a difference of 1 or 0, so that a run cannot pass by freezing the clips it does badly.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from mirabench.compare.statistics import PairedDifference, paired_difference
from mirabench.errors import ReportError
from mirabench.report.build import cluster_of
from mirabench.report.model import Report, VideoRecord
from mirabench.report.table import number

Pair = tuple[VideoRecord, VideoRecord]
"""A clip of this run, and its partner in the baseline."""


@dataclass(frozen=True, slots=True)
class Change:
    """A metric now and in the baseline, over the same clips or prompts."""

    metric: str
    difference: PairedDifference | None
    """Now minus then; None when no pair has two numbers that count."""
    worse: bool
    """Significantly so."""
    problems: tuple[str, ...]
    """One sentence for each way in which it is worse."""
    look_at: str
    """The clip that lost most."""
    unpaired: int
    """Clips of either side without a partner."""

    def text(self) -> str:
        """The difference in words."""
        if self.difference is None:
            return "no pair of clips has two numbers that count"
        return _words(self.difference)


def require_same_suite(now: Report, baseline: Report, name: str) -> None:
    """Refuse to compare numbers of different suites.

    Raises:
        ReportError: the digests differ.
    """
    if now.suite.digest != baseline.suite.digest:
        raise ReportError(
            f"the baseline {name} is of another suite, {_named(baseline)}, and this run is of "
            f"{_named(now)}: choose the baseline's suite, or make the baseline again with this one"
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
            "give it a min or a max instead"
        )
    pairs = paired(now, baseline)
    if not pairs:
        raise ReportError(
            f"the baseline {name} has no clip and no prompt in common with this run: "
            "score clips of the same names, or give prompts"
        )
    _require_same_protocol(pairs, metric, name)
    return _judged(pairs, metric, higher=now.summary[metric].higher_is_better, unpaired=(
        len(now.videos) + len(baseline.videos) - 2 * len(pairs)
    ))  # fmt: skip


def _require_same_protocol(pairs: Sequence[Pair], metric: str, name: str) -> None:
    for ours, theirs in pairs:
        if _counts(ours, metric) and _counts(theirs, metric):
            a, b = ours.scores[metric].protocol, theirs.scores[metric].protocol
            if a != b:
                raise ReportError(
                    f"{metric} of {ours.id} was measured as {b} in the baseline {name} and as {a} now: "
                    "numbers of different protocols do not compare, so make the baseline again"
                )


def paired(now: Report, baseline: Report) -> list[Pair]:
    """Clips of the same id and prompt; where no id is common, the clips of each prompt in their order."""
    same = _matched(now, baseline, lambda v: (v.id, v.prompt_id))
    if same:
        return same
    return _matched(now, baseline, lambda v: v.prompt_id)


def _matched(now: Report, baseline: Report, key: Callable[[VideoRecord], object]) -> list[Pair]:
    waiting: defaultdict[object, list[VideoRecord]] = defaultdict(list)
    for video in baseline.videos:
        waiting[key(video)].append(video)
    return [
        (video, waiting[key(video)].pop(0))
        for video in now.videos
        if key(video) is not None and waiting[key(video)]
    ]


def _counts(video: VideoRecord, metric: str) -> bool:
    return metric in video.scores and video.scores[metric].status != "degenerate"


def _judged(pairs: Sequence[Pair], metric: str, *, higher: bool, unpaired: int) -> Change:
    scored = [p for p in pairs if _counts(p[0], metric) and _counts(p[1], metric)]
    steps = [a.scores[metric].value - b.scores[metric].value for a, b in scored]
    lost = [a for a, b in pairs if _counts(b, metric) and not _counts(a, metric)]
    difference = paired_difference(steps, _clusters(scored)) if scored else None
    problems = []
    look_at = ""
    if difference is not None and _is_worse(difference, higher=higher):
        problems.append(
            f"{metric} is significantly worse than in the baseline: {_words(difference)}"
        )
        look_at = _furthest(scored, steps, higher=higher)
    if lost and _lost_significantly(pairs, metric):
        problems.append(
            f"{metric} has no number that counts for {len(lost)} of {len(pairs)} clips that had one in "
            f"the baseline: {lost[0].id}: {_reason(lost[0], metric)}"
        )
        look_at = look_at or lost[0].id
    return Change(metric, difference, bool(problems), tuple(problems), look_at, unpaired)


def _clusters(pairs: Sequence[Pair]) -> list[str]:
    return [cluster_of(ours) for ours, _ in pairs]


def _is_worse(difference: PairedDifference, *, higher: bool) -> bool:
    if difference.low is None or difference.high is None:
        return False
    return difference.high < 0 if higher else difference.low > 0


def _lost_significantly(pairs: Sequence[Pair], metric: str) -> bool:
    steps = [float(_counts(a, metric)) - float(_counts(b, metric)) for a, b in pairs]
    return _is_worse(paired_difference(steps, _clusters(pairs)), higher=True)


def _furthest(pairs: Sequence[Pair], steps: Sequence[float], *, higher: bool) -> str:
    order = min if higher else max
    return order(zip(steps, (ours.id for ours, _ in pairs), strict=True))[1]


def _reason(video: VideoRecord, metric: str) -> str:
    if metric in video.scores:
        return video.scores[metric].why
    known = video.failures.get(metric) or video.not_applicable.get(metric) or video.error
    return known or "it was not measured"


def _words(difference: PairedDifference) -> str:
    behind = f"{difference.n} clips of {difference.clusters} prompts"
    if difference.low is None or difference.high is None:
        return f"{difference.mean:+.4g} ({behind}: no interval, so no change can be shown)"
    return (
        f"{difference.mean:+.4g}, 95 % interval {number(difference.low)} .. {number(difference.high)} "
        f"({behind})"
    )
