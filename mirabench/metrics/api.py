"""The contract of a metric: a description, and arithmetic on features.

A metric of scope `clip` turns the features of one clip into a `Measured` value; a metric of scope
`set` compares the features of all generated clips with those of all reference clips. Neither reads
files, decodes frames or runs networks, so both are tested with arrays written by hand.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol, runtime_checkable

import numpy as np

from mirabench.errors import MetricError
from mirabench.features.api import FeatureRef, FeatureTable
from mirabench.inputs.prompts import Prompt
from mirabench.shapes import Float, Float64
from mirabench.video.frames import VideoInfo

Status = Literal["ok", "degenerate", "truncated"]
Scope = Literal["clip", "set"]

DIMENSIONS = (
    "temporal consistency",
    "motion strength",
    "3D consistency",
    "visual quality",
    "text alignment",
    "distribution similarity",
)
"""MiraBench's six groups of metrics, in the paper's order."""

DESCRIPTIVE_DIMENSIONS = ("motion strength",)
"""Where more is not better by itself: a comparison says higher or lower, never better."""


@dataclass(frozen=True, slots=True)
class MetricSpec:
    """What a metric measures and how to read it."""

    name: str
    version: int
    """Raised whenever the numbers change."""
    dimension: str
    """One of `DIMENSIONS`."""
    summary: str
    """One sentence, shown beside the number."""
    unit: str
    """Empty for a pure number."""
    range: tuple[float, float]
    """The values it can take."""
    higher_is_better: bool
    needs: Mapping[str, FeatureRef]
    """Key under which `compute` finds the table -> which feature."""
    scope: Scope = "clip"
    degenerate_when: tuple[str, ...] = ()
    """Health flags under which the number says nothing, so that its status is `degenerate`."""
    needs_prompt: bool = False
    source: str = ""
    """Paper, equation, code."""
    non_commercial: bool = False
    """Whether the weights or code behind it forbid commercial use."""
    resolution_invariant: bool | None = None
    """Whether half the width and height gives the same number, to a tenth (or `same_within`);
    None declares nothing."""
    fps_invariant: bool | None = None
    """Whether the same movement at half the frame rate gives the same number, to a tenth."""
    same_within: float = 0.0
    """Difference, in the metric's unit, that counts as none: of values near 0 a tenth says nothing."""
    relative_error: float | None = None
    """Share of its value by which an encoding that looks the same moves the mean over clips: smaller
    differences are not called better or worse. None declares nothing."""
    absolute_error: float = 0.0
    """Difference, in the metric's unit, below which nothing is called better or worse, near 0 too."""
    worsened_by: tuple[str, float] | None = None
    """A function of `mirabench.testing.degrade` and its strength, after which no clip scores better."""

    def __post_init__(self) -> None:
        if self.dimension not in DIMENSIONS:
            raise ValueError(f"{self.name}: unknown dimension {self.dimension!r}")


@dataclass(frozen=True, slots=True, eq=False)
class Curve:
    """A value over time within a clip, for finding where something happened."""

    seconds: Float64[np.ndarray, " N"]
    values: Float[np.ndarray, " N"]
    over: Literal["time", "lag"] = "time"
    """What `seconds` are: moments of the clip, or distances between its moments."""


@dataclass(frozen=True, slots=True)
class Measured:
    """What a metric found in one clip."""

    value: float
    status: Status = "ok"
    why: str = ""
    """Why the status is not `ok`."""
    curve: Curve | None = field(default=None, compare=False)

    def __post_init__(self) -> None:
        _require_finite(self.value)


@dataclass(frozen=True, slots=True)
class SetMeasured:
    """What a metric found between two sets of clips."""

    value: float
    standard_error: float | None
    """Of the value, such as from a jackknife over clips; None where there are too few for one."""
    n: int
    """Generated clips behind the number."""
    status: Status = "ok"
    why: str = ""
    degrees_of_freedom: float | None = None
    """Of the standard error; need not be whole. None: one less than `n`, which is right where each generated
    clip is left out in turn and the reference adds nothing to the error."""

    def __post_init__(self) -> None:
        _require_finite(self.value)
        if self.standard_error is not None:
            _require_finite(self.standard_error)
        if self.degrees_of_freedom is not None and not self.degrees_of_freedom > 0:
            raise MetricError(
                f"degrees_of_freedom is {self.degrees_of_freedom}: give a number above 0, "
                "or None for one less than n"
            )


