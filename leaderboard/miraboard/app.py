"""The web pages: Gradio widgets and callbacks, and nothing computed here.

Reading callbacks bypass Gradio's queue, so that pages do not wait for submissions.
"""

from __future__ import annotations

import gc
import os
from collections.abc import Callable, Mapping
from typing import Any

os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")  # read when gradio is imported

import gradio as gr
from starlette.middleware import Middleware
from starlette.routing import Mount

from mirabench.metrics.api import DIMENSIONS
from miraboard import pages, theme
from miraboard.api import build_api
from miraboard.board import MODERATION, Board
from miraboard.callbacks import Callbacks, answered
from miraboard.clips.download import MAX_CLIP_BYTES
from miraboard.tables import BADGES, OVERALL
from miraboard.uploads import UploadQuota
from miraboard.votes.booth import Booth
from miraboard.votes.counting import Apart
from miraboard.votes.footage import BoardFootage
from miraboard.votes.opinions import Opinions
from miraboard.votes_tab import people_tab, vote_tab
from miraboard.warm import warm
from miraboard.watch import build_watch

_CHOOSER = {"compare": 0, "generator": 1, "prompt": 3, "order": 4}
"""What a link may choose -> its place among the choosers."""
_OPEN: dict[str, Any] = {"allow_custom_value": True}
"""For choices that depend on the track: programs call without a session, whose choices are the first
track's. What is on no list shows nothing."""


def opinions_of(board: Board) -> Opinions:
    """Voting on a board, with the films that it has."""
    return Opinions(Booth(board, BoardFootage(board)))


def build_app(
    board: Board, opinions: Opinions | None = None, calls: Callbacks | None = None
) -> Any:
    """The whole app over a board."""
    calls = calls or Callbacks(board)
    opinions = opinions or opinions_of(board)
    first = next(iter(board.tracks))
    with gr.Blocks(
        title="miraboard", analytics_enabled=False, delete_cache=(3600, 3600), fill_width=True
    ) as app:
        tracks = [(t.title, name) for name, t in board.tracks.items()]
        track = _head(tracks, first)
        with gr.Tabs(elem_id="mb-tabs") as tabs:
            with gr.Tab("Table", id="table"):
                table = _table_tab(calls, track, first)
            with gr.Tab("Compare", id="compare"):
                compared, pairs = _compare_tab(calls, track)
            with gr.Tab("Generator", id="generator"):
                chosen, shown = _choice_tab(calls.generator, track, "Submission", "mb-generator")
            with gr.Tab("Prompt", id="prompt"):
                prompt, answers = _choice_tab(calls.prompt, track, "Prompt", "mb-prompt")
            with gr.Tab("Vote", id="vote"):
                vote_tab(opinions, track)
            with gr.Tab("People", id="people") as people:
                people_tab(opinions, track, people)
            with gr.Tab("Trend", id="trend") as over_time:
                _html_on(over_time, calls.trend, [track], "mb-trend")
            with gr.Tab("Submit", id="submit"):
                submitted, wanted = _submit_tab(calls, tracks, first)
            with gr.Tab("About", id="about") as about:
                _html_on(about, calls.about, [track], "mb-about")
            with gr.Tab("Audit log", id="audit") as audit:
                _audit_tab(calls, audit)
            with gr.Tab("Export", id="export"):
                exported = _export_tab(calls, track)
            with gr.Tab("Maintain", id="maintain"):
                moderated = _maintain_tab(calls)
        for script in (theme.RECALL, theme.BACK):
            app.load(None, js=script, api_visibility="private")
        choosers = [compared, chosen, exported, prompt, table.order, table.columns]
        choices = _Choices(calls, first)
        app.load(
            choices.opened, None, [tabs, track, *choosers], queue=False, api_visibility="private"
        ).then(table.draw, table.inputs, table.output, queue=False, api_visibility="private")
        track.input(choices.changed, [track], choosers, queue=False, api_visibility="private").then(
            table.draw, table.inputs, table.output, queue=False, api_visibility="private"
        )
        track.change(None, [track], [wanted], js="(track) => track", api_visibility="private")
        for page in (table.output, pairs, shown, answers):
            page.click(
                choices.followed, None, [tabs, compared, chosen, prompt, table.order], queue=False,
                show_progress="hidden", api_visibility="private",
            )  # fmt: skip
        for done in (submitted, moderated):
            done.then(choices.grown, [track], choosers, queue=False, api_visibility="private").then(
                table.draw, table.inputs, table.output, queue=False, api_visibility="private"
            )
    return app


