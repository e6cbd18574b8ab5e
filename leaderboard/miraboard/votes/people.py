"""What the board's people say: strengths of the generators, how far each metric agrees, how sure raters are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from mirabench.alignment.agreement import Estimate, accuracy
from mirabench.alignment.ratings import Pair
from miraboard.board import Board, View
from miraboard.paired import per_prompt
from miraboard.standing import Standing
from miraboard.store import ClipRow
from miraboard.tracks import Track
from miraboard.votes.box import Box, Cast
from miraboard.votes.estimate import Strengths, bradley_terry, prediction_powered
from miraboard.votes.prediction import predict
from miraboard.votes.questions import OUTCOME, OVERALL, require_question
from miraboard.votes.raters import Attention, distrusted
from miraboard.votes.table import VoteTable, capped, vote_table

SHARE = 0.1
"""Of all weight that one account may have; with few accounts, twice an even share."""
FEWEST_VOTES = 2
"""Below it there is nothing to fit."""


@dataclass(frozen=True, slots=True)
class Share:
    """Votes won against an average generator, 0 to 1, a tie counting half."""

    value: float
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True)
class Liked:
    """One generator by the votes."""

    submission: str
    label: str
    votes: int
    alone: Share
    """From votes alone."""
    powered: Share
    """With the metrics' help."""


@dataclass(frozen=True, slots=True)
class Agreeing:
    """One metric against the votes."""

    metric: str
    accuracy: Estimate
    """Of the pairs that people decided, how often the better-scored clip is the preferred one."""


@dataclass(frozen=True, slots=True)
class People:
    """One question on one track."""

    track: str
    question: str
    votes: int
    """That count."""
    raters: int
    left_out: Mapping[str, int]
    """Why votes do not count -> how many."""
    ties: float
    lefts: float
    """Share of the decided votes that went to the left side: 0.5 but for chance."""
    repeats: int
    same_again: float | None
    """Of the pairs that raters saw twice, how often they said the same."""
    power: float
    """How far the metrics were listened to, 0 to 1."""
    liked: tuple[Liked, ...]
    """Strongest first."""
    agreement: tuple[Agreeing, ...]
    """Best first."""


@dataclass(frozen=True, slots=True, eq=False)
class Counted:
    """The votes that count, and why the others do not."""

    casts: tuple[Cast, ...]
    table: VoteTable
    submissions: tuple[str, ...]
    left_out: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Opinion:
    """What people say on a question, and whose votes that is."""

    people: People
    counted: frozenset[str]
    """Ballots whose votes count."""


def opinion_of(
    board: Board, box: Box, films: Mapping[str, frozenset[str]], track: str, question: str
) -> Opinion:
    """Count the votes of a question, which takes seconds on a large board.

    Args:
        board: Whose generators.
        box: The votes.
        films: Submission -> prompts whose films can be watched.
        track: Its name.
        question: One of `QUESTIONS`.
    """
    view = board.view(track)
    casts = box.casts(view.track.digest)
    counted = count_votes(view, casts, question)
    prompts = sorted({c.ballot.prompt for c in counted.casts})
    rows = board.store.rows_among(counted.submissions, prompts)
    liked, power = _liked(view, counted, films)
    repeats, same = _same_again(casts, question)
    came = Counter(c.answers[question] for c in counted.casts)
    decided = came["left"] + came["right"]
    people = People(
        track=track,
        question=question,
        votes=len(counted.casts),
        raters=len({c.ballot.rater for c in counted.casts}),
        left_out=counted.left_out,
        ties=came["tie"] / max(1, len(counted.casts)),
        lefts=came["left"] / decided if decided else 0.5,
        repeats=repeats,
        same_again=same,
        power=power,
        liked=liked,
        agreement=_agreement(view, counted, question, rows),
    )
    return Opinion(people, frozenset(c.ballot.id for c in counted.casts))


def count_votes(view: View, casts: Sequence[Cast], question: str) -> Counted:
    """The votes that count: on pairs that stand, of raters who passed a check and vote as people do.

    Raises:
        UnknownNameError: no such question.
    """
    require_question(question)
    standing = {s.id for s in (*view.standings, *view.history)}
    pairs = [
        c for c in casts
        if c.ballot.kind == "pair" and {c.ballot.left, c.ballot.right} <= standing
        and c.ballot.prompt in view.track.prompts
    ]  # fmt: skip
    raters = sorted({c.ballot.rater for c in casts})
    attention = _attention(casts, raters)
    table, submissions = _table(pairs, raters, view.track, question)
    why: dict[int, str] = {int(r): "no check yet" for r in np.flatnonzero(attention.asked == 0)}
    unlike = table.only(~np.isin(table.rater, list(why)))
    why |= distrusted(unlike, attention, _worths(view, submissions))
    kept = ~np.isin(table.rater, list(why))
    out = Counter(why[int(r)] for r in table.rater[~kept])
    trusted = table.only(kept)
    share = max(SHARE, 2 / max(1, len(np.unique(trusted.rater))))
    casts_kept = tuple(c for c, keep in zip(pairs, kept, strict=True) if keep)
    return Counted(casts_kept, capped(trusted, share), submissions, dict(sorted(out.items())))


