"""`report.html` of a run: the funnel, every score with its thresholds, clips with their fate, captions.

One self-contained page: pictures are inside it, nothing is fetched, and all text from videos, tables
and models is escaped.
"""

from __future__ import annotations

import base64
import logging
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from mirabench.errors import MirabenchError
from mirabench.features.film_strip import FilmStrip, strip_of
from miradata.chat.shared import FOLDER
from miradata.chat.spend import SPEND_FILE, Prices, Spend
from miradata.config import Config
from miradata.frames.clip_range import NS, ClipRange
from miradata.frames.clip_rows import clip_range_of
from miradata.publish.published import Publication
from miradata.report.funnel import funnel
from miradata.report.histogram import Mark, histogram
from miradata.select.levels import Rule, Thresholds, unmeasured
from miradata.select.selection import KEPT, Fate
from miradata.tables.schema import OK
from miradata.tables.scores import measured_metrics, score_values
from miradata.tables.store import Tables
from miradata.v1.rows import CAPTIONS

MOST_KEPT = 12
"""Published clips that are shown."""
MOST_DROPPED = 4
"""Clips that are shown of each reason to drop one."""
MOST_SAMPLES = 6
"""Captioned windows that are shown."""
PICTURES = 4
SHORT_SIDE = 96
"""Pixels; a page with 60 clips stays near a megabyte."""

log = logging.getLogger(__name__)


def render_report(
    output: Path,
    config: Config,
    thresholds: Thresholds,
    published: Publication,
    root: Path,
    absent: Sequence[str],
) -> str:
    """The page as one HTML document.

    Args:
        output: The output folder.
        config: Of the run.
        thresholds: That decided.
        published: What they decided.
        root: The folder of source videos, for the pictures; videos that are gone have none.
        absent: What was not measured or done.
    """
    tables = Tables(output)
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters["hours"] = hours
    steps = funnel(tables, published.fates, config)
    scores = _scores(tables, thresholds, published.fates)
    return environment.from_string(
        _ours("report.html.j2")
    ).render(
        css=Markup(_theirs("page.css") + _ours("report.css")),  # our own files
        config=config,
        settings=config.model_dump(mode="json"),
        thresholds=thresholds,
        absent=[*absent, *_unmeasured(tables, thresholds), *_left_out(tables)],
        steps=steps,
        widest=max((step.seconds for step in steps), default=0.0) or 1.0,
        scores=scores,
        kept=_sheets(tables, root, [f for f in published.fates if f.step == KEPT][:MOST_KEPT]),
        dropped=_dropped(tables, root, published.fates),
        captions=_captions(tables, config),
        samples=_samples(tables),
        caption_names=CAPTIONS,
        videos=[row for row in tables.rows("videos") if row["status"] != OK or row["reason"]],
        costs=_costs(tables),
        failures=[row for row in tables.rows("outcomes") if row["status"] == "failed"],
    )


def hours(seconds: float) -> str:
    """A length of film for people.

    Example:
        >>> hours(5025.0), hours(42.25)
        ('1 h 24 min', '42.2 s')
    """
    if seconds < 120:
        return f"{seconds:.1f} s"
    minutes = round(seconds / 60)
    return f"{minutes // 60} h {minutes % 60} min" if minutes >= 60 else f"{minutes} min"


def _ours(name: str) -> str:
    return files("miradata.report").joinpath(name).read_text(encoding="utf-8")


def _theirs(name: str) -> str:
    """The style of the benchmark's page, so that both look alike."""
    return files("mirabench.report").joinpath(name).read_text(encoding="utf-8")


def _left_out(tables: Tables) -> list[str]:
    """What stages left out of videos that they otherwise took."""
    names = {row["video_id"]: row["path"] for row in tables.rows("videos")}
    return [
        f"{row['stage']}: {names.get(row['item'], row['item'])}: {row['reason']}"
        for row in tables.rows("outcomes")
        if row["status"] == OK and row["reason"]
    ]


def _unmeasured(tables: Tables, thresholds: Thresholds) -> list[str]:
    clips = [row["clip_id"] for row in tables.rows("clips")]
    gone = unmeasured(thresholds, score_values(tables, clips, thresholds.metrics))
    return [
        f"{metric}: nothing was measured, so its thresholds were not applied" for metric in gone
    ]


def _scores(tables: Tables, thresholds: Thresholds, fates: Sequence[Fate]) -> list[dict[str, Any]]:
    clips = [fate.clip_id for fate in fates]
    kept = np.array([fate.step == KEPT for fate in fates], dtype=bool)
    metrics = measured_metrics(tables)
    values = score_values(tables, clips, metrics)
    found: list[dict[str, Any]] = []
    for metric in metrics:
        known = ~np.isnan(values[metric])
        column = values[metric][known]
        marks = _marks(thresholds, metric)
        found.append({
            "metric": metric,
            "n": int(known.sum()),
            "median": float(np.median(column)) if len(column) else None,
            "low": float(column.min()) if len(column) else None,
            "high": float(column.max()) if len(column) else None,
            "picture": histogram(column, kept[known], marks, metric),
            "rules": _rules(thresholds, metric),
        })  # fmt: skip
    return found


