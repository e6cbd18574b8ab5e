"""Pages as HTML, every text escaped: what the app shows and the static site holds. Pure."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from importlib.resources import files
from typing import Any
from urllib.parse import urlencode

from jinja2 import Environment, FunctionLoader, StrictUndefined
from markupsafe import Markup

from mirabench.compare.statistics import FLIPS, LEVEL
from mirabench.report.table import number
from miraboard import charts, paired, ranking, trend
from miraboard.board import SubmissionAnswer, View
from miraboard.paired import Difference
from miraboard.standing import Standing
from miraboard.states import Scoring
from miraboard.store import ClipRow, Event
from miraboard.strips import shown as film
from miraboard.tables import BADGES, Cell, Table, alike_text, place_text, value_cell
from miraboard.tracks import Track
from miraboard.utility import CONSISTENCY

Link = Callable[[str, str, str], str]
"""Page (`generator`, `prompt`, `compare` with ids and commas, or `order` for a table by a column), track and
id -> address, empty where there is no such page."""

PAGES = (
    "table",
    "compare",
    "generator",
    "prompt",
    "vote",
    "people",
    "trend",
    "submit",
    "about",
    "audit",
    "export",
    "maintain",
)
"""What the address may show."""
MARKS = {"self-reported": "○", "recomputed": "◐", "rescored": "●", "disputed": "✗"}
MOST_PROBLEMS = 60
MOST_PROVENANCE = 12_000
"""Characters; reports from before there was a limit may hold a million numbers."""
MOST_COMPARED = 4
MOST_ON_A_PROMPT = 100
"""Submissions on the page of a prompt, the best of the track."""


def app_link(page: str, track: str, identity: str) -> str:
    """An address within the app."""
    return "?" + urlencode({"show": page, "track": track, "id": identity})


@cache
def _environment() -> Environment:
    folder = files("miraboard") / "templates"
    environment = Environment(
        loader=FunctionLoader(lambda name: (folder / name).read_text(encoding="utf-8")),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals.update(badges=BADGES, marks=MARKS)
    environment.filters.update(breakable=breakable, limits_text=limits_text)
    return environment


def breakable(name: str) -> Markup:
    """A metric's name that may go to a new line after each underscore."""
    return Markup("_<wbr>").join(name.split("_"))


def limits_text(limits: tuple[float, float]) -> str:
    """A range for people.

    Example:
        >>> limits_text((0.0, 1.0)), limits_text((0.0, math.inf))
        ('0 .. 1', '0 and up')
    """
    low, high = limits
    if math.isinf(low) and math.isinf(high):
        return "any number"
    if math.isinf(high):
        return f"{low:g} and up"
    return f"up to {high:g}" if math.isinf(low) else f"{low:g} .. {high:g}"


def render(template: str, **values: Any) -> Markup:
    """A template, its values escaped."""
    return Markup(_environment().get_template(f"{template}.html.j2").render(**values))


@cache
def css() -> str:
    """The style of every page."""
    return (files("miraboard") / "board.css").read_text(encoding="utf-8")


def table_page(view: View, table: Table, weights: str, notice: str, link: Link) -> Markup:
    """The table, and how to read it."""
    return render("table", view=view, table=table, weights=weights, notice=notice, link=link)


def answer_page(answer: SubmissionAnswer) -> Markup:
    """Accepted, or refused and why."""
    return render("answer", answer=answer)


def state_page(scoring: Scoring, wanted: Sequence[str]) -> Markup:
    """How far the board is with scoring a submission's clips, and which ones it waits for."""
    return render("state", scoring=scoring, wanted=wanted)


def watch_link(track: str, prompt: str, ids: Sequence[str]) -> str:
    """The address of clips side by side, from the board's first page."""
    return "watch/?" + urlencode({"track": track, "prompt": prompt, "id": ",".join(ids)})


def watch_note(track: str, prompt: str, ids: Sequence[str]) -> Markup:
    """A line that leads to the clips of a prompt side by side."""
    return Markup('<p class="mb"><a href="{}">{}</a></p>').format(
        watch_link(track, prompt, ids[:3]), f"Watch {len(ids)} clips of this prompt side by side"
    )


def audit_page(events: Sequence[Event], head: str) -> Markup:
    """Lines of the audit log, and the hash that ends it."""
    return render("audit", events=events, head=head)


def trend_page(view: View, link: Link) -> Markup:
    """A track's scores over time."""
    points = trend.points_of(view)
    return render("trend", track=view.track, points=points, chart=trend.chart(points), link=link)


