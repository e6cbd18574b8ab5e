"""Every column in float32 and in a shorter arithmetic: both numbers, and the drift.

    python benchmarks/precision.py CLIP REFERENCE [--frames 12] [--precision bf16] [--device cpu]

Two stretches of each video are scored with `mirabench-official`, every network forced to the shorter
arithmetic. The drift is given in percent of the column's range where that is finite or customary (aesthetic
1 to 10, imaging 0 to 100), else in percent of the value. A column whose drift is over 0.1 % stays float32:
its feature's `precisions` does not list the arithmetic.

Weights must be in the weights folder; `benchmarks/random_weights.py` makes random ones.
"""

from __future__ import annotations

import argparse
import importlib
import itertools
from pathlib import Path

import numpy as np

import mirabench
from mirabench.features import (
    flow_interpolation,
    frame_embeddings,
    i3d_logits,
    interpolation,
    point_tracks,
    raft_flow,
    video_text,
)
from mirabench.inputs.prompts import Prompt
from mirabench.video.decode import open_video

MODULES = (
    flow_interpolation,
    frame_embeddings,
    i3d_logits,
    interpolation,
    point_tracks,
    raft_flow,
    video_text,
)
ALSO = ("clip_iqa", "flow_interpolation_error")
CUSTOMARY = {"aesthetic_quality": (1.0, 10.0), "imaging_quality": (0.0, 100.0)}
CAPTIONS = {
    "dense": "A man plays basketball on a court.",
    "camera": "The camera follows him from the side.",
    "main_object": "A man in a red shirt holds a ball.",
    "background": "A gym with a wooden floor.",
    "style": "Realistic, bright.",
}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("clip", type=Path)
    parser.add_argument("reference", type=Path)
    parser.add_argument("--frames", type=int, default=12)
    parser.add_argument("--precision", default="bf16")
    parser.add_argument("--device", default="auto")
    options = parser.parse_args()
    force(options.precision)
    clips, others = (stretches(p, options.frames) for p in (options.clip, options.reference))
    suite = mirabench.load_suite("mirabench-official")
    names = [c.name for c in suite.metrics if not c.name.startswith("consistency_3d")] + list(ALSO)
    print(f"{options.clip.name}: 2 x {options.frames} frames, {options.precision} against fp32")
    full, short = (
        mirabench.evaluate(
            clips,
            suite=suite,
            metrics=names,
            reference=others,
            prompts={f"array-{i}": Prompt(f"array-{i}", "", CAPTIONS) for i in range(2)},
            precision=precision,
            device=options.device,
            allow_noncommercial=True,
            cache=False,
        )
        for precision in ("fp32", options.precision)
    )
    print(f"{'column':28} {'fp32':>12} {options.precision:>12} {'drift %':>9}  of")
    for name in names:
        show(name, full, short)


def force(precision: str) -> None:
    """Let every feature take the arithmetic, listed or not."""
    for module in MODULES:
        for value in vars(importlib.import_module(module.__name__)).values():
            if isinstance(value, type) and "precision" in getattr(
                value, "__dataclass_fields__", {}
            ):
                value.precisions = ("fp32", precision)


def stretches(path: Path, frames: int) -> list[np.ndarray]:
    batches = open_video(path).frames(chunk_bytes=1)  # a frame at a time
    whole = np.concatenate([b.data for b in itertools.islice(batches, 2 * frames)])
    return [whole[:frames], whole[frames:]]


def show(name: str, full: mirabench.Report, short: mirabench.Report) -> None:
    scores = [
        [v.scores[name].value for v in r.videos if name in v.scores] or [r.summary[name].mean]
        for r in (full, short)
    ]
    if None in (*scores[0], *scores[1]) or not scores[0]:
        failure = full.videos[0].failures.get(name) or full.summary[name].why
        print(f"{name:28} not measured: {failure}")
        return
    a, b = (np.array(s, float) for s in scores)
    low, high = CUSTOMARY.get(name) or (
        full.summary[name].range_low,
        full.summary[name].range_high,
    )
    bounded = low is not None and high is not None and np.isfinite([low, high]).all()
    scale, of = (high - low, f"range {low:g}..{high:g}") if bounded else (np.abs(a).mean(), "value")
    drift = 100 * np.abs(a - b).max() / scale
    print(f"{name:28} {a.mean():12.6g} {b.mean():12.6g} {drift:9.4f}  {of}", flush=True)


if __name__ == "__main__":
    main()
