"""What an id is made of: every parameter enters, or is refused; the ids that were published stay."""

from __future__ import annotations

import dataclasses
import enum
import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mirabench import registry
from mirabench.errors import PluginError
from mirabench.features.api import FeatureRef, Session, build, feature_identity
from mirabench.features.cache import cache_key
from mirabench.identity import canonical, digest_of
from mirabench.metrics.api import ClipFormula, ClipInputs, Measured, MetricSpec
from mirabench.run.plan import protocol_of
from mirabench.suites.api import MetricChoice, at_precision, load_suite, metric_identity
from mirabench.video.frames import IntArray, VideoInfo
from mirabench.video.resize import Resize

SPEC = MetricSpec(
    name="probe", version=1, dimension="visual quality", summary="", unit="", range=(0.0, 1.0),
    higher_is_better=True, needs={"quality": FeatureRef.of("quality")},
)  # fmt: skip


class Mode(enum.Enum):
    FAST = "fast"
    EXACT = "exact"


class Level(enum.IntEnum):
    LOW = 1


class Way(enum.Flag):
    IN = 1
    OUT = 2
    UP = 4


@dataclass(frozen=True)
class Probe:
    """A metric with one parameter of any kind."""

    value: Any = None
    spec: ClassVar[MetricSpec] = SPEC


@dataclass(frozen=True, slots=True)
class Extractor:
    """A feature with one parameter of any kind."""

    value: Any = None
    name: ClassVar[str] = "probe"
    version: ClassVar[int] = 1
    resize: ClassVar[Resize | None] = None

    def select(self, video: VideoInfo) -> IntArray:
        raise NotImplementedError

    def open(self, video: VideoInfo) -> Session:
        raise NotImplementedError


def metric_id(metric: Any) -> str:
    return protocol_of(metric, ["d"], {})[0]


DIFFERENT = {
    "order of a tuple": ((1, 0), (0, 1)),
    "order of a list": ([1, 0], [0, 1]),
    "length": ((1,), (1, 1)),
    "nesting": (((1, 2), 3), (1, (2, 3))),
    "a nested number": ({"a": {"b": (1, 2)}}, {"a": {"b": (1, 3)}}),
    "a key": ({"a": 1}, {"b": 1}),
    "the kind of a key": ({1: "x"}, {"1": "x"}),
    "a truth value and a number": (True, 1),
    "a nested truth value and a number": ((True,), (1,)),
    "a whole number and a float": (1, 1.0),
    "a number and a text": (1, "1"),
    "None and a text": (None, "None"),
    "None and nothing": (None, ()),
    "a set and a list": ({1, 2}, (1, 2)),
    "members of a set": ({1, 2}, {1, 3}),
    "enums": (Mode.FAST, Mode.EXACT),
    "an enum and its value": (Mode.FAST, "fast"),
    "an enum and its whole number": (Level.LOW, 1),
    "flags": (Way.IN | Way.OUT, Way.IN | Way.UP),
    "floats that are not finite": (float("nan"), float("inf")),
    "a fraction": (Fraction(1, 3), Fraction(1, 4)),
    "a dataclass": (Resize(max_short_side=4), Resize(max_short_side=5)),
    "a mapping that looks like an enum": (Mode.FAST, {"$enum": "Mode.FAST"}),
    "a mapping that looks like a set": ({1}, {"$set": [1]}),
    "one bit of a float": (0.1 + 0.2, 0.3),
}


@pytest.mark.parametrize(("one", "other"), DIFFERENT.values(), ids=DIFFERENT.keys())
class TestDifferentParameters:
    def test_give_a_metric_another_protocol(self, one: object, other: object) -> None:
        assert metric_id(Probe(one)) != metric_id(Probe(other))

    def test_give_a_feature_another_cache_entry(self, one: object, other: object) -> None:
        assert cache_key("clip", Extractor(one)) != cache_key("clip", Extractor(other))

    def test_give_another_digest(self, one: object, other: object) -> None:
        assert digest_of([one]) != digest_of([other])


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ((1, 2), [1, 2]),
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}),
        ({3, 1, 2}, frozenset({2, 3, 1})),
        (np.float64(0.5), 0.5),
        (np.int32(3), 3),
        (np.bool_(True), True),
        ({1: "a", 2: "b"}, {2: "b", 1: "a"}),
    ],
    ids=["tuple and list", "order of keys", "sets", "float64", "int32", "bool_", "other keys"],
)
def test_equal_parameters_share_an_id(one: object, other: object) -> None:
    assert metric_id(Probe(one)) == metric_id(Probe(other))


