"""Makes columns.json: every column by the public reference code and by ours, at equal random weights.

    python tests/golden/columns_make.py MIRADATA DINO COTRACKER WORK CLIP:FRAMES CLIP:FRAMES [--only NAME,...]

MIRADATA, DINO and COTRACKER are checkouts of the commits named in columns_README.md. Their code is run, never
copied: the reference's own `metrics_calculator`, `EvaluateFVD` and `EvaluateFID`. Its networks are drawn by
the rule in `tests/nets/conftest.py`, saved in the layouts of the official files, and brought in through
`mirabench weights import`. Both sides read the same PNG files. WORK holds what is made on the way.

Seconds are of the first clip: the reference's with its networks in memory, ours with loading them, and with
the features of earlier columns in the cache, as in one run.

Batch norms of Inception and I3D are set to what they see on noise, or their features would all but vanish and
distances compare rounding.

Three things of the reference are changed, none in its arithmetic: downloads are those files; decord is a
reader of the same PNG files; OpenCV's generator is set before each clip and column to the state of a fresh
process, because the reference never seeds it and every pass of 3D consistency would give another number.
Needs openai-clip, easydict, omegaconf, imageio, scikit-learn and torch-fidelity besides the extras `torch`
and `iqa`.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib
import itertools
import json
import os
import runpy
import shutil
import sys
import time
import types
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import open_clip
import packaging.version
import torch
from PIL import Image

import mirabench
from mirabench.inputs.prompts import Prompt
from mirabench.video.decode import open_video
from mirabench.weights import WeightStore, import_weights

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "support"))
from columnkit import with_norms_of  # noqa: E402

seeded_state = runpy.run_path(str(HERE.parent / "nets" / "conftest.py"))["seeded_state"]
CAPTIONS = {
    "short": "A basketball game.",
    "dense": "A man in red dribbles a ball across a bright gym and throws it at the basket.",
    "main_object": "A man in a red shirt holds a ball and runs to the left.",
    "background": "A gym with a wooden floor and rows of empty seats.",
    "style": "Realistic, bright, slightly blurred.",
    "camera": "The camera follows him from the side.",
}
PER_CLIP = (
    "temporal_dino_consistency",
    "temporal_clip_consistency",
    "temporal_motion_smoothness",
    "dynamic_degree",
    "tracking_strength",
    "3D_consistency_num_pts",
    "3D_consistency_num_inliers_F",
    "3D_consistency_keep_ratio",
    "3D_consistency_mean_err",
    "3D_consistency_rmse",
    "aesthetic_quality",
    "imaging_quality",
    "camera_alignment",
    "main_object_alignment",
    "background_alignment",
    "style_alignment",
    "overall_consistency",
)
OURS = {
    "3D_consistency_num_inliers_F": "consistency_3d_num_inliers",
    "fid": "fid_as_published",
    "kid": "kid_as_published",
}


def our_name(column: str) -> str:
    return OURS.get(column, column.replace("3D_", "").replace("consistency_", "consistency_3d_", 1)
                    if column.startswith("3D_") else column)  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser()
    for name in ("miradata", "dino", "cotracker", "work"):
        parser.add_argument(name, type=Path)
    parser.add_argument("clips", nargs="+")
    parser.add_argument("--only", default="", help="these columns; the others stay as they are")
    parser.add_argument(
        "--ours", action="store_true", help="the reference's numbers stay as they are"
    )
    o = parser.parse_args()
    for name in ("miradata", "dino", "cotracker", "work"):
        setattr(o, name, getattr(o, name).resolve())
    clips = [(Path(path).resolve(), int(n)) for path, n in (c.rsplit(":", 1) for c in o.clips)]
    wanted = [c for c in (*PER_CLIP, "fvd", "fid") if not o.only or c in o.only.split(",")]
    generated = [pictures(c, o.work / "generated", n, 0) for c, n in clips]
    real = [pictures(c, o.work / "real", n - 7, 7) for c, n in clips]
    prepare_reference(o)
    files = o.work / "ckpt"
    times: tuple[dict[str, float], dict[str, float]] = ({}, {})
    place = HERE / "columns.json"
    known = json.loads(place.read_text())["columns"] if o.only or o.ours else {}
    if o.ours:
        theirs = {c: known[c]["reference"] for c in known}
        times[0].update({c: known[c]["seconds"][0] for c in known})
    else:
        with torch.no_grad():
            theirs = reference_scores(files, wanted, generated, real, times[0])
    shutil.rmtree(o.work / "cache", ignore_errors=True)
    os.environ["MIRABENCH_WEIGHTS"] = str(o.work / "weights")
    import_weights(WeightStore(), files, accept_unverified=True)
    ours = our_scores(o.work, list(theirs), generated, real, times[1])
    table = {
        c: compared(theirs[c], ours[c]) | {"seconds": [round(t.get(c, 0.0), 2) for t in times]}
        for c in theirs
    }
    table = {c: table.get(c) or known[c] for c in {**known, **table}}
    out = {"clips": {c.name: n for c, n in clips}, "columns": table}
    place.write_text(json.dumps(out, indent=1) + "\n")
    for column, row in table.items():
        print(
            f"{column:32} {row['reference']} {row['ours']} {row['relative']:.2e} {row['seconds']}"
        )
    print(f"seconds in all: {[round(sum(t.values()), 1) for t in times]}")


def compared(theirs: list[float], ours: list[float]) -> dict[str, Any]:
    a, b = np.array(theirs, float), np.array(ours, float)
    relative = float((np.abs(a - b) / np.abs(a)).max())
    return {"reference": a.tolist(), "ours": b.tolist(), "relative": relative}


def pictures(clip: Path, folder: Path, frames: int, first: int) -> Path:
    """The clip's frames as the reference names them; of the real side, other frames, turned left to right."""
    place = folder / clip.stem
    if place.is_dir() and len(list(place.iterdir())) == frames:
        return place
    place.mkdir(parents=True, exist_ok=True)
    batches = open_video(clip).frames(chunk_bytes=1)
    for i, batch in enumerate(itertools.islice(batches, first, first + frames)):
        picture = batch.data[0][:, ::-1] if first else batch.data[0]
        Image.fromarray(np.ascontiguousarray(picture)).save(place / f"frames_{i + 1}.png")
    return place


