"""The web pages: Gradio widgets and callbacks, and nothing computed here.

Reading callbacks bypass Gradio's queue, so that pages do not wait for submissions.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")  # read when gradio is imported

import gradio as gr
from markupsafe import Markup

from mirabench.errors import MirabenchError
from mirabench.metrics.api import DIMENSIONS
from miraboard import export, pages
from miraboard.board import MODERATION, Board, Outcome
from miraboard.guard import MAX_BYTES, refuse
from miraboard.tables import BADGES, OVERALL, Request, build_table, parse_weights, weights_text

PAGES = (
    "table",
    "compare",
    "generator",
    "prompt",
    "submit",
    "about",
    "audit",
    "export",
    "maintain",
)
MOST_PAGES = 512
"""Pages kept in memory; a large one has about 100 kB."""
_OPEN: dict[str, Any] = {"allow_custom_value": True}
"""For choices that depend on the track: programs call without a session, whose choices are the first
track's. What is on no list shows nothing."""
_TOGGLE = "() => { document.body.classList.toggle('dark'); }"
_CSS = """
footer{display:none!important}
.gradio-container{max-width:1320px!important;width:100%!important;margin:0 auto!important}
.gradio-container>main{width:100%!important;max-width:100%!important}
#mb-head{align-items:center}#mb-head h1{font-size:24px;margin:0}#mb-theme{max-width:150px;margin-left:auto}
@media (max-width:700px){.gradio-container{padding:8px!important}}
"""


class _Callbacks:
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
        return str(
            pages.generator_page(view, self.board.ranking(track), standing, report, pages.app_link)
        )

    def prompt(self, track: str, prompt: str) -> str:
        """All generators on one prompt."""
        view = self.board.view(track)
        if prompt not in view.track.prompts:
            return _empty("Choose a prompt.")

        def make() -> Markup:
            among = pages.shown_on_a_prompt(view, self.board.ranking(track))
            rows = self.board.store.rows_for(view.track.digest, prompt, among)
            return pages.prompt_page(view, prompt, rows, pages.app_link)

        return self._once(make, "prompt", track, prompt)

    def about(self, track: str, request: gr.Request) -> str:
        """The track's cards."""
        url = str(request.headers.get("origin") or "BOARD-URL")
        return str(pages.about_page(self.board.tracks[track], url))

    def audit(self) -> str:
        """The audit log."""
        return str(pages.audit_page(self.board.store.log()))

    def submit(
        self, file: str | None, generator: str, version: str, track: str, licence: str,
        contact: str, links: str, request: gr.Request,
    ) -> tuple[str, dict[str, Any]]:  # fmt: skip
        """Take a submission; the answer for people and for programs."""
        fields = {
            "generator": generator, "version": version, "track": track, "licence": licence,
            "contact": contact, "links": (links or "").split(),
        }  # fmt: skip
        address = address_of(request, self.board.settings.proxies)
        try:
            outcome = self.board.submit(_uploaded(file), fields, address)
        except MirabenchError as error:
            reasons = getattr(error, "reasons", ()) or refuse("error", str(error)).reasons
            outcome = Outcome(False, reasons=reasons)
        return str(pages.outcome_page(outcome)), outcome.to_json()

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
        text = export.to_eval_results(standing, view, "mirabench/prompts", url)
        return _file(f"{identity}.yaml", text)

    def choices(self, track: str) -> list[tuple[str, str]]:
        """Label and id of each submission, for people to choose from."""
        return [(f"{s.label} ({s.id[:6]})", s.id) for s in self.board.view(track).standings]


def _uploaded(path: str | None) -> bytes:
    if not path:
        raise refuse("no-file", "choose a report.json")
    file = Path(path)
    try:
        if file.stat().st_size > MAX_BYTES:
            raise refuse("too-large", f"{file.stat().st_size:,} bytes, the most is {MAX_BYTES:,}")
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


