"""Distribution similarity of whole clips: standard FVD, content-debiased FVD, MMD of V-JEPA 2, FID-infinity.

- `fvd_i3d`: squared Frechet distance of I3D's pooled features (1024-d) of windows of 16 frames at 8 a second,
  224x224 with antialias, in float64. What most papers call FVD, which is not MiraBench's (`fvd`): that has
  logits of up to 100 frames over the whole clip, however long.
- `cd_fvd`: the same of VideoMAE v2 (ViT-g, Something-Something v2), whose features follow motion more than
  content (Ge et al., CVPR 2024, github.com/songweige/content-debiased-fvd, commit a1e037a). That code takes
  frames of the file's own rate, and resizes without antialias.
- `vjepa2_mmd`: unbiased squared MMD of V-JEPA 2 (ViT-L/16) with the kernel (x.y / D)^2 of JEDi (Luo et al.,
  ICLR 2025, github.com/oooolga/JEDi). JEDi takes V-JEPA, whose licence is non-commercial, keeps the
  diagonals, which adds a positive floor that falls as 1/N, and multiplies by 100: its numbers do not compare
  with these.
- `fid_infinity`: FID extrapolated to endless samples (Chong and Forsyth, CVPR 2020), see
  `mirabench.maths.extrapolation`. Below four times as many frames as dimensions (8192) it says so and is FID.

When not to trust it: vectors of one clip resemble each other, so that many windows of few clips determine
less than their number says; the jackknife leaves out clips. Compare with one reference only.
"""

from __future__ import annotations

from mirabench.features.api import FeatureRef
from mirabench.maths.distribution import KernelSums, squared
from mirabench.maths.extrapolation import fewest_vectors, frechet_infinity
from mirabench.metrics.api import Groups, MetricSpec, SetFormula, SetMeasured
from mirabench.metrics.learned_distances import (
    MOST_GROUPS,
    distance_spec,
    frechet,
    kernel_measured,
    measured,
    rows,
)


def squared_kernel(ours: Groups, theirs: Groups) -> SetMeasured:
    """Unbiased squared MMD with the kernel (x.y / D)^2; around 0, possibly below, for equal distributions."""
    return kernel_measured(KernelSums.of(ours, theirs, squared), len(ours), len(theirs))


def extrapolated(ours: Groups, theirs: Groups) -> SetMeasured:
    """The Frechet distance at endless samples; where the samples are too small for that, as they are."""
    dimensions = ours[0].shape[1]
    needed = fewest_vectors(dimensions)
    fewest = min(sum(map(len, ours)), sum(map(len, theirs)))
    if fewest < needed:
        why = (
            f"refused to extrapolate from {fewest} vectors on the smaller side, {needed} are needed: "
            "this is the distance of the samples"
        )
        return measured(frechet(ours, theirs).value, None, len(ours), why)
    found = frechet_infinity(ours, theirs, groups=MOST_GROUPS.get(dimensions, 10))
    return SetMeasured(
        found.value,
        found.standard_error,
        len(ours),
        degrees_of_freedom=found.degrees_of_freedom,
    )


def _spec(name: str, summary: str, feature: str, source: str, low: float = 0.0) -> MetricSpec:
    return distance_spec(name, summary, {"vectors": FeatureRef.of(feature)}, low, source)


FVD_I3D = SetFormula(
    _spec(
        "fvd_i3d",
        "Frechet distance of I3D's pooled features, 16 frames at 8 a second",
        "i3d_pool",
        "Unterthiner et al., arXiv 1812.01717",
    ),
    rows,
    frechet,
)
CD_FVD = SetFormula(
    _spec(
        "cd_fvd",
        "Frechet distance of VideoMAE features, which follow motion more than content",
        "videomae_windows",
        "Ge et al., CVPR 2024, arXiv 2404.12391",
    ),
    rows,
    frechet,
)
VJEPA2_MMD = SetFormula(
    _spec(
        "vjepa2_mmd",
        "Unbiased kernel distance of V-JEPA 2 features",
        "vjepa2_windows",
        "after Luo et al., ICLR 2025, arXiv 2410.05203; unbiased, on V-JEPA 2",
        float("-inf"),
    ),
    rows,
    squared_kernel,
)
FID_INFINITY = SetFormula(
    _spec(
        "fid_infinity",
        "FID extrapolated to endless samples",
        "inception_frames",
        "Chong and Forsyth, CVPR 2020, arXiv 1911.07023",
        float("-inf"),
    ),
    rows,
    extrapolated,
)