def _head(tracks: list[tuple[str, str]], first: str) -> Any:
    with gr.Row(elem_id="mb-head"):
        with gr.Column(scale=2, min_width=260):
            gr.Markdown(
                "# miraboard\nVideo generators, ranked as far as the intervals can tell. [Watch them](watch/)"
            )
        track = gr.Dropdown(
            tracks, value=first, label="Track", elem_id="mb-track", scale=2, min_width=230
        )
        gr.Button("Light / dark", size="sm", elem_id="mb-theme", scale=0).click(
            None, js=theme.TOGGLE, api_visibility="private"
        )
    return track


def _html(element: str) -> Any:
    return gr.HTML(elem_id=element, apply_default_css=False, js_on_load=theme.FOLLOW)


class _TableTab:
    """The table's widgets that other tabs need."""

    def __init__(
        self, draw: Callable[..., str], inputs: list[Any], output: Any, order: Any, columns: Any
    ) -> None:
        self.draw, self.inputs, self.output = draw, inputs, output
        self.order, self.columns = order, columns


def _order_choices(calls: Callbacks, track: str) -> list[str]:
    specs = calls.board.tracks[track]
    return [OVERALL, *specs.dimensions, *specs.specs]


def _table_tab(calls: Callbacks, track: Any, first: str) -> _TableTab:
    with gr.Row(elem_id="mb-controls"):
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
    with gr.Accordion("Filters and weights", open=False, elem_id="mb-filters"):
        with gr.Row():
            kinds = [("any", ""), *[(b, b) for b in BADGES if b != "self-reported"]]
            badge = gr.Dropdown(kinds, value="", label="Badge", elem_id="mb-badge")
            words = gr.Textbox(
                label="Weights of metrics within their dimension",
                placeholder="noise=0, sharpness=2",
            )
        gr.Markdown("Weights of the dimensions in the score; 0 leaves one out.")
        with gr.Row():
            shares = [
                gr.Slider(0, 3, value=1, step=0.5, label=d[0].upper() + d[1:], min_width=240)
                for d in DIMENSIONS
            ]
    output = _html("mb-table")
    page = gr.Number(1, minimum=1, precision=0, label="Page", elem_id="mb-page")
    inputs = [track, search, order, columns, badge, page, words, *shares]
    widgets: list[Any] = [search, order, columns, badge, page, words, *shares]
    for widget in widgets:
        widget.change(
            answered(calls.table), inputs, output, queue=False, trigger_mode="always_last",
            show_progress="hidden", api_name="table" if widget is search else None,
            api_visibility="public" if widget is search else "private",
        )  # fmt: skip
    return _TableTab(answered(calls.table), inputs, output, order, columns)


def _compare_tab(calls: Callbacks, track: Any) -> tuple[Any, Any]:
    chosen = gr.Dropdown(
        [], multiselect=True, max_choices=pages.MOST_COMPARED, label="Two to four submissions",
        elem_id="mb-compare", **_OPEN,
    )  # fmt: skip
    output = _html("mb-compared")
    chosen.change(
        answered(calls.compare), [track, chosen], output, queue=False, trigger_mode="always_last",
        show_progress="hidden", api_name="compare",
    )  # fmt: skip
    return chosen, output


def _choice_tab(
    call: Callable[[str, str], str], track: Any, label: str, element: str
) -> tuple[Any, Any]:
    chosen = gr.Dropdown([], value=None, label=label, elem_id=element, **_OPEN)
    output = _html(f"{element}-page")
    chosen.change(
        answered(call), [track, chosen], output, queue=False, trigger_mode="always_last",
        show_progress="hidden", api_name=label.lower(),
    )  # fmt: skip
    return chosen, output


