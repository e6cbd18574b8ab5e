"""What an object's identity is made of, as plain JSON values: the ground that every id stands on.

Two things of different parameters must never share an id, and one thing must have the same id in every
process. So each value has exactly one form here, and a value without one is refused: its text could hold an
address in memory, or leave out what matters.
"""

from __future__ import annotations

import dataclasses
import hashlib
import inspect
import json
import math
from collections.abc import Mapping, Set
from contextlib import suppress
from enum import Enum
from fractions import Fraction
from functools import cached_property
from pathlib import PurePath
from typing import Any

import numpy as np

from mirabench.errors import PluginError

KINDS = "numbers, texts, truth values, None, enums, and tuples, lists, sets, mappings or dataclasses of them"

ADDED: Mapping[str, bool] = {"added": True}
"""Metadata of a dataclass field that came after ids were published: at its default it enters none."""


def canonical(value: object, where: str) -> Any:
    """The one JSON form of a value.

    Numbers, texts, truth values and None are themselves (1, 1.0 and True differ); tuples and lists are lists.
    What JSON lacks is a mapping with one key that begins with `$`: a set, an enum, a fraction, a dataclass, a
    mapping whose keys are not texts, a float that is not finite.

    Args:
        value: What enters an identity.
        where: Whose it is, for the message: `the parameter 'k' of the metric 'm'`.

    Raises:
        PluginError: the value has no such form.

    Example:
        >>> canonical({"size": (1, 2), "scale": 1.0, "only": {3}}, "an example")
        {'size': [1, 2], 'scale': 1.0, 'only': {'$set': [3]}}
    """
    if isinstance(value, Enum):
        name = value.name or repr(value.value)  # before Python 3.11 a union of flags has no name
        return {"$enum": f"{type(value).__qualname__}.{name}"}
    if isinstance(value, np.generic) and not isinstance(value.item(), np.generic):
        return canonical(value.item(), where)
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else {"$float": repr(float(value))}
    if isinstance(value, Fraction):
        return {"$fraction": str(value)}
    return _of_parts(value, where)


def _of_parts(value: object, where: str) -> Any:
    if isinstance(value, Mapping):
        return _mapping(value, where)
    if isinstance(value, tuple | list):
        return [canonical(part, where) for part in value]
    if isinstance(value, Set):
        return {"$set": sorted((canonical(part, where) for part in value), key=_text)}
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {"$" + type(value).__qualname__: parameters_of(value, where)}
    raise PluginError(
        f"{where} is {_shown(value)}, which has no form that an id could hold: use {KINDS}"
    )


def _mapping(value: Mapping[Any, Any], where: str) -> dict[str, Any]:
    plain = all(isinstance(key, str) and not isinstance(key, Enum) for key in value)
    if plain and not any(key.startswith("$") for key in value):
        return {str(key): canonical(part, where) for key, part in value.items()}
    pairs = [[canonical(key, where), canonical(part, where)] for key, part in value.items()]
    return {"$mapping": sorted(pairs, key=_text)}


def _text(form: object) -> str:
    return json.dumps(form, sort_keys=True)


def _shown(value: object) -> str:
    if isinstance(value, PurePath):
        return f"the path {str(value)!r}"  # a name does not tell what the file holds
    return f"of the type {type(value).__module__}.{type(value).__qualname__}"


def parameters_of(thing: object, what: str, leave_out: Set[str] = frozenset()) -> dict[str, Any]:
    """Every value that makes this instance what it is, by name, in canonical form.

    The fields of a dataclass, or whatever else the instance holds where it is none. What is cached on first use
    follows from the others and stays out. A class's own constants are told by its version; those with a form
    enter nevertheless, because a subclass may change them.

    Raises:
        PluginError: a value has no canonical form.
    """
    found = {
        name: canonical(value, f"the parameter {name!r} of {what}")
        for name, value in _state(thing).items()
    }
    everything = {**_constants(thing), **found}
    return {name: form for name, form in everything.items() if name not in leave_out}


def _state(thing: object) -> dict[str, object]:
    if isinstance(thing, tuple) and hasattr(thing, "_asdict"):
        return dict(thing._asdict())
    names = _fields(thing)
    if not names or _given(thing) - set(names):  # what is given may be held under any name
        names += _held(thing)
    unset = unset_additions(thing)
    return {name: getattr(thing, name) for name in dict.fromkeys(names) if name not in unset}


def unset_additions(thing: object) -> set[str]:
    """The names of the dataclass fields marked `ADDED` that hold their default: they enter no id."""
    fields = dataclasses.fields(thing) if dataclasses.is_dataclass(thing) else ()
    return {
        f.name for f in fields if f.metadata.get("added") and getattr(thing, f.name) == f.default
    }


def _fields(thing: object) -> list[str]:
    return [f.name for f in dataclasses.fields(thing)] if dataclasses.is_dataclass(thing) else []


def _given(thing: object) -> set[str]:
    """The names of what the constructor takes."""
    return set(inspect.signature(type(thing)).parameters)


def _held(thing: object) -> list[str]:
    """The names of what an instance holds in its slots and its dictionary."""
    names = list(getattr(thing, "__dict__", {}))
    for cls in type(thing).__mro__:
        slots = cls.__dict__.get("__slots__", ())
        names += [_mangled(cls, s) for s in ([slots] if isinstance(slots, str) else slots)]
    return [
        name
        for name in names
        if name not in {"__dict__", "__weakref__"}
        and hasattr(thing, name)
        and not isinstance(getattr(type(thing), name, None), cached_property)
    ]


def _mangled(cls: type, name: str) -> str:
    private = name.startswith("__") and not name.endswith("__")
    return f"_{cls.__name__.lstrip('_')}{name}" if private else name


def _constants(thing: object) -> dict[str, Any]:
    declared = set(getattr(type(thing), "__dataclass_fields__", ()))
    found = {}
    for name in sorted(declared - {*_fields(thing)} - _given(thing)):
        with suppress(PluginError):
            found[name] = canonical(getattr(thing, name), name)
    return found


def digest_of(value: object, length: int = 12) -> str:
    """A short sha256 of a value's canonical form, whatever the order of its keys.

    Raises:
        PluginError: a part of the value has no such form.

    Example:
        >>> digest_of({"a": 1, "b": (2, 3)}) == digest_of({"b": [2, 3], "a": 1})
        True
    """
    text = json.dumps(canonical(value, "a part of an identity"), sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:length]
