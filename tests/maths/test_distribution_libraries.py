"""Distances of feature sets equal those of the libraries that people compare with, on random features."""

from __future__ import annotations

import numpy as np
import pytest

from mirabench.maths.distribution import KernelSums, Moments, frechet_distance

DIMENSIONS = 24


@pytest.fixture(params=["near", "far", "fewer vectors than dimensions"])
def sets(request: pytest.FixtureRequest) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(7)
    count = 16 if request.param.startswith("fewer") else 200
    shift = 3.0 if request.param == "far" else 0.2
    mix = random.standard_normal((DIMENSIONS, DIMENSIONS)) / np.sqrt(DIMENSIONS)
    one = random.standard_normal((count, DIMENSIONS))
    two = random.standard_normal((count, DIMENSIONS)) @ mix + shift
    return one, two


def ours(one: np.ndarray, two: np.ndarray) -> float:
    return frechet_distance(Moments.of(one), Moments.of(two))


def ours_kernel(one: np.ndarray, two: np.ndarray) -> float:
    return KernelSums.of([one], [two]).distance()


def moments(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return x.mean(axis=0), np.cov(x, rowvar=False)


def test_frechet_is_that_of_pytorch_fid(
    sets: tuple[np.ndarray, np.ndarray], monkeypatch: pytest.MonkeyPatch
) -> None:
    score = pytest.importorskip("pytorch_fid.fid_score")
    linalg = pytest.importorskip("scipy.linalg")
    root = linalg.sqrtm
    # pytorch-fid asks for a pair, which SciPy no longer gives from 1.18 on
    monkeypatch.setattr(linalg, "sqrtm", lambda a, disp=True: root(a) if disp else (root(a), None))
    theirs = score.calculate_frechet_distance(*moments(sets[0]), *moments(sets[1]))
    assert ours(*sets) == pytest.approx(theirs, rel=1e-6)


def test_frechet_is_that_of_torchmetrics(sets: tuple[np.ndarray, np.ndarray]) -> None:
    torch = pytest.importorskip("torch")
    fid = pytest.importorskip("torchmetrics.image.fid")
    (m1, s1), (m2, s2) = (tuple(map(torch.from_numpy, moments(x))) for x in sets)
    assert ours(*sets) == pytest.approx(float(fid._compute_fid(m1, s1, m2, s2)), rel=1e-6)


def test_frechet_is_that_of_torch_fidelity(sets: tuple[np.ndarray, np.ndarray]) -> None:
    torch = pytest.importorskip("torch")
    fid = pytest.importorskip("torch_fidelity.metric_fid")
    one, two = (fid.fid_features_to_statistics(torch.from_numpy(x)) for x in sets)
    (theirs,) = fid.fid_statistics_to_metric(one, two, verbose=False).values()
    assert ours(*sets) == pytest.approx(float(theirs), rel=1e-6)


def test_kernel_distance_is_that_of_torchmetrics(sets: tuple[np.ndarray, np.ndarray]) -> None:
    torch = pytest.importorskip("torch")
    kid = pytest.importorskip("torchmetrics.image.kid")
    theirs = kid.poly_mmd(*(torch.from_numpy(x) for x in sets))
    assert ours_kernel(*sets) == pytest.approx(float(theirs), rel=1e-9)


def test_kernel_distance_is_that_of_torch_fidelity(sets: tuple[np.ndarray, np.ndarray]) -> None:
    torch = pytest.importorskip("torch")
    kid = pytest.importorskip("torch_fidelity.metric_kid")
    found = kid.kid_features_to_metric(
        *(torch.from_numpy(x) for x in sets),
        kid_subsets=1,
        kid_subset_size=len(sets[0]),
        verbose=False,
    )
    theirs = found["kernel_inception_distance_mean"]
    assert ours_kernel(*sets) == pytest.approx(float(theirs), rel=1e-9)
