"""A comparison as terminal tables: one for each run, its verdicts, and what a reader should know."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from mirabench.compare.model import Comparison, Contrast, Difference, Side
from mirabench.compare.statistics import LEVEL
from mirabench.report.interval import why_no_interval
from mirabench.report.table import number

STYLES = {"better": "green", "worse": "red", "equivalent": "cyan"}
MOST_NAMED = 5
WIDE, NARROW = 140, 100
"""Columns of text that the whole table takes, and the table without minor columns."""
_COLUMNS = (
    "difference", "95 % interval", "matters", "pairs", "p", "p Holm", "d_z", "needs", "verdict",
)  # fmt: skip
_FEW = ("metric", "difference", "verdict")
_SOME = (*_FEW, "95 % interval", "p Holm")


def comparison_table(found: Comparison, width: int = WIDE) -> RenderableType:
    """Everything that `mirabench compare` prints; in a narrow terminal without minor columns."""
    lines = [Text(f"! {remark}", style="yellow") for remark in found.remarks]
    parts: list[RenderableType] = []
    for contrast in found.contrasts:
        parts += [
            _table(found.reference.name, contrast, width),
            *map(Text, notes(found, contrast)),
        ]
        parts += [headline(found.reference.name, contrast), Text("")]
    return Group(*parts[:-1], *lines)


def headline(reference: str, contrast: Contrast) -> Text:
    """What the tests say metric by metric, and over all dimensions."""
    text = Text()
    text.append(f"{contrast.name} against {reference}: ", style="bold")
    better, worse = contrast.named("better"), contrast.named("worse")
    text.append(f"better on {_listed(better)}", style="green" if better else "")
    text.append("; ")
    text.append(f"worse on {_listed(worse)}", style="red" if worse else "")
    for verdict in ("higher", "lower"):
        if names := contrast.named(verdict):
            text.append(f"; {verdict} {_listed(names)}")
    text.append(f"; equivalent on {len(contrast.named('equivalent'))}")
    text.append(f"; open on {len(contrast.named('open'))}")
    whole = contrast.overall
    text.append("\noverall: ", style="bold")
    text.append(whole.verdict, style=STYLES.get(whole.verdict, ""))
    text.append(f" ({whole.why})" if whole.why else "")
    return text


def _listed(names: list[str]) -> str:
    return f"{len(names)} ({', '.join(names)})" if names else "none"


def _table(reference: str, contrast: Contrast, width: int) -> Table:
    table = Table(
        title=Text(f"{contrast.name} minus {reference}"),
        title_justify="left",
        header_style="bold",
    )
    columns = ("metric", reference, contrast.name, *_COLUMNS)
    shown = columns if width >= WIDE else _SOME if width >= NARROW else _FEW
    kept = [i for i, name in enumerate(columns) if name in shown]
    for i in kept:
        left = columns[i] in ("metric", "95 % interval", "verdict")
        whole = i not in (1, 2)  # a run's name may be long
        table.add_column(
            Text(columns[i]),
            justify="left" if left else "right",
            no_wrap=whole,
            max_width=None if whole else 14,
            overflow="fold",
        )
    dimension = ""
    for name, found in contrast.metrics.items():
        if found.dimension != dimension:
            dimension = found.dimension
            table.add_section()
            table.add_row(Text(dimension, style="bold cyan"))
        cells = _cells(name, found)
        table.add_row(*(cells[i] for i in kept))
    return table


def _cells(name: str, found: Difference) -> list[str | Text]:
    metric = f"  {name} {arrow(found)}"
    verdict = Text(found.verdict, style=STYLES.get(found.verdict, ""))
    if found.mean is None:
        sides = [number(found.a.mean), number(found.b.mean)]
        return [metric, *sides, "", "", "", "0", *[""] * 4, verdict]
    return [
        metric,
        number(found.mean_a),
        number(found.mean_b),
        signed(found.mean),
        interval(found.ci_low, found.ci_high) + band(found.error_band),
        number(found.smallest_difference),
        str(found.n),
        p_text(found.p),
        p_text(found.p_holm),
        "-" if found.effect_size is None else f"{found.effect_size:+.2f}",
        count(found.needed_prompts),
        verdict,
    ]


def arrow(found: Difference) -> str:
    """The better direction; none for a metric that describes."""
    return "·" if found.descriptive else "↑" if found.higher_is_better else "↓"


def signed(value: float | None) -> str:
    """A difference with its sign.

    Example:
        >>> signed(0.5), signed(-0.25), signed(None)
        ('+0.5000', '-0.2500', '-')
    """
    return f"+{number(value)}" if value is not None and value > 0 else number(value)


def band(value: float | None) -> str:
    """The band of the error budget, beside an interval.

    Example:
        >>> band(0.25), band(None)
        (' (band ±0.2500)', '')
    """
    return "" if value is None else f" (band ±{number(value)})"


def interval(low: float | None, high: float | None) -> str:
    """Both ends; a dash below five prompts."""
    return "-" if low is None or high is None else f"{signed(low)} .. {signed(high)}"


def p_text(p: float | None) -> str:
    """A p value, as small as the test can tell.

    Example:
        >>> p_text(0.0421), p_text(0.00001), p_text(None)
        ('0.042', '<0.001', '-')
    """
    return "-" if p is None else "<0.001" if p < 0.001 else f"{p:.3f}"


def count(value: int | None) -> str:
    """A number of prompts; beyond what anybody films, only its size.

    Example:
        >>> count(34), count(12345678), count(None)
        ('34', '>1,000,000', '-')
    """
    return "-" if value is None else f"{value:,}" if value <= 1_000_000 else ">1,000,000"


def notes(found: Comparison, contrast: Contrast) -> Iterator[str]:
    """One line for each thing a reader should know, the pairs first."""
    yield paired_text(found, contrast)
    for where, ids in ((found.reference.name, contrast.only_a), (contrast.name, contrast.only_b)):
        if ids:
            yield f"- {len(ids)} clips without a partner, only in {where}: {_some(ids)}"
    prompts = max((d.prompts for d in contrast.metrics.values()), default=0)
    if prompts and (why := why_no_interval(prompts)):
        yield f"- no interval (-): {why}"
    by_reason: dict[str, list[str]] = {}
    for name, difference in contrast.metrics.items():
        for reason in reasons(found.reference.name, contrast.name, difference):
            by_reason.setdefault(reason, []).append(name)
    for reason, names in by_reason.items():
        yield f"- {_some(names)}: {reason}"


def paired_text(found: Comparison, contrast: Contrast) -> str:
    """How many clips were paired, and how."""
    how = ", ".join(f"{n} by {how}" for how, n in contrast.paired.items())
    clips = {run.name: run.clips for run in (found.reference, *found.runs)}
    ours, theirs = found.reference.name, contrast.name
    return (
        f"{len(contrast.pairs)} pairs ({how}) of {clips[ours]} clips of {ours} and {clips[theirs]} of "
        f"{theirs}; a verdict needs p Holm of at most {LEVEL} and a difference that matters; needs: prompts "
        "to see it 4 times of 5"
    )


def reasons(reference: str, name: str, found: Difference) -> Iterator[str]:
    """What is odd about one metric's difference."""
    if found.scope == "set":
        yield f"{found.why}: {side_text(found.a)} and {side_text(found.b)}"
    elif found.why:
        yield found.why
    out = found.left_out
    told = [
        f"{count} {what} in {where}"
        for count, what, where in (
            (out.degenerate_a, "degenerate", reference),
            (out.degenerate_b, "degenerate", name),
            (out.failed_a, "failed", reference),
            (out.failed_b, "failed", name),
        )
        if count
    ]
    if out.not_applicable:
        told.append(f"{out.not_applicable} not asked")
    if told:
        yield f"{out.pairs} pair{'s' if out.pairs != 1 else ''} left out: {', '.join(told)}"
    if found.truncated:
        yield f"{found.truncated} pairs count although a clip was seen only in part"


def side_text(side: Side) -> str:
    """A run's own number with its interval."""
    if side.mean is None:
        return "no value"
    if side.ci_low is None or side.ci_high is None:
        return f"{number(side.mean)} (no interval, n={side.n})"
    return f"{number(side.mean)} ({number(side.ci_low)} .. {number(side.ci_high)}, n={side.n})"


def _some(names: list[str]) -> str:
    more = len(names) - MOST_NAMED
    return ", ".join(names[:MOST_NAMED]) + (f" and {more} more" if more > 0 else "")
