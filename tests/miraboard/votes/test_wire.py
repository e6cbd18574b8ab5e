"""Voting over HTTP: blind, in parts, and alive after hostile requests."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from starlette.testclient import TestClient
from votingkit import ALL_LEFT

from miraboard.api import build_api
from miraboard.votes.opinions import Opinions


@pytest.fixture
def client(opened: Callable[..., Opinions]) -> tuple[TestClient, Opinions]:
    opinions = opened(seed=5)
    return TestClient(build_api(opinions.board, opinions)), opinions


def test_nothing_that_a_rater_receives_says_whose_the_films_are(
    client: tuple[TestClient, Opinions],
) -> None:
    http, opinions = client
    secrets = [part.encode() for s in opinions.board.view("tiny").standings
               for part in (s.id, s.generator)]  # fmt: skip
    lengths = set()
    for _ in range(30):
        shown = http.post("/votes/ballots?track=tiny")
        assert shown.status_code == 201
        found = shown.json()
        for side in ("left", "right"):
            film = http.get("/" + found[side])
            assert film.status_code == 200 and film.headers["content-type"] == "video/mp4"
            told = repr(sorted(film.headers.items())).encode() + film.content + shown.content
            told += str(film.url).encode()
            assert not [s for s in secrets if s in told]
            assert not {"etag", "last-modified", "content-disposition"} & film.headers.keys()
            lengths.add(found[side].rpartition("/")[0])
        http.post(f"/votes/ballots/{found['ballot']}", json=ALL_LEFT)
    assert len(lengths) == 30  # an address never says that a film came before


@pytest.mark.parametrize(
    ("asked", "status", "part"),
    [("bytes=0-9", 206, slice(0, 10)), ("bytes=10-", 206, slice(10, None)),
     ("bytes=-7", 206, slice(-7, None)), ("bytes=5-99999999", 206, slice(5, None)),
     ("bytes=99999999-", 416, slice(0, 0)), ("bytes=9-5", 416, slice(0, 0)),
     ("bytes=-", 200, slice(None)), ("nonsense", 200, slice(None)),
     ("bytes=0-1,3-4", 200, slice(None)), (f"bytes={'9' * 400}-", 200, slice(None))],
)  # fmt: skip
def test_players_may_ask_for_parts_of_a_film(
    client: tuple[TestClient, Opinions], asked: str, status: int, part: slice
) -> None:
    http, _ = client
    found = http.post("/votes/ballots?track=tiny").json()
    whole = http.get("/" + found["left"]).content
    answer = http.get("/" + found["left"], headers={"Range": asked})
    assert (answer.status_code, answer.content) == (status, whole[part] if status != 416 else b"")


HOSTILE = [
    ("post", "/votes/ballots?track=none", None, 404),
    ("post", "/votes/ballots", None, 422),
    ("get", "/votes/ballots/%2e%2e%2f%2e%2e/left", None, 404),
    ("get", f"/votes/ballots/{'0' * 32}/left", None, 404),
    ("get", f"/votes/ballots/{'9' * 5000}/left", None, 404),
    ("get", "/votes/ballots/x/middle", None, 422),
    ("get", "/votes/ballots/'%20OR%201=1--/left", None, 404),
    ("get", "/votes/ballots/%00/left", None, 404),
    ("post", "/votes/ballots/x", ALL_LEFT, 422),
    ("post", "/votes/ballots/%00", ALL_LEFT, 422),
    ("post", "/votes/ballots/x", {}, 422),
    ("post", "/votes/ballots/x", [], 422),
    ("post", "/votes/ballots/x", {**ALL_LEFT, "weight": 99}, 422),
    ("post", "/votes/ballots/x", {**ALL_LEFT, "overall": "left" * 100_000}, 422),
    ("post", "/votes/ballots/x", {**ALL_LEFT, "overall": True}, 422),
    ("get", "/tracks/none/people", None, 404),
    ("get", "/tracks/tiny/people?question=none", None, 404),
    ("get", "/tracks/tiny/people?question=%3Cscript%3E", None, 404),
    ("get", "/tracks/none/votes.csv", None, 404),
    ("get", "/tracks/tiny/votes.csv?question=%00", None, 404),
    ("post", "/tracks/tiny/people", {}, 405),
]


@pytest.mark.parametrize(("verb", "address", "body", "status"), HOSTILE)
def test_hostile_requests_are_answered_and_the_board_lives(
    client: tuple[TestClient, Opinions], verb: str, address: str, body: Any, status: int
) -> None:
    http, _ = client
    answer = http.request(verb, address, json=body)
    assert answer.status_code == status, answer.text
    assert "Traceback" not in answer.text
    assert answer.headers["content-type"] == "application/json"
    assert http.post("/votes/ballots?track=tiny").status_code == 201


def test_a_wrong_token_is_refused(client: tuple[TestClient, Opinions]) -> None:
    http, _ = client
    wrong = {"Authorization": "Bearer nobody:x"}
    assert http.post("/votes/ballots?track=tiny", headers=wrong).status_code == 401
