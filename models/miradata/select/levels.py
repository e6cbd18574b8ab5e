"""Strictness levels: a file of thresholds applied to stored scores, nested by construction.

A clip is in a level if it keeps the hard limits and the rules of that level *and of every level
before it*. So a stricter level is always a part of the looser ones, whatever numbers the file holds.
Nothing is measured here: another threshold is another reading of a table.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, ValidationError, model_validator

from mirabench.errors import InputError, UnknownNameError
from mirabench.extras import needs_extra
from mirabench.files import write_text
from miradata.config import Section
from miradata.tables.scores import Values

DEFAULT = "levels.yaml"
"""The thresholds that come with the package."""

Text = Annotated[str, Field(min_length=1)]


class Rule(Section):
    """Bounds of one metric, both ends included."""

    metric: Text
    least: float | None = None
    most: float | None = None
    origin: Text
    """Where the numbers come from: published, inferred, recalled, ours, or calibrated on what."""

    @model_validator(mode="after")
    def _bounds_something(self) -> Rule:
        if self.least is None and self.most is None:
            raise ValueError(f"the rule for {self.metric} has neither `least` nor `most`")
        if self.least is not None and self.most is not None and self.least > self.most:
            raise ValueError(f"the rule for {self.metric} has `least` above `most`")
        return self

    def kept(self, values: NDArray[np.float64]) -> NDArray[np.bool_]:
        """(N,) which values are within the bounds; NaN never is."""
        inside = ~np.isnan(values)
        if self.least is not None:
            inside &= values >= self.least
        if self.most is not None:
            inside &= values <= self.most
        return inside

    def complaint(self, value: float) -> str:
        """Why a value is not within the bounds."""
        if np.isnan(value):
            return f"no score of {self.metric}"
        if self.least is not None and value < self.least:
            return f"{self.metric} {value:.4g} is below {self.least:.4g}"
        return f"{self.metric} {value:.4g} is above {self.most:.4g}"


class Level(Section):
    """One level: its rules hold besides those of the levels before it."""

    name: Text
    target: Annotated[float, Field(gt=0, le=1)] | None = None
    """Share of the reference clips that calibration aimed at."""
    achieved: Annotated[float, Field(ge=0, le=1)] | None = None
    """Share that it got; ties and few clips keep them apart."""
    rules: tuple[Rule, ...] = ()


class Thresholds(Section):
    """A thresholds file."""

    format: Literal[1] = 1
    name: Text
    version: Text
    note: str = ""
    """What it was made from, for people."""
    limits: tuple[Rule, ...] = ()
    """Hold in every level."""
    levels: Annotated[tuple[Level, ...], Field(min_length=1)]
    """From the loosest to the strictest."""

    @model_validator(mode="after")
    def _names_differ(self) -> Thresholds:
        names = [level.name for level in self.levels]
        if len(set(names)) < len(names):
            raise ValueError("two levels have the same name")
        return self

    @property
    def metrics(self) -> list[str]:
        """Every metric that a rule speaks of."""
        rules = [*self.limits, *(rule for level in self.levels for rule in level.rules)]
        return sorted({rule.metric for rule in rules})

    def index(self, level: str) -> int:
        """The place of a level; of the empty name, that of the loosest.

        Raises:
            UnknownNameError: no such level.
        """
        names = [found.name for found in self.levels]
        if not level:
            return 0
        if level not in names:
            raise UnknownNameError("level", level, names)
        return names.index(level)


@dataclass(frozen=True, slots=True)
class Decision:
    """The strictest level of one clip."""

    level: int
    """Its place in the file; -1 when the clip is in none."""
    metric: str = ""
    """What keeps it out of the next level; empty in the strictest."""
    reason: str = ""
    """The same as a sentence."""


def decide(thresholds: Thresholds, values: Values, count: int) -> list[Decision]:
    """The strictest level of each of `count` clips.

    A metric that no clip has a score of is not asked for (`unmeasured` lists them); a clip without
    a score that others have is out.
    """
    gone = set(unmeasured(thresholds, values))
    level = np.full(count, len(thresholds.levels) - 1)
    why: list[tuple[str, str]] = [("", "")] * count
    open_ = np.ones(count, dtype=bool)
    steps = [(-1, rule) for rule in thresholds.limits]
    steps += [
        (place - 1, rule) for place, found in enumerate(thresholds.levels) for rule in found.rules
    ]
    for reached, rule in steps:
        if rule.metric in gone:
            continue
        column = values[rule.metric]
        for row in np.flatnonzero(open_ & ~rule.kept(column)):
            level[row] = reached
            why[row] = (rule.metric, rule.complaint(float(column[row])))
            open_[row] = False
    return [Decision(int(n), *said) for n, said in zip(level, why, strict=True)]


def unmeasured(thresholds: Thresholds, values: Values) -> list[str]:
    """The metrics that rules speak of and no clip has a score of; their rules do not apply."""
    return [
        metric
        for metric in thresholds.metrics
        if metric not in values or bool(np.isnan(values[metric]).all())
    ]


def load_thresholds(path: Path | None = None) -> Thresholds:
    """A thresholds file (YAML); without a path, the one that comes with the package.

    Raises:
        InputError: it cannot be read, or a key or value is refused; all are named.
        MissingExtraError: pyyaml is missing.
    """
    where = str(path or DEFAULT)
    try:
        source = path or files("miradata.select").joinpath(DEFAULT)
        text = source.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"cannot read {where}: {error}") from error
    return _validated(_yaml_values(text, where), where)


def save_thresholds(path: Path, thresholds: Thresholds) -> None:
    """Write a thresholds file.

    Raises:
        OutputError: it cannot be written.
        MissingExtraError: pyyaml is missing.
    """
    yaml = _yaml()
    given = thresholds.model_dump(mode="json", exclude_none=True)
    write_text(path, yaml.safe_dump(given, sort_keys=False, allow_unicode=True, width=100))


def _yaml() -> Any:
    with needs_extra("data", "thresholds need pyyaml"):
        import yaml  # extra `data`
    return yaml


def _yaml_values(text: str, where: str) -> Any:
    yaml = _yaml()
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise InputError(f"{where} is not valid YAML: {' '.join(str(error).split())}") from error


def _validated(given: Any, where: str) -> Thresholds:
    try:
        return Thresholds.model_validate(given)
    except ValidationError as error:
        said: Sequence[str] = [
            f"{'.'.join(map(str, e['loc'])) or 'the file'}: {e['msg']}" for e in error.errors()
        ]
        raise InputError(f"{where}: {'; '.join(said)}") from error
