"""Makes small_columns.json: the reference's own code on four small clips, its larger networks made small.

    python tests/golden/small_columns_make.py MIRADATA DINO WORK

MIRADATA and DINO are checkouts of the commits named in columns_README.md; what `columns_make.py` changes in the
reference is changed here too, and nothing in its arithmetic but what columns_README.md tells. No feature and no
metric of mirabench runs: `tests/run/test_columns.py` computes our side in every run of the tests.
"""

from __future__ import annotations

import argparse
import functools
import importlib
import json
import shutil
import sys
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "support")]

import columnkit  # noqa: E402
import columns_make as full  # noqa: E402
import pytest  # noqa: E402
from seeded import seeded_state  # noqa: E402

COLUMNS = [*full.PER_CLIP, "fvd", "fid"]


def main() -> None:
    parser = argparse.ArgumentParser()
    for name in ("miradata", "dino", "work"):
        parser.add_argument(name, type=lambda text: Path(text).resolve())
    o = parser.parse_args()
    o.cotracker = columnkit.STANDIN
    sides = {
        side: [written(o.work / side / name, clip) for name, clip in clips.items()]
        for side, clips in columnkit.clips().items()
    }
    shutil.rmtree(o.work / "ckpt", ignore_errors=True)
    full.prepare_reference(o)
    make_small()
    with torch.no_grad(), pytest.MonkeyPatch.context() as patch:
        columnkit.shrink(patch)  # only for the names and shapes of parameters
        found = full.reference_scores(
            o.work / "ckpt", COLUMNS, sides["generated"], sides["real"], {}
        )
    table = {full.our_name(column): values for column, values in found.items()}
    (HERE / "small_columns.json").write_text(json.dumps(table, indent=1) + "\n")
    print(json.dumps(table, indent=1))


def written(folder: Path, clip: np.ndarray) -> Path:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for i, frame in enumerate(clip):
        Image.fromarray(frame).save(folder / f"frames_{i + 1}.png")
    return folder


def make_small() -> None:
    """The reference's networks at the sizes of `columnkit`, with its parameters."""
    full.load_clip = small_clip  # type: ignore[assignment]
    full.hub = small_hub  # type: ignore[assignment]
    full.inception_state = lambda _: columnkit.state_of("inception-2015-12-05")
    full.with_norms_of = lambda net, _: seeded_state(net, columnkit.GAINS["i3d-kinetics-400"])
    viclip = importlib.import_module("third_party.ViCLIP.viclip")
    vision = importlib.import_module("third_party.ViCLIP.viclip_vision").VisionTransformer
    words = importlib.import_module("third_party.ViCLIP.viclip_text").CLIP_TEXT
    v = columnkit.VICLIP
    viclip.clip_joint_l14 = lambda **_: vision(
        224, 14, v["width"], v["layers"], v["heads"], v["embedding"], num_frames=8
    )
    viclip.clip_text_l14 = lambda **_: words(
        v["embedding"], 32, 49408, v["text_width"], v["text_heads"], v["text_layers"], 0
    )
    exact_distances()


def exact_distances() -> None:
    """FVD in float64 and KID over the one subset of all frames: the same formulas without their noise."""
    fvd, fid = (importlib.import_module(f"evaluation.{name}") for name in ("fvd", "fid"))
    logits, kid = fvd.get_logits, fid.KernelInceptionDistance
    fvd.get_logits = lambda *a, **k: logits(*a, **k).double()
    everything = 2 * columnkit.FRAMES
    fid.KernelInceptionDistance = lambda normalize, subset_size: kid(
        normalize=normalize, subset_size=everything
    )


def small_clip(files: Path, name: str) -> tuple[torch.nn.Module, Any]:
    del files
    code, front = importlib.import_module("clip.model"), importlib.import_module("clip.clip")
    s = {"ViT-B/32": columnkit.CLIP_B, "ViT-L/14": columnkit.CLIP_L}[name]
    model = code.CLIP(
        s["embedding"], 224, s["layers"], s["width"], s["patch"], 77, 49408, 64, 1, 1
    ).eval()
    model.load_state_dict(seeded_state(model))
    return model, front._transform(224)


def small_hub(files: Path, name: str) -> torch.nn.Module:
    del files
    if name == "dino_vitb16":
        d = columnkit.DINO
        model = importlib.import_module("vision_transformer").VisionTransformer(
            patch_size=16, num_classes=0, embed_dim=d["width"], depth=d["depth"],
            num_heads=d["heads"], qkv_bias=True,
            norm_layer=functools.partial(torch.nn.LayerNorm, eps=1e-6),
        )  # fmt: skip
        model.load_state_dict(seeded_state(model))
        return model.eval()
    tracker = importlib.import_module("cotracker.predictor").CoTrackerOnlinePredictor()
    tracker.model.load_state_dict(columnkit.state_of("cotracker2"))
    return tracker.eval()


if __name__ == "__main__":
    main()
