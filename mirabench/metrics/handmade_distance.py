"""Distribution similarity without weights: distances between hand-made descriptions of clips.

What it measures: each second of a clip becomes a vector (32,): mean speed along 8 directions and 4 speed
quantiles of the optical flow (diagonals/s times 5), a 3x3 layout of luma, spread of three colour channels and
energy of 8 edge directions. `handmade_frechet_distance` is the squared Frechet distance between Gaussians
fitted to these vectors; `handmade_kernel_distance` the unbiased squared MMD with KID's cubic kernel, as a
U-statistic over clips. The interval is from the jackknife over clips of both sides.

These are NOT FVD, KVD, FID or KID, and no number here compares with any published one of those. They
see colour, layout, texture and motion statistics, not content.

When not to trust it: the Frechet distance of fewer than 64 seconds a side rests on covariances that are
hardly determined and is marked `degenerate`; it is biased upwards for small samples, so compare runs of
equal size.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from mirabench.features.api import FeatureRef
from mirabench.maths.distribution import (
    Uncertainty,
    kernel_blocks,
    kernel_distance,
    two_sided_jackknife,
)
from mirabench.metrics.api import ClipInputs, Groups, MetricSpec, SetFormula, SetMeasured
from mirabench.metrics.learned_distances import distance_spec, frechet, measured
from mirabench.metrics.temporal import MOTION

SIZE = 32
MOTION_SCALE = 5.0
"""Brings diagonals per second to the spread of the other places."""


def describe(clip: ClipInputs) -> NDArray[np.float64]:
    """(N, 32) one vector for each second of a clip that has both motion and pictures."""
    motion, quality = clip["motion"], clip["quality"]
    moved = _by_second(motion["seconds"], motion["descriptor"] * MOTION_SCALE)
    looked = _by_second(quality["seconds"], quality["appearance"])
    both = sorted(moved.keys() & looked.keys())
    if not both:
        return np.zeros((0, SIZE))
    return np.stack([np.concatenate([moved[s], looked[s]]) for s in both])


def _by_second(
    seconds: NDArray[np.float64], rows: NDArray[np.float64]
) -> dict[int, NDArray[np.float64]]:
    if not len(seconds):
        return {}
    whole = np.floor(seconds + 1e-6).astype(np.int64)
    return {int(s): rows[whole == s].mean(axis=0) for s in np.unique(whole)}


def _spec(name: str, summary: str, low: float, source: str) -> MetricSpec:
    needs = {"motion": MOTION, "quality": FeatureRef.of("quality")}
    return replace(
        distance_spec(name, summary, needs, low, source), version=2,
        resolution_invariant=False, fps_invariant=True, worsened_by=("blur", 3.0),
    )  # fmt: skip


def seconds_kernel(ours: Groups, theirs: Groups) -> SetMeasured:
    """Unbiased squared MMD between clips; around 0, possibly below, for equal distributions."""
    own, other = kernel_blocks(ours, ours), kernel_blocks(theirs, theirs)
    between = kernel_blocks(ours, theirs)
    error = _kernel_error(own, other, between)
    return measured(kernel_distance(own, other, between), error, len(ours))


def _kernel_error(
    own: NDArray[np.float64], other: NDArray[np.float64], between: NDArray[np.float64]
) -> Uncertainty | None:
    def without_ours(i: int) -> float:
        rest = np.delete(np.delete(own, i, 0), i, 1)
        return kernel_distance(rest, other, np.delete(between, i, 0))

    def without_theirs(j: int) -> float:
        rest = np.delete(np.delete(other, j, 0), j, 1)
        return kernel_distance(own, rest, np.delete(between, j, 1))

    return two_sided_jackknife(without_ours, between.shape[0], without_theirs, between.shape[1])


HANDMADE_FRECHET_DISTANCE = SetFormula(
    _spec(
        "handmade_frechet_distance",
        "Frechet distance of hand-made motion and appearance statistics (not FVD)",
        0.0,
        "Dowson and Landau, J. Multivariate Analysis 12, 1982; descriptor of mirabench",
    ),
    describe,
    frechet,
)
HANDMADE_KERNEL_DISTANCE = SetFormula(
    _spec(
        "handmade_kernel_distance",
        "Unbiased kernel distance of hand-made motion and appearance statistics (not KVD)",
        float("-inf"),
        "Binkowski et al., ICLR 2018 (kernel); U-statistic over clips; descriptor of mirabench",
    ),
    describe,
    seconds_kernel,
)
