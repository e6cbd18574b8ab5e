"""What the voting booth takes: one vote of its own rater, within limits."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from votingkit import ALL_LEFT, HERE, Memory

from mirabench.errors import InputError
from miraboard.board import Board
from miraboard.guard import SubmissionRefused
from miraboard.votes.booth import Booth
from miraboard.votes.footage import BoardFootage
from miraboard.votes.opinions import Opinions
from miraboard.votes.questions import QUESTIONS, read_answers


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
