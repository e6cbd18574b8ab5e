"""Voting: what a rater is shown, what is taken, what counts; blind, capped and chained."""

from __future__ import annotations

import csv
import io
import json
import random
import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import av
import numpy as np
import psutil
import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st
from starlette.testclient import TestClient

from mirabench.alignment import load_ratings
from mirabench.alignment.agreement import agree_with_pairs
from mirabench.errors import InputError
from mirabench.report.model import VideoRecord
from mirabench.video.encode import write_video
from miraboard.api import build_api
from miraboard.board import Board
from miraboard.guard import SubmissionRefused
from miraboard.schema import ballots, seen_clips, votes
from miraboard.tracks import Track
from miraboard.votes.booth import Booth
from miraboard.votes.counting import Apart
from miraboard.votes.draw import APART, Drawn, Shown, draw_ballot
from miraboard.votes.footage import BoardFootage, Footage, damaged
from miraboard.votes.opinions import Opinions
from miraboard.votes.people import People
from miraboard.votes.questions import QUESTIONS, read_answers
from miraboard.votes_pages import people_page

HERE = "10.0.0.1"
NAMES = ("Alpha", "Beta", "Gamma")
ALL_LEFT = dict.fromkeys(QUESTIONS, "left")


def pattern(seed: int) -> np.ndarray:
    """A short film: a square that moves over noise."""
    draw = np.random.default_rng(seed)
    frames = np.repeat(draw.integers(0, 255, (1, 96, 128, 3), dtype=np.uint8), 12, axis=0)
    for t in range(12):
        frames[t, 20:60, 4 * t : 4 * t + 40] = (seed * 50 % 255, 200, 40)
    return frames


@pytest.fixture(scope="session")
def films(tmp_path_factory: pytest.TempPathFactory) -> list[bytes]:
    folder = tmp_path_factory.mktemp("films")
    return [
        write_video(folder / f"{seed}.mp4", pattern(seed), fps=12).read_bytes() for seed in range(3)
    ]


class Memory:
    """Films that are the same for all prompts of a submission."""

    def __init__(self, films: dict[str, bytes], prompts: frozenset[str]) -> None:
        self.films, self.prompts = films, prompts

    def watchable(self, track_digest: str) -> dict[str, frozenset[str]]:
        return dict.fromkeys(self.films, self.prompts)

    def film(self, track_digest: str, submission: str, prompt: str) -> bytes:
        return self.films[submission]


@pytest.fixture
def opened(
    open_board: Callable[..., Board], kit: Any, track: Track, films: list[bytes]
) -> Callable[..., Opinions]:
    """Opens a board of three generators with films, and its voting."""

    def make(*, seed: int = 0, accounts: bool = False, **settings: Any) -> Opinions:
        kept = "required" if accounts else "optional"
        board = open_board(**{"accounts": kept, "votes_per_hour": 10_000, **settings})
        tokens = {}
        ids = []
        for number, name in enumerate(NAMES):
            account = ""
            if accounts:
                tokens[name] = board.register(name.lower(), f"10.1.0.{number}")
                account = name.lower()
            report = kit.report(number + 1, 0.3 + 0.2 * number)
            answer = board.submit(
                kit.data(report), kit.card(generator=name), f"10.0.1.{number}", account=account
            )
            assert answer.accepted, answer.reasons
            ids.append(answer.id)
        footage = Memory(dict(zip(ids, films, strict=True)), frozenset(track.prompts))
        booth = Booth(board, footage, toss=random.Random(seed), least_seconds=0)
        return Opinions(booth, fresh=0, patience=120)

    return make


def vote_much(opinions: Opinions, raters: int, each: int, better: Callable[[Any], str]) -> None:
    """Raters who answer every check right and else say what `better` says of a ballot."""
    for rater in range(raters):
        for _ in range(each):
            ballot = opinions.booth.next("tiny", "", f"10.2.0.{rater}")
            said = ballot.answer or better(ballot)
            answers = dict.fromkeys(QUESTIONS, said)
            opinions.booth.vote(ballot.id, answers, "", f"10.2.0.{rater}")


def by_level(opinions: Opinions) -> Callable[[Any], str]:
    """The later a generator was submitted, the better it is."""
    rank = {s.id: n for n, s in enumerate(opinions.board.view("tiny").standings)}
    return lambda b: "left" if rank[b.left] > rank[b.right] else "right"


# what is drawn


