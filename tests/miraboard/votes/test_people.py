"""What votes count, and what is said of them."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
from starlette.testclient import TestClient
from votingkit import ALL_LEFT, HERE, by_level, vote_much

from mirabench.alignment import load_ratings
from mirabench.alignment.agreement import agree_with_pairs
from miraboard.api import build_api
from miraboard.votes.counting import Apart
from miraboard.votes.opinions import Opinions
from miraboard.votes.people import People
from miraboard.votes.questions import QUESTIONS
from miraboard.votes_pages import people_page


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