def _require_finite(value: float) -> None:
    if not math.isfinite(value):
        raise MetricError(f"the computation gave {value}, which is no measurement")


@dataclass(frozen=True, slots=True)
class Score:
    """A number that says how far to trust it."""

    value: float
    status: Status
    protocol: str
    """What was measured and how, in short; the report spells each id out."""
    why: str = ""
    curve: Curve | None = field(default=None, compare=False, repr=False)

    def __post_init__(self) -> None:
        _require_finite(self.value)


@dataclass(frozen=True, slots=True)
class Failure:
    """Why there is no number."""

    reason: str
    kind: Literal["failed", "not_applicable"] = "failed"


@dataclass(frozen=True, slots=True)
class ClipInputs:
    """All that a metric may look at in one clip."""

    video: VideoInfo
    features: Mapping[str, FeatureTable]
    prompt: Prompt | None = None
    clip_id: str = ""

    def __getitem__(self, key: str) -> FeatureTable:
        return self.features[key]


@runtime_checkable
class Metric(Protocol):
    """What every metric has."""

    @property
    def spec(self) -> MetricSpec:
        """What it measures."""
        ...


@runtime_checkable
class ClipMetric(Metric, Protocol):
    """A metric of scope `clip`: a frozen dataclass whose fields are its parameters."""

    def compute(self, clip: ClipInputs) -> Measured:
        """The value for one clip.

        Raises:
            MetricError: the clip does not allow it; the text says why.
            NotApplicable: the clip asks for nothing that is measured here.
        """
        ...


@runtime_checkable
class SetMetric(Metric, Protocol):
    """A metric of scope `set`."""

    def compare(
        self, generated: Sequence[ClipInputs], reference: Sequence[ClipInputs]
    ) -> SetMeasured:
        """The distance between two sets of clips.

        Raises:
            MetricError: too few clips; the text says how many are needed.
        """
        ...


@dataclass(frozen=True, slots=True)
class ClipFormula:
    """A metric of scope `clip` without parameters: what it measures, and the function that measures it.

    One row of a family's table; entry points name it as it stands. A metric with parameters is a dataclass
    of its own with a method `compute`.
    """

    spec: MetricSpec
    formula: Callable[..., Measured]
    """Of the clip and `arguments`; a function of a module, so that worker processes find it."""
    arguments: tuple[str | float, ...] = ()
    """What tells this row from the others of its family. No parameters: name and version stand for them."""

    def compute(self, clip: ClipInputs) -> Measured:
        """What the formula says."""
        return self.formula(clip, *self.arguments)


Groups = Sequence[Float64[np.ndarray, "N D"]]
"""The vectors of several clips, an array a clip."""


@dataclass(frozen=True, slots=True)
class SetFormula:
    """A metric of scope `set` without parameters: the vectors of a clip, and the distance of two sets of them.

    The vectors are all that it takes from a clip, so that those of a reference can be kept in a file
    (`mirabench reference build`) and compared with later. A metric that needs more of its clips is a dataclass
    of its own with a method `compare`.
    """

    spec: MetricSpec
    vectors: Callable[[ClipInputs], Float64[np.ndarray, "N D"]]
    """What stands for a clip, float64 (N, D); none where it has nothing to compare."""
    formula: Callable[[Groups, Groups], SetMeasured]
    """Of the vectors of the generated and of the reference clips that have any."""

    def described(self, clips: Sequence[ClipInputs]) -> list[Float64[np.ndarray, "N D"]]:
        """The vectors of each clip that has any, in order."""
        return [rows for clip in clips if len(rows := self.vectors(clip))]

    def compare(
        self, generated: Sequence[ClipInputs], reference: Sequence[ClipInputs]
    ) -> SetMeasured:
        """What the formula says of the clips' vectors.

        Raises:
            MetricError: fewer than two clips of a side have vectors.
        """
        return self.between(self.described(generated), self.described(reference))

    def between(self, generated: Groups, reference: Groups) -> SetMeasured:
        """What the formula says of vectors that were described before.

        Raises:
            MetricError: fewer than two clips of a side have vectors.
        """
        if min(len(generated), len(reference)) < 2:
            raise MetricError(
                f"needs at least two clips on each side, got {len(generated)} generated and "
                f"{len(reference)} reference"
            )
        return self.formula(generated, reference)


def code_of(metric: Metric) -> Callable[..., object]:
    """The class or the function that a metric is made of: where it lives, and how it is called there."""
    return metric.formula if isinstance(metric, ClipFormula | SetFormula) else type(metric)
