"""The one JSON form of each kind of value, written out: published ids stand on it."""

from __future__ import annotations

import dataclasses
import enum
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, ClassVar

import numpy as np
import pytest

from mirabench.errors import PluginError
from mirabench.features import cache
from mirabench.features.cache import cache_key
from mirabench.features.motion import Motion
from mirabench.identity import canonical, digest_of, parameters_of
from mirabench.video.resize import Resize


class Mode(enum.Enum):
    FAST = "fast"
    EXACT = "exact"


class Way(enum.Flag):
    IN = 1
    OUT = 2


@dataclass(frozen=True)
class Inner:
    size: tuple[int, int]
    other: Any = None


FORMS = [
    (None, None),
    (True, True),
    (3, 3),
    (2.5, 2.5),
    ("text", "text"),
    ((1, (2, [3])), [1, [2, [3]]]),
    ({"b": 1, "a": (2,)}, {"b": 1, "a": [2]}),
    (float("nan"), {"$float": "nan"}),
    (float("inf"), {"$float": "inf"}),
    (-float("inf"), {"$float": "-inf"}),
    (np.float64("inf"), {"$float": "inf"}),
    (np.float32(0.5), 0.5),
    (np.int64(7), 7),
    (np.bool_(False), False),
    (Fraction(2, 6), {"$fraction": "1/3"}),
    (Mode.FAST, {"$enum": "Mode.FAST"}),
    (Way.IN, {"$enum": "Way.IN"}),
    (Way(0), {"$enum": "Way.0"}),
    ({3, 1, 2}, {"$set": [1, 2, 3]}),
    ({"b", 2, None}, {"$set": ["b", 2, None]}),
    ({Mode.FAST, Mode.EXACT}, {"$set": [{"$enum": "Mode.EXACT"}, {"$enum": "Mode.FAST"}]}),
    ({2: "b", 1: "a"}, {"$mapping": [[1, "a"], [2, "b"]]}),
    ({"b": 1, 2: 2}, {"$mapping": [["b", 1], [2, 2]]}),
    ({(1, 2): 3}, {"$mapping": [[[1, 2], 3]]}),
    ({"$a": 1, "b": 2}, {"$mapping": [["$a", 1], ["b", 2]]}),
    (
        {Mode.FAST: 1, Mode.EXACT: 2},
        {"$mapping": [[{"$enum": "Mode.EXACT"}, 2], [{"$enum": "Mode.FAST"}, 1]]},
    ),
    (Inner((1, 2), {3}), {"$Inner": {"size": [1, 2], "other": {"$set": [3]}}}),
    (
        Resize(max_short_side=4),
        {"$Resize": {"max_short_side": 4, "size": None, "filter": "area"}},
    ),
    (
        Resize(long_side=4),
        {"$Resize": {"max_short_side": None, "size": None, "filter": "area", "long_side": 4}},
    ),
]


# Named by the form: the text of a set differs between processes, and parallel workers must agree on names.
@pytest.mark.parametrize(("value", "form"), FORMS, ids=[str(form)[:60] for _, form in FORMS])
def test_the_form_of_a_value(value: object, form: object) -> None:
    found = canonical(value, "it")
    assert found == form
    assert type(found) is type(form)


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (object(), "it is of the type builtins.object, which has no form"),
        (Inner, "it is of the type builtins.type, which has no form"),
        (np.datetime64("2026-11-25"), "it is of the type datetime.date, which has no form"),
        (np.zeros(2), "it is of the type numpy.ndarray, which has no form"),
        ((1, [object()]), "it is of the type builtins.object"),
        ({"a": object()}, "it is of the type builtins.object"),
        ({1: object()}, "it is of the type builtins.object"),
        ({len}, "it is of the type builtins.builtin_function_or_method"),
        (Inner((1, 2), object()), "the parameter 'other' of it is of the type builtins.object"),
    ],
    ids=["object", "class", "date", "array", "list", "mapping", "key", "set", "dataclass"],
)
def test_a_refusal_says_where_and_of_what_type(value: object, said: str) -> None:
    with pytest.raises(PluginError) as found:
        canonical(value, "it")
    assert said in str(found.value)
    assert "use numbers, texts, truth values" in str(found.value)


