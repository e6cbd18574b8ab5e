"""MiraDiT: the text-to-video diffusion transformer of the MiraData paper.

Loads the released checkpoints, generates clips and trains. Built from the parts of diffusers and
transformers; `docs/miradit.md` tells what differs from the reference, and by how much.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from miradit.registry import RELEASES, Release, release

if TYPE_CHECKING:
    from miradit.pipeline import MiraDiTPipeline
    from miradit.schedule import ScaledDDIMScheduler
    from miradit.transformer import MiraDiT, load_denoiser

_LAZY = {
    "MiraDiT": "miradit.transformer",
    "MiraDiTPipeline": "miradit.pipeline",
    "ScaledDDIMScheduler": "miradit.schedule",
    "load_denoiser": "miradit.transformer",
}
"""What needs torch, imported on first use: naming the generator must stay light."""

__all__ = [
    "RELEASES",
    "MiraDiT",
    "MiraDiTPipeline",
    "Release",
    "ScaledDDIMScheduler",
    "load_denoiser",
    "release",
]


def __getattr__(name: str) -> Any:
    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_LAZY[name]), name)
