"""Visual quality without weights: five classical measures of single frames, averaged over the clip.

Formulas and sources are in `mirabench.functional.pictures`: `sharpness` is 1 minus the blur effect of Crete
et al. 2007; `noise` is Immerkaer's sigma (1996) on flat regions; `colorfulness` is Hasler and
Suesstrunk's M3 (2003); `exposure` is Mertens' well-exposedness (2007); `blockiness` is the excess of steps
at 8-pixel borders after Wang et al. 2000.

When not to trust it: these are descriptors of pixels, not of beauty. Noise reads as sharpness (strong
noise makes it degenerate), and so do sharpening and drawn text; texture everywhere reads as noise; night
scenes are meant to be dark; grey scenes are meant to be grey; a clip that was resized after compression has
its block borders elsewhere. Compare clips of one resolution.
"""

from __future__ import annotations

from dataclasses import replace

from mirabench.features.api import FeatureRef
from mirabench.metrics.api import ClipFormula, ClipInputs, Curve, Measured, MetricSpec
from mirabench.metrics.health import PULSE

GRAIN_LEVELS = 5.0
"""Noise in flat regions from which on a picture's finest detail is mostly grain."""


def frame_mean(clip: ClipInputs, column: str) -> Measured:
    """Mean over frames of a column of `quality`."""
    table = clip["quality"]
    return Measured(float(table[column].mean()), curve=Curve(table["seconds"], table[column]))


def sharpness_unless_grainy(clip: ClipInputs, column: str) -> Measured:
    """Mean over frames, degenerate where grain passes for detail."""
    found = frame_mean(clip, column)
    grain = float(clip["quality"]["noise"].mean())
    if grain <= GRAIN_LEVELS:
        return found
    return replace(found, status="degenerate", why=f"grain of {grain:.1f} levels reads as detail")


def _spec(
    name: str,
    summary: str,
    source: str,
    worsened_by: tuple[str, float],
    *,
    unit: str = "",
    top: float = float("inf"),
    higher: bool = True,
    of_light: bool = False,
) -> MetricSpec:
    return MetricSpec(
        name=name,
        version=1,
        dimension="visual quality",
        summary=summary,
        unit=unit,
        range=(0.0, top),
        higher_is_better=higher,
        needs={"quality": FeatureRef.of("quality"), "pulse": PULSE},
        degenerate_when=("black",) if of_light else ("black", "textureless"),
        source=source,
        resolution_invariant=of_light,
        fps_invariant=True,
        worsened_by=worsened_by,
    )


SHARPNESS = ClipFormula(
    replace(
        _spec(
            "sharpness",
            "How much fine detail would be lost by blurring",
            "Crete et al., SPIE 6492, 2007 (1 - blur effect)",
            ("blur", 2.0),
            top=1.0,
        ),
        version=2,
    ),
    sharpness_unless_grainy,
    ("sharpness",),
)
NOISE = ClipFormula(
    _spec(
        "noise",
        "Standard deviation of additive noise in flat regions",
        "Immerkaer, CVIU 64(2), 1996; Tai and Yang, ICIP 2008",
        ("noise", 12.0),
        unit="8-bit levels",
        top=255.0,
        higher=False,
    ),
    frame_mean,
    ("noise",),
)
COLORFULNESS = ClipFormula(
    _spec(
        "colorfulness",
        "How vivid and varied colours are",
        "Hasler and Suesstrunk, SPIE 5007, 2003 (M3)",
        ("saturation", 0.3),
        top=200.0,
        of_light=True,
    ),
    frame_mean,
    ("colorfulness",),
)
EXPOSURE = ClipFormula(
    _spec(
        "exposure",
        "How far luma stays from black and white",
        "Mertens, Kautz, Van Reeth, Pacific Graphics 2007 (well-exposedness)",
        ("gamma", 3.0),
        top=1.0,
        of_light=True,
    ),
    frame_mean,
    ("exposure",),
)
BLOCKINESS = ClipFormula(
    _spec(
        "blockiness",
        "Steps at the borders of compression blocks",
        "after Wang, Bovik, Evans, ICIP 2000",
        ("blocks", 0.9),
        higher=False,
    ),
    frame_mean,
    ("blockiness",),
)
