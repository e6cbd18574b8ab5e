"""`attacks.md`: the run as a page that says what was declared, what was seen, and who was fooled."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from mirabench.attacks.api import DROP, REACTIONS
from mirabench.attacks.cells import MARKS, Tally, cells, faults, headline, tally, why_nothing
from mirabench.attacks.model import VERDICTS, AttackReport, Case, MetricRecord, Verdict
from mirabench.metrics.api import DIMENSIONS

PICTURE = "images/attacks.svg"
"""Where the picture lies beside the page."""

INTRODUCTION = """\
Each attack changes a clean clip in a known way and declares how a sane metric reacts to the change.
`mirabench attack` degrades clean clips, scores each clean clip and its degraded copies with one suite, and
compares the scores.

The declaration follows from what a metric claims to measure:

- `drop`: the degraded copy ranks below the clean clip: its value is worse, or its score is no longer `ok`;
- `no gain`: the value may stay or get worse, but not improve by more than the tolerance;
- `stay`: the value does not move by more than the tolerance, and the score stays `ok`;
- `rise`: the degraded copy ranks above, by more than the tolerance.

Nothing is declared where a metric does not claim to measure what the attack changes. Such cells are empty and
do not count. A case is not applicable when the clean clip has no valid score, or when its value is already
within the tolerance of the metric's worst value. The tolerance is {tolerance:g} spreads; a spread is the
standard deviation of the metric over the clean clips of the run. It is never less than the difference below
which the metric calls nothing better or worse (0.1 % of the picture for `warping_error` and
`temporal_flicker`): clean clips that are all nearly perfect lie closer than that. A `drop` has no tolerance:
only the order counts."""


def attacks_page(report: AttackReport, command: str, picture: str = PICTURE) -> str:
    """The whole page, in Markdown.

    Args:
        report: The run.
        command: What was typed, so that people can repeat it.
        picture: Link to the picture of the matrix.
    """
    parts = [
        "# Attacks: which metrics can be fooled",
        f"<!-- Written by `{command}`: run it again instead of editing. {fingerprint(report)} -->",
        INTRODUCTION.format(tolerance=report.tolerance),
        "## Result",
        _result(report),
        f"```sh\n{command}\n```",
        f"![{len(report.attacks)} attacks against {report.suite}: {headline(report)}]({picture})",
        _table(("sign", "verdict", "the metric"), [
            (MARKS[v] or "(empty)", v, text) for v, text in VERDICTS.items()
        ]),
        "A fraction beside a sign counts the judged clips with this verdict. Without one, all have it.",
        "## Metrics",
        "How many of the judged cases went as declared, by metric.",
        _metrics(report),
        "## The reference",
        _reference(report),
        "## Where a metric is fooled",
        _faulty(report, "fooled"),
        "## Where a metric moves and must not",
        _faulty(report, "moved"),
        *_unjudged(report),
        "## The matrix",
        *_matrices(report),
        "## The attacks",
        _table(("attack", "version", "what it does", "what a generator would gain"), [
            (f"`{a.name}`", str(a.version), a.does, a.pretends) for a in report.attacks
        ]),
    ]  # fmt: skip
    return "\n\n".join(parts) + "\n"


def _result(report: AttackReport) -> str:
    every = tally(report.cases)
    rows = [
        (f"`{kind}`", str(counted), counted.percent)
        for kind in REACTIONS
        if (counted := tally(report.cases, kind)).judged
    ]
    rows.append(("**all**", f"**{every}**", f"**{every.percent}**"))
    return (
        f"**{every} declared reactions hold ({every.percent})**: suite `{report.suite}`, version "
        f"{report.suite_version}, {len(report.attacks)} attacks.\n\n{_clips(report)}\n\n"
        + _table(("declared", "holds", "share"), rows)
        + f"\n\n{_drops(report)}"
    )


def _drops(report: AttackReport) -> str:
    caught, _ = report.drops()
    by_value = report.caught_by_value()
    return (
        f"Of the {caught} drops that hold, {by_value} show in the value. In the other {caught - by_value} the "
        "value is as good or better, and\nthe status tells: the copy is static, frozen, out of order or "
        "otherwise says nothing. Such scores enter no mean."
    )


def fingerprint(report: AttackReport) -> str:
    """What the page rests on: attacks and metrics with their versions."""
    attacks = " ".join(f"{a.name}@{a.version}" for a in report.attacks)
    metrics = " ".join(f"{m.name}@{m.version}" for m in report.metrics)
    return f"attacks: {attacks}; metrics: {metrics}."


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _clips(report: AttackReport) -> str:
    kinds = set(report.clips.values())
    names = ", ".join(f"`{name}`" for name in report.clips)
    if len(kinds) == 1:
        return f"Measured on {len(report.clips)} clips: {names} ({kinds.pop()}, each)."
    listed = "; ".join(f"`{name}` ({what})" for name, what in report.clips.items())
    return f"Measured on {len(report.clips)} clips: {listed}."


def _own(report: AttackReport, metric: MetricRecord) -> list[Case]:
    return [case for case in report.cases if case.metric == metric.name]


def _metrics(report: AttackReport) -> str:
    rows = []
    for metric in report.metrics:
        own = _own(report, metric)
        if why := why_nothing(report, metric.name):
            rows.append((f"`{metric.name}`", *["-"] * 4, why))
            continue
        spread = "none" if metric.spread is None else f"{metric.spread:.4g} {metric.unit}".strip()
        counts = [str(tally(own, declared)) for declared in REACTIONS]
        rows.append((f"`{metric.name}`", *counts, f"{spread}, {metric.spread_clips} clips"))
    return _table(("metric", "drop", "no gain", "stay", "rise", "spread"), rows)


def _reference(report: AttackReport) -> str:
    published = [m for m in report.metrics if m.published]
    rows = []
    for metric in published:
        own = _own(report, metric)
        why = why_nothing(report, metric.name)
        alone, ours = tally(own, DROP, by_value=True), tally(own, DROP)
        rows.append((f"`{metric.name}`", str(alone), str(ours), why))
    if not rows:
        return f"No column of the public MiraBench code is in this suite. {_MEASURE}"
    every = [_own(report, m) for m in published]
    alone = _sum(tally(own, DROP, by_value=True) for own in every)
    ours = _sum(tally(own, DROP) for own in every)
    rows.append(("together", str(alone), str(ours), ""))
    return (
        "The public MiraBench code has no status: the number of a frozen clip counts like any other. The table "
        "judges its columns by value alone, as that code would, and with the statuses of mirabench. By value "
        "alone there are more cases, because clips count whose clean score already says nothing, such as 3D "
        "consistency under a static camera.\n\n"
        + _table(("column", "drops, by value alone", "drops, with statuses", "note"), rows)
        + _awaited(report)
    )


_MEASURE = (
    "With the [weights](weights.md) on disk, this command measures them:\n\n```sh\n"
    "mirabench attack --suite mirabench-official --allow-noncommercial -o attacks-official\n```"
)


def _awaited(report: AttackReport) -> str:
    if report.suite == "mirabench-official":
        return ""
    return (
        "\n\nThese are the columns that need no network. The other columns of the reference are not measured: "
        f"they need pretrained weights. {_MEASURE}"
    )


def _sum(tallies: Iterable[Tally]) -> Tally:
    found = list(tallies)
    return Tally(sum(t.right for t in found), sum(t.judged for t in found))


def _faulty(report: AttackReport, verdict: Verdict) -> str:
    found = faults(report, verdict)
    if not found:
        return "Nowhere, in the declared cases."
    rows: dict[tuple[str, str, str], list[Case]] = {}
    for case in found:
        rows.setdefault((case.metric, case.attack, str(case.declared)), []).append(case)
    return _table(
        ("metric", "attack", "declared", "clips", "gain in spreads"),
        [
            (f"`{metric}`", f"`{attack}`", declared, ", ".join(c.clip for c in cases),
             ", ".join(_gain(c) for c in cases))
            for (metric, attack, declared), cases in rows.items()
        ],
    )  # fmt: skip


def _gain(case: Case) -> str:
    if case.attacked.status not in ("ok", "truncated"):
        return case.attacked.status
    return "?" if case.gain is None else f"{case.gain:+.2f}"


def _unjudged(report: AttackReport) -> list[str]:
    failed = faults(report, "failed")
    if not failed:
        return []
    lines = sorted({f"- `{c.metric}`, {c.clip}: {c.why or c.attacked.why}" for c in failed})
    return ["## What failed", "\n".join(lines)]


def _matrices(report: AttackReport) -> list[str]:
    """One table for each dimension; attacks that declare nothing for it are left out."""
    found = cells(report)
    parts = []
    for dimension in DIMENSIONS:
        metrics = [m.name for m in report.metrics if m.dimension == dimension and not m.skipped]
        rows = []
        for attack in report.attacks:
            marks = [found[attack.name, m].mark for m in metrics if (attack.name, m) in found]
            if any(marks):
                rows.append((f"`{attack.name}`", *marks))
        if rows:
            heads = ("attack", *(f"`{m}`" for m in metrics))
            parts.append(f"### {dimension[:1].upper()}{dimension[1:]}\n\n{_table(heads, rows)}")
    return parts
