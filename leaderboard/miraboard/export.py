"""A track for other programs: CSV, JSON, a static site, and the hub's `.eval_results` YAML."""

from __future__ import annotations

import csv
import hashlib
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from markupsafe import Markup

from mirabench.errors import InputError
from mirabench.files import write_text
from miraboard import hub, pages
from miraboard.board import Board, View
from miraboard.ranking import Ranking, Score, rank
from miraboard.standing import Standing, Value
from miraboard.strips import shown
from miraboard.tables import PAGE, Request, build_table, weights_text

_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def to_csv(view: View, ranking: Ranking) -> str:
    """Long form: one row per submission and metric."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(
        ["id", "generator", "version", "received", "badge", "metric", "dimension", "basis",
         "mean", "ci_low", "ci_high", "n", "of", "rank_first", "rank_last"]
    )  # fmt: skip
    for i, s in enumerate(view.standings):
        head = [
            s.id,
            spreadsheet_safe(s.generator),
            spreadsheet_safe(s.version),
            s.received,
            view.badge(s.id),
        ]
        for name, spec in view.track.specs.items():
            wins = ranking.metrics.get(name)
            place = [int(wins.first[i]), int(wins.last[i])] if wins else ["", ""]
            for basis, value in (("raw", s.values.get(name)), ("moving", s.conditioned.get(name))):
                if value is None:
                    continue
                ranks = (basis == "moving") == (name in s.conditioned)
                numbers = [_cell(v) for v in (value.mean, value.low, value.high)]
                writer.writerow(
                    [*head, name, spec.dimension, basis, *numbers, value.n, value.of,
                     *(place if ranks else ["", ""])]
                )  # fmt: skip
    return buffer.getvalue()


def _cell(value: float | None) -> str:
    return "" if value is None else repr(value)


def spreadsheet_safe(text: str) -> str:
    """A cell that no spreadsheet runs: they take what starts like a formula for one."""
    return f"'{text}" if text.startswith(_FORMULA) else text


def to_json(view: View, ranking: Ranking, weights: Mapping[str, float] | None = None) -> str:
    """Everything the table shows; bounds and places beside each number."""
    track = view.track
    rows = [
        {
            **_told(s),
            "badge": view.badge(s.id),
            "score": _score(ranking.overall, i),
            "rank": [int(ranking.places.first[i]), int(ranking.places.last[i])],
            "cannot_be_told_from": int(ranking.places.alike[i]),
            "dimensions": {d: _score(r, i) for d, r in ranking.dimensions.items()},
            "ranks": {m: [int(w.first[i]), int(w.last[i])] for m, w in ranking.metrics.items()},
        }
        for i, s in enumerate(view.standings)
    ]
    document = {
        "track": track.name,
        "track_digest": track.digest,
        "suite": {"name": track.suite.name, "version": track.suite.version,
                  "digest": track.suite_digest},
        "prompts": len(track.prompts),
        "motion": {"metric": track.motion_metric, "floor": track.motion_floor},
        "weights": dict(weights or {}),
        "submissions": rows,
    }  # fmt: skip
    return json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def _told(standing: Standing) -> dict[str, Any]:
    found = asdict(standing)
    del found["worths"]  # of each prompt: the report has what they come from
    return found


def _score(score: Score, i: int) -> dict[str, float | None]:
    parts = {k: float(getattr(score, k)[i]) for k in ("value", "low", "high")}
    return {k: None if v != v else v for k, v in parts.items()}


def to_eval_results(standing: Standing, view: View, dataset: str, url: str) -> str:
    """The hub's `.eval_results/*.yaml`, one entry per metric with a value.

    A list of entries with `dataset` (`id`, `task_id`), `value`, `date`, `source` and `notes`, as
    huggingface_hub's `EvalResultEntry` spells them, and the `evaluation_framework` of `eval.yaml` (see `hub`).
    Every scalar is written as a JSON string or number,
    which YAML reads as the same value.

    Args:
        standing: The submission.
        view: Its track.
        dataset: The benchmark's data set on the hub, `owner/name`.
        url: The board's address; empty where it has none, and then no source is named.
    """
    address = [f"    url: {json.dumps(url, ensure_ascii=False)}", '    name: "miraboard"']
    source = ["  source:", *address] if url else []  # the format asks for the address of a source
    lines: list[str] = []
    for name, value, basis in _results(standing, view):
        interval = (
            f", 95 % interval {value.low:.6g} .. {value.high:.6g}" if value.low is not None else ""
        )
        notes = (
            f"{view.track.suite.name} v{view.track.suite.version} ({view.track.suite_digest}), "
            f"{basis}, n={value.n}{interval}, {view.badge(standing.id)}"
        )
        task = json.dumps(hub.task_id(view.track.name, name), ensure_ascii=False)
        lines += [
            "- dataset:",
            f"    id: {json.dumps(dataset, ensure_ascii=False)}",
            f"    task_id: {task}",
            f"  value: {json.dumps(value.mean)}",
            f"  date: {json.dumps(standing.received)}",
            *source,
            f"  evaluation_framework: {json.dumps(hub.FRAMEWORK)}",
            f"  notes: {json.dumps(notes, ensure_ascii=False)}",
        ]
    if not lines:
        raise InputError(f"the submission {standing.id} has no number to export")
    return "\n".join(lines) + "\n"


def _results(standing: Standing, view: View) -> Iterator[tuple[str, Value, str]]:
    """Name, value and basis of each metric that has one, and of the score."""
    for name in view.track.specs:
        value = standing.shown(name)
        if value is not None and value.mean is not None:
            moving = name in standing.conditioned
            yield name, value, "clips that move" if moving else "all clips"
    if any(v.mean is not None for v in standing.values.values()):
        found = rank([standing], view.track).overall  # it depends on nobody else
        mean, low, high = (100 * float(part[0]) for part in (found.value, found.low, found.high))
        score = Value(mean, low, high, standing.clips, standing.clips)
        yield hub.SCORE, score, "all clips, 0 to 100"


def write_site(board: Board, folder: Path) -> list[Path]:
    """Write the tables, submissions and prompts of all tracks as pages that need no server.

    Raises:
        OutputError: the folder cannot be written.
    """
    written: list[Path] = []
    for name in board.tracks:
        view, ranking = board.view(name), board.ranking(name)
        written += _write_track(board, view, ranking, folder / _slug(name))
    nav = [(board.tracks[n].title, f"{_slug(n)}/index.html") for n in board.tracks]
    body = Markup("<div class='mb'><ul>{}</ul></div>").format(
        Markup().join(
            Markup("<li><a href='{}'>{}</a></li>").format(href, title) for title, href in nav
        )
    )
    write_text(folder / "index.html", pages.site_page("miraboard", body, nav))
    return [folder / "index.html", *written]


def _slug(text: str) -> str:
    """A file name for any id: letters and digits, and a digest where something was lost."""
    kept = "".join(c if c.isalnum() and c.isascii() else "-" for c in text)[:60]
    if kept == text:
        return kept
    return f"{kept}-{hashlib.sha256(text.encode()).hexdigest()[:8]}"


def _site_link(page: str, track: str, identity: str) -> str:
    del track  # pages of one track lie in one folder
    return "" if page in ("order", "compare") else f"{page}-{_slug(identity)}.html"


def _write_track(board: Board, view: View, ranking: Ranking, folder: Path) -> list[Path]:
    documents: dict[str, str] = {}
    nav = [
        ("all tracks", "../index.html"),
        (view.track.title, "index.html"),
        ("about", "about.html"),
    ]
    weights = weights_text({}, list(ranking.dimensions))
    total = max(1, -(-len(view.standings) // PAGE))
    for page in range(1, total + 1):
        table = build_table(view, ranking, Request(page=page, columns=tuple(view.track.specs)))
        body = pages.table_page(view, table, weights, board.notice(view.track.name), _site_link)
        steps = [(f"page {p}", _page_name(p)) for p in range(1, total + 1) if total > 1]
        documents[_page_name(page)] = pages.site_page(view.track.title, body, [*nav, *steps])
    documents["about.html"] = pages.site_page("About", pages.about_page(view.track, "URL"), nav)
    documents |= _submissions(board, view, ranking, nav)
    documents |= _prompts(board, view, ranking, nav)
    documents["board.csv"] = to_csv(view, ranking)
    documents["board.json"] = to_json(view, ranking)
    for name, text in documents.items():
        write_text(folder / name, text)
    return [folder / name for name in documents]


def _page_name(page: int) -> str:
    return "index.html" if page == 1 else f"page-{page}.html"


def _submissions(
    board: Board, view: View, ranking: Ranking, nav: Sequence[tuple[str, str]]
) -> dict[str, str]:
    found = {}
    for s in view.standings:
        report, strips = board.store.report(s.id), shown(board.store.strips_of(s.id))
        body = pages.generator_page(view, ranking, s, report, strips, _site_link)
        found[_site_link("generator", "", s.id)] = pages.site_page(s.label, body, nav)
    return found


def _prompts(
    board: Board, view: View, ranking: Ranking, nav: Sequence[tuple[str, str]]
) -> dict[str, str]:
    found = {}
    among = pages.shown_on_a_prompt(view, ranking)
    for prompt in view.track.prompts:
        rows = board.store.rows_for(view.track.digest, prompt, among)
        strips = board.store.strips_for(view.track.digest, prompt)
        body = pages.prompt_page(view, prompt, rows, strips, _site_link)
        found[_site_link("prompt", "", prompt)] = pages.site_page(prompt, body, nav)
    return found