def _submit_tab(calls: Callbacks, tracks: list[tuple[str, str]], first: str) -> tuple[Any, Any]:
    gr.Markdown(
        "Send the `report.json` of `mirabench evaluate`. Everything that can be recomputed is; the "
        "answer says accepted, or refused and why. The contact is kept for maintainers, not shown."
    )
    with gr.Row():
        with gr.Column():
            file = gr.File(label="report.json", file_types=[".json"], elem_id="mb-file", height=150)
            strips = gr.File(
                label="strips.json, if people may see film strips", file_types=[".json"],
                elem_id="mb-strips", height=150,
            )  # fmt: skip
            wanted = gr.Dropdown(tracks, value=first, label="Track of the report")
        with gr.Column():
            generator = gr.Textbox(label="Generator", max_length=80, elem_id="mb-name")
            version = gr.Textbox(label="Version", max_length=40, elem_id="mb-version")
            licence = gr.Textbox(
                label="Licence of the generator", max_length=80, elem_id="mb-licence"
            )
            contact = gr.Textbox(label="Contact", max_length=120, elem_id="mb-contact")
            links = gr.Textbox(label="Links, separated by spaces", max_length=1000)
            clips = gr.Textbox(
                label="Clips: address of their folder or data set, or `upload`", max_length=500,
                elem_id="mb-clips",
            )  # fmt: skip
            token = gr.Textbox(
                label="Token of your account", type="password", max_length=200, elem_id="mb-token"
            )
    if on_a_space():
        gr.LoginButton("Sign in with Hugging Face, instead of a token")
    _register_row(calls)
    button = gr.Button("Submit", variant="primary", elem_id="mb-send")
    told = gr.HTML(elem_id="mb-answer", apply_default_css=False)
    answer = gr.JSON(visible=False)
    sent = button.click(
        answered(calls.submit),
        [file, generator, version, wanted, licence, contact, links, strips, token, clips],
        [told, answer],
        api_name="submit", concurrency_limit=4,
    )  # fmt: skip
    _clips_row(calls)
    return sent, wanted


def _clips_row(calls: Callbacks) -> None:
    with gr.Accordion("Send the clips that the board has drawn", open=False):
        with gr.Row():
            identity = gr.Textbox(label="Submission", max_length=12, elem_id="mb-of")
            films = gr.File(
                label="Their files, under any name", file_count="multiple", file_types=["video"],
                elem_id="mb-films", height=150,
            )  # fmt: skip
        told = gr.HTML(apply_default_css=False, elem_id="mb-received")
        gr.Button("Send the clips", elem_id="mb-send-clips").click(
            answered(calls.receive),
            [identity, films],
            told,
            api_name="receive",
            concurrency_limit=2,
        )


def on_a_space(environment: Mapping[str, str] = os.environ) -> bool:
    """Whether the platform signs people in: a Space with `hf_oauth: true`, and its secret.

    Anywhere else Gradio's button signs everybody in as the machine's own user.
    """
    needed = ("SPACE_ID", "OAUTH_CLIENT_ID", "OAUTH_CLIENT_SECRET")
    return environment.get("SYSTEM") == "spaces" and all(environment.get(n) for n in needed)


def _register_row(calls: Callbacks) -> None:
    with gr.Accordion("No account yet?", open=False):
        gr.Markdown(
            "An account owns the names of its generators. It needs no mail address: the board makes a "
            "token and shows it once."
        )
        with gr.Row():
            name = gr.Textbox(label="Account", max_length=32, elem_id="mb-account")
            made = gr.Textbox(label="Its token", interactive=False, elem_id="mb-made")
        output = gr.HTML(apply_default_css=False, elem_id="mb-registered")
        gr.Button("Make an account", elem_id="mb-register").click(
            answered(calls.register), [name], [output, made], api_name="register"
        )


def _audit_tab(calls: Callbacks, tab: Any) -> None:
    with gr.Row():
        kind = gr.Dropdown(["all", "decisions", "refusals", "votes"], value="all", label="Lines")
        # an empty number comes as its minimum: 0 means all
        before = gr.Number(
            0, label="Older than No. (0: newest)", precision=0, minimum=0, maximum=2**53
        )
    output = gr.HTML(elem_id="mb-audit", apply_default_css=False)
    for listen in (tab.select, kind.change, before.change):
        listen(
            answered(calls.audit), [kind, before], output, queue=False, show_progress="hidden",
            api_name="audit" if listen is tab.select else None,
            api_visibility="public" if listen is tab.select else "private",
        )  # fmt: skip


def _html_on(tab: Any, call: Callable[..., str], inputs: list[Any], element: str) -> None:
    output = gr.HTML(elem_id=element, apply_default_css=False)
    tab.select(
        answered(call), inputs, output, queue=False, show_progress="hidden",
        api_name=element.removeprefix("mb-"),
    )  # fmt: skip


def _export_tab(calls: Callbacks, track: Any) -> Any:
    gr.Markdown(
        "The static site of the whole board: `mirabench leaderboard export FOLDER` on the server."
    )
    kind = gr.Radio(["CSV", "JSON", "Hub .eval_results YAML"], value="CSV", label="Format")
    chosen = gr.Dropdown([], value=None, label="Submission, for the YAML", **_OPEN)
    button = gr.Button("Make the file", elem_id="mb-export")
    file = gr.File(label="Download", elem_id="mb-exported")
    button.click(
        answered(calls.export), [track, kind, chosen], file, queue=False, api_name="export"
    )
    return chosen


