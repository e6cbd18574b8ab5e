"""What the pages call: arguments of widgets in, HTML or files out. No widget is made here."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import gradio as gr
from markupsafe import Markup

from mirabench.errors import MirabenchError
from mirabench.metrics.api import DIMENSIONS
from miraboard import export, pages
from miraboard.board import Board, SubmissionAnswer
from miraboard.guard import MAX_BYTES, refuse
from miraboard.strips import shown
from miraboard.tables import Request, build_table, parse_weights, weights_text

MOST_PAGES = 512
"""Pages kept in memory; a large one has about 100 kB."""


class Callbacks:
    """What the widgets call; holds the board and nothing else."""

    def __init__(self, board: Board) -> None:
        self.board = board
        self._pages: dict[tuple[Any, ...], str] = {}

    def _once(self, make: Callable[[], Markup], *key: Any) -> str:
        """A page, made once for each state of the board."""
        key = (self.board.store.revision(), *key)
        found = self._pages.get(key)
        if found is None:
            if len(self._pages) >= MOST_PAGES:
                self._pages.clear()
            found = self._pages[key] = str(make())
        return found

    def table(
        self, track: str, search: str, order: str, columns: Sequence[str], badge: str,
        latest: bool, page: float, metric_weights: str, *shares: float,
    ) -> str:  # fmt: skip
        """The table as HTML."""
        weights = self._weights(track, metric_weights, shares)
        request = Request(
            search[:200], tuple(columns or ()), order, badge or "", bool(latest), int(page or 1)
        )
        return self._once(
            lambda: self._table(track, request, weights), track, request, str(weights)
        )

    def _table(self, track: str, request: Request, weights: Mapping[str, float]) -> Markup:
        view, ranking = self.board.view(track), self.board.ranking(track, weights)
        table = build_table(view, ranking, request)
        text = weights_text(weights, list(ranking.dimensions))
        return pages.table_page(view, table, text, self.board.notice(track), pages.app_link)

    def _weights(self, track: str, text: str, shares: Sequence[float]) -> dict[str, float]:
        dimensions = dict(zip(DIMENSIONS, map(float, shares), strict=False))
        return parse_weights(text, self.board.tracks[track].specs) | dimensions

    def compare(self, track: str, chosen: Sequence[str]) -> str:
        """Two to four submissions side by side."""
        view = self.board.view(track)
        known = {s.id: s for s in view.standings}
        standings = [known[key] for key in chosen or () if key in known][: pages.MOST_COMPARED]
        ids = [s.id for s in standings]

        def make() -> Markup:
            rows = {key: self.board.store.rows_of(key) for key in ids}
            places = self.board.ranking(track)
            return pages.compare_page(view, places, standings, rows, pages.app_link)

        return self._once(make, "compare", track, *ids)

    def generator(self, track: str, identity: str) -> str:
        """One submission."""
        view = self.board.view(track)
        if identity not in {s.id for s in view.standings}:
            return _empty("Choose a submission.")
        standing = view.standing(identity)
        report = self.board.store.report(identity)
        seen = shown(self.board.store.strips_of(identity))
        ranking = self.board.ranking(track)
        return str(pages.generator_page(view, ranking, standing, report, seen, pages.app_link))

    def prompt(self, track: str, prompt: str) -> str:
        """All generators on one prompt."""
        view = self.board.view(track)
        if prompt not in view.track.prompts:
            return _empty("Choose a prompt.")

        def make() -> Markup:
            among = pages.shown_on_a_prompt(view, self.board.ranking(track))
            rows = self.board.store.rows_for(view.track.digest, prompt, among)
            strips = self.board.store.strips_for(view.track.digest, prompt)
            return pages.prompt_page(view, prompt, rows, strips, pages.app_link)

        return self._once(make, "prompt", track, prompt)

    def about(self, track: str, request: gr.Request) -> str:
        """The track's cards."""
        url = str(request.headers.get("origin") or "BOARD-URL")
        return str(pages.about_page(self.board.tracks[track], url))

    def audit(self) -> str:
        """The audit log."""
        return str(pages.audit_page(self.board.store.log()))

    def submit(  # noqa: PLR0913  # one for each widget
        self, file: str | None, generator: str, version: str, track: str, licence: str,
        contact: str, links: str, strips: str | None, request: gr.Request,
    ) -> tuple[str, dict[str, Any]]:  # fmt: skip
        """Take a submission; the answer for people and for programs."""
        fields = {
            "generator": generator, "version": version, "track": track, "licence": licence,
            "contact": contact, "links": (links or "").split(),
        }  # fmt: skip
        address = address_of(request, self.board.settings.proxies)
        try:
            pictures = _uploaded(strips) if strips else b""
            answer = self.board.submit(_uploaded(file), fields, address, strips=pictures)
        except MirabenchError as error:
            reasons = getattr(error, "reasons", ()) or refuse("error", str(error)).reasons
            answer = SubmissionAnswer(False, reasons=reasons)
        return str(pages.answer_page(answer)), answer.to_json()

    def moderate(self, token: str, identity: str, kind: str, why: str) -> str:
        """Withdraw or restore."""
        try:
            self.board.moderate(token, identity.strip(), kind, why)
        except MirabenchError as error:
            return _empty(f"Not done: {error}")
        return _empty(f"Done: {identity} {kind}.")

    def export(self, track: str, kind: str, identity: str, request: gr.Request) -> str:
        """A file to download."""
        view, ranking = self.board.view(track), self.board.ranking(track)
        if kind == "CSV":
            return _file(f"{track}.csv", export.to_csv(view, ranking))
        if kind == "JSON":
            return _file(f"{track}.json", export.to_json(view, ranking))
        try:
            standing = view.standing(identity)
        except MirabenchError as error:
            raise gr.Error("Choose a submission for this format.") from error
        url = str(request.headers.get("origin") or "https://localhost")
        text = export.to_eval_results(standing, view, "mirabench/inputs/prompts", url)
        return _file(f"{identity}.yaml", text)

    def prompts(self, track: str) -> list[tuple[str, str]]:
        """The first words of each prompt, and its id."""
        found = self.board.tracks[track].prompts.values()
        return [(f"{p.id}: {' '.join(p.text.split()[:14])}", p.id) for p in found]

    def choices(self, track: str) -> list[tuple[str, str]]:
        """Label and id of each submission, for people to choose from."""
        return [(f"{s.label} ({s.id[:6]})", s.id) for s in self.board.view(track).standings]


def _uploaded(path: str | None) -> bytes:
    if not path:
        raise refuse("no-file", "choose a report.json")
    file = Path(path)
    try:
        if file.stat().st_size > MAX_BYTES:
            raise refuse("too-large", f"{file.stat().st_size:,} bytes, the limit is {MAX_BYTES:,}")
        return file.read_bytes()
    finally:
        file.unlink(missing_ok=True)  # the store keeps what is accepted, nobody keeps the rest


def _file(name: str, text: str) -> str:
    path = Path(tempfile.mkdtemp(prefix="miraboard-")) / name
    path.write_text(text, encoding="utf-8")
    return str(path)


def _empty(text: str) -> str:
    return str(
        Markup('<div class="mb"><p class="mb-empty" role="status">{}</p></div>').format(text)
    )


def address_of(request: gr.Request, proxies: int) -> str:
    """The client's address: the peer's, or what the last trusted proxy saw."""
    peer = request.client.host if request.client else "unknown"
    seen = [
        p.strip() for p in str(request.headers.get("x-forwarded-for", "")).split(",") if p.strip()
    ]
    return seen[-proxies] if 0 < proxies <= len(seen) else str(peer)
