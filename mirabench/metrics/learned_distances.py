"""Distribution similarity by networks: FVD and KVD of I3D logits, FID and KID of Inception features.

- `fvd`: squared Frechet distance of I3D logits (400-d), one vector a clip, as the reference has it. Not the FVD
  of other papers, which use other layers, clip lengths and thousands of clips.
- `kvd`: unbiased squared MMD of the same vectors with the kernel (x.y/400 + 1)^3.
- `fid_as_published`, `kid_as_published`: what the reference calls fid and kid. It normalises pictures by
  ImageNet's statistics and then lets them be cast to bytes, which wraps most pixels around modulo 256: these
  numbers measure noise and exist for comparison with the paper only.
- `fid`, `kid`: the same distances on the pictures themselves.

KID is the mean over 100 random subsets in the reference, unseeded; here it is what that mean is on average,
computed exactly. FVD is in float64 here and float32 there (relative difference up to 2e-4 measured). Source:
MiraData, arXiv 2407.06358; public code `evaluation/fvd.py:76-240`, `fid.py:15-73`.

When not to trust it: below twice as many vectors as dimensions the covariances are undetermined and the
status is `degenerate`; the paper's own 150 clips are fewer than I3D's 400 dimensions. Compare equal numbers
of clips only.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from mirabench.features.api import FeatureRef
from mirabench.maths.distribution import (
    KernelSums,
    Moments,
    Uncertainty,
    frechet_distance,
    two_sided_jackknife,
)
from mirabench.metrics.api import ClipInputs, Groups, MetricSpec, SetFormula, SetMeasured
from mirabench.shapes import Float64

MOST_GROUPS = {32: 1000, 400: 20, 1024: 10, 1408: 8, 2048: 5}
"""Dimensions -> groups of clips that the jackknife leaves out in turn: each costs a decomposition."""


def logits(clip: ClipInputs) -> Float64[np.ndarray, "1 D"]:
    """The one vector of a clip."""
    return np.asarray(clip["vectors"]["logits"][None], np.float64)


def rows(clip: ClipInputs) -> Float64[np.ndarray, "N D"]:
    """The vectors of a clip."""
    return np.asarray(clip["vectors"]["rows"], np.float64)


def frechet(ours: Groups, theirs: Groups) -> SetMeasured:
    """Squared Frechet distance, with a standard error from a jackknife over groups of clips.

    The error has the degrees of freedom of the groups, few as they are, and not of the clips in them.
    """
    size = ours[0].shape[1]
    mine = _grouped(ours, MOST_GROUPS.get(size, 10))
    other = _grouped(theirs, MOST_GROUPS.get(size, 10))
    a, b = _total(mine), _total(other)
    error = two_sided_jackknife(
        lambda i: frechet_distance(a - mine[i], b),
        len(mine),
        lambda i: frechet_distance(a, b - other[i]),
        len(other),
    )
    fewest = min(a.count, b.count)
    few = fewest < 2 * size
    why = f"{fewest} vectors on the smaller side, {2 * size} are needed for a covariance of {size} dimensions"
    return measured(frechet_distance(a, b), error, len(ours), why if few else "")


def measured(value: float, error: Uncertainty | None, n: int, why: str = "") -> SetMeasured:
    """A distance of `n` generated clips; degenerate when there is a `why`."""
    return SetMeasured(
        value,
        error.standard_error if error else None,
        n,
        "degenerate" if why else "ok",
        why,
        error.degrees_of_freedom if error else None,
    )


def _grouped(groups: Groups, most: int) -> list[Moments]:
    parts = np.array_split(np.arange(len(groups)), min(most, len(groups)))
    return [Moments.of(np.concatenate([groups[i] for i in part])) for part in parts]


def _total(moments: Sequence[Moments]) -> Moments:
    total = moments[0]
    for other in moments[1:]:
        total = total + other
    return total


def kernel(ours: Groups, theirs: Groups) -> SetMeasured:
    """Unbiased squared MMD with KID's cubic kernel, with a standard error from a jackknife over clips."""
    return kernel_measured(KernelSums.of(ours, theirs), len(ours), len(theirs))


def kernel_measured(sums: KernelSums, ours: int, theirs: int) -> SetMeasured:
    """The distance of these sums, with a standard error from a jackknife over clips."""
    error = two_sided_jackknife(
        lambda i: sums.distance(without_own=i),
        ours,
        lambda i: sums.distance(without_theirs=i),
        theirs,
    )
    return measured(sums.distance(), error, ours)


def distance_spec(
    name: str, summary: str, needs: Mapping[str, FeatureRef], low: float, source: str
) -> MetricSpec:
    """What a distance between sets measures, whose least value is `low`."""
    return MetricSpec(
        name=name, version=1, dimension="distribution similarity", summary=summary, unit="",
        range=(low, float("inf")), higher_is_better=False, needs=needs, scope="set", source=source,
    )  # fmt: skip


def _spec(name: str, summary: str, feature: FeatureRef, low: float) -> MetricSpec:
    source = "MiraData, arXiv 2407.06358; public code"
    return distance_spec(name, summary, {"vectors": feature}, low, source)


_I3D = FeatureRef.of("i3d_logits")
_WRAPPED = FeatureRef.of("inception_frames", wrap=True)
_PICTURES = FeatureRef.of("inception_frames")
_ANY = float("-inf")

FVD = SetFormula(
    _spec("fvd", "Frechet distance of I3D logits, MiraBench's definition", _I3D, 0.0),
    logits,
    frechet,
)
KVD = SetFormula(_spec("kvd", "Kernel distance of I3D logits", _I3D, _ANY), logits, kernel)
FID = SetFormula(
    _spec("fid", "Frechet distance of Inception features of frames", _PICTURES, 0.0), rows, frechet
)
KID = SetFormula(
    _spec("kid", "Kernel distance of Inception features of frames", _PICTURES, _ANY), rows, kernel
)
FID_AS_PUBLISHED = SetFormula(
    _spec(
        "fid_as_published",
        "The reference's fid: of frames wrapped around modulo 256 (noise)",
        _WRAPPED,
        0.0,
    ),
    rows,
    frechet,
)
KID_AS_PUBLISHED = SetFormula(
    _spec(
        "kid_as_published",
        "The reference's kid: of frames wrapped around modulo 256 (noise)",
        _WRAPPED,
        _ANY,
    ),
    rows,
    kernel,
)