def about_page(track: Track, url: str) -> Markup:
    """What the track measures, and how to take part."""
    return render(
        "about", track=track, url=url, specs=list(track.specs.values()),
        forms=" --form " + ",".join(track.forms) if track.forms else "",
        ranking=(ranking.__doc__ or "").strip(),
    )  # fmt: skip


def generator_page(
    view: View, places: ranking.Ranking, standing: Standing, report: str,
    strips: Sequence[tuple[str, str]], link: Link,
) -> Markup:  # fmt: skip
    """One submission: numbers, history, film strips, what failed, provenance."""
    raw = json.loads(report)
    index = view.standings.index(standing) if standing in view.standings else None
    return render(
        "generator",
        view=view,
        s=standing,
        link=link,
        strips=strips,
        rivals=_rivals(view, places, standing),
        numbers=_numbers(view, places, standing, index),
        rank=_rank_sentence(places, index),
        versions=view.versions(standing),
        verdicts=view.verdicts.get(standing.id, ()),
        problems=_problems(raw),
        provenance=_provenance(raw["provenance"]),
    )


def _rank_sentence(places: ranking.Ranking, index: int | None) -> str:
    if index is None:
        return "An older version: the newest one has the rank."
    rank = place_text(places.places.first[index], places.places.last[index])
    total = len(places.places.wins)
    alike = alike_text(places.places, index)
    return f"Rank {rank} of {total}{f'; {alike}' if alike else ''}."


def _rivals(view: View, places: ranking.Ranking, standing: Standing) -> str:
    """A submission's id and those of the best others, to compare it with; empty when it is alone."""
    others = [key for key in shown_on_a_prompt(view, places) if key != standing.id]
    return ",".join([standing.id, *others[: MOST_COMPARED - 1]]) if others else ""


def _numbers(
    view: View, places: ranking.Ranking, standing: Standing, index: int | None
) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    heading = ""
    for name, spec in view.track.specs.items():
        wins = places.metrics.get(name)
        twice = spec.dimension == CONSISTENCY and spec.scope == "clip"
        raw = value_cell(standing.values.get(name)) if twice else Cell("")
        found.append(
            {
                "heading": spec.dimension if spec.dimension != heading else "",
                "name": name,
                "summary": spec.summary,
                "arrow": "↑" if spec.higher_is_better else "↓",
                "cell": value_cell(standing.shown(name)),
                "place": _place(wins, index),
                "raw": f"{raw.text} ({raw.small})" if raw.small else raw.text,
                "origin": _origin(standing, name, set_metric=spec.scope == "set"),
            }
        )
        heading = spec.dimension
    return found


def _place(wins: ranking.Wins | None, index: int | None) -> str:
    if wins is None or index is None:
        return ""
    return place_text(int(wins.first[index]), int(wins.last[index]))


def _origin(standing: Standing, name: str, *, set_metric: bool) -> str:
    value = standing.shown(name)
    if value is None or value.mean is None:
        return "not measured" if value is None else "no clip that counts"
    if set_metric:
        return f"{value.n} of {value.of} clips, self-reported"
    return f"{value.n} of {value.of} clips, recomputed"


def _provenance(found: Any) -> str:
    text = json.dumps(found, indent=2, ensure_ascii=False)
    if len(text) <= MOST_PROVENANCE:
        return text
    return f"{text[:MOST_PROVENANCE]}\n... {len(text) - MOST_PROVENANCE:,} more characters, in the report"


def _problems(report: Mapping[str, Any]) -> list[str]:
    lines = [f"{name}: skipped: {why}" for name, why in report["skipped"].items()]
    for video in report["videos"]:
        if video["error"]:
            lines.append(f"{video['id']}: {video['error']}")
        lines += [f"{video['id']}: {flag}: {seen}" for flag, seen in video["health"].items()]
        reasons = Counter(video["failures"].values()) if not video["error"] else Counter[str]()
        lines += [f"{video['id']}: {n} metrics failed: {why}" for why, n in reasons.items()]
    more = len(lines) - MOST_PROBLEMS
    return [*lines[:MOST_PROBLEMS], *([f"and {more} more, in the report"] if more > 0 else [])]