REFUSED: dict[str, Callable[[], object]] = {
    "an object": object,
    "a function": lambda: len,
    "an array": lambda: np.zeros(3),
    "a path": lambda: Path("weights.pt"),
    "a complex number": lambda: 1j,
    "bytes": lambda: b"x",
    "a class": lambda: int,
    "a long double": lambda: np.longdouble(1),
    "deep inside": lambda: {"a": [1, (object(),)]},
    "a key": lambda: {object(): 1},
}


@pytest.mark.parametrize("make", REFUSED.values(), ids=REFUSED.keys())
class TestWithoutACanonicalForm:
    def test_a_metric_is_refused_by_name(self, make: Callable[[], object]) -> None:
        with pytest.raises(PluginError, match=r"the parameter 'value' of the metric 'probe' is"):
            metric_identity(Probe(make()))

    def test_a_feature_is_refused_by_name(self, make: Callable[[], object]) -> None:
        with pytest.raises(PluginError, match=r"the parameter 'value' of the feature 'probe' is"):
            feature_identity(Extractor(make()))

    def test_a_digest_is_refused(self, make: Callable[[], object]) -> None:
        with pytest.raises(PluginError, match="no form that an id could hold"):
            digest_of({"key": make()})


def test_a_path_is_named_in_the_refusal() -> None:
    with pytest.raises(PluginError, match=r"is the path 'weights\.pt'"):
        metric_identity(Probe(Path("weights.pt")))


class Plain:
    """A metric that is no dataclass."""

    spec = SPEC

    def __init__(self, value: object) -> None:
        self._value = value

    @cached_property
    def twice(self) -> str:
        return f"{self._value} {self._value}"


class Slotted:
    spec = SPEC
    __slots__ = ("__value", "unset")

    def __init__(self, value: object) -> None:
        self.__value = value


class Tupled(NamedTuple):
    value: object

    @property
    def spec(self) -> MetricSpec:
        return SPEC


@dataclass(frozen=True)
class Initialised:
    value: dataclasses.InitVar[object]
    spec: ClassVar[MetricSpec] = SPEC

    def __post_init__(self, value: object) -> None:
        object.__setattr__(self, "_kept", value)


@dataclass(frozen=True, slots=True)
class Derived:
    given: dataclasses.InitVar[object]
    kept: object = field(init=False)
    spec: ClassVar[MetricSpec] = SPEC

    def __post_init__(self, given: object) -> None:
        object.__setattr__(self, "kept", given)


@dataclass(frozen=True)
class Uncompared:
    value: object = field(compare=False, repr=False)
    spec: ClassVar[MetricSpec] = SPEC


@pytest.mark.parametrize("kind", [Plain, Slotted, Tupled, Initialised, Derived, Uncompared])
class TestOtherKindsOfMetrics:
    def test_what_they_hold_enters(self, kind: Callable[[object], Any]) -> None:
        assert metric_id(kind((1, 0))) != metric_id(kind((0, 1)))
        assert metric_id(kind((1, 0))) == metric_id(kind((1, 0)))

    def test_what_has_no_form_is_refused(self, kind: Callable[[object], Any]) -> None:
        with pytest.raises(PluginError, match="of the metric 'probe' is of the type"):
            metric_identity(kind(object()))


def formula(clip: ClipInputs, *arguments: object) -> Measured:
    raise NotImplementedError


class TestARow:
    """A metric that is a spec, a function and its arguments."""

    @pytest.mark.parametrize(("one", "other"), [(("a",), ("b",)), ((1, 0), (0, 1)), ((), (1,))])
    def test_of_a_stranger_enters_with_its_arguments(self, one: Any, other: Any) -> None:
        assert metric_id(ClipFormula(SPEC, formula, one)) != metric_id(
            ClipFormula(SPEC, formula, other)
        )

    def test_of_ours_is_told_by_its_version(self) -> None:
        rows = [MetricChoice(name).build() for name in ("sharpness", "warping_error", "fvd")]
        assert [metric_identity(row)["parameters"] for row in rows] == [{}, {}, {}]


