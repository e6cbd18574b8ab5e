"""Copies of an earlier report that were changed a little, and independent ones that are none."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hostile import refused

from miraboard.board import Board
from miraboard.duplicates import cells_near, equals, marks_of, picture_hash


def _shift(v: float, _name: str) -> float:
    return v * (1 + 1e-13)


def _shift_more(v: float, _name: str) -> float:
    return v * (1 + 1e-6)


def _common_factor(v: float, _name: str) -> float:
    return v * 1.013


def _every_other(v: float, name: str) -> float:
    return v * (1.05 if name in ("noise", "exposure") else 1 + 1e-9)


NEAR = [_shift, _shift_more, _common_factor, _every_other]


def changed(kit: Any, change: Callable[[float, str], float], seed: int = 1) -> Any:
    report = kit.report(seed)
    for k, video in enumerate(report.videos):
        video.sha256 = f"{k:064x}"
        for name, score in video.scores.items():
            score.value = change(score.value, name)
    return kit.again(report.videos)


@pytest.mark.parametrize("change", NEAR)
@pytest.mark.parametrize("own", [False, True])
def test_nearly_the_scores_of_an_earlier_submission_are_refused(
    board: Board, kit: Any, change: Any, own: bool
) -> None:
    assert board.submit(kit.data(kit.report()), kit.card(), "10.0.0.1").accepted
    card = kit.card(version="2.0") if own else kit.card(generator="Thief")
    assert refused(board, kit.data(changed(kit, change)), card) == {"near-copy"}


def realistic(
    kit: Any, seed: int, of: int, noise: float, bend: Callable[[float], float] = float
) -> Any:
    """Scores that differ by prompt as those of clips do; `of` and `noise` say whose and how far off."""
    report = kit.report(seed)
    base, draw = np.random.default_rng(of), np.random.default_rng(1000 + seed)
    for k, video in enumerate(report.videos):
        video.sha256 = f"{seed:032x}{k:032x}"
        for score in video.scores.values():
            value = 0.3 * float(base.lognormal(0, 0.4)) * (1 + noise * float(draw.normal()))
            score.value = min(0.99, bend(value))
    return kit.again(report.videos)


@pytest.mark.parametrize("noise", [1e-3, 3e-3, 1e-2])
@pytest.mark.parametrize(
    "bend", [float, lambda v: 1.05 * v, lambda v: v + 0.02, lambda v: v**1.05],
    ids=["as it is", "scaled", "shifted", "bent"],
)  # fmt: skip
def test_a_copy_with_noise_is_refused(
    board: Board, kit: Any, noise: float, bend: Callable[[float], float]
) -> None:
    assert board.submit(kit.data(realistic(kit, 1, 7, 0.0)), kit.card(), "10.0.0.1").accepted
    copied = kit.data(realistic(kit, 2, 7, noise, bend))
    assert refused(board, copied, kit.card(generator="Thief")) == {"near-copy"}
    own = board.submit(copied, kit.card(version="2.0"), "10.0.0.1")
    assert own.accepted  # of one generator only the newest version has a row


def test_generators_that_agree_which_prompts_are_hard_are_no_copies(board: Board, kit: Any) -> None:
    """Two dozen that share three quarters of what prompts do to scores."""
    for seed in range(24):
        report = realistic(kit, seed, 7, 0.25)
        assert board.submit(
            kit.data(report), kit.card(generator=f"Own {seed}"), "10.0.0.1"
        ).accepted


def test_rounded_scores_are_refused(board: Board, kit: Any) -> None:
    report = changed(kit, lambda v, _: float(f"{v:.6g}"))
    assert "rounded-scores" in refused(board, kit.data(report), kit.card())


@pytest.mark.parametrize("noise", [0.0, 1e-12, 1e-6, 1e-3])
def test_one_clip_for_all_prompts_is_refused(board: Board, kit: Any, noise: float) -> None:
    report, draw = kit.report(), np.random.default_rng(0)
    first = report.videos[0].model_copy(deep=True)
    for video in report.videos:
        video.scores = copy.deepcopy(first.scores)
        for score in video.scores.values():
            score.value *= 1 + noise * float(draw.normal())
    codes = refused(board, kit.data(kit.again(report.videos)), kit.card())
    assert codes & {"identical-scores", "repeated-clip", "one-clip"}


def test_independent_clips_hardly_ever_agree(kit: Any) -> None:
    """A thousand clips with six metrics each: no pair of half a million agrees in four."""
    index: dict[int, list[tuple[int, float]]] = {}
    template = kit.report().videos[0]
    draw = np.random.default_rng(0)
    for number in range(1000):
        video = template.model_copy(deep=True)
        for score in video.scores.values():
            score.value = float(draw.lognormal(0, 0.5))
        assert max(equals(cells_near(video), index).values(), default=0) < 4
        for cell, value in marks_of(video):
            index.setdefault(cell, []).append((number, value))


def test_a_pictures_hash_survives_its_drawing_again_and_tells_others_apart() -> None:
    draw = np.random.default_rng(0)
    one, other = (draw.integers(0, 255, (8, 49)).astype(np.uint8) for _ in range(2))
    again = np.clip(one.astype(int) + draw.integers(-3, 4, one.shape), 0, 255).astype(np.uint8)
    hashes = [picture_hash(p) for p in (one, again, other)]
    from miraboard.duplicates import alike

    assert hashes[0] and hashes[1] and hashes[2]
    assert alike(hashes[0], hashes[1]) and not alike(hashes[0], hashes[2])
    assert picture_hash(np.full((8, 49), 7, np.uint8)) is None
