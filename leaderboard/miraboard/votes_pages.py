"""Pages of voting as HTML: the pair, and what people say. Pure."""

from __future__ import annotations

from markupsafe import Markup

from miraboard.pages import Link, render
from miraboard.votes.people import People
from miraboard.votes.questions import QUESTIONS


def ballot_page(ballot: str, prompt: str) -> Markup:
    """A pair to look at: its prompt, and two films under the ballot's number."""
    return render("ballot", ballot=ballot, prompt=prompt)


def people_page(people: People, link: Link) -> Markup:
    """Generators by votes, and how far each metric agrees."""
    return render("people", people=people, asked=QUESTIONS[people.question], link=link)
