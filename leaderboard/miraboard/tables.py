"""Rows and columns for people: text, arrows, places, notes. Pure; knows nothing of widgets or markup."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from mirabench.metrics.api import MetricSpec
from mirabench.report.table import number
from miraboard.board import View
from miraboard.ranking import Ranking, Score, Wins
from miraboard.standing import Standing, Value
from miraboard.utility import CONSISTENCY

OVERALL = "score"
PAGE = 50
BADGES = {
    "self-reported": "distances between sets: as the submitter reported them",
    "recomputed": "means and intervals recomputed here from the clips' scores",
    "rescored": "the board or a maintainer scored a sample of the clips, and the scores agree",
    "disputed": "the board or a maintainer scored a sample of the clips, and scores differ",
}
"""Badge -> what it says."""


@dataclass(frozen=True, slots=True)
class Cell:
    """What one place of the table holds."""

    text: str
    small: str = ""
    """The interval, or the range of places."""
    note: str = ""
    """For who asks: what stands behind the number."""
    bar: tuple[float, float, float] | None = None
    """Low, value and high between 0 and 1, to draw."""


@dataclass(frozen=True, slots=True)
class Column:
    """One column and what stands over it."""

    key: str
    title: str
    arrow: str = ""
    """Up when higher is better, down when lower is."""
    note: str = ""


@dataclass(frozen=True, slots=True)
class SubmissionRow:
    """One submission."""

    id: str
    rank: str
    """The rank, or the range of ranks that the differences allow."""
    alike: str
    """How many others it cannot be told from; empty for none."""
    label: str
    badge: str
    remarks: tuple[str, ...]
    cells: tuple[Cell, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """One page of one track's table."""

    columns: tuple[Column, ...]
    rows: tuple[SubmissionRow, ...]
    found: int
    """Rows before paging."""
    page: int
    pages: int
    order: str


@dataclass(frozen=True, slots=True)
class Request:
    """What a viewer asked to see."""

    search: str = ""
    columns: tuple[str, ...] = ()
    """Metrics beside the dimensions."""
    order: str = OVERALL
    """A column's key."""
    badge: str = ""
    """Only rows with this badge."""
    page: int = 1


def dimension_note(dimension: str) -> str:
    """What the number of a dimension is."""
    text = (
        "mean worth over the dimension's metrics and the prompts that ask for them, 95 % interval"
    )
    if dimension == CONSISTENCY:
        text += "; a clip that hardly moves is worth 0"
    return text


def build_table(view: View, ranking: Ranking, request: Request) -> Table:
    """One page of the table, filtered and in order; a tie in the order is broken by label."""
    columns = _columns(view, ranking, request.columns)
    order = request.order if request.order in {c.key for c in columns} else OVERALL
    kept = [i for i, s in enumerate(view.standings) if _wanted(view, s, request)]
    kept.sort(key=lambda i: _sort_key(view, ranking, order, i))
    pages = max(1, math.ceil(len(kept) / PAGE))
    page = min(max(1, request.page), pages)
    shown = kept[(page - 1) * PAGE : page * PAGE]
    rows = tuple(_row(view, ranking, columns, i) for i in shown)
    return Table(tuple(columns), rows, len(kept), page, pages, order)


def _columns(view: View, ranking: Ranking, metrics: Sequence[str]) -> list[Column]:
    found = [Column(OVERALL, "Score", "↑", "mean of the dimensions by the weights shown, 0 to 100")]
    found += [Column(d, d[0].upper() + d[1:], "↑", dimension_note(d)) for d in ranking.dimensions]
    for name, spec in view.track.specs.items():
        if name in metrics:
            found += _metric_columns(name, spec)
    return found


def _metric_columns(name: str, spec: MetricSpec) -> list[Column]:
    arrow = "↑" if spec.higher_is_better else "↓"
    unit = f" ({spec.unit})" if spec.unit else ""
    note = f"{spec.summary}{unit}"
    if spec.dimension != CONSISTENCY or spec.scope != "clip":
        reported = "; as reported, not recomputed" if spec.scope == "set" else ""
        return [Column(name, name, arrow, note + reported)]
    return [
        Column(name, f"{name}, moving clips", arrow, f"{note}; over clips that move"),
        Column(f"{name} raw", f"{name}, raw", arrow, f"{note}; over all clips"),
    ]


def _wanted(view: View, standing: Standing, request: Request) -> bool:
    words = request.search.lower().split()
    text = f"{standing.label} {standing.licence} {standing.id}".lower()
    badge = not request.badge or view.badge(standing.id) == request.badge
    return badge and all(word in text for word in words)