def compare_page(
    view: View,
    chosen: Sequence[Standing],
    rows: Mapping[str, Sequence[ClipRow]],
    link: Link,
) -> Markup:
    """Two to four submissions: radar, paired differences, worst and best prompts."""
    chosen = chosen[:MOST_COMPARED]
    if len(chosen) < 2:
        return render("compare", pairs=[])
    labels = [s.label for s in chosen]
    # of their own, so that older versions have them too: a score depends on nobody else
    scores = ranking.rank(chosen, view.track).dimensions
    dimensions = list(scores)
    rates = {d: [_share(value) for value in scores[d].value] for d in dimensions}
    series = [(label, [rates[d][k] for d in dimensions]) for k, label in enumerate(labels)]
    first, others = chosen[0], chosen[1:]
    found = [paired.differences(rows[first.id], rows[b.id], view.track.specs) for b in others]
    judged = paired.judge(found, view.track.specs)
    return render(
        "compare",
        link=link,
        track=view.track.name,
        labels=labels,
        flips=f"{FLIPS:,}",
        level=f"{LEVEL:.0%}",
        radar=charts.radar(dimensions, series),
        legend=charts.legend(labels),
        rates=[(d, ["-" if v is None else f"{100 * v:.1f}" for v in rates[d]]) for d in dimensions],
        pairs=[_pair(first, b, rows, view.track) for b, rows in zip(others, judged, strict=True)],
    )


def _share(value: float) -> float | None:
    return None if math.isnan(value) else float(value)


def _pair(a: Standing, b: Standing, found: Sequence[Difference], track: Track) -> dict[str, Any]:
    names = {"a": a.label, "b": b.label, "": ""}
    return {
        "a": a.label,
        "b": b.label,
        "rows": [_difference_row(d, track, names[d.better]) for d in found],
    }


def _difference_row(d: Difference, track: Track, better: str) -> dict[str, Any]:
    sign = 1 if track.specs[d.metric].higher_is_better else -1
    ordered = sorted(d.by_prompt, key=lambda prompt: sign * d.by_prompt[prompt])
    worst, best = ordered[0], ordered[-1]
    return {
        "metric": d.metric,
        "arrow": "↑" if sign > 0 else "↓",
        "mean": _signed(d.mean),
        "interval": "no interval" if d.low is None else f"{_signed(d.low)} .. {_signed(d.high)}",
        "prompts": d.prompts,
        "p": "-" if d.p is None else f"{d.p:.4f}",
        "better": better,
        "unsure": "too few prompts" if d.too_few else "open",
        "worst": worst,
        "worst_by": _signed(d.by_prompt[worst]),
        "best": best,
        "best_by": _signed(d.by_prompt[best]),
    }


def _signed(value: float | None) -> str:
    return "-" if value is None else f"{'+' if value > 0 else ''}{number(value)}"


def shown_on_a_prompt(view: View, places: ranking.Ranking) -> list[str]:
    """Ids of the submissions on the page of a prompt, best score first."""
    rate = [-1.0 if math.isnan(r) else float(r) for r in places.overall.value]
    order = sorted(range(len(rate)), key=lambda i: (-rate[i], view.standings[i].label.lower()))
    return [view.standings[i].id for i in order[:MOST_ON_A_PROMPT]]


def prompt_page(
    view: View, prompt: str, rows: Sequence[ClipRow], strips: Mapping[str, bytes], link: Link
) -> Markup:
    """The generators on one prompt."""
    standings = {s.id: s for s in view.standings}
    names = [n for n, spec in view.track.specs.items() if spec.scope == "clip"]
    kept = [r for r in rows if r.submission in standings]
    shown = len({r.submission for r in kept})
    return render(
        "prompt",
        link=link,
        track=view.track.name,
        prompt=view.track.prompts[prompt],
        shown=shown,
        strips=film([(standings[k].label, v) for k, v in strips.items() if k in standings]),
        total=len(view.standings),
        columns=[
            {
                "title": n,
                "note": view.track.specs[n].summary,
                "arrow": "↑" if view.track.specs[n].higher_is_better else "↓",
            }
            for n in names
        ],
        rows=[
            {
                "id": r.submission,
                "label": standings[r.submission].label,
                "numbers": [number(r.scores.get(n)) for n in names],
                "notes": ", ".join(k for k in r.notes if k not in view.track.specs),
            }
            for r in sorted(kept, key=lambda r: standings[r.submission].label.lower())
        ],
    )


def site_page(title: str, body: Markup, nav: Sequence[tuple[str, str]]) -> str:
    """A whole document of the static site."""
    return str(render("site", title=title, body=body, nav=nav, css=Markup(css())))
