"""How far frames are from what is predicted."""

from __future__ import annotations

import numpy as np
import pytest

from mirabench import functional as F


def test_the_error_is_the_mean_absolute_difference_of_all_channels() -> None:
    random = np.random.default_rng(0)
    made, real = random.integers(0, 256, (2, 3, 4, 5, 3), dtype=np.uint8)
    plain = [
        np.mean([abs(int(a) - int(b)) for a, b in zip(m.ravel(), r.ravel(), strict=True)])
        for m, r in zip(made, real, strict=True)
    ]
    assert F.interpolation_error(made, real) == pytest.approx(np.array(plain))
    assert F.interpolation_error(real, made).tolist() == F.interpolation_error(made, real).tolist()


def test_bytes_do_not_wrap_around() -> None:
    black, white = np.zeros((1, 2, 2, 3), np.uint8), np.full((1, 2, 2, 3), 255, np.uint8)
    assert F.interpolation_error(black, white).tolist() == [255.0]
    assert F.interpolation_error(white, white).tolist() == [0.0]


def test_smoothness_and_percent_by_hand() -> None:
    levels = np.array([0.0, 51.0, 255.0])
    assert F.motion_smoothness(levels) == pytest.approx(np.array([1.0, 0.8, 0.0]))
    assert F.percent_of_full_scale(levels) == pytest.approx(np.array([0.0, 20.0, 100.0]))
