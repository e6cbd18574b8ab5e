"""Random parameters under the official file names and layouts, for running without pretrained ones.

    python benchmarks/random_weights.py FOLDER [CARD ...]
    MIRABENCH_WEIGHTS=... mirabench weights import FOLDER --unverified

Numbers computed with them mean nothing but that two programs given the same files must agree. A report
says that such weights are unverified. CoTracker needs its code: see MIRABENCH_COTRACKER_REPO.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import torch
from torch import nn

from mirabench.errors import WeightsError
from mirabench.nets import (
    aesthetic,
    amt,
    clip,
    cotracker,
    dino,
    i3d,
    inception,
    musiq,
    raft,
    viclip,
)
from mirabench.weights import card


def main() -> None:
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for name in sys.argv[2:] or list(MAKERS):
        torch.manual_seed(0)
        path = folder / card(name).filename
        try:
            state = MAKERS[name]()
        except WeightsError as error:
            print(f"skipped {name}: {error}")
            continue
        torch.save(state, path)
        print(f"{path.stat().st_size / 1e6:7.0f} MB  {path}")


def states(net: nn.Module, prefix: str = "") -> dict[str, torch.Tensor]:
    """The parameters, with batch statistics that keep activations finite."""
    return {prefix + name: value for name, value in net.state_dict().items()}


def tracker() -> dict[str, torch.Tensor]:
    code = cotracker.find_code()
    if code is None:
        raise WeightsError(
            f"CoTracker's code is not here: name a checkout with {cotracker.ENVIRONMENT}"
        )
    return states(cotracker.load_predictor(code).model)


MAKERS: dict[str, Callable[[], dict[str, torch.Tensor]]] = {
    "dino-vitb16": lambda: states(dino.Dino().network),
    "clip-vit-b-32": lambda: (
        states(clip.image_tower(clip.VIT_B_32), "visual.") | states(clip.text_tower())
    ),
    "clip-vit-l-14": lambda: states(clip.image_tower(clip.VIT_L_14), "visual."),
    "aesthetic-vit-l-14": lambda: states(aesthetic.AestheticHead()),
    "raft-things": lambda: states(raft.Raft().network),
    "cotracker2": tracker,
    "amt-s": lambda: states(amt.AmtS()),
    "musiq-spaq": lambda: states(musiq.musiq()),
    "viclip-l-14": lambda: states(viclip.ViClip()),
    "inception-2015-12-05": lambda: states(inception.Inception().network),
    "i3d-kinetics-400": lambda: states(i3d.InceptionI3d()),
}

if __name__ == "__main__":
    main()
