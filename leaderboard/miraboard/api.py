"""The board for programs: a plain REST interface with its own description at `/api/openapi.json`.

Reading needs no account. Submitting takes the report as the body and the card as parameters, with the account's
token as a bearer token. Answers are JSON; an error is `{"error": sentence}` or the reasons of a refusal.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Annotated, Any

from fastapi import FastAPI, Header, Query, Request, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel
from starlette.concurrency import run_in_threadpool

from mirabench.errors import InputError, MirabenchError, UnknownNameError
from miraboard import cite, export, hub, trend
from miraboard.api_clips import add_clips, read_body
from miraboard.board import Board, View
from miraboard.guard import MAX_BYTES, SubmissionRefused
from miraboard.standing import Standing
from miraboard.uploads import client_of
from miraboard.votes.opinions import COUNTING, Opinions
from miraboard.votes_api import vote_routes


class Reasons(BaseModel):
    """Why something was refused."""

    code: str
    text: str


class Answer(BaseModel):
    """The answer to a submission."""

    accepted: bool
    id: str
    """Of the submission; empty when it was refused."""
    reasons: list[Reasons]
    state: str
    """Of the scoring of its clips: queued, scoring, ranked or refused; empty where nobody scores them."""
    wanted: list[str]
    """Clips to upload."""


class Named(BaseModel):
    """A name to make an account of."""

    name: str


class Token(BaseModel):
    """A new account's token, shown once."""

    token: str


def build_api(board: Board, opinions: Opinions | None = None) -> FastAPI:
    """The interface over a board; without opinions nobody can vote there."""
    app = FastAPI(
        title="miraboard", version="1", docs_url=None, redoc_url=None,
        description="Reports in, ranks out. Every number is that of the pages.",
    )  # fmt: skip
    _read_tracks(app, board)
    _read_submissions(app, board)
    _write(app, board)
    add_clips(app, board)
    if opinions is not None:
        app.include_router(vote_routes(opinions))

    @app.exception_handler(MirabenchError)
    def told(_request: Request, error: MirabenchError) -> JSONResponse:
        reasons = getattr(error, "reasons", ())
        text = "; ".join(r.text for r in reasons) or str(error)
        return JSONResponse({"error": text}, _status(error))

    return app


def _status(error: MirabenchError) -> int:
    if isinstance(error, UnknownNameError | InputError):
        return 404
    codes = {r.code for r in getattr(error, "reasons", ())}
    if COUNTING in codes:
        return 503
    return 429 if "rate-limit" in codes else 401 if codes & {"token", "account"} else 422


def _read_tracks(app: FastAPI, board: Board) -> None:
    @app.get("/tracks")
    def tracks() -> list[dict[str, Any]]:
        """Every track: what it compares, and what its reports must carry."""
        return [
            {"name": t.name, "title": t.title, "digest": t.digest, "prompts": len(t.prompts),
             "suite": {"name": t.suite.name, "version": t.suite.version, "digest": t.suite_digest}}
            for t in board.tracks.values()
        ]  # fmt: skip

    @app.get("/tracks/{track}.csv")
    def csv(track: str) -> Response:
        """A track's rows in long form: one line per submission and metric."""
        text = export.to_csv(board.view(track), board.ranking(track))
        return Response(text, media_type="text/csv")

    @app.get("/tracks/{track}")
    def table(track: str) -> Response:
        """A track's rows: scores, ranks, means and intervals."""
        text = export.to_json(board.view(track), board.ranking(track))
        return Response(text, media_type="application/json")

    @app.get("/tracks/{track}/trend")
    def over_time(track: str) -> list[dict[str, Any]]:
        """Every version's score and interval, oldest first, and whether it was the best so far."""
        return [asdict(point) for point in trend.points_of(board.view(track))]

    @app.get("/eval.yaml")
    def eval_yaml(request: Request) -> Response:
        """What makes the data set of prompts a benchmark on the Hugging Face hub."""
        text = hub.eval_yaml(board.tracks.values(), _origin(request))
        return Response(text, media_type="application/yaml")

    @app.get("/log")
    def log(
        before: Annotated[int | None, Query(ge=1, le=2**62)] = None,
        limit: Annotated[int, Query(ge=1, le=500)] = 200,
    ) -> dict[str, Any]:
        """Lines of the audit log, newest first, and the hash of the newest."""
        lines = [{k: getattr(e, k) for k in e.__slots__} for e in board.store.log(limit, before)]
        return {"head": board.store.head(), "lines": lines}


def _read_submissions(app: FastAPI, board: Board) -> None:
    def found(identity: str) -> tuple[View, Standing]:
        view = board.view(board.store.track_of(identity))
        return view, view.standing(identity)

    @app.get("/submissions/{identity}/report.json")
    def report(identity: str) -> Response:
        """The report as it came."""
        return Response(board.store.report(identity), media_type="application/json")

    @app.get("/submissions/{identity}/badge.svg")
    def badge(identity: str) -> Response:
        """A picture of the row's rank, to embed."""
        view, standing = found(identity)
        picture = cite.badge(view, board.ranking(view.track.name), standing)
        # a page that embeds it must not be able to run it, and a day-old rank is old
        headers = {"Cache-Control": "max-age=300", "Content-Security-Policy": "default-src 'none'"}
        return Response(picture, media_type="image/svg+xml", headers=headers)

    @app.get("/submissions/{identity}/cite.bib")
    def bibtex(identity: str, request: Request) -> Response:
        """A BibTeX entry of the submission."""
        view, standing = found(identity)
        page = f"{_origin(request)}/?show=generator&track={view.track.name}&id={standing.id}"
        return Response(cite.bibtex(view, standing, page), media_type="text/x-bibtex")

    @app.get("/submissions/{identity}/eval-results.yaml")
    def results(identity: str, request: Request) -> Response:
        """The hub's `.eval_results` of the submission."""
        view, standing = found(identity)
        text = export.to_eval_results(standing, view, hub.DATASET, _origin(request))
        return Response(text, media_type="application/yaml")


def _origin(request: Request) -> str:
    return f"{request.url.scheme}://{request.url.netloc}"


def _write(app: FastAPI, board: Board) -> None:
    @app.post("/accounts")
    def register(named: Named, request: Request) -> Token:
        """Make an account; its token is kept nowhere."""
        return Token(token=board.register(named.name, _client(request, board)))

    @app.post("/submissions")
    async def submit(  # noqa: PLR0913  # one for each field of the card
        request: Request, generator: str, version: str, track: str, licence: str, contact: str,
        links: Annotated[Sequence[str], Query()] = (), clips: str = "",
        authorization: Annotated[str, Header()] = "",
    ) -> Answer:  # fmt: skip
        """Submit the report in the body; the same card and report again give the same id."""
        card = {
            "generator": generator, "version": version, "track": track, "licence": licence,
            "contact": contact, "links": list(links),
        }  # fmt: skip
        data = await read_body(request, MAX_BYTES)
        address = _client(request, board)

        def take() -> dict[str, Any]:
            try:
                token = authorization.removeprefix("Bearer ").strip()
                account = board.sign_in(token, address) if token else ""
            except SubmissionRefused as refusal:
                reasons = [{"code": r.code, "text": r.text} for r in refusal.reasons]
                return {"accepted": False, "id": "", "reasons": reasons, "state": "", "wanted": []}
            return board.submit(data, card, address, account=account, clips=clips).to_json()

        return Answer.model_validate(await run_in_threadpool(take))


def _client(request: Request, board: Board) -> str:
    return client_of(request, board.settings.proxies)
