"""What the pages call: arguments of widgets in, HTML or files out. No widget is made here."""

from __future__ import annotations

import functools
import logging
import tempfile
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

import gradio as gr
from markupsafe import Markup

from mirabench.errors import InputError, MirabenchError, UnknownNameError
from mirabench.files import write_text
from mirabench.metrics.api import DIMENSIONS
from miraboard import accounts, export, hub, pages, seen
from miraboard.board import Board, SubmissionAnswer, View
from miraboard.clips.download import MAX_CLIP_BYTES
from miraboard.guard import MAX_BYTES, refuse
from miraboard.strips import shown
from miraboard.tables import OVERALL, Request, build_table, parse_weights, weights_text
from miraboard.uploads import client_of

P = ParamSpec("P")
R = TypeVar("R")

log = logging.getLogger(__name__)

_KINDS: Mapping[str, Sequence[str]] = {
    "votes": ("voted",),
    "decisions": ("accepted", "recomputed", "rescored", "withdrawn", "restored", "moved"),
    "refusals": ("refused", "limited", "denied"),
}
"""Lines of the log by what a reader looks for; anything else is all of them."""
MOST_PAGES = 512
"""Pages kept in memory; a large one has about 100 kB."""


class Callbacks:
    """What the widgets call; holds the board and nothing else."""

    def __init__(self, board: Board) -> None:
        self.board = board
        self._pages: dict[tuple[Any, ...], str] = {}
        self._folder = tempfile.TemporaryDirectory(prefix="miraboard-")
        self._writing = threading.Lock()

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
        page: float, metric_weights: str, *shares: float,
    ) -> str:  # fmt: skip
        """The table as HTML."""
        weights = self._weights(track, metric_weights, shares)
        request = Request(search[:200], tuple(columns or ()), order, badge or "", int(page or 1))
        return self._once(
            lambda: self._table(track, request, weights), track, request, str(weights)
        )

    def first_table(self, track: str) -> str:
        """The table as a visitor finds it, with nothing chosen."""
        return self.table(track, "", OVERALL, [], "", 1, "", *([1.0] * len(DIMENSIONS)))

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
        known = {s.id: s for s in (*view.standings, *view.history)}
        standings = [known[key] for key in chosen or () if key in known][: pages.MOST_COMPARED]
        ids = [s.id for s in standings]

        def make() -> Markup:
            rows = {key: self.board.store.rows_of(key) for key in ids}
            return pages.compare_page(view, standings, rows, pages.app_link)

        return self._once(make, "compare", track, *ids)

    def generator(self, track: str, identity: str) -> str:
        """One submission."""
        view = self.board.view(track)
        if not identity:
            return empty("Choose a submission.")
        try:
            standing = view.standing(identity)
        except UnknownNameError:
            return empty(
                f"No submission {identity[:40]!r} in this track: it may be in another, or withdrawn."
            )
        report = self.board.store.report(identity)
        strips = shown(self.board.store.strips_of(identity))
        ranking = self.board.ranking(track)
        page = pages.generator_page(view, ranking, standing, report, strips, pages.app_link)
        return self._state(view, identity) + str(page)

    def _state(self, view: View, identity: str) -> str:
        """How far the board is with the submission's clips."""
        scoring = view.states.get(identity)
        if scoring is None:
            return ""
        wanted = (
            self.board.awaited(scoring) if scoring.state == "queued" and not scoring.source else []
        )
        return str(pages.state_page(scoring, wanted))

    def _films(self, view: View, prompt: str) -> str:
        """A link to the clips of a prompt side by side, where there are any."""
        with self.board.store.reading() as connection:
            found = seen.watchable(connection, view.track.digest).get(prompt, [])
        among = [
            key
            for key in pages.shown_on_a_prompt(view, self.board.ranking(view.track.name))
            if key in found
        ]
        return str(pages.watch_note(view.track.name, prompt, among)) if among else ""

    def prompt(self, track: str, prompt: str) -> str:
        """All generators on one prompt."""
        view = self.board.view(track)
        if not prompt:
            return empty("Choose a prompt.")
        if prompt not in view.track.prompts:
            return empty(f"No prompt {prompt[:40]!r} in this track: choose one of the list.")

        def make() -> Markup:
            among = pages.shown_on_a_prompt(view, self.board.ranking(track))
            rows = self.board.store.rows_for(view.track.digest, prompt, among)
            strips = self.board.store.strips_for(view.track.digest, prompt)
            return pages.prompt_page(view, prompt, rows, strips, pages.app_link)

        return self._films(view, prompt) + self._once(make, "prompt", track, prompt)

    def trend(self, track: str) -> str:
        """A track's scores over time."""
        view = self.board.view(track)
        return self._once(lambda: pages.trend_page(view, pages.app_link), "trend", track)

    def about(self, track: str, request: gr.Request) -> str:
        """The track's cards."""
        url = _own_address(request) or "BOARD-URL"
        return str(pages.about_page(self.board.tracks[track], url))

    def audit(self, kind: str, before: float | None) -> str:
        """Lines of the audit log, newest first."""
        store = self.board.store
        lines = store.log(before=int(before) if before else None, kinds=_KINDS.get(kind, ()))
        return str(pages.audit_page(lines, store.head()))

    def register(self, name: str, request: gr.Request) -> tuple[str, str]:
        """Make an account; what happened, and the token."""
        try:
            token = self.board.register(name or "", self._address(request))
        except MirabenchError as error:
            return empty(f"Not made: {sentence(error)}"), ""
        told = (
            f"The account {name} is made. Its token is shown once and kept nowhere: write it down."
        )
        return empty(told), token

    def submit(  # noqa: PLR0913  # one for each widget
        self, file: str | None, generator: str, version: str, track: str, licence: str,
        contact: str, links: str, strips: str | None, token: str, clips: str, request: gr.Request,
        profile: gr.OAuthProfile | None,
    ) -> tuple[str, dict[str, Any]]:  # fmt: skip
        """Take a submission; the answer for people and for programs."""
        fields = {
            "generator": generator, "version": version, "track": track, "licence": licence,
            "contact": contact, "links": (links or "").split(),
        }  # fmt: skip
        address = self._address(request)
        try:
            pictures = _uploaded(strips) if strips else b""
            report = _uploaded(file)
            account = self._account(token, profile, address)
            answer = self.board.submit(
                report, fields, address, strips=pictures, account=account, clips=clips or ""
            )
        except MirabenchError as error:
            reasons = getattr(error, "reasons", ()) or refuse("error", str(error)).reasons
            answer = SubmissionAnswer(False, reasons=reasons)
        return str(pages.answer_page(answer)), answer.to_json()

    def receive(self, identity: str, files: Sequence[str] | None) -> str:
        """Take clips that the board has drawn; says which are still awaited."""
        if not files:
            raise refuse("no-file", "choose the files of the clips that the board has drawn")
        left: list[str] = []
        for path in files:
            data = _uploaded(path, MAX_CLIP_BYTES)
            left = self.board.receive((identity or "").strip(), data)
        return empty(
            f"Still awaited: {', '.join(left)}." if left else "All clips are here: queued."
        )

    def _account(self, token: str, profile: gr.OAuthProfile | None, address: str) -> str:
        """Who is signed in: by the platform where the board is hosted, or by a token; empty for nobody."""
        if profile is not None:
            return accounts.of_platform(str(profile.username))
        return self.board.sign_in(token, address) if (token or "").strip() else ""

    def moderate(self, token: str, identity: str, kind: str, why: str, request: gr.Request) -> str:
        """Withdraw or restore."""
        try:
            self.board.moderate(token, identity.strip(), kind, why, self._address(request))
        except MirabenchError as error:
            return empty(f"Not done: {sentence(error)}")
        return empty(f"Done: {identity} {kind}.")

    def move(self, token: str, generator: str, account: str, request: gr.Request) -> str:
        """Give a generator's name to another account."""
        try:
            self.board.move(token, generator.strip(), account.strip(), self._address(request))
        except MirabenchError as error:
            return empty(f"Not done: {sentence(error)}")
        return empty(f"Done: {generator} belongs to {account}.")

    def _address(self, request: gr.Request) -> str:
        return client_of(request, self.board.settings.proxies)

    def export(self, track: str, kind: str, identity: str, request: gr.Request) -> str:
        """A file to download."""
        view, ranking = self.board.view(track), self.board.ranking(track)
        if kind == "CSV":
            return self._file(f"{track}.csv", export.to_csv(view, ranking))
        if kind == "JSON":
            return self._file(f"{track}.json", export.to_json(view, ranking))
        try:
            standing = view.standing(identity)
        except UnknownNameError as error:
            raise InputError("choose a submission of this track for this format") from error
        text = export.to_eval_results(standing, view, hub.DATASET, _own_address(request))
        return self._file(f"{standing.id}.yaml", text)

    def _file(self, name: str, text: str) -> str:
        """A file of this board's own folder, which Gradio copies; each export replaces the last of its name."""
        path = Path(self._folder.name) / name
        with self._writing:
            write_text(path, text)
        return str(path)

    def close(self) -> None:
        """Remove the folder of exports."""
        self._folder.cleanup()

    def prompts(self, track: str) -> list[tuple[str, str]]:
        """The first words of each prompt, and its id."""
        found = self.board.tracks[track].prompts.values()
        return [(f"{p.id}: {' '.join(p.text.split()[:14])}", p.id) for p in found]

    def choices(self, track: str) -> list[tuple[str, str]]:
        """Label and id of each submission, for people to choose from."""
        view = self.board.view(track)
        found = [(f"{s.label} ({s.id[:6]})", s.id) for s in view.standings]
        waiting = [
            (f"{s.label} ({s.id[:6]}), {view.states[s.id].state}", s.id) for s in view.waiting
        ]
        return [*found, *waiting]


