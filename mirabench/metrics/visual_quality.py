"""Visual quality without weights: five classical measures of single frames, averaged over the clip.

Formulas and sources are in `mirabench.maths.picture`: `sharpness` is 1 minus the blur effect of Crete
et al. 2007; `noise` is Immerkaer's sigma (1996) on flat regions; `colorfulness` is Hasler and
Suesstrunk's M3 (2003); `exposure` is Mertens' well-exposedness (2007); `blockiness` is the excess of steps
at 8-pixel borders after Wang et al. 2000.

When not to trust it: these are descriptors of pixels, not of beauty. Noise reads as sharpness (strong
noise makes it degenerate), and so do sharpening and drawn text; texture everywhere reads as noise; night
scenes are meant to be dark; grey scenes are meant to be grey; a clip that was resized after compression has
its block borders elsewhere. Compare clips of one resolution.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

from mirabench.features.api import FeatureRef
from mirabench.metrics.api import ClipInputs, Curve, Measured, MetricSpec
from mirabench.metrics.health import PULSE

_NEEDS = {"quality": FeatureRef.of("quality"), "pulse": PULSE}

GRAIN_LEVELS = 5.0
"""Noise in flat regions from which on a picture's finest detail is mostly grain."""


def _spec(
    name: str, summary: str, unit: str, top: float, source: str, *, higher: bool = True
) -> MetricSpec:
    spoilt = {"sharpness": ("blur", 2.0), "noise": ("noise", 12.0), "colorfulness": ("saturation", 0.3),
              "exposure": ("gamma", 3.0), "blockiness": ("blocks", 0.9)}  # fmt: skip
    flat = ("black",) if name in {"colorfulness", "exposure"} else ("black", "textureless")
    return MetricSpec(
        name=name,
        version=2 if name == "sharpness" else 1,
        dimension="visual quality",
        summary=summary,
        unit=unit,
        range=(0.0, top),
        higher_is_better=higher,
        needs=_NEEDS,
        degenerate_when=flat,
        source=source,
        resolution_invariant=name in {"colorfulness", "exposure"},
        fps_invariant=True,
        worsened_by=spoilt[name],
    )


def _mean(clip: ClipInputs, column: str) -> Measured:
    table = clip["quality"]
    return Measured(float(table[column].mean()), curve=Curve(table["seconds"], table[column]))


@dataclass(frozen=True, slots=True)
class Sharpness:
    """`sharpness`."""

    spec: ClassVar[MetricSpec] = _spec(
        "sharpness", "How much fine detail would be lost by blurring", "", 1.0,
        "Crete et al., SPIE 6492, 2007 (1 - blur effect)",
    )  # fmt: skip

    def compute(self, clip: ClipInputs) -> Measured:
        """Mean over frames, 0 blurred to 1 sharp; degenerate where grain passes for detail."""
        found = _mean(clip, "sharpness")
        grain = float(clip["quality"]["noise"].mean())
        if grain <= GRAIN_LEVELS:
            return found
        return replace(
            found, status="degenerate", why=f"grain of {grain:.1f} levels reads as detail"
        )


@dataclass(frozen=True, slots=True)
class Noise:
    """`noise`."""

    spec: ClassVar[MetricSpec] = _spec(
        "noise", "Standard deviation of additive noise in flat regions", "8-bit levels", 255.0,
        "Immerkaer, CVIU 64(2), 1996; Tai and Yang, ICIP 2008", higher=False,
    )  # fmt: skip

    def compute(self, clip: ClipInputs) -> Measured:
        """Mean over frames, in 8-bit levels."""
        return _mean(clip, "noise")


@dataclass(frozen=True, slots=True)
class Colorfulness:
    """`colorfulness`."""

    spec: ClassVar[MetricSpec] = _spec(
        "colorfulness", "How vivid and varied colours are", "", 200.0,
        "Hasler and Suesstrunk, SPIE 5007, 2003 (M3)",
    )  # fmt: skip

    def compute(self, clip: ClipInputs) -> Measured:
        """Mean over frames: 0 grey, about 15 slightly, 59 quite, 109 extremely colourful."""
        return _mean(clip, "colorfulness")


@dataclass(frozen=True, slots=True)
class Exposure:
    """`exposure`."""

    spec: ClassVar[MetricSpec] = _spec(
        "exposure", "How far luma stays from black and white", "", 1.0,
        "Mertens, Kautz, Van Reeth, Pacific Graphics 2007 (well-exposedness)",
    )  # fmt: skip

    def compute(self, clip: ClipInputs) -> Measured:
        """Mean over frames, 0.04 black or white to 1 mid-grey."""
        return _mean(clip, "exposure")


@dataclass(frozen=True, slots=True)
class Blockiness:
    """`blockiness`."""

    spec: ClassVar[MetricSpec] = _spec(
        "blockiness", "Steps at the borders of compression blocks", "", float("inf"),
        "after Wang, Bovik, Evans, ICIP 2000", higher=False,
    )  # fmt: skip

    def compute(self, clip: ClipInputs) -> Measured:
        """Mean over frames of the relative excess of steps at 8-pixel borders."""
        return _mean(clip, "blockiness")
