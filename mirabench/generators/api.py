"""What a generator is, and how one is built from `key=value` options.

A package adds a generator with one line in its own `pyproject.toml`:

    [project.entry-points."mirabench.generators"]
    my-model = "my_package.backend:MyModel"

The class is a frozen dataclass whose fields are its options. It is built once more in the process
that generates, so a field holds a setting, never a loaded network.
"""

from __future__ import annotations

import dataclasses
import types
from collections.abc import Iterable
from pathlib import Path
from typing import (
    Any,
    Literal,
    Protocol,
    Union,
    get_args,
    get_origin,
    get_type_hints,
    runtime_checkable,
)

from mirabench import registry
from mirabench.errors import InputError, PluginError, UnknownNameError
from mirabench.generators.orders import OrderBook
from mirabench.inputs.prompts import Prompt

_TRUE, _FALSE = ("true", "yes", "1", "on"), ("false", "no", "0", "off")


@runtime_checkable
class Generator(Protocol):
    """What turns a prompt into a video file."""

    @property
    def name(self) -> str:
        """The name it is registered under; goes into the manifest."""
        ...

    def describe(self) -> dict[str, str]:
        """`revision`, and every setting that can change a pixel; never a secret.

        Called once a run, before the first clip and without a time limit: the place to download.
        """
        ...

    def generate(self, prompt: Prompt, *, seed: int, output: Path) -> None:
        """Write one video file at `output`, whose folder exists.

        Raises:
            GeneratorError: this clip failed; the run records why and goes on.
            MirabenchError: any other one says that no clip can work, and ends the run.
        """
        ...


@runtime_checkable
class Service(Generator, Protocol):
    """A generator whose clips are ordered from others, and may cost money."""

    price: float
    """Of one clip; 0 when nobody said."""

    def order(self, prompt: Prompt, *, seed: int, output: Path, folder: Path | None) -> None:
        """As `generate`; what was ordered is noted in the run's folder, and never ordered twice."""
        ...

    def orders(self, folder: Path | None) -> OrderBook:
        """What was ordered in a run's folder."""
        ...


def build(name: str, options: Iterable[str] = ()) -> Generator:
    """The generator registered under `name`, with options given as `key=value` texts.

    Raises:
        UnknownNameError: no such generator, or it has no such option.
        InputError: an option is no `key=value`, is missing, or is not of its field's type.
        PluginError: what is registered is not a generator.
    """
    kind = registry.load(registry.GENERATORS, name)
    if not (isinstance(kind, type) and dataclasses.is_dataclass(kind)):
        raise PluginError(f"the generator {name!r} is not a dataclass: its fields are its options")
    given = dict(_split(name, text) for text in options)
    hints = get_type_hints(kind)
    fields = {f.name: f for f in dataclasses.fields(kind) if f.init}
    for key in given:
        if key not in fields:
            raise UnknownNameError(f"option of the generator {name!r}", key, fields)
    missing = [key for key, field in fields.items() if key not in given and _required(field)]
    if missing:
        raise InputError(
            f"the generator {name!r} needs {' and '.join(missing)}: "
            + " ".join(f"--option {key}=..." for key in missing)
        )
    generator = kind(**{key: _parsed(hints[key], key, text) for key, text in given.items()})
    if not isinstance(generator, Generator):
        raise PluginError(f"the generator {name!r} lacks name, describe or generate")
    return generator


def _required(field: dataclasses.Field[Any]) -> bool:
    return field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING


def _split(name: str, text: str) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    if not equals or not key.strip():
        raise InputError(f"option {text!r} of the generator {name!r}: write it as key=value")
    return key.strip().replace("-", "_"), value


def _parsed(hint: Any, key: str, text: str) -> Any:
    """The text as a value of the field's type; the types are str, int, float, bool, Path, or None."""
    if get_origin(hint) in (Union, types.UnionType):
        if text.lower() == "none":
            return None
        hint = next(arg for arg in get_args(hint) if arg is not type(None))
    if get_origin(hint) is Literal:
        if text not in get_args(hint):
            raise UnknownNameError(f"value of the option {key}", text, get_args(hint))
        return text
    if hint is bool:
        return _boolean(key, text)
    try:
        return hint(text)
    except ValueError as error:
        expected = {int: "a whole number", float: "a number"}.get(hint, hint.__name__)
        raise InputError(f"option {key}={text}: {key} is {expected}") from error


def _boolean(key: str, text: str) -> bool:
    if text.lower() in _TRUE:
        return True
    if text.lower() in _FALSE:
        return False
    raise InputError(f"option {key}={text}: {key} is true or false")
