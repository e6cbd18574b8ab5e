"""Long films at full size: peak memory and time of a suite's weight-free metrics over the film's length.

    python benchmarks/long_film.py [--minutes 1,10] [--size 1920x1080] [--suite mirabench] [--metrics NAME,...]

Each film (an H.264 file at 24 frames per second, made first) is evaluated by `mirabench.evaluate` in a process
of its own, without the cache, so that decoding, features, metrics and report are all in it. The camera
circles over a picture once in twenty seconds: every place is revisited. Run it on an otherwise idle machine.
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

import cv2
import numpy as np

FPS = 24
ROUND_SECONDS = 20.0


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--minutes", default="1,10")
    parser.add_argument("--size", default="1920x1080")
    parser.add_argument("--suite", default="mirabench")
    parser.add_argument("--metrics", default="")
    parser.add_argument("--one", metavar="FILM")
    options = parser.parse_args()
    if options.one:
        print(json.dumps(evaluated(Path(options.one), options.suite, options.metrics)))
        return
    width, height = map(int, options.size.split("x"))
    print(f"{width}x{height} at {FPS} frames per second, suite {options.suite}")
    print(f"{'minutes':>8} {'seconds':>8} {'peak MiB':>9}  scored")
    for minutes in map(float, options.minutes.split(",")):
        with tempfile.TemporaryDirectory() as folder:
            film = made(Path(folder) / "film.mp4", round(minutes * 60 * FPS), (width, height))
            show(minutes, film, options)


def show(minutes: float, film: Path, options: argparse.Namespace) -> None:
    command = [sys.executable, __file__, "--one", str(film), "--suite", options.suite]
    command += ["--metrics", options.metrics]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(done.stderr.strip().splitlines()[-1])
    found = json.loads(done.stdout.splitlines()[-1])
    print(
        f"{minutes:8g} {found['seconds']:8.0f} {found['peak']:9.0f}  {found['scored']} metrics",
        flush=True,
    )


def made(path: Path, frames: int, size: tuple[int, int]) -> Path:
    """A film drawn frame by frame."""
    from mirabench.video.encode import write_video

    random = np.random.default_rng(0)
    width, height = size
    side = 2 * width, 2 * height
    canvas = np.zeros((side[1], side[0], 3), np.float32)
    for scale in (8, 24, 64, 200):
        small = random.normal(size=(side[1] // scale + 1, side[0] // scale + 1, 3))
        canvas += cv2.resize(small.astype(np.float32), side) * scale**0.4
    picture = cv2.normalize(canvas, None, 10, 245, cv2.NORM_MINMAX).astype(np.uint8)

    def drawn() -> Iterator[np.ndarray]:
        for t in range(frames):
            angle = 2 * np.pi * t / FPS / ROUND_SECONDS
            x, y = width / 2 * (1 + 0.9 * np.cos(angle)), height / 2 * (1 + 0.9 * np.sin(angle))
            yield cv2.warpAffine(picture, np.float32([[1, 0, -x], [0, 1, -y]]), size)

    return write_video(path, drawn(), fps=FPS, options={"preset": "ultrafast", "crf": "20"})


def evaluated(film: Path, suite: str, metrics: str) -> dict[str, float]:
    """Seconds and peak MiB of an evaluation in this process."""
    import mirabench

    began = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        report = mirabench.evaluate(
            film, suite=suite, metrics=metrics.split(",") if metrics else weight_free(suite),
            cache=False, output=folder,
        )  # fmt: skip
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {
        "seconds": time.perf_counter() - began,
        "peak": peak,
        "scored": len(report.videos[0].scores),
    }


def weight_free(suite: str) -> list[str]:
    """The suite's metrics of single clips that need no weights and no prompt."""
    from mirabench.features.api import weights_of
    from mirabench.suites.api import load_suite

    found = [metric.spec for metric in load_suite(suite).built()]
    return [
        s.name
        for s in found
        if s.scope == "clip"
        and not s.needs_prompt
        and not any(weights_of(ref.resolve()) for ref in s.needs.values())
    ]


if __name__ == "__main__":
    main()