def test_pairs_prompts_and_sides_are_drawn_evenly() -> None:
    films = dict.fromkeys("abc", frozenset(f"p{i}" for i in range(4)))
    toss = random.Random(1)
    drawn = [draw_ballot(films, [], toss) for _ in range(6000)]
    pairs = [d for d in drawn if d is not None and d.kind == "pair"]
    counts = Counter((d.left, d.right, d.prompt) for d in pairs)
    assert len(counts) == 3 * 2 * 4
    expected = len(pairs) / len(counts)
    chi = sum((n - expected) ** 2 / expected for n in counts.values())
    assert chi < 49.7  # 0.1 % of chi square with 23 degrees of freedom


def test_checks_and_repeats_come_at_their_rate() -> None:
    films = dict.fromkeys("abc", frozenset(f"p{i}" for i in range(40)))
    toss = random.Random(2)
    earlier: list[Shown] = []
    for number in range(3000):
        d = draw_ballot(films, earlier[-200:], toss)
        assert d is not None
        earlier.append(Shown(str(number), d.prompt, d.left, d.right, d.kind))
    kinds = Counter(s.kind for s in earlier)
    assert 0.06 < kinds["repeat"] / 3000 < 0.11
    assert 0.06 < (kinds["same"] + kinds["damaged"]) / 3000 < 0.11
    assert 0.3 < kinds["same"] / (kinds["same"] + kinds["damaged"]) < 0.7


@given(st.integers(0, 10_000), st.integers(0, 30))
def test_every_ballot_is_what_it_says(seed: int, length: int) -> None:
    films = {"a": frozenset("xy"), "b": frozenset("yz"), "c": frozenset("z"), "d": frozenset()}
    toss = random.Random(seed)
    earlier: list[Shown] = []
    for number in range(length + 1):
        d = draw_ballot(films, earlier, toss)
        assert d is not None
        _is_sound(d, films, earlier)
        earlier.append(Shown(str(number), d.prompt, d.left, d.right, d.kind))


def _is_sound(d: Drawn, films: dict[str, frozenset[str]], earlier: list[Shown]) -> None:
    assert d.prompt in films[d.left] and d.prompt in films[d.right]
    assert (d.left == d.right) == (d.kind in ("same", "damaged")) == bool(d.answer)
    if d.kind == "repeat":
        (before,) = [s for s in earlier if s.id == d.again]
        assert {before.left, before.right} == {d.left, d.right} and before.prompt == d.prompt
        assert before in earlier[:-APART] and before.kind == "pair"


def test_who_never_had_a_check_gets_one_early() -> None:
    films = dict.fromkeys("abc", frozenset(["p"]))
    for seed in range(50):
        earlier = [Shown(str(i), "p", "a", "b", "pair") for i in range(3)]
        d = draw_ballot(films, earlier, random.Random(seed))
        assert d is not None and d.answer


def test_without_two_films_of_a_prompt_there_is_no_pair() -> None:
    assert draw_ballot({"a": frozenset("x"), "b": frozenset("y")}, [], random.Random(0)) is None


# the booth


def test_an_unanswered_pair_is_shown_again_so_nobody_picks_their_pairs(
    opened: Callable[..., Opinions],
) -> None:
    booth = opened().booth
    first = booth.next("tiny", "", HERE)
    assert {booth.next("tiny", "", HERE).id for _ in range(5)} == {first.id}
    booth.vote(first.id, ALL_LEFT, "", HERE)
    assert booth.next("tiny", "", HERE).id != first.id


def test_nobody_is_shown_their_own_generator(opened: Callable[..., Opinions]) -> None:
    opinions = opened(accounts=True)
    own = {s.id for s in opinions.board.view("tiny").standings if s.generator == "Alpha"}
    for _ in range(40):
        ballot = opinions.booth.next("tiny", "alpha", HERE)
        assert not own & {ballot.left, ballot.right}
        opinions.booth.vote(ballot.id, ALL_LEFT, "alpha", HERE)


def test_a_vote_needs_an_account_where_the_board_does(opened: Callable[..., Opinions]) -> None:
    with pytest.raises(SubmissionRefused, match="needs an account"):
        opened(accounts=True).booth.next("tiny", "", HERE)


@pytest.mark.parametrize(
    "answers",
    [{}, {**ALL_LEFT, "overall": "both"}, {**ALL_LEFT, "overall": None}, {**ALL_LEFT, "more": "left"},
     {**ALL_LEFT, "motion": 1}, {**ALL_LEFT, "motion": ["left"]}, {**ALL_LEFT, "follows": "LEFT"}],
)  # fmt: skip
def test_an_answer_that_is_none_is_refused_and_the_pair_stays(
    opened: Callable[..., Opinions], answers: dict[str, Any]
) -> None:
    booth = opened().booth
    ballot = booth.next("tiny", "", HERE)
    with pytest.raises(SubmissionRefused):
        booth.vote(ballot.id, answers, "", HERE)
    assert booth.next("tiny", "", HERE).id == ballot.id
    assert booth.box.revision() == 0


