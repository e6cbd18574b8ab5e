"""A hundred and more hostile requests to a real server, which serves an honest visitor after each."""

from __future__ import annotations

import http.client
import json
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import pytest
import uvicorn
from hostile import FAMILIES, NUMBERS, put
from starlette.applications import Starlette
from starlette.routing import Mount

from miraboard.api import build_api
from miraboard.app import opinions_of
from miraboard.board import Board
from miraboard.checking import Apart
from miraboard.watch import build_watch


@dataclass(frozen=True)
class Knock:
    """One hostile request."""

    method: str
    path: str
    data: bytes = b""
    headers: tuple[tuple[str, str], ...] = ()


CARD_QUERY = "generator=Forger&version=1.0&track=tiny&licence=MIT&contact=a@b.org"
SENT = f"/api/submissions?{CARD_QUERY}"
ODD_QUERIES = [
    "",
    "track=tiny",
    CARD_QUERY.replace("tiny", "none"),
    CARD_QUERY.replace("Forger", "%00"),
    f"{CARD_QUERY}&links=javascript:x",
    CARD_QUERY.replace("Forger", "demo:+x"),
    CARD_QUERY.replace("Forger", "%3Cscript%3E"),
    CARD_QUERY.replace("1.0", "%E2%80%AE"),
    CARD_QUERY.replace("Forger", "x" * 5000),
    f"{CARD_QUERY}&clips=http://127.0.0.1/",
    f"{CARD_QUERY}&clips=file:///etc/passwd",
    f"{CARD_QUERY}&clips=https://169.254.169.254/latest/",
    f"{CARD_QUERY}&clips=https://huggingface.co@evil.org/",
    f"{CARD_QUERY}&clips=%0d%0aHost:evil",
    f"{CARD_QUERY}&links=" + "&links=".join(["http://a.b"] * 200),
    "%ff=%fe",
    "track[]=tiny",
]
ODD_PATHS = [
    "/api/tracks/none",
    "/api/tracks/..%2f..%2fetc%2fpasswd",
    "/api/tracks/tiny.csv%00",
    "/api/tracks/%3Cscript%3E.csv",
    "/api/submissions/none/report.json",
    "/api/submissions/' OR 1=1--/report.json".replace(" ", "%20"),
    "/api/submissions/..%2f../badge.svg",
    "/api/submissions/none/scoring",
    "/api/submissions/%00/scoring",
    "/api/submissions/" + "a" * 3000 + "/cite.bib",
    "/api/log?limit=-1",
    "/api/log?limit=99999999999999999999",
    "/api/log?before=0",
    "/api/log?before=1e999",
    "/api/log?before=99999999999999999999999",
    "/api/films/x.mp4",
    "/api/films/" + "0" * 64 + ".mp4",
    "/api/films/..%2f..%2fboard.db.mp4",
    "/api/films/%2e%2e/%2e%2e/etc/passwd",
    "/api/films/" + "A" * 64 + ".jpg",
    "/api/films/.jpg",
    "/watch/?track=%00&prompt=%ff&id=%ff%fe",
    "/watch/?id=" + "a," * 4000,
    "/watch/?track=" + "x" * 6000,
    "/watch/../api/log",
    "/watch/watch.js%00",
    "/watch/%2e%2e/board.py",
    "/api/openapi.json/..",
    "//evil.org/",
    "/api//tracks",
    "/api/tracks?x=" + "y" * 7000,
]
ODD_TOKENS = [
    "Bearer lab:wrong",
    "Bearer ",
    "Bearer :",
    "Bearer " + "x" * 5000,
    "Basic YTpi",
    "Bearer lab:%00",
    "Bearer demo:x",
]
ODD_ACCOUNTS = [
    b"",
    b"{}",
    b"[]",
    b'{"name": 1}',
    b'{"name": ""}',
    b'{"name": "admin"}',
    b'{"name": "hf/x"}',
    b"{" * 5000,
    b'{"name": "' + b"x" * 9000 + b'"}',
    b'{"name": "\\u0000"}',
    b"\xff\xfe",
]
ODD_CLIPS = ["none", "%00", "..%2f..", "a" * 12, "' OR 1=1", "0" * 3000]


WHOLE_VOTE = b'{"overall":"left","motion":"left","consistency":"left","follows":"left"}'
ODD_VOTES = [
    b"",
    b"[]",
    b"{}",
    b'{"overall": 1}',
    WHOLE_VOTE.replace(b"left", b"<script>", 1),
    WHOLE_VOTE[:-1] + b',"extra":1}',
    b"[" * 5000,
    b"\xff",
]
ODD_BALLOTS = ["none", "%00", "..%2f..%2fboard.db", "a" * 4000, "' OR 1=1", "%F0%9F%98%80"]
ODD_VOTING = [
    "/api/votes/ballots/none/left",
    "/api/votes/ballots/%00/right",
    "/api/votes/ballots/none/middle",
    "/api/tracks/none/people",
    "/api/tracks/tiny/people?question=%3Cscript%3E",
    "/api/tracks/tiny/people?question=" + "x" * 5000,
    "/api/tracks/tiny/people",
    "/api/tracks/tiny/votes.csv?question=none",
    "/api/tracks/%00/votes.csv",
    "/api/tracks/none/trend",
    "/api/tracks/..%2ftiny/trend",
    "/api/eval.yaml?x=%0d%0aSet-Cookie:a",
    "/api/submissions/none/eval-results.yaml",
    "/api/submissions/%ff/badge.svg",
]
ODD_COOKIES = ["session=forged", "session=" + "x" * 7000, "access-token=; hf=admin", "a=b; " * 500]


