"""Peak memory and processor seconds of each feature over the length of a film, and whether memory grows.

    python benchmarks/memory.py [--size 1920x1080] [--seconds 2,60,600] [--only NAME,...] [--device cpu]
                                [--round FILE]

A figure comes from a process of its own that computes one feature of a film: the peak of resident memory above
what was held when all was imported and the network had been loaded and run on 12 frames. `--device cuda` adds
the peak that torch allocated there. Seconds are those of the processor, all threads together, so a busy machine
hardly changes them; on a GPU they are of the clock. The slope is of what the process holds while frames stream,
after the first fifth: a straight line through the means of ten stretches, with its 95 % interval.

Learned features need weights; `benchmarks/random_weights.py` makes random ones.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import psutil
from long_film import FPS, STRETCHES, drawn, repeated, slope

LEARNED = {
    "dino_frames": {},
    "clip_frames": {"model": "ViT-B/32"},
    "aesthetic_frames": {},
    "musiq_frames": {},
    "raft_flow": {},
    "interpolation": {},
    "flow_interpolation": {},
    "point_tracks": {},
    "viclip_video": {},
    "i3d_logits": {},
    "inception_frames": {},
}
CLASSICAL = {
    name: {}
    for name in (
        "pulse", "integrity", "film_strip", "motion_residual", "tracks", "speeds", "view_pairs", "quality",
        "motion", "registration", "epipolar", "interpolation_residual", "klt_paths", "revisits", "thumbnails",
    )
}  # fmt: skip
WARM = 12
"""Frames of the film that loads and warms the network before the baseline is taken."""


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--size", default="1920x1080")
    parser.add_argument("--seconds", default="2,60")
    parser.add_argument("--only", default="")
    parser.add_argument("--device", default="cpu")
    parser.add_argument(
        "--round", type=Path, help="keep the round that films repeat, or take it from here"
    )
    parser.add_argument("--one", nargs=2, metavar=("FEATURE", "FILM"))
    options = parser.parse_args()
    if options.one:
        print(json.dumps(one(*options.one, options.device)))
        return
    width, height = map(int, options.size.split("x"))
    lengths = [float(n) for n in options.seconds.split(",")]
    names = options.only.split(",") if options.only else [*CLASSICAL, *LEARNED]
    print(f"{width}x{height} at {FPS} frames per second, {options.device}; {psutil.cpu_count()} processors, "
          f"load average {psutil.getloadavg()[0]:.1f}")  # fmt: skip
    print(
        "feature | film s | held before MiB | above MiB | device MiB | CPU ms a frame | slope KiB a frame"
    )
    with tempfile.TemporaryDirectory() as folder:
        round_trip = options.round or Path(folder) / "round.mp4"
        if not round_trip.exists():
            drawn(round_trip, (width, height))
        repeated(round_trip, Path(folder) / "warm.mp4", WARM)
        for length in lengths:
            film = repeated(round_trip, Path(folder) / "film.mp4", round(length * FPS))
            for name in names:
                show(name, length, film, options.device)


def show(name: str, length: float, film: Path, device: str) -> None:
    command = [sys.executable, __file__, "--device", device, "--one", name, str(film)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        print(f"{name} | {done.stderr.strip().splitlines()[-1]}", flush=True)
        return
    f = json.loads(done.stdout.splitlines()[-1])
    print(
        f"{name} | {length:g} | {f['loaded']:.0f} | {f['peak'] - f['loaded']:.0f} | {f['device']:.0f} | "
        f"{1000 * f['seconds'] / (length * FPS):.1f} | {growth(f['frames'], f['held'])}",
        flush=True,
    )


def growth(frames: list[float], held: list[float]) -> str:
    """KiB a frame, from what was held after so many frames (MiB)."""
    x, y = np.asarray(frames), np.asarray(held) * 1024
    late = x > x[-1] / 5
    parts = np.array_split(np.arange(late.sum()), STRETCHES)
    if min(map(len, parts)) == 0:
        return "too short"
    return slope(
        [float(x[late][p].mean()) for p in parts], [float(y[late][p].mean()) for p in parts]
    )


class Streamed:
    """A video that notes what the process holds whenever frames are asked for."""

    def __init__(self, video: Any) -> None:
        self._video, self.info = video, video.info
        self.frame: list[int] = []
        self.held: list[float] = []

    def frames(self, **options: Any) -> Iterator[Any]:
        """As the video's."""
        process = psutil.Process()
        for batch in self._video.frames(**options):
            yield batch
            self.frame.append(int(batch.index[-1]) + 1)
            self.held.append(process.memory_info().rss / 2**20)


def one(name: str, film: str, device: str) -> dict[str, object]:
    from mirabench import registry
    from mirabench.features import networks
    from mirabench.features.api import build
    from mirabench.features.stream import extract
    from mirabench.video.decode import open_video

    networks.use_device(device)
    feature = build(registry.FEATURES, name, (CLASSICAL | LEARNED)[name])
    check(extract(open_video(Path(film).with_name("warm.mp4")), [feature], threads=2))
    loaded, clock = peak(), time.process_time if device == "cpu" else time.perf_counter
    streamed, began = Streamed(open_video(film)), clock()
    check(extract(streamed, [feature], threads=2))
    return {
        "loaded": loaded,
        "peak": peak(),
        "device": device_peak(device),
        "seconds": clock() - began,
        "frames": streamed.frame,
        "held": streamed.held,
    }


def device_peak(device: str) -> float:
    """MiB that torch allocated on a GPU at most; 0 on the CPU."""
    if device.split(":")[0] != "cuda":
        return 0.0
    import torch

    torch.cuda.synchronize()
    return torch.cuda.max_memory_allocated(device) / 2**20


def check(found: object) -> None:
    failures = getattr(found, "failures", {})
    if failures:
        raise SystemExit(next(iter(failures.values())))


def peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    main()
