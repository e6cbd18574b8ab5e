"""A board of three generators with films."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import pytest
from votingkit import NAMES, Memory, pattern

from mirabench.video.encode import write_video
from miraboard.board import Board
from miraboard.tracks import Track
from miraboard.votes.booth import Booth
from miraboard.votes.opinions import Opinions


@pytest.fixture(scope="session")
def films(tmp_path_factory: pytest.TempPathFactory) -> list[bytes]:
    folder = tmp_path_factory.mktemp("films")
    return [
        write_video(folder / f"{seed}.mp4", pattern(seed), fps=12).read_bytes() for seed in range(3)
    ]


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
