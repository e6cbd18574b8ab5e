"""Suite `mirabench-official`: the reference's way against ours, and the floor, from one run.

    python benchmarks/official.py CLIP [--frames 24] [--device cpu] [--precision fp32] [--only NAME,...]

Three times for each group of columns, with the same weights on the same frames in one process:

- reference: the calls that the public code makes, with our networks in torch's default layout: one frame to a
  batch, both frames of a pair encoded anew, five matchings for five columns, five video embeddings for five
  captions, Inception twice;
- ours: the feature as `mirabench evaluate` computes it, decoding included;
- floor: one pass of the network over what it must see, prepared beforehand, nothing else.

Weights must be in the weights folder; `benchmarks/random_weights.py` makes random ones, which serve for timing.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch

from mirabench.features import (
    frame_embeddings,
    i3d_logits,
    interpolation,
    networks,
    point_tracks,
    raft_flow,
    video_text,
)
from mirabench.features.epipolar import Epipolar, frame_pairs
from mirabench.features.stream import extract
from mirabench.nets import (
    aesthetic,
    amt,
    clip,
    cotracker,
    dino,
    i3d,
    inception,
    musiq,
    preprocess,
    raft,
    sampling,
    viclip,
)
from mirabench.video.decode import open_video
from mirabench.video.encode import write_video

Frames = np.ndarray
WARM = 16
"""Frames of the pass that loads and warms a network, before anything is timed."""


@dataclass
class Row:
    """One group of columns."""

    name: str
    columns: int
    reference: Callable[[Frames], None]
    feature: Any
    floor: Callable[[Frames], Callable[[], None]]


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("clip", type=Path)
    parser.add_argument("--frames", type=int, default=24)
    parser.add_argument("--device", default="auto")
    parser.add_argument("--precision", default="fp32")
    parser.add_argument("--only", default="")
    options = parser.parse_args()
    networks.use_device(options.device)
    device = networks.runtime().device
    frames = np.concatenate([b.data for b in open_video(options.clip).frames()])[: options.frames]
    short = write_video(Path(tempfile.gettempdir()) / f"mirabench-{len(frames)}.mp4", frames)
    video = open_video(short)
    print(
        f"{options.clip.name}: {len(frames)} frames of {frames.shape[2]}x{frames.shape[1]}, {device}, "
        f"{options.precision}, {torch.get_num_threads()} threads, torch {torch.__version__}"
    )
    print(
        f"{'group':26} {'reference s':>12} {'ours s':>9} {'factor':>7} {'floor s':>9} {'over floor':>10}"
    )
    totals = np.zeros(3)
    chosen = set(filter(None, options.only.split(",")))
    for row in rows(options.precision, device):
        if chosen and row.name not in chosen:
            continue
        floor = row.floor(frames)
        with networks.running(getattr(row.feature, "precision", "fp32")):
            row.floor(frames[:WARM])()
            took = [timed(floor)]
        with networks.running("fp32"):
            took.insert(0, timed(lambda row=row: row.reference(frames)))
        found = []
        ours = timed(
            lambda row=row, found=found: found.append(extract(video, [row.feature], threads=2))
        )
        if found[0].failures:
            raise SystemExit(f"{row.name}: {next(iter(found[0].failures.values()))}")
        took.insert(1, ours)
        totals += took
        show(row.name, took)
    show("total", totals.tolist())


def show(name: str, took: list[float]) -> None:
    reference, ours, floor = took
    print(
        f"{name:26} {reference:12.2f} {ours:9.2f} {reference / ours:6.2f}x {floor:9.2f} "
        f"{ours / floor - 1:9.0%}",
        flush=True,
    )


def timed(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return time.perf_counter() - began


def rows(precision: str, device: torch.device) -> list[Row]:
    """Every group of columns."""

    def at(feature: Any, **parameters: Any) -> Any:
        """As the suite would have it: a feature whose drift is too large stays float32."""
        takes = precision in getattr(feature, "precisions", ())
        return feature(precision=precision if takes else "fp32", **parameters)

    def per_frame(
        net: Callable[[torch.Tensor], Any],
        plain: Callable[[torch.Tensor], Any],
        prepare: Callable[[Frames], torch.Tensor],
        times: int = 1,
        batch: int = frame_embeddings.BATCH,
    ):
        def reference(frames: Frames) -> None:
            for _ in range(times):
                for frame in frames:
                    plain(prepare(frame[None]).to(device))

        def floor(frames: Frames) -> Callable[[], None]:
            ready = prepare(frames).to(device)
            return lambda: [net(part) for part in ready.split(batch)] and None

        return reference, floor

    def both(name: str, loader: Callable[[Path], Any]) -> tuple[Any, Any]:
        """As we place it, and as it comes."""
        plain = loader(networks.resolved_card(name).path).to(device)
        return networks.network(name, loader), plain

    dinos = both("dino-vitb16", dino.load)
    b32 = both("clip-vit-b-32", lambda path: clip.load(path, clip.VIT_B_32))
    l14 = both("clip-vit-l-14", lambda path: clip.load(path, clip.VIT_L_14))
    head = networks.network("aesthetic-vit-l-14", aesthetic.load)
    judged = [lambda x, tower=tower: head(tower(x).float()) for tower in l14]
    quality = both("musiq-spaq", musiq.load)
    pools = both("inception-2015-12-05", inception.load)
    wrapped = lambda f: preprocess.for_inception(f, wrap=True)  # noqa: E731
    return [
        Row(
            "dino",
            1,
            *swap(
                per_frame(*dinos, preprocess.for_dino),
                at(frame_embeddings.DinoFrames),
            ),
        ),
        Row(
            "clip",
            1,
            *swap(
                per_frame(*b32, preprocess.for_clip),
                at(frame_embeddings.ClipFrames),
            ),
        ),
        Row(
            "smoothness",
            1,
            *smoothness(
                *both("amt-s", amt.load),
                device,
                at(interpolation.Interpolation),
            ),
        ),
        Row(
            "dynamic degree",
            1,
            *flow(*both("raft-things", raft.load), device, at(raft_flow.RaftFlow)),
        ),
        Row(
            "tracking",
            1,
            *tracking(device, at(point_tracks.PointTracks)),
        ),
        Row("3D (five)", 5, *geometry(Epipolar())),
        Row(
            "aesthetic",
            1,
            *swap(
                per_frame(*judged, preprocess.for_clip),
                at(frame_embeddings.AestheticFrames),
            ),
        ),
        Row(
            "imaging",
            1,
            *swap(
                per_frame(*quality, preprocess.for_musiq, batch=1 if device.type == "cpu" else 8),
                at(frame_embeddings.MusiqFrames),
            ),
        ),
        Row(
            "text (five)",
            5,
            *text(
                *both("viclip-l-14", viclip.load),
                device,
                at(video_text.ViclipVideo),
            ),
        ),
        Row(
            "fvd + kvd",
            2,
            *clip_logits(
                *both("i3d-kinetics-400", i3d.load),
                device,
                at(i3d_logits.I3dLogits),
            ),
        ),
        Row(
            "fid + kid",
            2,
            *swap(
                per_frame(*pools, wrapped, times=2),
                at(frame_embeddings.InceptionFrames, wrap=True),
            ),
        ),
    ]


def swap(pair: tuple[Any, Any], feature: Any) -> tuple[Any, Any, Any]:
    return pair[0], feature, pair[1]


def padded(frames: Frames, multiple: int, device: torch.device) -> torch.Tensor:
    return sampling.pad_to_multiple(preprocess.to_tensor(frames).float(), multiple)[0].to(device)


def smoothness(net: Any, plain: Any, device: torch.device, feature: Any) -> tuple[Any, Any, Any]:
    def run(frames: Frames, net: Any = net) -> Callable[[], None]:
        ready = padded(frames[::2], interpolation.MULTIPLE, device) / 255
        return lambda: [net(a[None], b[None]) for a, b in pairwise(ready)] and None

    return (lambda frames: run(frames, plain)()), feature, run


def flow(net: Any, plain: Any, device: torch.device, feature: Any) -> tuple[Any, Any, Any]:
    def reference(frames: Frames) -> None:
        ready = padded(frames, raft.MULTIPLE, device) / 127.5 - 1
        for a, b in pairwise(ready):
            plain.network(a[None], b[None], num_flow_updates=raft.UPDATES)

    def floor(frames: Frames) -> Callable[[], None]:
        ready = padded(frames, raft.MULTIPLE, device)

        def work() -> None:
            last = net.encode(ready[:1])
            for frame in ready[1:]:
                here = net.encode(frame[None])
                net.flow(last, here)
                last = here

        return work

    return reference, feature, floor


def tracking(device: torch.device, feature: Any) -> tuple[Any, Any, Any]:
    code = cotracker.find_code()
    if code is None:
        raise SystemExit(
            f"CoTracker's code is needed: name a checkout with {cotracker.ENVIRONMENT}"
        )
    plain = cotracker.load_predictor(code).to(device).eval()

    def reference(frames: Frames) -> None:
        video = preprocess.to_tensor(frames).float()[None].to(device)
        plain(video_chunk=video[:, :1], is_first_step=True, grid_size=10)
        for start in range(0, len(frames) - cotracker.STEP, cotracker.STEP):
            plain(video_chunk=video[:, start : start + cotracker.WINDOW])

    def floor(frames: Frames) -> Callable[[], None]:
        tracker = point_tracks._tracker()
        video = preprocess.to_tensor(frames).float().to(device)

        def work() -> None:
            tracker.start(video[0])
            for start in range(0, len(frames) - cotracker.STEP, cotracker.STEP):
                tracker.window(video[start : start + cotracker.WINDOW])

        return work

    return reference, feature, floor


def geometry(feature: Any) -> tuple[Any, Any, Any]:
    def one(frames: Frames, i: int, cache: dict[int, Any]) -> Any:
        if i not in cache:
            picture = cv2.resize(np.ascontiguousarray(frames[i][..., ::-1]), (1280, 720))
            cache[i] = cv2.SIFT_create(nfeatures=40_000).detectAndCompute(picture, None)
        return cache[i]

    def match(frames: Frames, *, share: bool) -> None:
        cache: dict[int, Any] = {}
        for i, j in frame_pairs(len(frames)):
            if not share:
                cache = {}
            (k1, d1), (k2, d2) = one(frames, i, cache), one(frames, j, cache)
            pairs = cv2.FlannBasedMatcher().knnMatch(d1, d2, k=2)
            good = [m for m, n in pairs if m.distance < 0.85 * n.distance]
            x1 = np.float64([k1[m.queryIdx].pt for m in good])
            x2 = np.float64([k2[m.trainIdx].pt for m in good])
            cv2.findFundamentalMat(x1, x2, cv2.FM_RANSAC, 3, 0.99)

    def reference(frames: Frames) -> None:
        for _ in range(5):
            match(frames, share=False)

    return reference, feature, lambda frames: lambda: match(frames, share=True)


def text(net: Any, plain: Any, device: torch.device, feature: Any) -> tuple[Any, Any, Any]:
    def run(frames: Frames, net: Any = net) -> Callable[[], None]:
        video = preprocess.for_viclip(frames[video_text.middle_frames(len(frames))])[None].to(
            device
        )
        return lambda: [net.encode_video(video)].clear()

    def reference(frames: Frames) -> None:
        for _ in range(5):
            run(frames, plain)()

    return reference, feature, run


def clip_logits(net: Any, plain: Any, device: torch.device, feature: Any) -> tuple[Any, Any, Any]:
    def run(frames: Frames, net: Any = net) -> Callable[[], None]:
        video = preprocess.for_i3d(frames).transpose(0, 1)[None].to(device)
        return lambda: [net(video)].clear()

    return (lambda frames: run(frames, plain)()), feature, run


if __name__ == "__main__":
    main()