def build_app(board: Board) -> Any:
    """The whole app over a board."""
    calls = _Callbacks(board)
    first = next(iter(board.tracks))
    with gr.Blocks(
        title="miraboard", analytics_enabled=False, delete_cache=(3600, 3600), fill_width=True
    ) as app:
        with gr.Row(elem_id="mb-head"):
            gr.Markdown("# miraboard\nVideo generators, ranked as far as the intervals can tell.")
            gr.Button("Light / dark", size="sm", elem_id="mb-theme").click(
                None, js=_TOGGLE, api_visibility="private"
            )
        tracks = [(t.title, name) for name, t in board.tracks.items()]
        track = gr.Dropdown(tracks, value=first, label="Track", elem_id="mb-track")
        with gr.Tabs(elem_id="mb-tabs") as tabs:
            with gr.Tab("Table", id="table"):
                table = _table_tab(calls, track, first)
            with gr.Tab("Compare", id="compare"):
                compared = _compare_tab(calls, track)
            with gr.Tab("Generator", id="generator"):
                chosen = _choice_tab(calls.generator, track, "Submission", "mb-generator", [])
            with gr.Tab("Prompt", id="prompt"):
                prompts = list(board.tracks[first].prompts)
                prompt = _choice_tab(calls.prompt, track, "Prompt", "mb-prompt", prompts)
            with gr.Tab("Submit", id="submit"):
                submitted = _submit_tab(calls, tracks, first)
            with gr.Tab("About", id="about") as about:
                _html_on(about, calls.about, [track], "mb-about")
            with gr.Tab("Audit log", id="audit") as audit:
                _html_on(audit, calls.audit, [], "mb-audit")
            with gr.Tab("Export", id="export"):
                exported = _export_tab(calls, track)
            with gr.Tab("Maintain", id="maintain"):
                moderated = _maintain_tab(calls)
        choosers = [compared, chosen, exported, prompt, table.order, table.columns]
        refresh = _refresher(calls)
        opened = _opener(calls, first)
        app.load(
            opened, None, [tabs, track, *choosers], queue=False, api_visibility="private"
        ).then(table.draw, table.inputs, table.output, queue=False, api_visibility="private")
        track.input(refresh, [track], choosers, queue=False, api_visibility="private").then(
            table.draw, table.inputs, table.output, queue=False, api_visibility="private"
        )
        for done in (submitted, moderated):
            done.then(refresh, [track], choosers, queue=False, api_visibility="private").then(
                table.draw, table.inputs, table.output, queue=False, api_visibility="private"
            )
    return app


class _TableTab:
    """The table's widgets that other tabs need."""

    def __init__(
        self, draw: Callable[..., str], inputs: list[Any], output: Any, order: Any, columns: Any
    ) -> None:
        self.draw, self.inputs, self.output = draw, inputs, output
        self.order, self.columns = order, columns


def _order_choices(calls: _Callbacks, track: str) -> list[str]:
    specs = calls.board.tracks[track]
    return [OVERALL, *specs.dimensions, *specs.specs]


def _table_tab(calls: _Callbacks, track: Any, first: str) -> _TableTab:
    with gr.Row():
        search = gr.Textbox(
            label="Search", placeholder="generator, licence or id", elem_id="mb-search"
        )
        order = gr.Dropdown(
            _order_choices(calls, first),
            value=OVERALL,
            label="Order by",
            elem_id="mb-order",
            **_OPEN,
        )
        columns = gr.Dropdown(
            list(calls.board.tracks[first].specs), multiselect=True, label="More columns",
            elem_id="mb-columns", **_OPEN,
        )  # fmt: skip
    with gr.Accordion("Filters and weights", open=False):
        with gr.Row():
            kinds = [("any", ""), *[(b, b) for b in BADGES if b != "self-reported"]]
            badge = gr.Dropdown(kinds, value="", label="Badge", elem_id="mb-badge")
            latest = gr.Checkbox(label="Newest version of each generator only", elem_id="mb-latest")
            words = gr.Textbox(
                label="Weights of metrics within their dimension",
                placeholder="noise=0, sharpness=2",
            )
        with gr.Row():
            shares = [
                gr.Slider(0, 3, value=1, step=0.5, label=f"Weight of {d}", min_width=180)
                for d in DIMENSIONS
            ]
    output = gr.HTML(elem_id="mb-table", apply_default_css=False)
    page = gr.Number(1, minimum=1, precision=0, label="Page", elem_id="mb-page")
    inputs = [track, search, order, columns, badge, latest, page, words, *shares]
    widgets: list[Any] = [search, order, columns, badge, latest, page, words, *shares]
    for widget in widgets:
        widget.change(
            calls.table, inputs, output, queue=False, trigger_mode="always_last",
            show_progress="hidden", api_name="table" if widget is search else None,
            api_visibility="public" if widget is search else "private",
        )  # fmt: skip
    return _TableTab(calls.table, inputs, output, order, columns)


def _compare_tab(calls: _Callbacks, track: Any) -> Any:
    chosen = gr.Dropdown(
        [], multiselect=True, max_choices=pages.MOST_COMPARED, label="Two to four submissions",
        elem_id="mb-compare", **_OPEN,
    )  # fmt: skip
    output = gr.HTML(elem_id="mb-compared", apply_default_css=False)
    chosen.change(
        calls.compare, [track, chosen], output, queue=False, trigger_mode="always_last",
        show_progress="hidden", api_name="compare",
    )  # fmt: skip
    return chosen


def _choice_tab(
    call: Callable[[str, str], str], track: Any, label: str, element: str, choices: list[str]
) -> Any:
    chosen = gr.Dropdown(choices, value=None, label=label, elem_id=element, **_OPEN)
    output = gr.HTML(elem_id=f"{element}-page", apply_default_css=False)
    chosen.change(
        call, [track, chosen], output, queue=False, trigger_mode="always_last",
        show_progress="hidden", api_name=label.lower(),
    )  # fmt: skip
    return chosen