def _uploaded(path: str | None, most: int = MAX_BYTES) -> bytes:
    if not path:
        raise refuse("no-file", "choose a report.json")
    file = Path(path)
    try:
        if file.stat().st_size > most:
            raise refuse("too-large", f"{file.stat().st_size:,} bytes, the limit is {most:,}")
        return file.read_bytes()
    finally:
        file.unlink(missing_ok=True)  # the store keeps what is accepted, nobody keeps the rest


def _own_address(request: gr.Request) -> str:
    """Where the board is asked from; empty when the request does not say."""
    origin = str(request.headers.get("origin") or "")
    return origin if origin.startswith(("http://", "https://")) else ""


def sentence(error: MirabenchError) -> str:
    """What went wrong, for people."""
    reasons = getattr(error, "reasons", ())
    return "; ".join(r.text for r in reasons) or str(error)


def answered(call: Callable[P, R]) -> Callable[P, R]:
    """The callback, each of its errors one sentence in the page or the program that called it."""

    @functools.wraps(call)
    def told(*arguments: P.args, **named: P.kwargs) -> R:
        try:
            return call(*arguments, **named)
        except MirabenchError as error:
            raise gr.Error(sentence(error)) from error
        except gr.Error:
            raise
        except (
            Exception
        ) as error:  # the boundary: what a stranger sends must not become a traceback
            log.exception("a callback failed")
            name = type(error).__name__
            raise gr.Error(
                f"The board could not answer this ({name}): check what was sent."
            ) from error

    return told


def empty(text: str) -> str:
    """A page with one line."""
    return str(
        Markup('<div class="mb"><p class="mb-empty" role="status">{}</p></div>').format(text)
    )