@given(st.dictionaries(st.sampled_from([*QUESTIONS, "x", ""]), st.text(max_size=6)))
def test_answers_are_taken_as_they_are_or_refused(given_answers: dict[str, str]) -> None:
    try:
        found = read_answers(given_answers)
    except SubmissionRefused:
        return
    assert found == given_answers
    assert set(found.values()) <= {"left", "tie", "right"}


def test_a_pair_takes_one_vote_of_its_own_rater(opened: Callable[..., Opinions]) -> None:
    booth = opened().booth
    ballot = booth.next("tiny", "", HERE)
    with pytest.raises(SubmissionRefused, match="not yours"):
        booth.vote(ballot.id, ALL_LEFT, "", "10.0.0.2")
    with pytest.raises(SubmissionRefused, match="not yours"):
        booth.vote("0" * 32, ALL_LEFT, "", HERE)
    booth.vote(ballot.id, ALL_LEFT, "", HERE)
    with pytest.raises(SubmissionRefused, match="already"):
        booth.vote(ballot.id, ALL_LEFT, "", HERE)


def test_a_vote_in_no_time_is_refused(opened: Callable[..., Opinions]) -> None:
    booth = opened().booth
    booth.least_seconds = 5.0
    with pytest.raises(SubmissionRefused, match="watch them"):
        booth.vote(booth.next("tiny", "", HERE).id, ALL_LEFT, "", HERE)


def test_raters_and_addresses_have_a_limit(opened: Callable[..., Opinions]) -> None:
    booth = opened(votes_per_hour=5).booth
    for _ in range(5):
        booth.vote(booth.next("tiny", "", HERE).id, ALL_LEFT, "", HERE)
    with pytest.raises(SubmissionRefused, match="enough for now"):
        booth.next("tiny", "", HERE)
    booth.next("tiny", "", "10.0.0.9")


def test_one_address_with_many_accounts_has_a_limit_too(opened: Callable[..., Opinions]) -> None:
    booth = opened(votes_per_hour=3).booth
    for number in range(6):
        booth.next("tiny", f"account-{number}", HERE)
    with pytest.raises(SubmissionRefused, match="one address"):
        booth.next("tiny", "account-7", HERE)


def test_a_pair_whose_film_is_gone_is_drawn_anew(opened: Callable[..., Opinions]) -> None:
    booth = opened().booth
    ballot = booth.next("tiny", "", HERE)
    footage = booth.footage
    assert isinstance(footage, Memory)
    del footage.films[ballot.left]
    again = booth.next("tiny", "", HERE)
    assert again.id != ballot.id and ballot.left not in (again.left, again.right)
    assert booth.next("tiny", "", HERE).id == again.id


def test_a_board_without_films_says_so(board: Board) -> None:
    booth = Booth(board, BoardFootage(board))
    with pytest.raises(InputError, match="no two films"):
        booth.next("tiny", "", HERE)


# films


def test_the_damaged_copy_plays_as_long_and_is_plainly_worse(films: list[bytes]) -> None:
    spoilt = damaged(films[1])
    before, after = _frames(films[1]), _frames(spoilt)
    assert after.shape == before.shape
    assert (
        np.abs(np.diff(after.astype(int), axis=0)).mean()
        < 0.2 * np.abs(np.diff(before.astype(int), axis=0)).mean()
    )

    def detail(f: np.ndarray) -> float:
        return float(np.abs(np.diff(f.astype(int), axis=2)).mean())

    assert detail(after) < 0.3 * detail(before)


def _frames(film: bytes) -> np.ndarray:
    with av.open(io.BytesIO(film)) as container:
        return np.stack([f.to_ndarray(format="rgb24") for f in container.decode(video=0)])


def test_a_check_shows_the_damaged_copy_on_the_wrong_side(opened: Callable[..., Opinions]) -> None:
    booth = opened(seed=3).booth
    seen = set()
    for number in range(60):
        address = f"10.3.0.{number % 20}"
        ballot = booth.next("tiny", "", address)
        left, right = booth.film(ballot.id, "left"), booth.film(ballot.id, "right")
        seen.add(ballot.kind)
        if ballot.kind == "damaged":
            right_one, wrong = (left, right) if ballot.answer == "left" else (right, left)
            assert right_one == booth.footage.film("", ballot.left, ballot.prompt) != wrong
        else:
            assert (left == right) == (ballot.kind == "same")
        booth.vote(ballot.id, ALL_LEFT, "", address)
    assert {"pair", "same", "damaged"} <= seen


