"""Makes nets_outputs.npz and nets_keys.json.gz by running the public reference code.

    python tests/golden/nets_make.py MIRADATA DINO

MIRADATA and DINO are checkouts of the commits named in nets_README.md. Their code is run, never
copied. Needs openai-clip and pytorch-fid besides the extra `torch`.
"""

from __future__ import annotations

import functools
import gzip
import importlib
import importlib.util
import json
import os
import runpy
import shutil
import sys
import types
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import open_clip
import packaging.version
import torch

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "support"))
RULE = runpy.run_path(str(HERE.parent / "nets" / "conftest.py"))
seeded_state, seeded_tensor, picture = (
    RULE[name] for name in ("seeded_state", "seeded_tensor", "picture")
)


class Namespace(dict):  # RAFT wants a container with attributes
    __getattr__ = dict.__getitem__
    __setattr__ = dict.__setitem__


def seeded(module: torch.nn.Module) -> Any:
    module.load_state_dict(seeded_state(module))
    return module.eval()


def names(module: torch.nn.Module) -> dict[str, list[int]]:
    return {name: list(value.shape) for name, value in module.state_dict().items()}


def from_file(path: Path) -> types.ModuleType:
    # Importing the package `evaluation` would import every metric and its dependencies.
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def amt(miradata: Path) -> tuple[torch.nn.Module, dict[str, torch.Tensor]]:
    model = seeded(importlib.import_module("third_party.amt.networks.AMT-S").Model())
    first, second = picture((2, 3, 128, 144)), picture((2, 3, 128, 144), 1.5)
    out = model(first, second, torch.full((2, 1, 1, 1), 0.5), eval=True)["imgt_pred"]
    return model, {"amt": out[:, :, ::9, ::9]}


def raft(miradata: Path) -> tuple[torch.nn.Module, dict[str, torch.Tensor]]:
    code = importlib.import_module("third_party.RAFT.core.raft")
    model = seeded(code.RAFT(Namespace(small=False, mixed_precision=False, alternate_corr=False)))
    first, second = 255 * picture((1, 3, 128, 136)), 255 * picture((1, 3, 128, 136), 1.5)
    flow = model(first, second, iters=4, test_mode=True)[1]
    return model, {"raft": flow[:, :, ::8, ::8]}


def i3d(miradata: Path) -> tuple[torch.nn.Module, dict[str, torch.Tensor]]:
    model = seeded(from_file(miradata / "evaluation" / "pytorch_i3d.py").InceptionI3d(400))
    return model, {"i3d": model(2 * picture((1, 3, 9, 224, 224)) - 1)}


def viclip(miradata: Path) -> tuple[dict[str, list[int]], dict[str, torch.Tensor]]:
    vision = importlib.import_module("third_party.ViCLIP.viclip_vision")
    text = importlib.import_module("third_party.ViCLIP.viclip_text")
    whole = importlib.import_module("third_party.ViCLIP.viclip")
    tower = vision.VisionTransformer(56, 14, 96, 2, 3, 48, num_frames=8)
    words = text.CLIP_TEXT(48, 32, 500, 64, 2, 2, 0)
    for prefix, module in (("vision_encoder.", tower), ("text_encoder.", words)):
        state = {
            name: seeded_tensor(prefix + name, tuple(value.shape))
            for name, value in module.state_dict().items()
        }
        module.load_state_dict(state)
        module.eval()
    video = 2 * picture((2, 8, 3, 56, 56)) - 1
    tokens = torch.arange(64).reshape(2, 32) * 7 % 499
    outputs = {"viclip_video": tower(video.transpose(1, 2)), "viclip_text": words(tokens)}
    captions = ["A dog runs.", "long " * 40, "", "caf\u00e9 &amp; <b>  \u6771\u4eac it's"]
    outputs["viclip_tokens"] = words.tokenize(captions, context_length=32)
    return names(whole.ViCLIP(tokenizer=object(), pretrain=None)), outputs


def dino(checkout: Path) -> tuple[dict[str, list[int]], dict[str, torch.Tensor]]:
    sys.path.insert(0, str(checkout))
    code = importlib.import_module("vision_transformer")
    sizes = {"patch_size": 16, "embed_dim": 96, "depth": 2, "num_heads": 3, "qkv_bias": True}
    norm = functools.partial(torch.nn.LayerNorm, eps=1e-6)  # as in the code's own vit_base
    model = seeded(code.VisionTransformer(num_classes=0, norm_layer=norm, **sizes))
    images = 2 * picture((2, 3, 224, 358)) - 1
    outputs = {"dino_wide": model(images), "dino_square": model(images[..., :224])}
    return names(code.vit_base(patch_size=16, num_classes=0)), outputs


def clip() -> dict[str, torch.Tensor]:
    code = importlib.import_module("clip.model")
    model = seeded(code.CLIP(48, 64, 2, 128, 16, 77, 100, 64, 1, 1))
    return {"clip": model.encode_image(2 * picture((2, 3, 64, 64)) - 1)}


def inception() -> tuple[dict[str, list[int]], dict[str, torch.Tensor]]:
    code = importlib.import_module("pytorch_fid.inception")
    rule: dict[str, torch.Tensor] = {}
    code.load_state_dict_from_url = lambda *_, **__: rule
    load = torch.nn.Module.load_state_dict

    def take_rule(module: torch.nn.Module, state: Any, *args: Any, **kwargs: Any) -> Any:
        rule.update(seeded_state(module))
        return load(module, rule, *args, **kwargs)

    torch.nn.Module.load_state_dict = take_rule  # type: ignore[method-assign]
    model = code.InceptionV3([3], resize_input=False, normalize_input=False).eval()
    torch.nn.Module.load_state_dict = load  # type: ignore[method-assign]
    images = torch.floor(255 * picture((1, 3, 299, 299)))
    keys = {name: list(value.shape) for name, value in rule.items()}
    return keys, {"inception": model((images - 128) / 128)[0].flatten(1)[:, ::8]}


def main(miradata: Path, checkout: Path) -> None:
    warnings.simplefilter("ignore")
    # ViCLIP and openai-clip import a module that setuptools has dropped, for this one name.
    old = types.ModuleType("pkg_resources")
    old.packaging = packaging  # type: ignore[attr-defined]
    sys.modules["pkg_resources"] = old
    sys.path.insert(0, str(miradata))
    # The text tower opens CLIP's vocabulary under this path of its working folder.
    os.chdir(miradata)
    vocabulary = Path("data/ckpt/ViCLIP/bpe_simple_vocab_16e6.txt.gz")
    vocabulary.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(Path(open_clip.__file__).with_name(vocabulary.name), vocabulary)
    keys: dict[str, dict[str, list[int]]] = {}
    outputs: dict[str, torch.Tensor] = {}
    for make in (amt, raft, i3d):
        module, made = make(miradata)
        keys[make.__name__] = names(module)
        outputs |= made
    for label, (table, made) in {
        "viclip": viclip(miradata),
        "dino": dino(checkout),
        "inception": inception(),
    }.items():
        keys[label] = table
        outputs |= made
    outputs |= clip()
    arrays = {name: value.numpy() for name, value in outputs.items()}
    np.savez_compressed(HERE / "nets_outputs.npz", **arrays)
    packed = gzip.compress(json.dumps(keys).encode(), mtime=0)
    (HERE / "nets_keys.json.gz").write_bytes(packed)


if __name__ == "__main__":
    with torch.no_grad():
        main(Path(sys.argv[1]).resolve(), Path(sys.argv[2]).resolve())
