"""A row for other pages: a badge to embed, and an entry to cite."""

from __future__ import annotations

import re

from markupsafe import escape

from miraboard.board import View
from miraboard.names import skeleton
from miraboard.ranking import Ranking
from miraboard.standing import Standing
from miraboard.tables import place_text

_WIDE = 7.0
"""Pixels of a letter at 11 px, on the wide side: a badge has no font of its own to measure."""


def badge(view: View, ranking: Ranking, standing: Standing) -> str:
    """An SVG picture of the row's rank; no script, no font, nothing from elsewhere."""
    left, right = f"miraboard {view.track.name}", _standing_text(view, ranking, standing)
    widths = [int(_WIDE * len(text)) + 14 for text in (left, right)]
    total = sum(widths)
    told = escape(f"{standing.label}: {left}, {right}")
    texts = "".join(
        f'<text x="{x:g}" y="14" text-anchor="middle">{escape(text)}</text>'
        for x, text in ((widths[0] / 2, left), (widths[0] + widths[1] / 2, right))
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{total}" height="20" role="img" aria-label="{told}">'
        f'<title>{told}</title><clipPath id="r"><rect width="{total}" height="20" rx="3"/></clipPath>'
        f'<g clip-path="url(#r)"><rect width="{widths[0]}" height="20" fill="#3c4248"/>'
        f'<rect x="{widths[0]}" width="{widths[1]}" height="20" fill="#17616a"/></g>'
        f'<g fill="#fff" font-family="Verdana,DejaVu Sans,sans-serif" font-size="11">{texts}</g></svg>\n'
    )


def _standing_text(view: View, ranking: Ranking, standing: Standing) -> str:
    if standing not in view.standings:
        return "older version"
    i = view.standings.index(standing)
    rank = place_text(ranking.places.first[i], ranking.places.last[i])
    return f"rank {rank} of {len(view.standings)}"


def bibtex(view: View, standing: Standing, url: str) -> str:
    """An entry for a bibliography, of the submission as it stands.

    Args:
        view: Its track.
        standing: The submission.
        url: Where its page is; empty where the board has no address.
    """
    track = view.track
    key = re.sub(r"[^a-z0-9]+", "-", skeleton(standing.label)).strip("-") or "generator"
    fields = {
        "title": f"{{{_tex(standing.label)}}} on the leaderboard of mirabench, track {_tex(track.name)}",
        "author": "{The mirabench leaderboard}",
        "year": standing.received[:4],
        "howpublished": rf"\url{{{url}}}" if url else "miraboard",
        "note": f"Submission {standing.id}, {_tex(track.suite.name)} v{track.suite.version} "
        f"({track.suite_digest}), {view.badge(standing.id)}, received {standing.received[:10]}",
    }
    lines = "".join(f"  {name} = {{{text}}},\n" for name, text in fields.items())
    return f"@misc{{miraboard-{key}-{standing.id},\n{lines}}}\n"


def _tex(text: str) -> str:
    return re.sub(r"([&%$#_{}])", r"\\\1", text)