def prepare_reference(o: argparse.Namespace) -> None:
    """What their modules expect around them: paths, a dropped module, the vocabulary, a video reader."""
    old = types.ModuleType("pkg_resources")
    old.packaging = packaging  # type: ignore[attr-defined]
    sys.modules["pkg_resources"] = old
    sys.modules["decord"] = decord()
    sys.path[:0] = [str(o.miradata), str(o.dino), str(o.cotracker)]
    os.chdir(o.miradata)
    vocabulary = Path("data/ckpt/ViCLIP/bpe_simple_vocab_16e6.txt.gz")
    for place in (vocabulary, o.work / "ckpt" / "ViCLIP" / vocabulary.name):
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(Path(open_clip.__file__).with_name(vocabulary.name), place)
    clip_code = importlib.import_module("clip")
    clip_code.load = lambda name, device: load_clip(o.work / "ckpt", name)
    torch.hub.load = lambda *a, **k: hub(o.work / "ckpt", k.get("model") or a[1])
    fidelity = importlib.import_module("torch_fidelity.feature_extractor_inceptionv3")
    fidelity.load_state_dict_from_url = lambda *_, **__: inception_state(o.work / "ckpt")
    os.environ["MIRABENCH_COTRACKER_REPO"] = str(o.cotracker)


def decord() -> types.ModuleType:
    """A module `decord` whose reader takes a folder of PNG files."""

    class VideoReader:
        def __init__(self, path: str, **_: object) -> None:
            self.files = sorted(Path(path).iterdir(), key=lambda p: int(p.stem.split("_")[1]))

        def __len__(self) -> int:
            return len(self.files)

        def get_avg_fps(self) -> float:
            return 24.0

        def get_batch(self, at: list[int]) -> torch.Tensor:
            return torch.from_numpy(np.stack([np.array(Image.open(self.files[i])) for i in at]))

    module = types.ModuleType("decord")
    module.VideoReader = VideoReader  # type: ignore[attr-defined]
    module.cpu = lambda *_: None  # type: ignore[attr-defined]
    module.bridge = types.SimpleNamespace(set_bridge=lambda _: None)  # type: ignore[attr-defined]
    return module