def _maintain_tab(calls: Callbacks) -> Any:
    gr.Markdown("For who holds the board's token. Every verdict is a new line of the audit log.")
    with gr.Row():
        token = gr.Textbox(label="Token", type="password")
        identity = gr.Textbox(label="Submission")
        kind = gr.Dropdown(list(MODERATION), value="withdrawn", label="Verdict")
        why = gr.Textbox(label="Why, in public")
    output = gr.HTML(apply_default_css=False)
    recorded = gr.Button("Record", elem_id="mb-record").click(
        answered(calls.moderate), [token, identity, kind, why], output, api_name="moderate"
    )
    with gr.Row():
        generator = gr.Textbox(label="Generator")
        account = gr.Textbox(label="New owner: an account")
    gr.Button("Move the name", elem_id="mb-move").click(
        answered(calls.move), [token, generator, account], output, api_name="move"
    )
    return recorded


class _Choices:
    """What the choosers offer: they depend on the track, and grow with each submission."""

    def __init__(self, calls: Callbacks, first: str) -> None:
        self.calls, self.first = calls, first

    def grown(self, track: str) -> tuple[Any, ...]:
        """New choices, and what a viewer chose stays."""
        found = self.calls.choices(track)
        specs = self.calls.board.tracks[track]
        offered = (
            found, found, found, self.calls.prompts(track), _order_choices(self.calls, track),
            list(specs.specs),
        )  # fmt: skip
        return tuple(gr.update(choices=choices) for choices in offered)

    def changed(self, track: str) -> tuple[Any, ...]:
        """The choices of another track, where nothing is chosen yet."""
        values: tuple[Any, ...] = ([], None, None, None, OVERALL, [])
        updates = zip(self.grown(track), values, strict=True)
        return tuple({**update, "value": value} for update, value in updates)

    def opened(self, request: gr.Request) -> tuple[Any, ...]:
        """What the address names: `?show=generator&track=lite&id=...`; gradio keeps `page` for itself.

        What it does not name is left alone: who is quick has chosen a tab before this arrives.
        """
        asked: Mapping[str, str] = dict(request.query_params)
        track = asked.get("track", "")
        known = track in self.calls.board.tracks
        page = asked.get("show", "")
        updates = list(self.grown(track if known else self.first))
        if page in _CHOOSER:
            position = _CHOOSER[page]
            updates[position] = {**updates[position], "value": _named(page, asked)}
        return (self._tab(page), track if known else gr.skip(), *updates)

    def followed(self, event: gr.EventData) -> tuple[Any, ...]:
        """What a link of a page names, on the track that is open."""
        asked: Mapping[str, Any] = event._data if isinstance(event._data, dict) else {}
        page = asked.get("show", "")
        values = [_named(page, asked) if page == name else gr.skip() for name in _CHOOSER]
        return (self._tab(page), *values)

    @staticmethod
    def _tab(page: str) -> Any:
        page = "table" if page == "order" else page
        return gr.update(selected=page) if page in pages.PAGES else gr.skip()


def _named(page: str, asked: Mapping[str, Any]) -> Any:
    """What an address names: one thing, or the submissions to compare."""
    named = str(asked.get("id", ""))
    return [part for part in named.split(",") if part] if page == "compare" else named or None


def launch(
    board: Board, host: str, port: int, *, block: bool = True, opinions: Opinions | None = None
) -> Any:
    """Serve a board; returns when the server stops, or at once with `block=False`."""
    opinions = opinions or Opinions(
        Booth(board, BoardFootage(board)), counter=Apart(board.settings, board.tracks)
    )
    calls = Callbacks(board)
    warm(calls)
    app = build_app(board, opinions, calls)
    opinions.warm()
    # statsmodels collects garbage at each correction: what is there now stays, and is looked at no more
    gc.freeze()
    app.queue(default_concurrency_limit=8, max_size=500)
    app.launch(
        server_name=host,
        server_port=port,
        theme=theme.theme(),
        css=theme.CSS + pages.css(),
        footer_links=[],
        max_file_size=MAX_CLIP_BYTES + 2**20,
        ssr_mode=False,
        share=False,
        quiet=True,
        show_error=True,  # callbacks tell sentences; what is left are Gradio's own refusals
        enable_monitoring=False,
        prevent_thread_lock=not block,
        app_kwargs={
            "routes": [
                Mount("/api", app=build_api(board, opinions)),
                Mount("/watch", app=build_watch(board)),
            ],
            "middleware": [
                Middleware(
                    UploadQuota, per_hour=board.settings.per_hour, proxies=board.settings.proxies
                )
            ],
        },
    )
    return app
