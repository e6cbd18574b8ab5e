"""MiraDiT: the text-to-video diffusion transformer of the MiraData paper.

Loads the released checkpoints, generates clips and trains. Built from the parts of diffusers and
transformers; `docs/miradit.md` tells what differs from the reference, and by how much.
"""

from __future__ import annotations

from miradit.registry import RELEASES, Release, release
from miradit.schedule import ScaledDDIMScheduler
from miradit.transformer import MiraDiT, load_denoiser

__all__ = [
    "RELEASES",
    "MiraDiT",
    "Release",
    "ScaledDDIMScheduler",
    "load_denoiser",
    "release",
]
