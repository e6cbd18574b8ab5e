"""Voting for programs, and for the page's own films: routes of the REST interface."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from fastapi import APIRouter, Header, Query, Request, Response
from pydantic import BaseModel, ConfigDict

from miraboard.uploads import client_of
from miraboard.votes.opinions import Opinions
from miraboard.votes.output import to_csv, to_json
from miraboard.votes.questions import ANSWERS, OVERALL, QUESTIONS

_RANGE = re.compile(r"bytes=(\d{0,15})-(\d{0,15})")
HEADERS = {
    "Cache-Control": "no-store", "Accept-Ranges": "bytes", "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Resource-Policy": "same-origin",
}  # fmt: skip
"""No validator and no name: the same film in two pairs is not told by its headers."""


class Shown(BaseModel):
    """A pair to look at; nothing in it says whose the films are."""

    ballot: str
    prompt: str
    left: str
    """Address of a film, relative to this interface."""
    right: str
    questions: dict[str, str]
    answers: list[str]


class Answers(BaseModel):
    """A vote: left, tie or right for each question."""

    model_config = ConfigDict(extra="forbid")

    overall: str
    motion: str
    consistency: str
    follows: str


class Taken(BaseModel):
    """A vote was kept."""

    voted: bool


def vote_routes(opinions: Opinions) -> APIRouter:
    """Drawing pairs, films, votes, and what they say."""
    router = APIRouter()
    _ballots(router, opinions)
    _results(router, opinions)
    return router


def _ballots(router: APIRouter, opinions: Opinions) -> None:
    booth = opinions.booth

    def who(request: Request, authorization: str) -> tuple[str, str]:
        address = client_of(request, booth.board.settings.proxies)
        token = authorization.removeprefix("Bearer ").strip()
        return booth.board.sign_in(token, address) if token else "", address

    @router.post("/votes/ballots", status_code=201)
    def draw(request: Request, track: str, authorization: Annotated[str, Header()] = "") -> Shown:
        """Draw a pair; an unanswered one is shown again."""
        account, address = who(request, authorization)
        ballot = booth.next(track, account, address)
        prompt = booth.board.tracks[track].prompts[ballot.prompt].text
        left, right = (f"votes/ballots/{ballot.id}/{side}" for side in ("left", "right"))
        return Shown(
            ballot=ballot.id, prompt=prompt, left=left, right=right,
            questions=dict(QUESTIONS), answers=list(ANSWERS),
        )  # fmt: skip

    @router.get("/votes/ballots/{ballot}/{side}")
    def film(
        ballot: str, side: Literal["left", "right"], range: Annotated[str, Header()] = ""
    ) -> Response:
        """A film of a pair, as MP4."""
        return part_of(booth.film(ballot, side), range)

    @router.post("/votes/ballots/{ballot}")
    def vote(
        request: Request,
        ballot: str,
        answers: Answers,
        authorization: Annotated[str, Header()] = "",
    ) -> Taken:
        """Vote on a pair, once."""
        account, address = who(request, authorization)
        booth.vote(ballot, answers.model_dump(), account, address)
        return Taken(voted=True)


def part_of(film: bytes, asked: str) -> Response:
    """The film, or the bytes of it that a player asks for."""
    found = _RANGE.fullmatch(asked.strip())
    if not asked or found is None or not any(found.groups()):
        return Response(film, media_type="video/mp4", headers=HEADERS)
    first, last = found.groups()
    if first:
        start, end = int(first), min(int(last) if last else len(film), len(film) - 1)
    else:  # the last so many bytes
        start, end = max(0, len(film) - int(last)), len(film) - 1
    if start > end:
        headers = {**HEADERS, "Content-Range": f"bytes */{len(film)}"}
        return Response(status_code=416, headers=headers)
    headers = {**HEADERS, "Content-Range": f"bytes {start}-{end}/{len(film)}"}
    return Response(film[start : end + 1], 206, media_type="video/mp4", headers=headers)


def _results(router: APIRouter, opinions: Opinions) -> None:
    booth = opinions.booth

    @router.get("/tracks/{track}/people")
    def people(track: str, question: Annotated[str, Query()] = OVERALL) -> Response:
        """What raters say: strengths with intervals, and how far each metric agrees."""
        return Response(to_json(opinions.people(track, question)), media_type="application/json")

    @router.get("/tracks/{track}/votes.csv")
    def votes(track: str, question: Annotated[str, Query()] = OVERALL) -> Response:
        """Votes that count for a question, for `mirabench align --ratings`."""
        casts = opinions.casts(track, question)
        submissions = sorted({s for c in casts for s in (c.ballot.left, c.ballot.right)})
        clips = booth.board.store.clip_names(submissions)
        return Response(to_csv(booth.board.view(track), casts, clips), media_type="text/csv")