def saved(path: Path, make: Callable[[], Any]) -> Any:
    """A file in the official layout, made once."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        torch.save(make(), path)
    return torch.load(path, weights_only=True)


def load_clip(files: Path, name: str) -> tuple[torch.nn.Module, Any]:
    code, front = importlib.import_module("clip.model"), importlib.import_module("clip.clip")
    sizes = {
        "ViT-B/32": (512, 224, 12, 768, 32, 77, 49408, 512, 8, 12),
        "ViT-L/14": (768, 224, 24, 1024, 14, 77, 49408, 768, 12, 12),
    }[name]
    model = code.CLIP(*sizes).eval()
    state = saved(files / f"{name.replace('/', '-')}.pt", lambda: seeded_state(model))
    model.load_state_dict(state)
    return model, front._transform(224)


def hub(files: Path, name: str) -> torch.nn.Module:
    if name == "dino_vitb16":
        model = importlib.import_module("vision_transformer").vit_base(patch_size=16, num_classes=0)
        model.load_state_dict(
            saved(files / "dino_vitbase16_pretrain.pth", lambda: seeded_state(model))
        )
        return model.eval()
    predictor = importlib.import_module("cotracker.predictor").CoTrackerOnlinePredictor
    tracker = predictor(checkpoint=None, window_len=8, v2=True)
    tracker.model.load_state_dict(
        saved(files / "cotracker2.pth", lambda: seeded_state(tracker.model))
    )
    return tracker.eval()


def inception_state(files: Path) -> dict[str, torch.Tensor]:
    from mirabench.nets.inception import Inception

    name = "weights-inception-2015-12-05-6726825d.pth"
    return saved(files / name, lambda: with_norms_of(Inception().network, (16, 3, 299, 299)))


def official_files(files: Path) -> None:
    """The files that their constructors open, in their layouts."""
    amt = importlib.import_module("third_party.amt.networks.AMT-S")
    raft = importlib.import_module("third_party.RAFT.core.raft")
    i3d = importlib.import_module("evaluation.pytorch_i3d")
    viclip = importlib.import_module("third_party.ViCLIP.viclip")
    musiq = importlib.import_module("pyiqa.archs.musiq_arch")
    edict = importlib.import_module("easydict").EasyDict
    options = edict({"small": False, "mixed_precision": False, "alternate_corr": False})
    makers: dict[str, Callable[[], Any]] = {
        "amt_model/amt-s.pth": lambda: {"state_dict": seeded_state(amt.Model())},
        "raft_model/models/raft-things.pth": lambda: {
            f"module.{k}": v for k, v in seeded_state(raft.RAFT(options)).items()
        },
        "aesthetic_model/sa_0_4_vit_l_14_linear.pth": lambda: seeded_state(torch.nn.Linear(768, 1)),
        "pyiqa_model/musiq_spaq_ckpt-358bb6af.pth": lambda: seeded_state(
            musiq.MUSIQ(pretrained=False)
        ),
        "ViCLIP/ViClip-InternVid-10M-FLT.pth": lambda: {
            "model": seeded_state(viclip.ViCLIP(tokenizer=object(), pretrain=None))
        },
        "fvd/i3d_pretrained_400.pt": lambda: with_norms_of(
            i3d.InceptionI3d(400, in_channels=3), (2, 3, 16, 224, 224)
        ),
    }
    for name, make in makers.items():
        saved(files / name, make)


@contextlib.contextmanager
def timed(column: str, seconds: dict[str, float]) -> Iterator[None]:
    """Note how long the first clip took."""
    began = time.perf_counter()
    yield
    seconds.setdefault(column, time.perf_counter() - began)
    print(f"{column}: {seconds[column]:.1f} s", flush=True)


def reference_scores(
    files: Path,
    wanted: list[str],
    generated: list[Path],
    real: list[Path],
    seconds: dict[str, float],
) -> dict[str, list[float]]:
    official_files(files)
    theirs = importlib.import_module("evaluation")
    found: dict[str, list[float]] = {}
    for column in [c for c in wanted if c in PER_CLIP]:
        calculator = theirs.metrics_calculator([column], ckpt_path=str(files), device="cpu")
        words = [CAPTIONS[k] for k in CAPTIONS]
        for g in generated:
            cv2.setRNGSeed(0)
            with timed(column, seconds):
                found.setdefault(column, []).append(
                    float(calculator(column, str(g), str(g), *words))
                )
    sides = str(generated[0].parent), str(real[0].parent)
    for column, second, name in (("fvd", "kvd", "EvaluateFVD"), ("fid", "kid", "EvaluateFID")):
        if column in wanted:
            with timed(column, seconds):
                pair = getattr(importlib.import_module(f"evaluation.{column}"), name)(
                    *sides, str(files), "cpu"
                )
            found[column], found[second] = [float(pair[0])], [float(pair[1])]
    return found


def our_scores(
    work: Path,
    columns: list[str],
    generated: list[Path],
    real: list[Path],
    seconds: dict[str, float],
) -> dict[str, list[float]]:
    captions = {k: v for k, v in CAPTIONS.items() if k != "short"}
    prompts = {g.name: Prompt(g.name, CAPTIONS["short"], captions) for g in generated}
    found: dict[str, list[float]] = {}
    for column in columns:
        per_set = column in ("fvd", "kvd", "fid", "kid")
        for part in [generated] if per_set else [[g] for g in generated]:
            with timed(column, seconds):
                report = mirabench.evaluate(
                    part, suite="mirabench-official", metrics=[our_name(column)], fps=24,
                    reference=real if per_set else None, prompts=prompts,
                    allow_noncommercial=True, device="cpu", cache=work / "cache",
                )  # fmt: skip
            found.setdefault(column, []).append(value_of(report, our_name(column)))
    return found


def value_of(report: mirabench.Report, name: str) -> float:
    """The number, whatever its status: the reference knows none."""
    for video in report.videos:
        if name in video.scores:
            return video.scores[name].value
    mean = report.summary[name].mean
    if mean is None:
        raise SystemExit(f"{name}: {report.summary[name].why or report.videos[0].failures}")
    return mean


if __name__ == "__main__":
    main()
