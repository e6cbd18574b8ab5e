"""Parameters by a rule, so that goldens need no stored weights: both sides draw the same ones."""

from __future__ import annotations

import zlib

import numpy as np
import torch


def seeded_tensor(name: str, shape: tuple[int, ...]) -> torch.Tensor:
    """One parameter: normal numbers seeded by its name, scaled to keep activations near 1.

    NumPy's RandomState is frozen: the same numbers in every version, on every machine.
    """
    numbers = np.random.RandomState(zlib.crc32(name.encode())).standard_normal(shape)
    if name.endswith("running_var"):
        numbers = np.exp(0.2 * numbers)
    elif len(shape) >= 2:
        numbers = numbers / np.sqrt(np.prod(shape[1:]))
    elif name.endswith("weight"):
        numbers = 0.5 + 0.2 * numbers
    else:
        numbers = 0.1 * numbers
    return torch.from_numpy(np.asarray(numbers, dtype=np.float32))


def seeded_state(module: torch.nn.Module, gain: float = 1.0) -> dict[str, torch.Tensor]:
    """Every parameter of a module; `gain` multiplies kernels, where many layers would let signals vanish."""
    return {
        name: seeded_tensor(name, tuple(value.shape)) * (gain if value.dim() >= 2 else 1.0)
        if value.is_floating_point()
        else value
        for name, value in module.state_dict().items()
    }