def _marks(thresholds: Thresholds, metric: str) -> list[Mark]:
    marks = []
    for name, rule in _named_rules(thresholds, metric):
        marks += [
            Mark(f"{name} {sign}", bound)
            for sign, bound in (("≥", rule.least), ("≤", rule.most))
            if bound is not None
        ]
    return marks


def _named_rules(thresholds: Thresholds, metric: str) -> list[tuple[str, Rule]]:
    pairs = [("limit", rule) for rule in thresholds.limits]
    pairs += [(level.name, rule) for level in thresholds.levels for rule in level.rules]
    return [(name, rule) for name, rule in pairs if rule.metric == metric]


def _rules(thresholds: Thresholds, metric: str) -> list[tuple[str, str]]:
    """(what it asks, where the number is from)."""
    said = []
    for name, rule in _named_rules(thresholds, metric):
        bounds = [f"at least {rule.least:.4g}"] if rule.least is not None else []
        bounds += [f"at most {rule.most:.4g}"] if rule.most is not None else []
        said.append((f"{name}: {' and '.join(bounds)}", rule.origin))
    return said


def _dropped(
    tables: Tables, root: Path, fates: Sequence[Fate]
) -> list[tuple[str, int, list[dict[str, Any]]]]:
    """(what clips left at, how many, some of them), in the order of the gates."""
    groups: dict[str, list[Fate]] = defaultdict(list)
    for fate in fates:
        if fate.step != KEPT:
            groups[f"{fate.step}: {fate.metric}" if fate.metric else fate.step].append(fate)
    return [
        (name, len(members), _sheets(tables, root, members[:MOST_DROPPED]))
        for name, members in groups.items()
    ]


def _sheets(tables: Tables, root: Path, fates: Sequence[Fate]) -> list[dict[str, Any]]:
    videos = {row["video_id"]: row for row in tables.rows("videos")}
    clips = {row["clip_id"]: row for row in tables.rows("clips")}
    sheets = []
    for fate in fates:
        clip = clips[fate.clip_id]
        video = videos[clip["video_id"]]
        sheets.append({
            "id": fate.clip_id,
            "video": video["path"],
            "start": clip["t0_ns"] / NS,
            "end": clip["t1_ns"] / NS,
            "shots": clip["n_cuts"],
            "reason": fate.reason,
            "pictures": _pictures(clip_range_of(root, video, clip["t0_ns"], clip["t1_ns"])),
        })  # fmt: skip
    return sheets


def _pictures(clip: ClipRange) -> list[str]:
    """Small JPEGs as base64; none when the video is gone."""
    try:
        strip = strip_of(clip.evenly(PICTURES), FilmStrip(PICTURES, SHORT_SIDE))
    except MirabenchError as error:
        log.debug("no pictures of %s: %s", clip.path, error)
        return []
    return [base64.b64encode(picture.jpeg).decode() for picture in strip]


def _captions(tables: Tables, config: Config) -> Mapping[str, Any] | None:
    """What the captions came to and cost; None without any."""
    rows = tables.rows("captions")
    if not rows:
        return None
    prices = Prices(config.captions.price_prompt, config.captions.price_completion)
    # the account, not the rows: it also holds calls whose answer was lost, and the votes of `stitch`
    tokens = Spend(tables.folder / FOLDER / SPEND_FILE, prices).tokens
    return {
        "statuses": sorted(Counter(row["status"] for row in rows).items()),
        "models": sorted({row["model"] for row in rows if row["model"]}),
        "versions": sorted({row["prompt_version"] for row in rows}),
        "tokens": tokens,
        "money": prices.of(tokens),
    }


def _samples(tables: Tables) -> list[dict[str, Any]]:
    rows = [row for row in tables.rows("captions") if row["status"] == "success"]
    step = max(1, len(rows) // MOST_SAMPLES)
    return rows[::step][:MOST_SAMPLES]


def _costs(tables: Tables) -> list[tuple[str, int, float, int]]:
    """(stage, work done, seconds of work, failed tries) over all runs of the folder."""
    count: Counter[str] = Counter()
    seconds: dict[str, float] = defaultdict(float)
    failed: Counter[str] = Counter()
    for row in tables.rows("events"):
        count[row["stage"]] += 1
        seconds[row["stage"]] += row["seconds"] or 0.0
        failed[row["stage"]] += row["status"] == "failed"
    return [(stage, count[stage], seconds[stage], failed[stage]) for stage in count]
