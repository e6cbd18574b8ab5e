"""Long films at full size: peak memory and time of a suite over the film's length, and the slope of memory.

    python benchmarks/long_film.py [--minutes 1,10] [--size 1920x1080] [--suite mirabench] [--metrics NAME,...]

Each film (an H.264 file at 24 frames per second, made first) is evaluated by `mirabench.evaluate` in a process
of its own, without the cache, so that decoding, features, metrics and report are all in it. The camera
circles over a picture once in twenty seconds: every place is revisited. One round is drawn and encoded; its
packets are repeated. Without `--metrics` the metrics that need weights or a prompt are left out.

Two slopes of memory with their 95 % intervals: over the films' lengths, of the peak; and within each film, of
what the process holds (read twice a second after the first fifth), from the means of ten equal stretches.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import av
import cv2
import numpy as np
import psutil

from mirabench.maths.student import student_quantile

FPS = 24
ROUND_SECONDS = 20.0
STRETCHES = 10
"""Of a film, whose means stand for it: what is read twice a second is far from independent."""


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
    print(f"{'minutes':>8} {'seconds':>8} {'peak MiB':>9}  scored; MiB a minute within the film")
    lengths, peaks = [float(m) for m in options.minutes.split(",")], []
    with tempfile.TemporaryDirectory() as folder:
        round_trip = drawn(Path(folder) / "round.mp4", (width, height))
        for minutes in lengths:
            film = repeated(round_trip, Path(folder) / "film.mp4", round(minutes * 60 * FPS))
            peaks.append(show(minutes, film, options))
    if len(lengths) > 2:
        print(f"peak over length: {slope(lengths, peaks)} MiB a minute")


def slope(minutes: list[float], mib: list[float]) -> str:
    """Of a straight line by least squares, with its 95 % interval."""
    x, y = np.asarray(minutes), np.asarray(mib)
    line, intercept = np.polyfit(x, y, 1)
    left = y - line * x - intercept
    free = len(x) - 2
    error = np.sqrt((left**2).sum() / free / ((x - x.mean()) ** 2).sum())
    reach = student_quantile(0.975, free) * error
    return f"{line:.2f} ({line - reach:.2f} to {line + reach:.2f})"


def show(minutes: float, film: Path, options: argparse.Namespace) -> float:
    command = [sys.executable, __file__, "--one", str(film), "--suite", options.suite]
    command += ["--metrics", options.metrics]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(done.stderr.strip().splitlines()[-1])
    found = json.loads(done.stdout.splitlines()[-1])
    times, held = np.asarray(found["times"]), np.asarray(found["held"])
    late = times > times[-1] / 5
    share = times[late] * minutes / times[-1]
    parts = np.array_split(np.arange(late.sum()), STRETCHES)
    means = [(float(share[p].mean()), float(held[late][p].mean())) for p in parts if len(p)]
    within = slope(*map(list, zip(*means, strict=True))) if len(means) == STRETCHES else "too short"
    print(
        f"{minutes:8g} {found['seconds']:8.0f} {found['peak']:9.0f}  {found['scored']} metrics; {within}",
        flush=True,
    )
    return float(found["peak"])


def drawn(path: Path, size: tuple[int, int]) -> Path:
    """One round, frame by frame."""
    from mirabench.video.encode import write_video

    random = np.random.default_rng(0)
    width, height = size
    side = 2 * width, 2 * height
    canvas = np.zeros((side[1], side[0], 3), np.float32)
    for scale in (8, 24, 64, 200):
        small = random.normal(size=(side[1] // scale + 1, side[0] // scale + 1, 3))
        canvas += cv2.resize(small.astype(np.float32), side) * scale**0.4
    picture = cv2.normalize(canvas, None, 10, 245, cv2.NORM_MINMAX).astype(np.uint8)

    def frames() -> Iterator[np.ndarray]:
        for t in range(round(ROUND_SECONDS * FPS)):
            angle = 2 * np.pi * t / FPS / ROUND_SECONDS
            x, y = width / 2 * (1 + 0.9 * np.cos(angle)), height / 2 * (1 + 0.9 * np.sin(angle))
            yield cv2.warpAffine(picture, np.float32([[1, 0, -x], [0, 1, -y]]), size)

    return write_video(path, frames(), fps=FPS, options={"preset": "ultrafast", "crf": "20"})


def repeated(source: Path, path: Path, frames: int) -> Path:
    """A film of that many frames: a round's packets over and over, without encoding them again."""
    with av.open(str(source)) as one:
        stream = one.streams.video[0]
        packets = [p for p in one.demux(stream) if p.dts is not None]
        length = sum(p.duration for p in packets)
        with av.open(str(path), "w") as film:
            out = film.add_stream_from_template(stream)
            for n in range(frames):
                packet = packets[n % len(packets)]
                turn = n // len(packets)
                copy = av.Packet(bytes(packet))
                copy.pts, copy.dts = packet.pts + turn * length, packet.dts + turn * length
                copy.duration, copy.time_base = packet.duration, packet.time_base
                copy.is_keyframe, copy.stream = packet.is_keyframe, out
                film.mux(copy)
    return path


class Held:
    """What the process holds, read twice a second in a thread."""

    def __init__(self) -> None:
        self.times: list[float] = []
        self.mib: list[float] = []
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._read, daemon=True)

    def __enter__(self) -> Held:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def _read(self) -> None:
        process, began = psutil.Process(), time.perf_counter()
        while not self._ended.wait(0.5):
            self.times.append(time.perf_counter() - began)
            self.mib.append(process.memory_info().rss / 2**20)


def evaluated(film: Path, suite: str, metrics: str) -> dict[str, object]:
    """Seconds and MiB of an evaluation in this process."""
    import mirabench

    began = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder, Held() as held:
        report = mirabench.evaluate(
            film, suite=suite, metrics=metrics.split(",") if metrics else weight_free(suite),
            cache=False, output=folder,
        )  # fmt: skip
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {
        "seconds": time.perf_counter() - began,
        "peak": peak,
        "scored": len(report.videos[0].scores),
        "times": held.times,
        "held": held.mib,
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