def test_what_is_cached_on_first_use_changes_no_id() -> None:
    metric: Any = Plain(3)
    before = metric_id(metric)
    assert metric.twice == "3 3"
    assert metric_id(metric) == before


@dataclass(frozen=True, slots=True)
class Learned(Probe):
    """The same on a feature that takes bfloat16."""

    spec: ClassVar[MetricSpec] = replace(SPEC, needs={"f": FeatureRef.of("dino_frames")})


def test_a_metric_at_another_precision_keeps_its_parameters() -> None:
    once = at_precision(Learned((1, 0)), "bf16")
    assert metric_identity(once)["parameters"] == {"value": [1, 0]}
    back = at_precision(at_precision(Learned((1, 0)), "bf16"), "fp32")  # shortened twice
    assert metric_identity(back)["parameters"] == {"value": [1, 0]}


def test_a_list_of_a_feature_request_is_one_request_with_the_tuple() -> None:
    with_list, with_tuple = (FeatureRef.of("f", a=value) for value in ([1, [2]], (1, (2,))))
    assert with_list == with_tuple and hash(with_list) == hash(with_tuple)
    assert with_list != FeatureRef.of("f", a=[[2], 1])


PLAIN = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text()
NESTED = st.recursive(
    PLAIN, lambda parts: st.lists(parts, max_size=3) | st.dictionaries(st.text(), parts, max_size=3)
)


@given(NESTED)
def test_the_form_survives_json_and_is_its_own_form(value: object) -> None:
    form = canonical(value, "a value")
    assert json.loads(json.dumps(form)) == form
    assert canonical(json.loads(json.dumps(form)), "a value") == form or "$" in json.dumps(form)


@given(NESTED, NESTED)
def test_two_values_share_a_digest_only_if_they_are_alike(one: object, other: object) -> None:
    alike = json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)
    assert (digest_of([one]) == digest_of([other])) is alike


PUBLISHED = json.loads((Path(__file__).parents[1] / "golden" / "protocol_ids.json").read_text())
"""`name@version` -> digest of what that version's ids were made of when they were first published."""


def own_identity(metric: Any) -> dict[str, Any]:
    return {**metric_identity(metric), "features": sorted(metric.spec.needs)}


@pytest.mark.parametrize("name", registry.names(registry.METRICS))
def test_the_published_identity_of_a_metric_stays(name: str) -> None:
    metric = MetricChoice(name).build()
    found = digest_of(own_identity(metric), 16)
    assert found == PUBLISHED["metrics"].get(f"{name}@{metric.spec.version}", found)


@pytest.mark.parametrize("name", registry.names(registry.FEATURES))
def test_the_published_identity_of_a_feature_stays(name: str) -> None:
    extractor = build(registry.FEATURES, name, {})
    found = digest_of(feature_identity(extractor), 16)
    assert found == PUBLISHED["features"].get(f"{name}@{extractor.version}", found)


def test_a_metrics_identity_holds_those_of_its_features() -> None:
    metric = MetricChoice("warping_error").build()
    assert metric_identity(metric) == {
        "metric": "warping_error",
        "version": metric.spec.version,
        "parameters": {},
        "features": {
            key: feature_identity(ref.resolve()) for key, ref in metric.spec.needs.items()
        },
    }
    assert set(metric.spec.needs) == {"residual", "pulse"}


@pytest.mark.parametrize("name", ["lite", "mirabench-official"])
def test_a_suites_digest_is_of_its_name_version_and_metrics(name: str) -> None:
    suite = load_suite(name)
    metrics = [metric_identity(metric) for metric in suite.built()]
    parts = {"name": suite.name, "version": suite.version, "metrics": metrics}
    assert suite.digest() == digest_of(parts, 16)
    assert len(suite.digest()) == 16


def test_an_id_is_the_same_in_another_process() -> None:
    code = (
        "from mirabench.identity import digest_of;"
        "print(digest_of([{'b', 'a', 'c'}, {'x': frozenset({'q', 'r', 's'})}]))"
    )
    found = {
        subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True,
            env={**os.environ, "PYTHONHASHSEED": seed},
        ).stdout
        for seed in ("1", "2", "3")
    }  # fmt: skip
    assert len(found) == 1
