"""Parameters and pictures by a rule, so that golden outputs need no stored inputs.

`tests/golden/nets_make.py` runs this file too, with `tests/support` on the path: both sides draw from one rule.
"""

from __future__ import annotations

import gzip
import json
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs the extra torch")

from seeded import seeded_state, seeded_tensor  # noqa: E402  # imports torch

GOLDEN = Path(__file__).parents[1] / "golden"


def picture(shape: tuple[int, ...], shift: float = 0.0) -> torch.Tensor:
    """(..., H, W) in [0, 1]: waves that move with `shift` pixels, another one per channel."""
    height, width = shape[-2:]
    y, x = np.mgrid[:height, :width] + shift
    channels = np.arange(np.prod(shape[:-2], dtype=int)).reshape(-1, 1, 1)
    waves = np.sin(0.21 * x + channels) * np.cos(0.13 * y - 0.7 * channels)
    fine = np.sin(0.05 * (x * y % 97) + channels)
    values = 0.5 + 0.35 * waves + 0.15 * fine
    return torch.from_numpy(values.astype(np.float32)).reshape(shape)


@pytest.fixture(autouse=True, scope="session")
def few_threads():
    torch.set_num_threads(1 if "PYTEST_XDIST_WORKER" in os.environ else 2)


@pytest.fixture(name="seeded_state")
def _seeded_state() -> Callable[..., dict[str, torch.Tensor]]:
    return seeded_state


@pytest.fixture(name="seeded_tensor")
def _seeded_tensor() -> Callable[..., torch.Tensor]:
    return seeded_tensor


@pytest.fixture(name="picture")
def _picture() -> Callable[..., torch.Tensor]:
    return picture


@pytest.fixture(scope="session")
def golden() -> dict[str, np.ndarray]:
    """Outputs of the reference's own code; see tests/golden/nets_README.md."""
    with np.load(GOLDEN / "nets_outputs.npz") as arrays:
        return dict(arrays)


@pytest.fixture(scope="session")
def golden_keys() -> dict[str, dict[str, list[int]]]:
    """Names and shapes of every parameter, as the reference's own modules have them."""
    return json.loads(gzip.decompress((GOLDEN / "nets_keys.json.gz").read_bytes()))
