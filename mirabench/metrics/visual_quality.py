"""Visual quality without weights: five measures of single frames, averaged over the clip.

Formulas and sources are in `mirabench.functional.picture_quality`: `sharpness` is the contrast of two
octaves of detail, each over the next (after Field 1987); `noise` is Immerkaer's sigma (1996) in the flattest
tiles, above what every clip has; `colorfulness` is Hasler and Suesstrunk's M3 (2003) up to vivid; `exposure`
is Mertens' well-exposedness (2007) with a plateau, times the range of tones; `blockiness` is the excess of
steps at 8-pixel borders after Wang et al. 2000. Black bars are left out of all.

Known differences: the published measures, which version 1 used, improve when a picture is washed out,
sharpened, blurred, noisy or put between bars (docs/attacks.md). Those here do not improve, or by less than a
quarter of what tells clips apart, in 96 of 100 cases.

When not to trust it: these are descriptors of pixels, not of beauty. Sharpening a soft clip, and text drawn
over a soft clip, still read as sharpness; saturating a pale clip reads as colour; brightening a dark one as
exposure; night scenes are meant to be dark; grey scenes are meant to be grey; a clip that was resized after
compression has its block borders elsewhere. Compare clips of one resolution.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from mirabench.features.api import FeatureRef
from mirabench.metrics.api import ClipFormula, ClipInputs, Curve, Measured, MetricSpec
from mirabench.metrics.health import PULSE

GRAIN_LEVELS = 5.0
"""Noise from which on a picture's finest detail is mostly grain."""


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


def _row(  # noqa: PLR0913  # a row of the table: keywords all but the first four
    name: str,
    summary: str,
    source: str,
    worsened_by: tuple[str, float],
    *,
    unit: str = "",
    top: float,
    higher: bool = True,
    of_light: bool = False,
    formula: Callable[[ClipInputs, str], Measured] = frame_mean,
    version: int = 2,
) -> ClipFormula:
    spec = MetricSpec(
        name=name,
        version=version,
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
        relative_error=0.05,
        worsened_by=worsened_by,
    )
    return ClipFormula(spec, formula, (name,))


SHARPNESS = _row(
    "sharpness",
    "How much of the finest detail is there, against the next coarser",
    "after Field, J. Opt. Soc. Am. A 4, 1987 (equal contrast in every octave)",
    ("blur", 2.0),
    top=1.0,
    formula=sharpness_unless_grainy,
    version=4,
)
NOISE = _row(
    "noise",
    "Standard deviation of additive noise above 1.5 levels",
    "Immerkaer, CVIU 64(2), 1996, in the flattest tiles",
    ("noise", 12.0),
    unit="8-bit levels",
    top=255.0,
    higher=False,
)
COLORFULNESS = _row(
    "colorfulness",
    "How vivid and varied colours are, up to a vivid photograph",
    "Hasler and Suesstrunk, SPIE 5007, 2003 (M3)",
    ("saturation", 0.3),
    top=45.0,
    of_light=True,
)
EXPOSURE = _row(
    "exposure",
    "How well lit it is and how much of the range of tones it uses",
    "after Mertens, Kautz, Van Reeth, Pacific Graphics 2007 (well-exposedness)",
    ("gamma", 3.0),
    top=1.0,
    of_light=True,
)
BLOCKINESS = _row(
    "blockiness",
    "Steps at the borders of compression blocks",
    "after Wang, Bovik, Evans, ICIP 2000",
    ("blocks", 0.9),
    top=1.0,
    higher=False,
)
