"""Clips, captions and small networks on which the reference's code and ours compute the same columns.

`tests/golden/small_columns_make.py` runs the reference's side of it, `tests/run/test_columns.py` ours.
Nothing here depends on a library's filters: pixels and parameters are the same everywhere.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from seeded import seeded_state, seeded_tensor

import mirabench
from mirabench.inputs.prompts import Prompt
from mirabench.weights import WeightStore, card, import_weights

FRAMES, HEIGHT, WIDTH = 16, 128, 144
KEYS = Path(__file__).parents[1] / "golden" / "nets_keys.json.gz"
"""Names and shapes of the authors' networks."""
STANDIN = Path(__file__).parent / "standin_cotracker"
"""Stands in for a checkout of CoTracker, whose licence keeps it out of this repository."""

CAPTIONS = {
    "short": "A basketball game.",
    "dense": "A man in red dribbles a ball across a bright gym and throws it at the basket.",
    "main_object": "A man in a red shirt holds a ball and runs to the left.",
    "background": "A gym with a wooden floor and rows of empty seats.",
    "style": "Realistic, bright, slightly blurred.",
    "camera": "The camera follows him from the side.",
}

DINO = {"width": 96, "depth": 2, "heads": 3}
CLIP_B = {"patch": 32, "width": 128, "layers": 2, "heads": 2, "embedding": 64}
CLIP_L = {"patch": 14, "width": 128, "layers": 2, "heads": 2, "embedding": 768}
VICLIP = {
    "width": 96, "layers": 2, "heads": 3, "text_width": 64, "text_layers": 2, "text_heads": 2,
    "embedding": 48,
}  # fmt: skip
GAINS = {"i3d-kinetics-400": 2.5, "inception-2015-12-05": 2.8}
"""Card -> factor of its kernels: without it the features of these deep networks vanish."""

GEOMETRY = tuple(
    f"consistency_3d_{name}"
    for name in ("num_pts", "num_inliers", "keep_ratio", "mean_err", "rmse")
)
ALIGNMENT = (
    "camera_alignment", "main_object_alignment", "background_alignment", "style_alignment",
    "overall_consistency",
)  # fmt: skip
NETWORKS: dict[tuple[str, ...], tuple[str, ...]] = {
    ("temporal_dino_consistency",): ("dino-vitb16",),
    ("temporal_clip_consistency",): ("clip-vit-b-32",),
    ("temporal_motion_smoothness",): ("amt-s",),
    ("dynamic_degree",): ("raft-things",),
    ("tracking_strength",): ("cotracker2",),
    GEOMETRY: (),
    ("aesthetic_quality",): ("clip-vit-l-14", "aesthetic-vit-l-14"),
    ("imaging_quality",): ("musiq-spaq",),
    ALIGNMENT: ("viclip-l-14",),
    ("fvd", "kvd"): ("i3d-kinetics-400",),
    ("fid_as_published", "kid_as_published"): ("inception-2015-12-05",),
}
"""Columns of one feature -> the cards behind them."""


def clips() -> dict[str, dict[str, np.ndarray]]:
    """Side -> name -> (16, 128, 144, 3) uint8; four clips of two scenes each, all different."""
    return {
        "generated": {"one": _clip(1, (1, 3)), "two": _clip(2, (2, 5))},
        "real": {"three": _clip(3, (1, 4)), "four": _clip(4, (3, 2))},
    }


