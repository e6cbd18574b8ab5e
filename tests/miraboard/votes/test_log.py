"""Votes that were written stay, and say nothing of who cast them."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
import sqlalchemy as sa
from votingkit import by_level, vote_much

from miraboard.schema import ballots, votes
from miraboard.votes.opinions import Opinions


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
