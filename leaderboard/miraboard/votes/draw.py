"""Which pair a rater sees next. Pure but for the random numbers it is given.

Pairs of generators are drawn evenly, and so is the prompt, of those of which both have a film: that makes
the prediction-powered estimate unbiased. Sides are tossed for. About one ballot in twelve is an attention
check and one in twelve repeats an earlier pair; who has answered neither gets one early.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Literal

Kind = Literal["pair", "repeat", "same", "damaged"]

CHECK = REPEAT = 1 / 12
"""Chance that a ballot is an attention check, and that it repeats one."""
EARLY_CHECK = 3
"""Votes after which somebody who never had a check gets one."""
APART = 5
"""Ballots between a pair and its repetition, so that it is not remembered."""


@dataclass(frozen=True, slots=True)
class Drawn:
    """What to show."""

    prompt: str
    left: str
    right: str
    """Submissions; the same one twice in an attention check."""
    kind: Kind
    answer: str = ""
    """What an attentive rater says, where that is known: `left`, `right` or `tie`."""
    again: str = ""
    """The ballot that is repeated."""


@dataclass(frozen=True, slots=True)
class Shown:
    """An earlier ballot of the same rater."""

    id: str
    prompt: str
    left: str
    right: str
    kind: str


def draw_ballot(
    watchable: Mapping[str, frozenset[str]], earlier: Sequence[Shown], toss: random.Random
) -> Drawn | None:
    """The next pair; None where no two submissions have a film of the same prompt.

    Args:
        watchable: Submission -> prompts, of what this rater may see.
        earlier: Oldest first.
        toss: Where chance comes from.
    """
    pairs = [(a, b) for a, b in combinations(sorted(watchable), 2) if watchable[a] & watchable[b]]
    if not pairs:
        return None
    checked = any(s.kind in ("same", "damaged") for s in earlier)
    early = not checked and len(earlier) >= EARLY_CHECK
    chance = toss.random()
    if chance < CHECK or early:
        return _check(watchable, toss)
    if chance < CHECK + REPEAT and (old := _repeatable(watchable, earlier)):
        shown = toss.choice(old)
        left, right = toss.sample((shown.left, shown.right), 2)
        return Drawn(shown.prompt, left, right, "repeat", again=shown.id)
    left, right = toss.sample(toss.choice(pairs), 2)
    return Drawn(toss.choice(sorted(watchable[left] & watchable[right])), left, right, "pair")


def _check(watchable: Mapping[str, frozenset[str]], toss: random.Random) -> Drawn:
    submission = toss.choice(sorted(s for s in watchable if watchable[s]))
    prompt = toss.choice(sorted(watchable[submission]))
    if toss.random() < 0.5:
        return Drawn(prompt, submission, submission, "same", "tie")
    return Drawn(prompt, submission, submission, "damaged", toss.choice(("left", "right")))


def _repeatable(watchable: Mapping[str, frozenset[str]], earlier: Sequence[Shown]) -> list[Shown]:
    """Pairs seen long enough ago, once, whose films are still there."""
    repeated = {(s.prompt, frozenset((s.left, s.right))) for s in earlier if s.kind == "repeat"}
    return [
        s for s in earlier[:-APART]
        if s.kind == "pair" and (s.prompt, frozenset((s.left, s.right))) not in repeated
        and s.prompt in watchable.get(s.left, ()) and s.prompt in watchable.get(s.right, ())
    ]  # fmt: skip