def _attention(casts: Sequence[Cast], raters: Sequence[str]) -> Attention:
    asked, failed = np.zeros(len(raters), np.int64), np.zeros(len(raters), np.int64)
    place = {name: i for i, name in enumerate(raters)}
    for cast in casts:
        if cast.ballot.answer:
            asked[place[cast.ballot.rater]] += 1
            failed[place[cast.ballot.rater]] += cast.answers[OVERALL] != cast.ballot.answer
    return Attention(asked, failed)


def _table(
    casts: Sequence[Cast], raters: Sequence[str], track: Track, question: str
) -> tuple[VoteTable, tuple[str, ...]]:
    submissions = tuple(sorted({s for c in casts for s in (c.ballot.left, c.ballot.right)}))
    rater, prompt, shown = (
        {key: i for i, key in enumerate(keys)} for keys in (raters, track.prompts, submissions)
    )
    rows = [
        (rater[c.ballot.rater], prompt[c.ballot.prompt], shown[c.ballot.left],
         shown[c.ballot.right], OUTCOME[c.answers[question]])
        for c in casts
    ]  # fmt: skip
    columns = np.array(rows, dtype=np.int64).reshape(-1, 5).T
    table = vote_table(
        *columns, raters=len(raters), prompts=len(track.prompts), generators=len(submissions)
    )
    return table, submissions


def _worths(view: View, submissions: Sequence[str]) -> np.ndarray:
    """(K, metrics, M) of these submissions."""
    known = {s.id: s for s in (*view.standings, *view.history)}
    shape = (0, len(view.track.ranked), len(view.track.prompts))
    found = [known[key].worth(view.track) for key in submissions]
    return np.stack(found).astype(np.float64) if found else np.zeros(shape)


def _liked(
    view: View, counted: Counted, films: Mapping[str, frozenset[str]]
) -> tuple[tuple[Liked, ...], float]:
    table, submissions = counted.table, counted.submissions
    if len(table) < FEWEST_VOTES:
        return (), 0.0
    alone = bradley_terry(table)
    shown = np.array([[p in films.get(s, ()) for p in view.track.prompts] for s in submissions])
    powered = prediction_powered(table, predict(table, _worths(view, submissions), shown))
    known: dict[str, Standing] = {s.id: s for s in (*view.standings, *view.history)}
    votes = np.bincount(np.concatenate([table.left, table.right]), minlength=len(submissions))
    rows = [
        Liked(key, known[key].label, int(votes[i]), _share(alone, i), _share(powered, i))
        for i, key in enumerate(submissions)
        if votes[i]
    ]
    return tuple(sorted(rows, key=lambda r: (-r.powered.value, r.label))), powered.power


def _share(strengths: Strengths, row: int) -> Share:
    value, low, high = (float(part[row]) for part in strengths.shares())
    return Share(value, None if np.isnan(low) else low, None if np.isnan(high) else high)


def _same_again(casts: Sequence[Cast], question: str) -> tuple[int, float | None]:
    """How often raters said of a pair what they had said of it before."""
    first = {c.ballot.id: c for c in casts}
    same = []
    for cast in casts:
        before = first.get(cast.ballot.again or "")
        if before is not None:
            same.append(_preferred(cast, question) == _preferred(before, question))
    return len(same), float(np.mean(same)) if same else None


def _preferred(cast: Cast, question: str) -> str:
    answer = cast.answers[question]
    return "" if answer == "tie" else cast.ballot.left if answer == "left" else cast.ballot.right


def pairs_of(casts: Sequence[Cast], question: str) -> list[Pair]:
    """Votes as `mirabench align` knows them; a film is `SUBMISSION/PROMPT`."""
    preference = {"left": 1.0, "tie": 0.5, "right": 0.0}
    return [
        Pair(
            _film(c.ballot.left, c.ballot.prompt), _film(c.ballot.right, c.ballot.prompt),
            preference[c.answers[question]], c.ballot.left, c.ballot.right, c.ballot.prompt,
            c.ballot.rater,
        )
        for c in casts
    ]  # fmt: skip


def _film(submission: str, prompt: str) -> str:
    return f"{submission}/{prompt}"


def _agreement(
    view: View, counted: Counted, question: str, rows: Sequence[ClipRow]
) -> tuple[Agreeing, ...]:
    pairs = pairs_of(counted.casts, question)
    by_submission: dict[str, list[ClipRow]] = {}
    for row in rows:
        by_submission.setdefault(row.submission, []).append(row)
    found = []
    for name in view.track.ranked:
        sign = 1 if view.track.specs[name].higher_is_better else -1
        scores = {
            _film(s, prompt): sign * value
            for s, own in by_submission.items()
            for prompt, value in per_prompt(own, name).items()
        }
        found.append(Agreeing(name, accuracy(scores, pairs)))
    return tuple(sorted(found, key=lambda a: (-(a.accuracy.value or 0.0), a.metric)))
