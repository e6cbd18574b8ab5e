"""What differences say: better, worse, equivalent or open; higher or lower where more is no better.

One metric:

    equivalent      the 95 % interval lies within the smallest difference of interest on both sides of zero
                    (two one-sided tests at 0.025 each)
    better, worse   p after Holm is at most 0.05, and the difference reaches the smallest one of interest
    higher, lower   the same, for metrics that describe: motion strength is no merit
    open            anything else; `why` says so where there is something to say

A gain may be bought. Blur takes away flicker, noise and the errors of tracked points; grey and dark pictures
have small errors; washed-out ones are well exposed; slow and frozen ones hold together. So a gain is not called
better while a witness speaks against it: a loss of picture or motion in the same pairs of clips, of the
smallest difference of interest or with an interval wholly on the bad side. Witnesses of

    consistency (temporal, 3D)                  visual quality where higher is better; motion strength
    visual quality where lower is better        the same
    visual quality where higher is better       the other metrics of it

Nor is it while more than one in twenty of the clips that had a number lost it. Worse needs no such proof: it
is an alarm, and said whenever it is shown.

Over all dimensions a run is better when it is better on something, and on nothing worse or fallen (as a witness
is), with its picture among what was compared. It is worse when it is worse on something and better on nothing.
Better here and worse there is a trade, and open.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from mirabench.compare.model import Difference, Overall, Verdict
from mirabench.compare.statistics import FEWEST_PROMPTS, LEVEL, smallest_p

NEGLIGIBLE = 1e-3
"""Share of the scores: a smaller loss is no witness, however sure."""
LOST = 0.05
"""Share of the clips that may lose their number before the gain of the others counts no more."""
_CONSISTENCY = ("temporal consistency", "3D consistency")
_PICTURE = "visual quality"
_MOTION = "motion strength"


def verdict_of(found: Difference, tests: int) -> tuple[Verdict, str]:
    """What one difference says by itself, and why where that is not plain.

    Args:
        found: With p after Holm, interval and smallest difference.
        tests: How many the correction was over.
    """
    margin = found.smallest_difference or 0.0
    if _within(found, margin):
        return "equivalent", ""
    if found.p_holm is not None and found.p_holm <= LEVEL and found.mean:
        if abs(found.mean) <= (found.error_band or 0.0):
            return "open", "the difference lies within the error budget of the metric"
        if abs(found.mean) >= margin:
            return _direction(found), ""
        return "open", "the difference is sure, and smaller than the smallest one of interest"
    if any(found.by_prompt.values()) and smallest_p(found.prompts) * tests > LEVEL:
        return "open", _why_too_few(found.prompts, tests)
    return "open", ""


def _within(found: Difference, margin: float) -> bool:
    if found.ci_low is None or found.ci_high is None:
        return False
    return -margin <= found.ci_low and found.ci_high <= margin


def _direction(found: Difference) -> Verdict:
    up = (found.mean or 0.0) > 0
    if found.descriptive:
        return "higher" if up else "lower"
    return "better" if up == found.higher_is_better else "worse"


def _why_too_few(prompts: int, tests: int) -> str:
    needed = FEWEST_PROMPTS
    while smallest_p(needed) * tests > LEVEL and needed < 1000:
        needed += 1
    return (
        f"{counted(prompts, 'prompt')} cannot show any difference in {counted(tests, 'test')}, "
        f"however large it is: it takes {needed}{', or fewer metrics' if tests > 1 else ''}"
    )


def counted(count: int, what: str) -> str:
    """A number and its noun.

    Example:
        >>> counted(1, "test"), counted(3, "prompt")
        ('1 test', '3 prompts')
    """
    return f"{count} {what}{'s' if count != 1 else ''}"


def fell(found: Difference) -> bool:
    """Whether a metric lost: the smallest difference of interest, or surely anything that is not negligible."""
    if found.mean is None or found.mean_a is None or found.mean_b is None:
        return False
    loss = -found.mean if found.higher_is_better else found.mean
    if loss <= NEGLIGIBLE * max(abs(found.mean_a), abs(found.mean_b)):
        return False
    return loss >= (found.smallest_difference or 0.0) or _surely_lost(found)


def _surely_lost(found: Difference) -> bool:
    if found.ci_low is None or found.ci_high is None:
        return False
    return found.ci_high < 0 if found.higher_is_better else found.ci_low > 0


def why_withheld(name: str, metrics: Mapping[str, Difference]) -> str:
    """Why a gain is not called better; empty where nothing speaks against it.

    Args:
        name: The metric that gained.
        metrics: All metrics of the same pairs of clips, measured in the same way.
    """
    found = metrics[name]
    if found.left_out.lost > LOST * (found.n + found.left_out.pairs):
        return (
            f"not called better: {found.left_out.lost} clips that had a number lost it, and the rest may "
            "look better for it"
        )
    against = [other for other in _witnesses(name, metrics) if fell(metrics[other])]
    if not against:
        return ""
    return (
        f"not called better: {', '.join(against)} of the same clips became worse or less, and such a gain is "
        "bought with less detail, colour, light or motion"
    )


def _witnesses(name: str, metrics: Mapping[str, Difference]) -> Iterator[str]:
    gained = metrics[name]
    if gained.dimension not in (_PICTURE, *_CONSISTENCY):
        return
    # a washed-out picture is better exposed, and its noise reads as sharpness
    merit = gained.dimension == _PICTURE and gained.higher_is_better
    for other, found in metrics.items():
        of_picture = found.dimension == _PICTURE and found.higher_is_better
        of_motion = found.dimension == _MOTION and not merit
        if other != name and (of_picture or of_motion):
            yield other


def overall_of(shown: Mapping[str, Difference], metrics: Mapping[str, Difference]) -> Overall:
    """The verdict over all dimensions.

    Args:
        shown: The metrics that were tested, with their verdicts.
        metrics: All metrics of both reports, witnesses that nobody asked for included.
    """
    dimensions = _by_dimension(shown)
    better = [n for n, d in shown.items() if d.verdict == "better"]
    worse = [n for n, d in shown.items() if d.verdict == "worse"]
    if better and worse:
        why = f"a trade: better on {', '.join(better)}, worse on {', '.join(worse)}"
        return Overall(verdict="open", why=why, dimensions=dimensions)
    if worse:
        return Overall(verdict="worse", why=f"worse on {', '.join(worse)}", dimensions=dimensions)
    if better:
        against = _against_better(metrics)
        why = f"better on {', '.join(better)}; {against}" if against else ""
        return Overall(verdict="open" if against else "better", why=why, dimensions=dimensions)
    ranked = [d.verdict for d in shown.values() if not d.descriptive and d.mean is not None]
    alike = bool(ranked) and set(ranked) == {"equivalent"}
    return Overall(verdict="equivalent" if alike else "open", dimensions=dimensions)


def _against_better(metrics: Mapping[str, Difference]) -> str:
    fallen = [name for name, found in metrics.items() if fell(found)]
    if fallen:
        return f"but {', '.join(fallen)} became worse or less"
    if not any(
        d.dimension == _PICTURE and d.higher_is_better and d.mean is not None
        for d in metrics.values()
    ):
        return "but nothing compared shows whether detail was lost: evaluate visual quality too"
    return ""


def _by_dimension(shown: Mapping[str, Difference]) -> dict[str, Verdict]:
    """Dimension -> the one verdict of its metrics, or open where they differ or leave it open."""
    groups: dict[str, set[Verdict]] = {}
    for found in shown.values():
        if found.mean is not None:
            groups.setdefault(found.dimension, set()).add(found.verdict)
    return {dimension: _joint(verdicts) for dimension, verdicts in groups.items()}


def _joint(verdicts: set[Verdict]) -> Verdict:
    """One verdict, where the others of a dimension do not contradict it."""
    decided = verdicts - {"equivalent", "open"}
    if len(decided) == 1:
        return next(iter(decided))
    return "equivalent" if verdicts == {"equivalent"} else "open"
