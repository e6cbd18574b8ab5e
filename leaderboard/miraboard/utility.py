"""What a clip's number is worth: between 0 and 1, fixed, and depending on nobody else.

    linear       (x - worst) / (best - worst), cut to 0 .. 1: a metric with a finite range, or with ends given
    saturating   x / (half + x) where higher is better, half / (half + x) where lower is: half gives 1/2

A clip that has no valid score is worth 0, which no number can be below: it failed, was not read, was
left out, is degenerate, or is a clip's consistency that hardly moves. So nothing that a submitter leaves out or
declares can raise a score. Whether a prompt asks for what a metric measures at all is read from the prompt, by
the function that the metric itself uses; where it does not, the prompt counts for nobody (`applies`).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from mirabench import toml
from mirabench.errors import NotApplicable, SuiteError
from mirabench.features.api import TextExtractor
from mirabench.inputs.prompts import Prompt
from mirabench.metrics.api import MetricSpec
from mirabench.metrics.camera_caption import asked_moves
from mirabench.metrics.camera_motion_agreement import caption_of

CONSISTENCY = "temporal consistency"
"""The dimension that a frozen picture would win."""
PARALLAX = "3D consistency"
"""The dimension that needs a camera which goes somewhere."""
_ON_THE_SPOT = frozenset({"static", "handheld"})
"""Moves after which the camera is where it was: they show no depth."""


@dataclass(frozen=True, slots=True)
class Utility:
    """One metric's way from number to worth."""

    worst: float = 0.0
    best: float = 1.0
    """Ends of the linear way; `worst` may be the larger one."""
    half: float | None = None
    """The number worth 1/2 on the saturating way, which this chooses."""
    higher_is_better: bool = True
    """Of the saturating way."""

    def __call__(self, value: float) -> float:
        """The worth of a number.

        Example:
            >>> Utility(worst=100, best=0)(25.0), Utility(half=2.0)(6.0)
            (0.75, 0.75)
        """
        if self.half is None:
            found = (value - self.worst) / (self.best - self.worst)
        else:
            size = max(value, 0.0)
            found = (size if self.higher_is_better else self.half) / (self.half + size)
        return min(1.0, max(0.0, found))


def utility_of(spec: MetricSpec, scale: Mapping[str, float] | None = None) -> Utility:
    """A metric's utility: by the scale, or linear within its range where that is finite.

    Args:
        spec: The metric.
        scale: `half`, or `worst` and `best`; None for the bundled one, if there is one.

    Raises:
        SuiteError: the range has no end and no scale says where to stop, or the scale cannot be.
    """
    found = dict(scale if scale is not None else bundled().get(spec.name, {}))
    low, high = spec.range
    if found.keys() == {"half"} and low == 0 and 0 < found["half"] < math.inf:
        return Utility(half=float(found["half"]), higher_is_better=spec.higher_is_better)
    ends = (low, high) if spec.higher_is_better else (high, low)
    if found.keys() == {"worst", "best"}:
        ends = (float(found["worst"]), float(found["best"]))
        found = {}
    right_way = ends[1] > ends[0] if spec.higher_is_better else ends[1] < ends[0]
    if found or not all(map(math.isfinite, ends)) or not right_way:
        raise SuiteError(
            f"{spec.name} ({low:g} .. {high:g}) cannot be ranked by the scale {dict(scale or {})}: "
            "give its track `scales` with `half`, or with `worst` and `best`, in the metric's direction"
        )
    return Utility(*ends)


@cache
def bundled() -> Mapping[str, Mapping[str, float]]:
    """Metric -> scale, of `scales.toml`."""
    text = (files("miraboard") / "scales.toml").read_text(encoding="utf-8")
    found: dict[str, dict[str, Any]] = toml.loads(text)
    return found


def applies(spec: MetricSpec, prompt: Prompt) -> bool:
    """Whether a prompt asks for what a metric measures; nothing else is looked at.

    Example:
        >>> from mirabench.metrics.camera_motion_agreement import CAMERA_MOTION_AGREEMENT
        >>> spec = CAMERA_MOTION_AGREEMENT.spec
        >>> applies(spec, Prompt("a", "The camera pans left.")), applies(spec, Prompt("b", "A dog."))
        (True, False)
    """
    if not all(_has_text(ref.resolve(), prompt) for ref in spec.needs.values()):
        return False
    if spec.name == "camera_motion_agreement":
        return bool(_moves(prompt))
    if spec.dimension == PARALLAX:
        # who is asked to stand still shows no depth, however good; nobody gains or loses by it
        return not (moves := _moves(prompt)) or bool(set(moves) - _ON_THE_SPOT)
    return True


def _has_text(extractor: object, prompt: Prompt) -> bool:
    """Whether a feature of texts finds its text in the prompt; other features read none."""
    if not isinstance(extractor, TextExtractor):
        return True
    try:
        extractor.text_of(prompt)
    except NotApplicable:
        return False
    return True


def _moves(prompt: Prompt) -> Sequence[str]:
    try:
        return tuple(asked_moves(caption_of(prompt)))
    except NotApplicable:
        return ()
