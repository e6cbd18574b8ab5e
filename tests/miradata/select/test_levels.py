"""Levels are nested whatever their numbers, and calibration keeps what it was asked to keep."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from mirabench.errors import InputError, UnknownNameError
from miradata.select.calibrate import PUBLISHED, calibrate
from miradata.select.levels import (
    Level,
    Rule,
    Thresholds,
    decide,
    load_thresholds,
    save_thresholds,
    unmeasured,
)

BRIGHT = Rule(metric="luma", least=0.1, most=0.9, origin="ours")


def least(metric: str, value: float) -> Rule:
    return Rule(metric=metric, least=value, origin="test")


TWO = Thresholds(
    name="two",
    version="1",
    limits=(BRIGHT,),
    levels=(Level(name="all"), Level(name="good", rules=(least("motion", 2.0),))),
)


def values(**columns: list[float]) -> dict[str, np.ndarray]:
    return {name: np.array(column) for name, column in columns.items()}


def test_each_clip_gets_its_level_and_what_kept_it_from_the_next() -> None:
    found = decide(TWO, values(luma=[0.5, 0.5, 0.95], motion=[3.0, 1.0, 9.0]), 3)
    assert [d.level for d in found] == [1, 0, -1]
    assert [d.reason for d in found] == ["", "motion 1 is below 2", "luma 0.95 is above 0.9"]
    assert [d.metric for d in found] == ["", "motion", "luma"]


def test_bounds_are_included() -> None:
    found = decide(TWO, values(luma=[0.1, 0.9], motion=[2.0, 2.0]), 2)
    assert [d.level for d in found] == [1, 1]


def test_a_clip_without_a_score_that_others_have_is_out() -> None:
    found = decide(TWO, values(luma=[0.5, np.nan], motion=[3.0, 3.0]), 2)
    assert [(d.level, d.reason) for d in found] == [(1, ""), (-1, "no score of luma")]


def test_what_was_never_measured_is_not_asked_for_and_named() -> None:
    scores = values(luma=[np.nan, np.nan], motion=[3.0, 1.0])
    assert unmeasured(TWO, scores) == ["luma"]
    assert [d.level for d in decide(TWO, scores, 2)] == [1, 0]


finite = st.floats(-10, 10)
bounds = st.builds(
    least, st.sampled_from(["luma", "motion", "aesthetic"]), finite
)  # nothing keeps them from contradicting each other
files = st.builds(
    lambda limits, rules: Thresholds(
        name="t",
        version="1",
        limits=tuple(limits),
        levels=tuple(Level(name=str(i), rules=tuple(r)) for i, r in enumerate(rules)),
    ),
    st.lists(bounds, max_size=2),
    st.lists(st.lists(bounds, max_size=3), min_size=1, max_size=5),
)
scores = st.fixed_dictionaries({
    name: hnp.arrays(np.float64, 12, elements=st.one_of(finite, st.just(np.nan)))
    for name in ("luma", "motion", "aesthetic")
})  # fmt: skip


@given(files, scores)
def test_levels_are_nested_whatever_the_numbers(
    thresholds: Thresholds, found: dict[str, np.ndarray]
) -> None:
    whole = [d.level for d in decide(thresholds, found, 12)]
    for place in range(len(thresholds.levels)):
        shorter = thresholds.model_copy(update={"levels": thresholds.levels[: place + 1]})
        members = {i for i, d in enumerate(decide(shorter, found, 12)) if d.level == place}
        assert members == {i for i, level in enumerate(whole) if level >= place}


@given(files, scores)
def test_every_member_keeps_every_rule_that_applies(
    thresholds: Thresholds, found: dict[str, np.ndarray]
) -> None:
    gone = unmeasured(thresholds, found)
    for row, decision in enumerate(decide(thresholds, found, 12)):
        rules = list(thresholds.limits) if decision.level >= 0 else []
        rules += [r for level in thresholds.levels[: decision.level + 1] for r in level.rules]
        for rule in rules:
            assert rule.metric in gone or rule.kept(found[rule.metric])[row]


def test_the_shipped_file_is_valid_and_every_number_has_an_origin() -> None:
    shipped = load_thresholds()
    assert shipped.limits
    assert all(rule.origin for rule in shipped.limits)
    assert shipped.levels[0].name == "full"


def test_a_file_survives_being_written(tmp_path: Path) -> None:
    save_thresholds(tmp_path / "t.yaml", TWO)
    assert load_thresholds(tmp_path / "t.yaml") == TWO


@pytest.mark.parametrize(("text", "said"), [
    ("name: a\nversion: '1'\nlevels: []\n", "levels"),
    ("name: a\nversion: '1'\nlevels: [{name: x}, {name: x}]\n", "same name"),
    ("name: a\nversion: '1'\nlevels: [{name: x, rules: [{metric: m, origin: o}]}]\n", "neither"),
    ("name: a\nversion: '1'\nlevels: [{name: x, rules: [{metric: m, least: 1}]}]\n", "origin"),
    ("name: a\nversion: '1'\nlevel: [{name: x}]\n", "level"),
    ("[", "not valid YAML"),
    ("!!python/object/apply:os.system ['true']", "not valid YAML"),
])  # fmt: skip
def test_a_bad_file_is_one_sentence(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "t.yaml").write_text(text)
    with pytest.raises(InputError, match=said) as caught:
        load_thresholds(tmp_path / "t.yaml")
    assert "\n" not in str(caught.value)


def test_an_unknown_level_offers_the_nearest() -> None:
    assert TWO.index("") == 0
    assert TWO.index("good") == 1
    with pytest.raises(UnknownNameError, match="did you mean good"):
        TWO.index("goood")


def limits_only(*rules: Rule) -> Thresholds:
    return Thresholds(name="l", version="1", limits=rules, levels=(Level(name="full"),))


def test_calibration_with_one_metric_is_its_quantile() -> None:
    scored = values(motion=[float(i) for i in range(100)])
    made = calibrate(scored, ranked=["motion"], limits=limits_only(), name="n", version="1")
    levels = {level.name: level for level in made.thresholds.levels}
    assert list(levels) == list(PUBLISHED)
    assert levels["full"].rules == ()
    assert levels["330k"].rules[0].least == 58.0  # 58 to 99 are 42 of 100
    assert [level.achieved for level in levels.values()] == [1.0, 0.42, 0.12, 0.06, 0.02]


def test_calibration_on_two_metrics_keeps_the_joint_share() -> None:
    rng = np.random.default_rng(0)
    base = rng.normal(size=5000)
    scored = {"aesthetic": base + rng.normal(size=5000), "motion": np.exp(base)}
    made = calibrate(
        scored, ranked=["aesthetic", "motion"], limits=limits_only(), name="n", version="1"
    )
    for level in made.thresholds.levels:
        assert level.target is not None and level.achieved is not None
        assert level.target <= level.achieved <= level.target + 3 / 5000
    decided = [d.level for d in decide(made.thresholds, scored, 5000)]
    for place, level in enumerate(made.thresholds.levels):
        assert np.mean([d >= place for d in decided]) == pytest.approx(level.achieved)


def test_without_aesthetic_it_is_motion_only_and_said_so() -> None:
    scored = values(motion=[1.0, 2.0], aesthetic=[np.nan, np.nan], nsfw=[np.nan, np.nan])
    limits = limits_only(Rule(metric="nsfw", most=0.5, origin="ours"))
    made = calibrate(scored, ranked=["aesthetic", "motion"], limits=limits, name="n", version="1")
    assert made.remarks[0] == "ranked by motion only: aesthetic was not measured"
    assert made.remarks[1] == "not measured, so not limited: nsfw"
    assert "too few for 330k" in made.remarks[2]
    assert all(remark in made.thresholds.note for remark in made.remarks)
    assert {r.metric for level in made.thresholds.levels for r in level.rules} == {"motion"}


def test_the_reference_is_what_keeps_the_limits() -> None:
    scored = values(motion=[1.0, 2.0, 3.0, 4.0], luma=[0.5, 0.5, 0.99, np.nan])
    made = calibrate(
        scored, ranked=["motion"], limits=limits_only(BRIGHT), targets={"half": 0.5}, name="n",
        version="1",
    )  # fmt: skip
    (level,) = made.thresholds.levels
    assert level.rules[0].least == 2.0
    assert "calibrated on 2 clips" in level.rules[0].origin


@given(
    hnp.arrays(np.float64, st.integers(1, 60), elements=st.floats(-1e6, 1e6)),
    st.lists(st.floats(0.01, 1.0), min_size=1, max_size=4, unique=True),
)
def test_calibration_never_keeps_less_than_the_target(
    motion: np.ndarray, shares: list[float]
) -> None:
    targets = {str(share): share for share in sorted(shares, reverse=True)}
    made = calibrate(
        {"motion": motion}, ranked=["motion"], limits=limits_only(), targets=targets, name="n",
        version="1",
    )  # fmt: skip
    decided = [d.level for d in decide(made.thresholds, {"motion": motion}, len(motion))]
    for place, level in enumerate(made.thresholds.levels):
        assert level.target is not None
        assert np.mean([d >= place for d in decided]) >= level.target - 1e-12


@pytest.mark.parametrize(("scored", "targets", "said"), [
    (values(luma=[0.5]), None, "none of motion was measured"),
    (values(motion=[1.0], luma=[0.99]), None, "no clip keeps the limits"),
    (values(motion=[1.0]), {"a": 0.1, "b": 0.2}, "must fall"),
    (values(motion=[1.0]), {"a": 1.5}, "must fall"),
    (values(motion=[1.0]), {}, "must fall"),
])  # fmt: skip
def test_calibration_says_what_it_lacks(
    scored: dict[str, np.ndarray], targets: dict[str, float] | None, said: str
) -> None:
    with pytest.raises(InputError, match=said):
        calibrate(
            scored, ranked=["motion"], limits=limits_only(BRIGHT), targets=targets, name="n",
            version="1",
        )  # fmt: skip