def _sort_key(view: View, ranking: Ranking, order: str, i: int) -> tuple[float, str]:
    standing = view.standings[i]
    spec = view.track.specs.get(order.removesuffix(" raw"))
    if spec is None:
        score = ranking.overall if order == OVERALL else ranking.dimensions[order]
        key = -float(score.value[i])
        return (math.inf if math.isnan(key) else key, standing.label.lower())
    value = standing.values.get(spec.name) if order.endswith(" raw") else standing.shown(spec.name)
    if value is None or value.mean is None:
        return (math.inf, standing.label.lower())
    return (-value.mean if spec.higher_is_better else value.mean, standing.label.lower())


def _row(view: View, ranking: Ranking, columns: Sequence[Column], i: int) -> SubmissionRow:
    standing = view.standings[i]
    cells = tuple(_cell(view, ranking, column.key, i) for column in columns)
    places = ranking.places
    return SubmissionRow(
        standing.id, place_text(places.first[i], places.last[i]), alike_text(places, i),
        standing.label, view.badge(standing.id), remarks(standing), cells,
    )  # fmt: skip


def alike_text(places: Wins, i: int) -> str:
    """How many others a row cannot be told from; empty for none."""
    count = int(places.alike[i])
    others = "other" if count == 1 else "others"
    return f"cannot be told from {count} {others}" if count else ""


def remarks(standing: Standing) -> tuple[str, ...]:
    """What a reader should know of a submission before its numbers."""
    found = []
    if standing.still:
        found.append(f"{standing.still} of {standing.clips} clips near-static")
    if standing.failed:
        found.append(f"{standing.failed} of {standing.clips} clips lack scores")
    return tuple(found)


def _cell(view: View, ranking: Ranking, key: str, i: int) -> Cell:
    if key == OVERALL:
        return _score_cell(ranking.overall, i)
    if key in ranking.dimensions:
        return _score_cell(ranking.dimensions[key], i)
    standing = view.standings[i]
    name = key.removesuffix(" raw")
    raw = key.endswith(" raw")
    value = standing.values.get(name) if raw else standing.shown(name)
    place = ""
    if not raw and name in ranking.metrics:
        wins = ranking.metrics[name]
        place = f"rank {place_text(wins.first[i], wins.last[i])}"
    return value_cell(value, place)


def place_text(first: int, last: int) -> str:
    """A place, or the range of places that the intervals allow.

    Example:
        >>> place_text(2, 2), place_text(1, 3)
        ('2', '1-3')
    """
    return str(first) if first == last else f"{first}-{last}"


def _score_cell(score: Score, i: int) -> Cell:
    value, low, high = float(score.value[i]), float(score.low[i]), float(score.high[i])
    if math.isnan(value):
        return Cell("-", note="every weight is 0")
    note = "0 to 100, with its 95 % interval over prompts; depends on no other row"
    return Cell(
        f"{100 * value:.1f}", f"{100 * low:.1f} .. {100 * high:.1f}", note, (low, value, high)
    )


def value_cell(value: Value | None, place: str = "") -> Cell:
    """A number with its interval and what stands behind it."""
    if value is None or value.mean is None:
        return Cell("-", note="no clip has a valid score: worth 0")
    interval = "no interval"
    if value.low is not None:
        interval = f"{number(value.low)} .. {number(value.high)}"
    note = f"{value.n} of {value.of} clips" + (f", {place}" if place else "")
    return Cell(number(value.mean), interval, note)


def weights_text(weights: Mapping[str, float], dimensions: Sequence[str]) -> str:
    """The weights behind the score, always shown beside it.

    Example:
        >>> weights_text({"motion strength": 2.0}, ["motion strength", "visual quality"])
        'motion strength 67 %, visual quality 33 %'
    """
    shares = [max(0.0, weights.get(d, 1.0)) for d in dimensions]
    total = sum(shares)
    if not total:
        return "every weight is 0: no score"
    return ", ".join(
        f"{d} {100 * s / total:.0f} %" for d, s in zip(dimensions, shares, strict=True)
    )


def parse_weights(text: str, specs: Mapping[str, MetricSpec]) -> dict[str, float]:
    """Metric -> weight, from `noise=0, sharpness=2`; what cannot be read is left out.

    Weights are between 0 and 100.
    """
    found = {}
    for part in (text or "")[:2000].split(","):
        name, _, amount = part.partition("=")
        try:
            weight = float(amount)
        except ValueError:
            continue
        if name.strip() in specs and 0 <= weight <= 100:
            found[name.strip()] = weight
    return found