def test_the_films_are_those_that_the_board_drew(
    open_board: Callable[..., Board], kit: Any, track: Track, films: list[bytes], tmp_path: Path
) -> None:
    board = open_board(clips=tmp_path / "clips")
    footage = BoardFootage(board)
    assert isinstance(footage, Footage)
    identity = board.submit(kit.data(kit.report(1)), kit.card(), HERE).id
    with board.store.writing() as connection:
        connection.execute(seen_clips.insert(), [
            {"submission": identity, "track_digest": track.digest, "clip": f"{prompt}-1",
             "prompt": prompt, "at": "", "record": VideoRecord(id="x", path="x").model_dump_json(),
             "curves": "{}", "film": film, "facts": "{}", "poster": b"", "size": 1}
            for prompt, film in (("p1", board.films.keep(films[0])), ("p2", ""))
        ])  # fmt: skip
    assert footage.watchable(track.digest) == {identity: frozenset(["p1"])}
    assert footage.film(track.digest, identity, "p1") == films[0]
    for prompt in ("p2", "p3", "../p1"):
        with pytest.raises(InputError, match="no film"):
            footage.film(track.digest, identity, prompt)


# over the wire


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


# what counts


def test_people_who_prefer_a_generator_put_it_first(opened: Callable[..., Opinions]) -> None:
    opinions = opened()
    vote_much(opinions, 8, 14, by_level(opinions))
    found = opinions.people("tiny")
    assert [row.label.split()[0] for row in found.liked] == ["Gamma", "Beta", "Alpha"]
    assert found.liked[0].alone.value > 0.8 and found.raters == 8
    for row in found.liked:
        assert row.alone.low is not None and row.alone.high is not None
        assert row.alone.low <= row.alone.value <= row.alone.high
    assert found.same_again == 1.0 and found.repeats > 0
    assert found.ties == 0.0 and 0.3 < found.lefts < 0.7


def test_a_process_of_its_own_says_what_the_board_would(opened: Callable[..., Opinions]) -> None:
    here = opened()
    vote_much(here, 6, 10, by_level(here))
    counter = Apart(here.board.settings, here.board.tracks)
    there = Opinions(here.booth, fresh=0, patience=120, counter=counter)
    assert there.people("tiny") == here.people("tiny")
    assert there.casts("tiny") == here.casts("tiny") != []

    children = psutil.Process().children()
    child = next(c for c in children if any("spawn_main" in part for part in c.cmdline()))
    assert child.nice() > psutil.Process().nice()
    child.kill()
    there._known.clear()
    assert there.people("tiny") == here.people("tiny")  # by a new child
    counter.close()


def test_raters_who_fail_their_checks_do_not_count(opened: Callable[..., Opinions]) -> None:
    opinions = opened()
    vote_much(opinions, 6, 10, by_level(opinions))
    before = opinions.people("tiny")
    for _ in range(60):
        ballot = opinions.booth.next("tiny", "", "10.9.9.9")
        wrong = {"left": "right", "right": "left", "tie": "left", "": "tie"}[ballot.answer]
        opinions.booth.vote(ballot.id, dict.fromkeys(QUESTIONS, wrong), "", "10.9.9.9")
    after = opinions.people("tiny")
    assert after.votes == before.votes and after.left_out["attention"] > 20
    assert after.liked == before.liked


def test_votes_count_once_a_check_was_answered(opened: Callable[..., Opinions]) -> None:
    opinions = opened(seed=8)
    kinds = []
    for _ in range(3):
        ballot = opinions.booth.next("tiny", "", HERE)
        kinds.append(ballot.kind)
        opinions.booth.vote(ballot.id, ALL_LEFT, "", HERE)
    assert kinds == ["pair"] * 3
    assert opinions.people("tiny").left_out == {"no check yet": 3}


def test_withdrawn_generators_leave_the_votes(opened: Callable[..., Opinions]) -> None:
    opinions = opened()
    vote_much(opinions, 6, 10, by_level(opinions))
    gone = opinions.people("tiny").liked[0]
    opinions.board.moderate("a-token-of-the-tests", gone.submission, "withdrawn", "spam")
    assert gone.label not in {row.label for row in opinions.people("tiny").liked}


