"""Clips side by side: two or three generators on one prompt, in step, with their scores and curves.

A page of its own at `/watch/`, without Gradio: what it shows is in its address, so a link keeps the view.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

from markupsafe import Markup
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from mirabench.metrics.api import MetricSpec
from mirabench.report.table import number
from miraboard import pages, seen
from miraboard.board import Board, View
from miraboard.ranking import Ranking
from miraboard.seen import SeenClip

MOST = 3
"""Clips side by side."""
WIDE, HIGH = 1000, 48
"""Units of a curve's drawing."""
_SAFE = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; "
    "media-src 'self' blob:; img-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
}


@dataclass(frozen=True, slots=True)
class Asked:
    """What an address asks to see; anything that is not there is left out."""

    track: str = ""
    prompt: str = ""
    ids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Scene:
    """What is there to see."""

    view: View
    prompts: Mapping[str, Sequence[str]]
    """Prompt -> the submissions that can be watched on it, best first."""
    prompt: str
    """Empty where nothing can be watched."""
    clips: tuple[SeenClip, ...]


def scene(board: Board, asked: Asked) -> Scene:
    """What an address shows: the clips that it names, or else the best two of the prompt with most of them."""
    view = board.view(asked.track if asked.track in board.tracks else next(iter(board.tracks)))
    order = _best_first(view, board.ranking(view.track.name))
    with board.store.reading() as connection:
        found = seen.watchable(connection, view.track.digest)
        films = {p: [s for s in order if s in found[p]] for p in view.track.prompts if p in found}
        films = {p: ids for p, ids in films.items() if ids}
        if not films:
            return Scene(view, {}, "", ())
        prompt = asked.prompt if asked.prompt in films else max(films, key=lambda p: len(films[p]))
        chosen = [key for key in dict.fromkeys(asked.ids) if key in films[prompt]] or films[prompt][
            :2
        ]
        clips = seen.of_prompt(connection, view.track.digest, prompt, chosen[:MOST])
    first = {
        clip.submission: clip for clip in reversed(clips)
    }  # of several clips of one, the first
    return Scene(view, films, prompt, tuple(first[key] for key in chosen[:MOST] if key in first))


def _best_first(view: View, ranking: Ranking) -> list[str]:
    """All submissions that have a row, best score first."""
    value = ranking.overall.value
    order = sorted(
        range(len(view.standings)), key=lambda i: (-float(value[i]), view.standings[i].label)
    )
    return [view.standings[i].id for i in order]


def watch_page(scene: Scene) -> Markup:
    """The whole document."""
    labels = {s.id: s.label for s in scene.view.standings}
    track = scene.view.track
    shown = [clip.submission for clip in scene.clips]
    return pages.render(
        "watch",
        track=track,
        labels=labels,
        prompts=scene.prompts,
        prompt=track.prompts.get(scene.prompt),
        films=[(clip, labels[clip.submission]) for clip in scene.clips],
        choices=scene.prompts.get(scene.prompt, []),
        slots=[shown[k] if k < len(shown) else "" for k in range(MOST)],
        metrics=_metrics(scene.clips, track.specs),
        seconds=_longest(scene.clips),
        wide=WIDE,
        high=HIGH,
    )


def _longest(clips: Sequence[SeenClip]) -> float:
    return max((clip.facts["frames"] / clip.facts["fps"] for clip in clips), default=0.0)


def _metrics(clips: Sequence[SeenClip], specs: Mapping[str, MetricSpec]) -> list[dict[str, Any]]:
    """The metrics that some clip has a score of, with their curves drawn."""
    seconds = _longest(clips)
    return [
        {
            "name": name,
            "note": f"{spec.summary} ({spec.unit})" if spec.unit else spec.summary,
            "arrow": "↑" if spec.higher_is_better else "↓",
            "scores": [number(clip.scores.get(name)) for clip in clips],
            "points": [clip.curves.get(name, []) for clip in clips],
            "lines": drawn([clip.curves.get(name, []) for clip in clips], seconds),
        }
        for name, spec in specs.items()
        if any(name in clip.scores for clip in clips)
    ]


def drawn(curves: Sequence[Sequence[Sequence[float]]], seconds: float) -> list[str]:
    """The points of each curve in a drawing that all share, as an SVG polyline has them.

    Example:
        >>> drawn([[[0.0, 1.0], [2.0, 3.0]], []], 4.0)
        ['0.0,44.0 500.0,4.0', '']
    """
    values = [value for curve in curves for _, value in curve]
    low, high = min(values, default=0.0), max(values, default=1.0)
    reach, room = (high - low) or 1.0, HIGH - 8
    return [
        " ".join(
            f"{WIDE * min(1.0, at / (seconds or 1.0)):.1f},{4 + room * (high - value) / reach:.1f}"
            for at, value in curve
        )
        for curve in curves
    ]


def build_watch(board: Board) -> Starlette:
    """The page and what it loads."""

    def page(request: Request) -> HTMLResponse:
        asked = request.query_params
        ids = [asked.get("id", ""), *(asked.get(f"id{k}", "") for k in range(MOST))]
        named = tuple(part for text in ids for part in text[:200].split(",") if part)
        found = scene(board, Asked(asked.get("track", ""), asked.get("prompt", ""), named))
        return HTMLResponse(str(watch_page(found)), headers=_SAFE)

    def script(_request: Request) -> Response:
        return _file("watch.js", "text/javascript")

    def style(_request: Request) -> Response:
        return Response(pages.css() + _text("watch.css"), media_type="text/css", headers=_SAFE)

    return Starlette(
        routes=[Route("/", page), Route("/watch.js", script), Route("/watch.css", style)]
    )


def _file(name: str, kind: str) -> Response:
    return Response(_text(name), media_type=kind, headers=_SAFE)


def _text(name: str) -> str:
    return (files("miraboard") / name).read_text(encoding="utf-8")
