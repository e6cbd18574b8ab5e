"""Peak memory of each feature over clip length, and above its network's own size.

    python benchmarks/memory.py [--size 160x96] [--frames 60,300,1200] [--only NAME,...] [--device cpu]
                                [--chunk-frames 8]

Each figure is the peak resident memory of a process of its own that computes one feature of a rendered clip
(an H.264 file), minus what it held when everything was imported and the network loaded and run on 12 frames.
Frames are decoded in chunks of 8, so that a longer clip does not only fill the first chunk;
`--chunk-frames 0` takes the chunks of the product, which are bounded in bytes.
Learned features need weights; `benchmarks/random_weights.py` makes random ones.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np

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
    name: {} for name in ("motion", "tracks", "epipolar", "quality", "pulse", "film_strip")
}
WARM = 12
"""Frames of the clip that loads and warms the network before the baseline is taken."""


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--size", default="160x96")
    parser.add_argument("--frames", default="60,300,1200")
    parser.add_argument("--only", default="")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--chunk-frames", type=int, default=8)
    parser.add_argument("--one", nargs=2, metavar=("FEATURE", "CLIP"))
    options = parser.parse_args()
    if options.one:
        print(json.dumps(one(*options.one, options.device, options.chunk_frames)))
        return
    width, height = map(int, options.size.split("x"))
    lengths = [int(n) for n in options.frames.split(",")]
    names = options.only.split(",") if options.only else [*CLASSICAL, *LEARNED]
    with tempfile.TemporaryDirectory() as folder:
        clips = [made(Path(folder), n, width, height) for n in (WARM, *lengths)]
        print(f"{width}x{height}, {options.device}; MiB above the loaded network, by frames")
        print(
            f"{'feature':20} {'loaded':>8} " + " ".join(f"{n:>8}" for n in lengths) + "  KiB/frame"
        )
        for name in names:
            passed = ["--device", options.device, "--chunk-frames", str(options.chunk_frames)]
            show(name, clips[1:], lengths, passed)


def show(name: str, clips: list[Path], lengths: list[int], options: list[str]) -> None:
    found = []
    for clip in clips:
        command = [sys.executable, __file__, *options, "--one", name, str(clip)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            print(f"{name:20} {done.stderr.strip().splitlines()[-1]}", flush=True)
            return
        found.append(json.loads(done.stdout.splitlines()[-1]))
    above = [f["peak"] - f["loaded"] for f in found]
    slope = np.polyfit(lengths, above, 1)[0] * 1024 if len(lengths) > 1 else float("nan")
    cells = " ".join(f"{a:8.0f}" for a in above)
    print(f"{name:20} {found[0]['loaded']:8.0f} {cells}  {slope:8.2f}", flush=True)


def made(folder: Path, frames: int, width: int, height: int) -> Path:
    """A clip of a texture that moves and turns, one frame at a time."""
    from mirabench.video.encode import write_video

    texture = np.random.default_rng(0).integers(0, 255, (24, 32, 3), np.uint8)
    picture = cv2.resize(texture, (2 * width, 2 * height), interpolation=cv2.INTER_CUBIC)

    def stream() -> Iterator[np.ndarray]:
        for t in range(frames):
            turn = cv2.getRotationMatrix2D((width, height), 4 * np.sin(t / 20), 1)
            turn[:, 2] += [-width / 2 - (t % 40) / 2, -height / 2]
            yield cv2.warpAffine(picture, turn, (width, height), borderMode=cv2.BORDER_WRAP)

    return write_video(folder / f"{frames}.mp4", stream())


def one(name: str, clip: str, device: str, chunk_frames: int) -> dict[str, float]:
    from mirabench import registry
    from mirabench.features import networks
    from mirabench.features.api import build
    from mirabench.features.stream import extract
    from mirabench.video.decode import open_video
    from mirabench.video.frames import CHUNK_BYTES

    networks.use_device(device)
    feature = build(registry.FEATURES, name, (CLASSICAL | LEARNED)[name])
    warm = Path(clip).with_name(f"{WARM}.mp4")
    video = open_video(clip)
    frame_bytes = video.info.width * video.info.height * 3
    chunk = chunk_frames * frame_bytes or CHUNK_BYTES
    check(extract(open_video(warm), [feature], threads=2, chunk_bytes=chunk))
    loaded = peak()
    check(extract(video, [feature], threads=2, chunk_bytes=chunk))
    return {"loaded": loaded, "peak": peak()}


def check(found: object) -> None:
    failures = getattr(found, "failures", {})
    if failures:
        raise SystemExit(next(iter(failures.values())))


def peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    main()
