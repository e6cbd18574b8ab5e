"""Films and voters for the tests of votes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from miraboard.votes.opinions import Opinions
from miraboard.votes.questions import QUESTIONS

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


class Memory:
    """Films that are the same for all prompts of a submission."""

    def __init__(self, films: dict[str, bytes], prompts: frozenset[str]) -> None:
        self.films, self.prompts = films, prompts

    def watchable(self, track_digest: str) -> dict[str, frozenset[str]]:
        return dict.fromkeys(self.films, self.prompts)

    def film(self, track_digest: str, submission: str, prompt: str) -> bytes:
        return self.films[submission]


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
