"""What an attack is: a change of a clip, and how a sane metric reacts to it.

Four reactions can be declared for a metric, or for all metrics of a dimension:

- `DROP`: the degraded copy must rank below the clean clip: a worse value, or a status other than `ok`;
- `RISE`: it must rank above, by more than the tolerance;
- `STAY`: its value must stay within the tolerance, and its status `ok`;
- `NO_GAIN`: it may stay or drop, but must not rank above by more than the tolerance.

What is not declared is reported and not judged: a metric need not react to what it does not measure.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from mirabench.errors import InputError
from mirabench.inputs.prompts import Prompt
from mirabench.metrics.api import DIMENSIONS, MetricSpec
from mirabench.video.frames import UInt8Array

Reaction = Literal["drop", "rise", "stay", "no gain"]
DROP: Reaction = "drop"
RISE: Reaction = "rise"
STAY: Reaction = "stay"
NO_GAIN: Reaction = "no gain"
REACTIONS = (DROP, NO_GAIN, STAY, RISE)
"""In the order of the tables."""

TEMPORAL, MOTION, THREE_D, QUALITY, TEXT, DISTRIBUTION = DIMENSIONS

KINDS = ("time", "still", "scene", "picture", "overlay", "encoding")
"""What is tampered with, in the order of the tables."""


@dataclass(frozen=True, slots=True, eq=False)
class Footage:
    """A clip in memory."""

    name: str
    frames: UInt8Array
    """uint8 RGB (T, H, W, 3)."""
    fps: float
    prompt: Prompt | None = None
    """What it was asked to show, for metrics that compare with text."""
    rendered: bool = False
    """Whether this project rendered it, so that it is not a camera's or generator's video."""

    def with_frames(self, frames: UInt8Array, fps: float | None = None) -> Footage:
        """The same clip with other frames, at another rate if one is given."""
        return replace(self, frames=frames, fps=self.fps if fps is None else fps)


@dataclass(frozen=True, slots=True)
class Attack:
    """One way to degrade a clip, and the reactions that it declares."""

    name: str
    kind: str
    """One of `KINDS`."""
    does: str
    """What is done to the clip, in a few words."""
    pretends: str
    """What a generator would win if nobody noticed."""
    change: Callable[[Footage], Footage]
    """The change: pure, deterministic, for clips of two frames or more."""
    expects: Mapping[str, Reaction | None] = field(default_factory=dict)
    """Metric or dimension -> reaction; a metric's own entry goes before its dimension's, None takes it back."""
    version: int = 1
    """Raised whenever the frames, or what is declared, change."""

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise InputError(f"the attack {self.name!r} has the unknown kind {self.kind!r}")

    @property
    def key(self) -> str:
        """Name and version, as `freeze@1`."""
        return f"{self.name}@{self.version}"

    def expected(self, metric: MetricSpec) -> Reaction | None:
        """What is declared for a metric; None when nothing is."""
        return self.expects.get(metric.name, self.expects.get(metric.dimension))

    def applied(self, clip: Footage) -> Footage:
        """The degraded copy, named `CLIP/ATTACK`.

        Raises:
            InputError: the clip has fewer than two frames.
        """
        if len(clip.frames) < 2:
            raise InputError(f"{clip.name} has one frame: an attack needs at least two")
        return replace(self.change(clip), name=f"{clip.name}/{self.name}")
