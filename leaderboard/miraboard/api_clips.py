"""The REST interface's part about clips: their states, sending them, and their films."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import FastAPI, Request, Response
from fastapi import Path as InPath
from fastapi.responses import FileResponse
from pydantic import BaseModel
from starlette.concurrency import run_in_threadpool

from mirabench.errors import InputError
from miraboard import seen, states
from miraboard.board import Board
from miraboard.clips.download import MAX_CLIP_BYTES
from miraboard.guard import refuse

_FOREVER = {
    "Cache-Control": "public, max-age=31536000, immutable", "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'",
}  # fmt: skip
"""A film is named by its digest, so it never changes."""
Digest = Annotated[str, InPath(pattern="^[0-9a-f]{64}$")]


class Awaited(BaseModel):
    """What is still to be sent."""

    wanted: list[str]


def add_clips(app: FastAPI, board: Board) -> None:
    """Add the addresses."""

    @app.get("/submissions/{identity}/scoring")
    def scoring(identity: str) -> dict[str, Any]:
        """How far the board has come with scoring the clips: queued, scoring, ranked or refused."""
        with board.store.reading() as connection:
            found = states.newest(connection, identity)
        if found is None:
            raise InputError(f"no clips of a submission {identity[:12]!r} are scored here")
        wanted = board.awaited(found) if found.state == "queued" and not found.source else []
        return {"state": found.state, "at": found.at, "source": found.source, "detail": found.detail,
                "drawn": list(found.drawn), "wanted": wanted}  # fmt: skip

    @app.post("/submissions/{identity}/clips")
    async def receive(identity: str, request: Request) -> Awaited:
        """Send one of the drawn clips as the body; it is known by its digest."""
        data = await read_body(request, MAX_CLIP_BYTES)
        return Awaited(wanted=await run_in_threadpool(board.receive, identity, data))

    @app.get("/films/{digest}.mp4")
    def film(digest: Digest) -> FileResponse:
        """A clip as this server drew it."""
        path = board.films.path(digest)
        if path is None:
            raise InputError("no such film")
        return FileResponse(path, media_type="video/mp4", headers=_FOREVER)

    @app.get("/films/{digest}.jpg")
    def poster(digest: Digest) -> Response:
        """The picture that stands for a film."""
        with board.store.reading() as connection:
            found = seen.poster(connection, digest)
        if not found:
            raise InputError("no such film")
        return Response(found, media_type="image/jpeg", headers=_FOREVER)


async def read_body(request: Request, most: int) -> bytes:
    """The body, no further than it can be long.

    Raises:
        SubmissionRefused: it is longer.
    """
    parts, size = [], 0
    async for part in request.stream():
        size += len(part)
        if size > most:
            raise refuse(
                "too-large", f"more than {most:,} bytes, which nothing that belongs here has"
            )
        parts.append(part)
    return b"".join(parts)
