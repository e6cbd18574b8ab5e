"""The contract of a feature: an extractor that streams a clip and leaves a small table.

A feature is compact by design: rows per frame, per pair of frames or per track, never a picture
per frame. That is what keeps memory bounded while frames stream by, lets the table be cached, and
lets metrics be plain arithmetic on it.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from mirabench import registry
from mirabench.errors import InputError, PluginError
from mirabench.identity import canonical, parameters_of, unset_additions
from mirabench.inputs.prompts import Prompt
from mirabench.video.frames import FrameBatch, IntArray, VideoInfo
from mirabench.video.resize import Resize

Array = NDArray[Any]
Parameter = int | float | str | bool | None | Sequence[Any] | Mapping[str, Any]
"""What a suite may give a metric or a feature: a value that a TOML file can hold."""


@dataclass(frozen=True, slots=True, eq=False)
class FeatureTable:
    """Named arrays: columns of equal length for rows, 0-d arrays for facts of the whole clip."""

    columns: Mapping[str, Array]

    def __getitem__(self, name: str) -> Array:
        return self.columns[name]

    def __contains__(self, name: str) -> bool:
        return name in self.columns

    def __repr__(self) -> str:
        shapes = ", ".join(f"{k} {v.shape}" for k, v in self.columns.items())
        return f"FeatureTable({shapes})"

    def number(self, name: str) -> float:
        """A fact of the whole clip, as a float."""
        return float(self.columns[name])


@runtime_checkable
class Session(Protocol):
    """One clip on its way through an extractor. Owns whatever must survive between batches."""

    def push(self, batch: FrameBatch) -> None:
        """Take the next selected frames, already resized. Batch size must not change a number."""
        ...

    def finish(self) -> FeatureTable:
        """The table, once every selected frame was pushed.

        Raises:
            MetricError: the clip does not allow the feature; the text says why.
        """
        ...


@runtime_checkable
class Extractor(Protocol):
    """What computes a feature: a frozen dataclass whose fields are the parameters.

    Two extractors that compare equal compute the same thing, so it is computed once.
    """

    @property
    def name(self) -> str:
        """The registered name."""
        ...

    @property
    def version(self) -> int:
        """Raised whenever the numbers change."""
        ...

    @property
    def resize(self) -> Resize | None:
        """How frames are resized before they are pushed; None leaves them as they are."""
        ...

    def select(self, video: VideoInfo) -> IntArray:
        """(N,) positions of the frames to look at, increasing."""
        ...

    def open(self, video: VideoInfo) -> Session:
        """Start on a clip."""
        ...


@runtime_checkable
class TextExtractor(Protocol):
    """What computes a feature of a prompt; computed once per text, whatever the clips."""

    @property
    def name(self) -> str:
        """The registered name."""
        ...

    @property
    def version(self) -> int:
        """Raised whenever the numbers change."""
        ...

    def text_of(self, prompt: Prompt) -> str:
        """The text that is looked at; the cache's key.

        Raises:
            NotApplicable: the prompt has no such text.
        """
        ...

    def embed(self, text: str) -> FeatureTable:
        """The table of a text."""
        ...


AnyExtractor = Extractor | TextExtractor


@dataclass(frozen=True, slots=True)
class FeatureRef:
    """A metric's request for a feature: the registered name and the parameters that differ."""

    name: str
    parameters: tuple[tuple[str, Parameter], ...] = ()

    @classmethod
    def of(cls, name: str, **parameters: Parameter) -> FeatureRef:
        """A request with keyword parameters; lists become tuples, so that equal requests are one."""
        return cls(name, tuple((key, _hashable(parameters[key])) for key in sorted(parameters)))

    def resolve(self) -> AnyExtractor:
        """Build the extractor.

        Raises:
            UnknownNameError: no feature of that name is registered.
            InputError: a parameter is not one of the feature's.
            PluginError: the registered object is not an extractor.
        """
        built = build(registry.FEATURES, self.name, dict(self.parameters))
        if not isinstance(built, Extractor | TextExtractor):
            raise PluginError(f"the feature {self.name!r} is not an Extractor: {built!r}")
        return built


def _hashable(value: Parameter) -> Parameter:
    return tuple(map(_hashable, value)) if isinstance(value, list | tuple) else value


def build(group: str, name: str, parameters: Mapping[str, Any]) -> Any:
    """Instantiate a registered dataclass with these parameters; a registered instance is complete as it is.

    Raises:
        InputError: a parameter is unknown or its value is refused.
    """
    kind = registry.KINDS[group]
    found = registry.load(group, name)
    fields = dataclasses.fields(found) if dataclasses.is_dataclass(found) else ()
    complete = bool(fields) and not isinstance(found, type)
    known = [] if complete else [f.name for f in fields]
    unknown = sorted(set(parameters) - set(known))
    if unknown:
        raise InputError(
            f"the {kind} {name!r} has no parameter {unknown[0]!r}: "
            f"it has {', '.join(known) or 'none'}"
        )
    try:
        return found if complete else found(**parameters)
    except (TypeError, ValueError) as error:
        raise InputError(f"the {kind} {name!r} refuses its parameters: {error}") from error


def feature_identity(extractor: AnyExtractor) -> dict[str, Any]:
    """Everything about an extractor that may change a number, as plain JSON values.

    Raises:
        PluginError: a parameter has no form that an id could hold.
    """
    what = f"the feature {extractor.name!r}"
    fields = parameters_of(extractor, what)
    identity = {"feature": extractor.name, "version": extractor.version, **fields}
    resize = getattr(extractor, "resize", None)
    if resize is not None:
        unset = unset_additions(resize)
        sizes = {k: v for k, v in dataclasses.asdict(resize).items() if k not in unset}
        identity["resize"] = canonical(sizes, f"`resize` of {what}")
    if weights_of(extractor):
        identity["weights"] = list(weights_of(extractor))
    return identity


def weights_of(extractor: AnyExtractor) -> tuple[str, ...]:
    """The names of the weight cards behind a learned feature; empty for the others."""
    return tuple(getattr(extractor, "weights", ()))


def code_of(extractor: AnyExtractor) -> tuple[str, ...]:
    """The names of the cards of code that cannot be installed as a package; usually empty."""
    return tuple(getattr(extractor, "code", ()))


def as_table(**columns: Any) -> FeatureTable:
    """A table from lists, arrays and numbers."""
    return FeatureTable({name: np.asarray(values) for name, values in columns.items()})