def _clip(seed: int, speeds: tuple[int, int]) -> np.ndarray:
    """A background and a nearer layer with holes, each moving by whole pixels a frame."""
    random = np.random.RandomState(seed)
    back, front = _texture(random), _texture(random)
    near = _texture(random)[..., :1] > 140
    frames = []
    for t in range(FRAMES):
        shifted = [np.roll(layer, -speed * t, axis=1) for layer, speed in zip(
            (back, front, near), (speeds[0], speeds[1], speeds[1]), strict=True
        )]  # fmt: skip
        picture = np.where(shifted[2], shifted[1], shifted[0])
        frames.append(np.roll(picture, t // 2, axis=0)[:HEIGHT, :WIDTH])
    return np.stack(frames).astype(np.uint8)


def _texture(random: np.random.RandomState) -> np.ndarray:
    """(2H, 2W, 3) whole numbers 0..255: blocks of several sizes."""
    picture = np.zeros((2 * HEIGHT, 2 * WIDTH, 3), np.int64)
    for side, weight in ((16, 3), (8, 3), (4, 2), (2, 1)):
        blocks = random.randint(0, 256, (2 * HEIGHT // side, 2 * WIDTH // side, 3))
        picture += weight * blocks.repeat(side, axis=0).repeat(side, axis=1)
    return picture // 9


def shrink(patch: pytest.MonkeyPatch) -> None:
    """Our networks of the larger kind at these sizes, until the patch is undone."""
    from mirabench.nets import clip, dino, viclip

    patch.setattr(dino, "Dino", partial(dino.Dino, **DINO))
    patch.setattr(clip, "VIT_B_32", clip.TowerSizes(**CLIP_B))
    patch.setattr(clip, "VIT_L_14", clip.TowerSizes(**CLIP_L))
    patch.setattr(viclip, "ViClipSizes", partial(viclip.ViClipSizes, **VICLIP))


def state_of(name: str) -> dict[str, torch.Tensor]:
    """The state of a card's network at the sizes above, as the official file has it; call it shrunk."""
    from mirabench.nets import aesthetic, amt, clip, dino, i3d, inception, viclip

    if name == "cotracker2":
        return seeded_state(torch.nn.ModuleDict({"fnet": torch.nn.Conv2d(3, 2, 5)}))
    if name == "musiq-spaq":
        from pyiqa.archs.musiq_arch import MUSIQ

        return seeded_state(MUSIQ(pretrained=False))
    if name in ("clip-vit-b-32", "clip-vit-l-14"):
        sizes = clip.VIT_B_32 if name == "clip-vit-b-32" else clip.VIT_L_14
        return seeded_state(torch.nn.ModuleDict({"visual": clip.image_tower(sizes)}))
    if name == "raft-things":
        shapes = json.loads(gzip.decompress(KEYS.read_bytes()))["raft"]
        return {key: seeded_tensor(key, tuple(shape)) for key, shape in shapes.items()}
    net = {
        "dino-vitb16": lambda: dino.Dino().network,
        "aesthetic-vit-l-14": aesthetic.AestheticHead,
        "amt-s": amt.AmtS,
        "viclip-l-14": viclip.ViClip,
        "i3d-kinetics-400": i3d.InceptionI3d,
        "inception-2015-12-05": lambda: inception.Inception().network,
    }[name]()
    return seeded_state(net, GAINS.get(name, 1.0))


def import_small(store: WeightStore, names: tuple[str, ...], folder: Path) -> None:
    """Bring the parameters of these cards into the store, through files as a user's import does."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        torch.save(state_of(name), folder / card(name).filename)
    import_weights(store, folder, accept_unverified=True)


def with_norms_of(network: torch.nn.Module, shape: tuple[int, ...]) -> dict[str, torch.Tensor]:
    """A seeded state whose batch norms hold the statistics of noise of this shape, values -1 to 1."""
    network.load_state_dict(seeded_state(network))
    for layer in network.modules():
        if isinstance(layer, torch.nn.modules.batchnorm._BatchNorm):
            layer.momentum = 1.0
    network.train()(2 * torch.rand(shape, generator=torch.Generator().manual_seed(0)) - 1)
    return network.state_dict()


def our_values(
    columns: Sequence[str], generated: Sequence[np.ndarray], real: Sequence[np.ndarray]
) -> dict[str, list[float]]:
    """Column -> one number a clip, or one for the set, whatever its status: the reference knows none."""
    captions = {key: text for key, text in CAPTIONS.items() if key != "short"}
    report = mirabench.evaluate(
        list(generated),
        suite="mirabench-official",
        metrics=columns,
        fps=24,
        reference=list(real),
        prompts={
            f"array-{i}": Prompt(str(i), CAPTIONS["short"], captions) for i in range(len(generated))
        },
        allow_noncommercial=True,
        device="cpu",
    )
    assert not any(video.failures for video in report.videos)
    per_clip = {
        column: [video.scores[column].value for video in report.videos]
        for column in columns
        if column in report.videos[0].scores
    }
    return per_clip | {
        column: [report.summary[column].mean] for column in columns if column not in per_clip
    }
