"""The films that a rater watches: those drawn, and damaged copies as checks."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from votingkit import ALL_LEFT, HERE

from mirabench.errors import InputError
from mirabench.report.model import VideoRecord
from miraboard.board import Board
from miraboard.schema import seen_clips
from miraboard.tracks import Track
from miraboard.votes.footage import BoardFootage, Footage, damaged
from miraboard.votes.opinions import Opinions


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