def _submit_tab(calls: _Callbacks, tracks: list[tuple[str, str]], first: str) -> Any:
    gr.Markdown(
        "Send the `report.json` of `mirabench evaluate`. Everything that can be recomputed is; the "
        "answer says accepted, or refused and why. The contact is kept for maintainers, not shown."
    )
    with gr.Row():
        with gr.Column():
            file = gr.File(label="report.json", file_types=[".json"], elem_id="mb-file")
            wanted = gr.Dropdown(tracks, value=first, label="Track of the report")
        with gr.Column():
            generator = gr.Textbox(label="Generator", max_length=80, elem_id="mb-name")
            version = gr.Textbox(label="Version", max_length=40, elem_id="mb-version")
            licence = gr.Textbox(
                label="Licence of the generator", max_length=80, elem_id="mb-licence"
            )
            contact = gr.Textbox(label="Contact", max_length=120, elem_id="mb-contact")
            links = gr.Textbox(label="Links, separated by spaces", max_length=1000)
    button = gr.Button("Submit", variant="primary", elem_id="mb-send")
    told = gr.HTML(elem_id="mb-outcome", apply_default_css=False)
    answer = gr.JSON(visible=False)
    return button.click(
        calls.submit, [file, generator, version, wanted, licence, contact, links], [told, answer],
        api_name="submit", concurrency_limit=4,
    )  # fmt: skip


def _html_on(tab: Any, call: Callable[..., str], inputs: list[Any], element: str) -> None:
    output = gr.HTML(elem_id=element, apply_default_css=False)
    tab.select(
        call, inputs, output, queue=False, show_progress="hidden",
        api_name=element.removeprefix("mb-"),
    )  # fmt: skip


def _export_tab(calls: _Callbacks, track: Any) -> Any:
    gr.Markdown(
        "The static site of the whole board: `mirabench leaderboard export FOLDER` on the server."
    )
    kind = gr.Radio(["CSV", "JSON", "Hub .eval_results YAML"], value="CSV", label="Format")
    chosen = gr.Dropdown([], value=None, label="Submission, for the YAML", **_OPEN)
    button = gr.Button("Make the file", elem_id="mb-export")
    file = gr.File(label="Download", elem_id="mb-exported")
    button.click(calls.export, [track, kind, chosen], file, queue=False, api_name="export")
    return chosen


def _maintain_tab(calls: _Callbacks) -> Any:
    gr.Markdown("For who holds the board's token. Every verdict is a new line of the audit log.")
    with gr.Row():
        token = gr.Textbox(label="Token", type="password")
        identity = gr.Textbox(label="Submission")
        kind = gr.Dropdown(list(MODERATION), value="withdrawn", label="Verdict")
        why = gr.Textbox(label="Why, in public")
    output = gr.HTML(apply_default_css=False)
    return gr.Button("Record").click(
        calls.moderate, [token, identity, kind, why], output, api_name="moderate"
    )


def _refresher(calls: _Callbacks) -> Callable[[str], tuple[Any, ...]]:
    def refresh(track: str) -> tuple[Any, ...]:
        """New choices for a track."""
        found = calls.choices(track)
        specs = calls.board.tracks[track]
        return (
            gr.update(choices=found, value=[]),
            gr.update(choices=found, value=None),
            gr.update(choices=found, value=None),
            gr.update(choices=list(specs.prompts), value=None),
            gr.update(choices=_order_choices(calls, track), value=OVERALL),
            gr.update(choices=list(specs.specs), value=[]),
        )

    return refresh


def _opener(calls: _Callbacks, first: str) -> Callable[[gr.Request], tuple[Any, ...]]:
    refresh = _refresher(calls)

    def opened(request: gr.Request) -> tuple[Any, ...]:
        """What the address names: `?show=generator&track=lite&id=...`; gradio keeps `page` for itself."""
        asked: Mapping[str, str] = dict(request.query_params)
        track = asked.get("track", first)
        track = track if track in calls.board.tracks else first
        page = asked.get("show", "table")
        page = page if page in PAGES else "table"
        updates = list(refresh(track))
        position = {"generator": 1, "prompt": 3}.get(page)
        if position is not None:
            updates[position] = {**updates[position], "value": asked.get("id")}
        return (gr.update(selected=page), track, *updates)

    return opened


def theme() -> gr.themes.Base:
    """The system's own fonts: no page asks anybody else for anything."""
    names = ("system-ui", "-apple-system", "Segoe UI", "Roboto", "sans-serif")
    mono = ("ui-monospace", "Menlo", "Consolas", "monospace")
    return gr.themes.Base(
        primary_hue="cyan",
        neutral_hue="stone",
        font=[gr.themes.Font(n) for n in names],
        font_mono=[gr.themes.Font(n) for n in mono],
    )


def launch(board: Board, host: str, port: int, *, block: bool = True) -> Any:
    """Serve a board; returns when the server stops, or at once with `block=False`."""
    for track in board.tracks:
        board.ranking(track)  # so that the first visitor does not wait for it
    app = build_app(board)
    app.queue(default_concurrency_limit=8, max_size=500)
    app.launch(
        server_name=host,
        server_port=port,
        theme=theme(),
        css=_CSS + pages.css(),
        footer_links=[],
        max_file_size=MAX_BYTES + 2**20,
        ssr_mode=False,
        share=False,
        quiet=True,
        show_error=False,
        enable_monitoring=False,
        prevent_thread_lock=not block,
    )
    return app