def test_a_digest_is_twelve_digits_unless_asked_and_says_what_it_cannot_hold() -> None:
    assert digest_of([1]) == digest_of([1], 12) == digest_of([1], 64)[:12]
    assert digest_of({"a": 1, "b": [2]}, 64) == (
        "ae8a9a50524642753023cd4de34447191a8651989979c60bbcc5b0eeebb6e1dc"
    )
    with pytest.raises(PluginError, match=r"^a part of an identity is of the type"):
        digest_of(object())


def test_a_cache_key_is_the_digest_of_its_four_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache, "library_versions", lambda: {"numpy": "2.0"})
    feature = parameters_of(Motion(), "it")
    parts = {
        "content": "c",
        "feature": {
            "feature": "motion", "version": Motion.version, **feature,
            "resize": {"max_short_side": 240, "size": None, "filter": "area"},
        },
        "libraries": {"numpy": "2.0"},
        "weights": {"card": "w"},
    }  # fmt: skip
    assert cache_key("c", Motion(), {"card": "w"}) == digest_of(parts, 40)


class Slots:
    __slots__ = ("__dict__", "__odd__", "__private", "__weakref__", "plain")

    def __init__(self) -> None:
        self.plain, self.__private, self.__odd__, self.free = 1, 2, 3, 4


class OneSlot:
    __slots__ = "value"  # a lawful way to write one

    def __init__(self) -> None:
        self.value = 5


class _Hidden:
    __slots__ = ("__value",)

    def __init__(self) -> None:
        self.__value = 6


class Xray_:  # noqa: N801  # its underscore and its X must stay in the mangled name
    __slots__ = ("__value",)

    def __init__(self) -> None:
        self.__value = 7


class Child(OneSlot):
    """Inherits a slot, and has a dictionary of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.more = 8


@dataclass
class Lazy:
    """Holds more than its fields once it was used."""

    size: int = 1

    def use(self) -> None:
        self.loaded = object()


@dataclass
class Given:
    """Holds what it is given under another name, beside a field."""

    size: int
    given: dataclasses.InitVar[int]
    kind: ClassVar[str] = "given"
    odd: ClassVar[object] = object()
    spec: ClassVar[int] = 3
    derived: int = field(init=False)

    def __post_init__(self, given: int) -> None:
        self._given, self.derived = given, 2 * self.size


@pytest.mark.parametrize(
    ("thing", "held"),
    [
        (Slots(), {"free": 4, "__odd__": 3, "_Slots__private": 2, "plain": 1}),
        (OneSlot(), {"value": 5}),
        (_Hidden(), {"_Hidden__value": 6}),
        (Xray_(), {"_Xray___value": 7}),
        (Child(), {"more": 8, "value": 5}),
        (Lazy(2), {"size": 2}),
        (Given(1, 9), {"kind": "given", "size": 1, "derived": 2, "_given": 9}),
    ],
    ids=lambda thing: type(thing).__name__,
)
def test_what_an_instance_holds(thing: object, held: dict[str, Any]) -> None:
    assert parameters_of(thing, "it", leave_out={"spec"}) == held


def test_what_a_dataclass_loads_on_first_use_is_no_parameter() -> None:
    thing = Lazy()
    before = parameters_of(thing, "it")
    thing.use()
    assert parameters_of(thing, "it") == before == {"size": 1}


def test_what_is_left_out_is_left_out() -> None:
    assert parameters_of(Inner((1, 2)), "it", leave_out={"other"}) == {"size": [1, 2]}
    assert set(parameters_of(Given(1, 9), "it")) == {"kind", "spec", "size", "derived", "_given"}