def test_an_empty_board_has_an_empty_page(opened: Callable[..., Opinions]) -> None:
    found = opened().people("tiny")
    assert (found.votes, found.liked, found.raters) == (0, (), 0)
    assert "No vote counts yet" in people_page(found, lambda *_: "")


def test_the_page_and_the_command_agree_on_the_metrics(
    opened: Callable[..., Opinions], tmp_path: Path
) -> None:
    opinions = opened()
    vote_much(opinions, 6, 14, by_level(opinions))
    http = TestClient(build_api(opinions.board, opinions))
    path = tmp_path / "votes.csv"
    path.write_text(http.get("/tracks/tiny/votes.csv").text)
    ratings = load_ratings(path)
    found = opinions.people("tiny")
    assert ratings.format == "miraboard" and len(ratings.pairs) == found.votes
    assert len(ratings.raters()) == found.raters
    store = opinions.board.store
    for row in found.agreement:
        sign = 1 if opinions.board.tracks["tiny"].specs[row.metric].higher_is_better else -1
        scores = {
            f"{s.id}/{clip.clip}": sign * clip.scores[row.metric]
            for s in opinions.board.view("tiny").standings
            for clip in store.rows_of(s.id)
            if row.metric in clip.scores
        }
        assert agree_with_pairs(scores, ratings.pairs).accuracy == row.accuracy
    best = found.agreement[0].accuracy
    assert best.value is not None and best.value > 0.9


def test_the_table_for_align_names_no_account_and_runs_no_formula(
    opened: Callable[..., Opinions],
) -> None:
    opinions = opened(accounts=True)
    for _ in range(12):
        ballot = opinions.booth.next("tiny", "alpha", HERE)
        answers = dict.fromkeys(QUESTIONS, ballot.answer or "left")
        opinions.booth.vote(ballot.id, answers, "alpha", HERE)
    http = TestClient(build_api(opinions.board, opinions))
    text = http.get("/tracks/tiny/votes.csv").text
    rows = list(csv.DictReader(io.StringIO(text)))
    assert rows and all(re.fullmatch("rater-[0-9a-f]{10}", r["rater"]) for r in rows)
    assert not any(cell.startswith(("=", "+", "-", "@")) for r in rows for cell in r.values())


def test_every_question_has_its_own_answer(opened: Callable[..., Opinions]) -> None:
    opinions = opened()
    rank = by_level(opinions)
    for rater in range(6):
        for _ in range(12):
            ballot = opinions.booth.next("tiny", "", f"10.2.0.{rater}")
            one = rank(ballot)
            other = {"left": "right", "right": "left"}[one]
            said = dict.fromkeys(QUESTIONS, ballot.answer or one) | {
                "motion": ballot.answer or other
            }
            opinions.booth.vote(ballot.id, said, "", f"10.2.0.{rater}")
    assert opinions.people("tiny", "overall").liked[0].label.startswith("Gamma")
    assert opinions.people("tiny", "motion").liked[0].label.startswith("Alpha")
    found: dict[str, Any] = json.loads(
        TestClient(build_api(opinions.board, opinions)).get("/tracks/tiny/people").text
    )
    assert set(found) == set(People.__slots__)


# what is written stays


def test_a_vote_that_is_changed_removed_or_added_is_noticed(
    opened: Callable[..., Opinions],
) -> None:
    opinions = opened()
    vote_much(opinions, 2, 4, by_level(opinions))
    store = opinions.board.store
    assert store.audit().problems == ()
    with store.writing() as connection:
        for table in ("votes", "ballots"):
            with pytest.raises(sa.exc.DBAPIError, match="append-only"):
                connection.execute(sa.text(f"DELETE FROM {table}"))
        connection.execute(sa.text("DROP TRIGGER votes_no_update"))
        connection.execute(sa.text("UPDATE votes SET overall = 'tie' WHERE id = 3"))
    problems = store.audit().problems
    assert len(problems) == 2 and "not one that was cast" in problems[0]


def test_the_public_log_does_not_say_who_voted_for_what(opened: Callable[..., Opinions]) -> None:
    opinions = opened()
    vote_much(opinions, 1, 3, by_level(opinions))
    (line, *_) = opinions.board.store.log(kinds=("voted",))
    assert re.fullmatch("vote [0-9a-f]{32}", line.detail)
    with opinions.board.store.reading() as connection:
        assert connection.execute(sa.select(sa.func.count()).select_from(votes)).scalar() == 3
        assert connection.execute(sa.select(sa.func.count()).select_from(ballots)).scalar() == 3