def of_voting() -> list[Knock]:
    """Pairs, votes and what people say."""
    typed = (("Content-Type", "application/json"),)
    return [
        *(Knock("GET", path.replace(" ", "%20")) for path in ODD_VOTING),
        *(Knock("POST", "/api/votes/ballots/none", data, typed) for data in ODD_VOTES),
        *(
            Knock("POST", f"/api/votes/ballots/{of.replace(' ', '%20')}", WHOLE_VOTE, typed)
            for of in ODD_BALLOTS
        ),
        *(
            Knock("POST", "/api/votes/ballots?track=tiny", b"", (("Authorization", token),))
            for token in ODD_TOKENS
        ),
        *(Knock("POST", f"/api/votes/ballots?track={t}") for t in ("none", "%00", "x" * 4000)),
        *(
            Knock("POST", "/api/votes/ballots?track=tiny", b"", (("Cookie", cookie),))
            for cookie in ODD_COOKIES
        ),
        Knock("GET", "/api/votes/ballots/none/left", b"", (("Range", "bytes=" + "9" * 4000),)),
    ]


def knocks(kit: Any) -> list[Knock]:
    """All of them; the log's limits are off, so that every one is looked at."""
    spoilt = []
    for place, value in NUMBERS.values():
        raw = kit.raw()
        put(raw, place, value)
        spoilt.append(kit.data(raw))
    whole = kit.data(kit.report())
    return [
        *(Knock("POST", SENT, make(60_000)) for make in FAMILIES.values()),
        *(Knock("POST", SENT, data) for data in spoilt),
        *(Knock("POST", f"/api/submissions?{query}", whole) for query in ODD_QUERIES),
        *(Knock("GET", path.replace(" ", "%20")) for path in ODD_PATHS),
        *(Knock("POST", SENT, whole, (("Authorization", token),)) for token in ODD_TOKENS),
        *(
            Knock("POST", "/api/accounts", data, (("Content-Type", "application/json"),))
            for data in ODD_ACCOUNTS
        ),
        *(
            Knock("POST", f"/api/submissions/{of.replace(' ', '%20')}/clips", b"x" * 100)
            for of in ODD_CLIPS
        ),
        *(
            Knock(method, "/api/submissions")
            for method in ("PUT", "DELETE", "PATCH", "OPTIONS", "TRACE")
        ),
        *of_voting(),
    ]


@pytest.fixture
def served(open_board: Any, tmp_path: Any) -> Iterator[tuple[Board, int]]:
    """A board behind a real server, its checks apart."""
    board: Board = open_board(clips=tmp_path / "media", accounts="required")
    board.checker = apart = Apart(board.tracks)
    routes = [
        Mount("/api", app=build_api(board, opinions_of(board))),
        Mount("/watch", app=build_watch(board)),
    ]
    server = uvicorn.Server(uvicorn.Config(Starlette(routes=routes), port=0, log_level="critical"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)  # waits for the thread, at most
    yield board, server.servers[0].sockets[0].getsockname()[1]
    server.should_exit = True
    thread.join()
    apart.close()


def _answer(port: int, knock: Knock) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        connection.request(knock.method, knock.path, knock.data or None, dict(knock.headers))
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def test_a_hundred_and_more_hostile_requests_leave_the_server_as_it_was(
    served: tuple[Board, int], kit: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each is answered without a traceback and leaves no row, and the next honest visitor is served."""
    from miraboard import board as module

    board, port = served
    for limit in ("WRONG_TOKENS", "NEW_ACCOUNTS"):
        monkeypatch.setattr(module, limit, 10_000)
    token = board.register("lab", "10.0.0.9")
    allowed = (("Authorization", f"Bearer {token}"),)
    tried = knocks(kit)
    assert len(tried) >= 200
    for knock in tried:
        headers = knock.headers or (allowed if knock.path.startswith("/api/submissions?") else ())
        status, body = _answer(port, replace(knock, headers=headers))
        assert status < 500, (knock.path[:100], knock.data[:100], body[:300])
        assert b"Traceback" not in body and b"root:" not in body
        if knock.path.startswith("/api/submissions?") and status == 200:
            assert not json.loads(body)["accepted"], (knock.path[:200], knock.data[:200])
        alive, tracks = _answer(port, Knock("GET", "/api/tracks"))
        assert alive == 200 and json.loads(tracks)[0]["name"] == "tiny"
    assert board.view("tiny").standings == () and not board.store.audit().problems
    status, body = _answer(port, Knock("POST", SENT, kit.data(kit.report()), allowed))
    assert status == 200 and json.loads(body)["accepted"]
