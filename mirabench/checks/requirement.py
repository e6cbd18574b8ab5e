"""What one check demands of one metric: bounds, or to be no worse than an earlier report."""

from __future__ import annotations

import difflib
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator
from pydantic_core import ErrorDetails

from mirabench.errors import InputError, UnknownNameError
from mirabench.metrics.health import FLAGS

BASELINE = "baseline"
"""What `not_worse_than` says when it means the baseline of the check file or of the command."""


class Strict(BaseModel):
    """Settings of everything that a person writes down: no unknown key, no NaN, no guessing of types."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False, strict=True, frozen=True)


class Requirement(Strict):
    """One entry of `checks:`, and the arguments of `assert_metric`."""

    metric: str
    min: float | None = Field(default=None, description="The least value that passes.")
    max: float | None = Field(default=None, description="The greatest value that passes.")
    not_worse_than: str | None = Field(
        default=None,
        description="`baseline`, or a report: fails when significantly worse, clip by clip.",
    )
    each_clip: bool = Field(
        default=False,
        description="Whether every clip must keep within the bounds, not just their mean.",
    )
    min_coverage: float | None = Field(
        default=None,
        ge=0,
        le=1,
        description="Least share of clips whose number counts; 1 where there are bounds.",
    )
    refuse: list[str] = Field(
        default_factory=list,
        description="Health flags that no clip may raise, `unverified` for one.",
    )

    @field_validator("refuse")
    @classmethod
    def _are_flags(cls, flags: list[str]) -> list[str]:
        for flag in flags:
            if flag not in FLAGS:
                raise ValueError(f"refuse: {UnknownNameError('health flag', flag, FLAGS)}")
        return flags

    @model_validator(mode="after")
    def _can_be_met(self) -> Requirement:
        if not (self.has_bounds or self.not_worse_than is not None or self.refuse):
            raise ValueError(
                f"{self.metric} requires nothing: give min, max, not_worse_than or refuse"
            )
        if self.min is not None and self.max is not None and self.min > self.max:
            raise ValueError(
                f"{self.metric} can never pass: min {self.min:g} is above max {self.max:g}"
            )
        return self

    @property
    def has_bounds(self) -> bool:
        """Whether a value is compared with a fixed number."""
        return self.min is not None or self.max is not None

    @property
    def coverage(self) -> float:
        """The share of clips that must have a valid score.

        A mean over the clips that are left would pass when all the others went wrong, so bounds ask for
        every clip. A comparison with a baseline judges lost clips itself.
        """
        if self.min_coverage is not None:
            return self.min_coverage
        return 1.0 if self.has_bounds else 0.0

    def __str__(self) -> str:
        bounds = [("min", self.min), ("max", self.max)]
        words = [f"{name} {value:g}" for name, value in bounds if value is not None]
        if self.not_worse_than is not None:
            words.append(f"not worse than {self.not_worse_than}")
        if self.min_coverage is not None:
            words.append(f"coverage {self.min_coverage:.0%}")
        words += [f"no {flag} clip" for flag in self.refuse]
        each = " in each clip" if self.each_clip else ""
        return f"{self.metric} {', '.join(words)}{each}"


def requirement(**values: Any) -> Requirement:
    """A requirement from arguments.

    Raises:
        InputError: a min above the max, a NaN, or nothing asked for.
    """
    try:
        return Requirement(**values)
    except ValidationError as error:
        raise InputError(sentence(most_telling(error), Requirement)) from error


def most_telling(error: ValidationError) -> ErrorDetails:
    """The first unknown key, because a typo explains the missing key beside it; else the first error."""
    found = error.errors()
    return next((e for e in found if e["type"] == "extra_forbidden"), found[0])


def sentence(error: ErrorDetails, model: type[BaseModel]) -> str:
    """One of pydantic's errors in our words.

    Args:
        error: One entry of `ValidationError.errors()`.
        model: Whose keys are offered for a mistyped one.
    """
    key = str(error["loc"][-1]) if error["loc"] else ""
    if error["type"] == "extra_forbidden":
        known = list(model.model_fields)
        near = difflib.get_close_matches(key, known, n=1, cutoff=0.5)
        hint = f"did you mean {near[0]!r}?" if near else f"known are {', '.join(known)}"
        return f"unknown key {key!r}: {hint}"
    if error["type"] == "missing":
        return f"the key {key!r} is missing"
    if error["type"] == "value_error":
        return error["msg"].removeprefix("Value error, ")
    place = f"{key}: " if key else ""
    return f"{place}{error['msg'][:1].lower()}{error['msg'][1:]}, not {error['input']!r}"
