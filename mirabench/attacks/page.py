"""`attacks.md`: the run as a page that says what was declared, what was seen, and who was fooled."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from mirabench.attacks.api import DROP, NO_GAIN, RISE, STAY
from mirabench.attacks.cells import MARKS, Tally, cells, faults, tally, why_nothing
from mirabench.attacks.model import VERDICTS, AttackReport, Case, MetricRecord, Verdict
from mirabench.metrics.api import DIMENSIONS

PICTURE = "images/attacks.svg"
"""Where the picture lies beside the page."""

INTRODUCTION = """\
Each attack changes an honest clip in a way whose effect is known, and declares what a sane metric must say
of the result. `mirabench attack` makes the attacked twins, scores honest and attacked clips with one suite,
and compares.

What is declared follows from what a metric claims to measure:

- `drop`: the twin must rank below the honest clip, by a worse value or because its score is no longer `ok`;
- `rise`: it must rank above, by more than the tolerance;
- `stay`: its value must not move by more than the tolerance, and its score must stay `ok`;
- `no gain`: it may stay or drop, but must not gain more than the tolerance.

A metric owes no reaction to what it does not measure: there nothing is declared, the cell is empty, and
nothing is counted. A case is not applicable when the honest clip itself has no sound score, or when its
value is already within the tolerance of the metric's worst. The tolerance is {tolerance:g} spreads; a
spread is the standard deviation of the metric over the honest clips of the run. It does not enter a `drop`:
there the order alone counts."""


def attacks_page(report: AttackReport, command: str, picture: str = PICTURE) -> str:
    """The whole page, in Markdown.

    Args:
        report: The run.
        command: What was typed, so that people can repeat it.
        picture: Link to the picture of the matrix.
    """
    caught, total = report.drops()
    parts = [
        "# Attacks: which metrics can be fooled",
        f"<!-- Written by `{command}`: run it again instead of editing. {fingerprint(report)} -->",
        INTRODUCTION.format(tolerance=report.tolerance),
        "## Result",
        _result(report),
        f"```sh\n{command}\n```",
        f"![{len(report.attacks)} attacks against {report.suite}: {caught} of {total} drops]({picture})",
        _clips(report),
        _table(("sign", "verdict", "it says that the metric"), [
            (MARKS[v] or "(empty)", v, text) for v, text in VERDICTS.items()
        ]),
        "A number behind a sign is how many of the judged clips it holds for; without one, all of them.",
        "## Metrics",
        "In how many judged cases each metric did as declared.",
        _metrics(report),
        "## The reference",
        _reference(report),
        "## Where a metric is fooled",
        _faulty(report, "fooled"),
        "## Where a metric moves and should not",
        _faulty(report, "moved"),
        *_unjudged(report),
        "## The matrix",
        *_matrices(report),
        "## The attacks",
        _table(("attack", "version", "what is done", "what it pretends"), [
            (f"`{a.name}`", str(a.version), a.does, a.pretends) for a in report.attacks
        ]),
    ]  # fmt: skip
    return "\n\n".join(parts) + "\n"


def _result(report: AttackReport) -> str:
    caught, total = report.drops()
    by_value = report.caught_by_value()
    return (
        f"Suite `{report.suite}`, version {report.suite_version}, on {len(report.clips)} clips under "
        f"{len(report.attacks)} attacks:\n**the honest clip ranks above its attacked twin in {caught} of "
        f"{total} declared drops{_percent(caught, total)}**.\nIn {by_value} of the {caught} the value itself "
        f"is worse; in the other {caught - by_value} it is as good or better, and the status of the score\n"
        "tells: the clip is static, frozen, out of order or otherwise empty. Such scores are in no mean."
    )


def fingerprint(report: AttackReport) -> str:
    """What the page rests on: attacks and metrics with their versions."""
    attacks = " ".join(f"{a.name}@{a.version}" for a in report.attacks)
    metrics = " ".join(f"{m.name}@{m.version}" for m in report.metrics)
    return f"attacks: {attacks}; metrics: {metrics}."


def _percent(part: int, whole: int) -> str:
    return f" ({100 * part / whole:.1f} %)" if whole else ""


def _of(part: int, whole: int) -> str:
    return f"{part} of {whole}{_percent(part, whole)}"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _clips(report: AttackReport) -> str:
    return "Clips: " + "; ".join(f"`{name}` ({what})" for name, what in report.clips.items()) + "."


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
        counts = [str(tally(own, declared)) for declared in (DROP, NO_GAIN, STAY, RISE)]
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
        return "No column of the public MiraBench code is in this suite."
    every = [_own(report, m) for m in published]
    alone = _sum(tally(own, DROP, by_value=True) for own in every)
    ours = _sum(tally(own, DROP) for own in every)
    rows.append(("together", str(alone), str(ours), ""))
    return (
        "The public MiraBench code knows no status: a frozen clip's number counts like any other. Judged "
        "by value alone, as it would be there, and with the statuses that mirabench gives them. By value "
        "alone there are more cases, because clips count whose honest score says nothing already, as 3D "
        "consistency does of a camera that stands still.\n\n"
        + _table(("column", "drops, by value alone", "drops, with statuses", "note"), rows)
        + _awaited(report)
    )


def _awaited(report: AttackReport) -> str:
    if report.suite == "mirabench-official":
        return ""
    return (
        "\n\nThese are the columns whose numbers need no network. The rest of the reference's columns await "
        "pretrained weights: random ones say nothing. With the [weights](weights.md) on disk, this "
        "fills them in:\n\n```sh\n"
        "mirabench attack --suite mirabench-official --allow-noncommercial -o attacks-official\n```"
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
