"""The tabs Vote and People: widgets and callbacks, and nothing computed here."""

from __future__ import annotations

from typing import Any

import gradio as gr

from mirabench.errors import MirabenchError
from miraboard import accounts, votes_pages
from miraboard.callbacks import answered, empty, sentence
from miraboard.guard import SubmissionRefused
from miraboard.pages import app_link
from miraboard.uploads import client_of
from miraboard.votes.opinions import Opinions
from miraboard.votes.questions import ANSWERS, OVERALL, QUESTIONS

_CHOICES = [(text, name) for name, text in ANSWERS.items()]


class VoteCallbacks:
    """What the widgets call."""

    def __init__(self, opinions: Opinions) -> None:
        self.opinions, self.booth = opinions, opinions.booth

    def next(
        self, track: str, token: str, request: gr.Request, profile: gr.OAuthProfile | None
    ) -> tuple[Any, ...]:
        """The next pair; its number, its page, and questions without an answer."""
        try:
            account, address = self._who(token, request, profile)
            ballot = self.booth.next(track, account, address)
        except MirabenchError as error:
            return ("", empty(sentence(error)), "", *self._blank(shown=False))
        prompt = self.booth.board.tracks[track].prompts[ballot.prompt].text
        page = votes_pages.ballot_page(ballot.id, prompt)
        return (ballot.id, str(page), "", *self._blank(shown=True))

    @staticmethod
    def _blank(*, shown: bool) -> list[Any]:
        radios = [gr.update(value=None, visible=shown) for _ in QUESTIONS]
        return [*radios, gr.update(visible=shown)]

    def vote(  # noqa: PLR0913  # one for each widget
        self, track: str, token: str, ballot: str, overall: str | None, motion: str | None,
        consistency: str | None, follows: str | None, request: gr.Request,
        profile: gr.OAuthProfile | None,
    ) -> tuple[Any, ...]:  # fmt: skip
        """Take the vote and show the next pair; or say what is missing, and leave all as it is."""
        given = (overall, motion, consistency, follows)
        try:
            account, address = self._who(token, request, profile)
            self.booth.vote(
                ballot or "", dict(zip(QUESTIONS, given, strict=True)), account, address
            )
        except MirabenchError as error:
            same = [gr.skip()] * (len(QUESTIONS) + 1)
            return (gr.skip(), gr.skip(), empty(f"Not taken: {sentence(error)}"), *same)
        number, page, _, *rest = self.next(track, token, request, profile)
        return (number, page, empty("Taken, thank you."), *rest)

    def _who(
        self, token: str, request: gr.Request, profile: gr.OAuthProfile | None
    ) -> tuple[str, str]:
        address = client_of(request, self.booth.board.settings.proxies)
        if profile is not None:
            return accounts.of_platform(str(profile.username)), address
        signed = (token or "").strip()
        return self.booth.board.sign_in(signed, address) if signed else "", address

    def people(self, track: str, question: str) -> str:
        """What people say."""
        try:
            found = self.opinions.people(track, question or OVERALL)
        except SubmissionRefused as error:
            return empty(sentence(error))
        return str(votes_pages.people_page(found, app_link))


def vote_tab(opinions: Opinions, track: Any) -> None:
    """The pair, four questions, and the button."""
    calls = VoteCallbacks(opinions)
    with gr.Row(elem_id="mb-voting"):
        token = gr.Textbox(
            label="Token of your account", type="password", max_length=200, scale=3,
            elem_id="mb-vote-token", visible=opinions.board.settings.accounts == "required",
        )  # fmt: skip
        start = gr.Button("Show me a pair", elem_id="mb-vote-start", scale=1)
    ballot = gr.State("")
    page = gr.HTML(elem_id="mb-ballot", apply_default_css=False)
    radios = [
        gr.Radio(_CHOICES, label=text, elem_id=f"mb-ask-{name}", visible=False)
        for name, text in QUESTIONS.items()
    ]
    send = gr.Button("Vote", variant="primary", elem_id="mb-vote-send", visible=False)
    told = gr.HTML(elem_id="mb-vote-told", apply_default_css=False)
    outputs = [ballot, page, told, *radios, send]
    start.click(
        answered(calls.next), [track, token], outputs, queue=False, api_visibility="private"
    )
    send.click(
        answered(calls.vote), [track, token, ballot, *radios], outputs, queue=False,
        api_visibility="private",
    )  # fmt: skip


def people_tab(opinions: Opinions, track: Any, tab: Any) -> None:
    """What people say, question by question."""
    calls = VoteCallbacks(opinions)
    asked = gr.Dropdown(
        [(text, name) for name, text in QUESTIONS.items()], value=OVERALL, label="Question",
        elem_id="mb-question",
    )  # fmt: skip
    page = gr.HTML(elem_id="mb-people", apply_default_css=False)
    for listen in (tab.select, asked.change):
        listen(
            answered(calls.people), [track, asked], page, queue=False, show_progress="hidden",
            api_name="people" if listen is tab.select else None,
            api_visibility="public" if listen is tab.select else "private",
        )  # fmt: skip
