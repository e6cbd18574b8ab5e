"""Curation, profile `lite`: what each stage costs, memory against video length, 16,000 hours in core-hours.

    python benchmarks/curation.py [--minutes 2] [--workers 2] [--size 1280x720] [--videos 2]
                                  [--price-prompt 0 --price-completion 0]

Renders videos (textures under a moving camera, a hard cut every 12 s, H.264), runs the pipeline with an
empty cache, and prints for each stage seconds of wall clock and of CPU, and times real time. Prices are
money per million tokens at your endpoint; none is built in. Run it on an otherwise idle machine.
"""

from __future__ import annotations

import argparse
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import av
import cv2
import numpy as np

from mirabench.video.encode import write_video
from miradata.collect.sources import find_sources
from miradata.config import STAGES, Config, config_of
from miradata.pipeline import executor_of, pipeline_of
from miradata.stage_run import StageRun
from miradata.tables.store import Tables

HOURS = 16_000
SHOT_SECONDS = 12
TARGETS = {"split": 15.0, "whole": 5.0}
"""Times real time that it is built for: 720p on two cores."""
TOKENS = (3_600, 600)
"""Of one caption call, roughly: a picture of 2.1 million pixels and the prompt; six captions."""
CLIP_SECONDS = 72.1
"""MiraData's published mean; one caption window each."""


def main() -> None:
    arguments = _arguments()
    width, height = (int(side) for side in arguments.size.split("x"))
    with tempfile.TemporaryDirectory() as text:
        folder = Path(text)
        os.environ["MIRABENCH_CACHE"] = str(folder / "cache")
        (folder / "in").mkdir()
        for n in range(arguments.videos):
            rendered(folder / "in" / f"{n}.mp4", arguments.minutes, (width, height), n)
        costs(folder, arguments)
        shutil.rmtree(folder / "cache", ignore_errors=True)
        memory(folder / "in" / "0.mp4", folder / "memory")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=2.0)
    parser.add_argument("--videos", type=int, default=2)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--size", default="1280x720")
    parser.add_argument("--price-prompt", type=float, default=0.0)
    parser.add_argument("--price-completion", type=float, default=0.0)
    return parser.parse_args()


def rendered(path: Path, minutes: float, size: tuple[int, int], seed: int, fps: int = 30) -> Path:
    """A film of pans over textures, another texture every `SHOT_SECONDS`."""
    frames = (
        frame
        for shot in range(max(1, round(minutes * 60 / SHOT_SECONDS)))
        for frame in _pan(1000 * seed + shot, SHOT_SECONDS * fps, size)
    )
    return write_video(path, frames, fps=fps, options={"preset": "veryfast", "crf": "23"})


def _pan(seed: int, frames: int, size: tuple[int, int]) -> object:
    random = np.random.default_rng(seed)
    width, height = size
    canvas = np.zeros((height * 2, width * 2, 3), np.float32)
    for scale in (4, 8, 24, 64):
        small = random.normal(size=(height * 2 // scale + 1, width * 2 // scale + 1, 3))
        canvas += cv2.resize(small.astype(np.float32), (width * 2, height * 2)) * scale**0.4
    picture = cv2.normalize(canvas, None, 10, 245, cv2.NORM_MINMAX).astype(np.uint8)
    for t in range(frames):
        x, y = width / 2 * (1 + 0.9 * np.sin(t / 97)), height / 2 * (1 + 0.9 * np.cos(t / 61))
        yield cv2.warpAffine(picture, np.float32([[1, 0, -x], [0, 1, -y]]), size)


def _config(workers: int) -> Config:
    measured = STAGES[:-2]  # captions and cutting are measured by themselves
    return config_of(
        {"stages": measured, "length": {"min_seconds": 5.0}, "running": {"workers": workers}}
    )


def _cpu_seconds() -> float:
    return sum(
        usage.ru_utime + usage.ru_stime
        for usage in (
            resource.getrusage(w) for w in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
        )
    )


def costs(folder: Path, arguments: argparse.Namespace) -> None:
    config, output = _config(arguments.workers), folder / "out"
    pipeline = pipeline_of(config, find_sources(folder / "in"), output)
    run = StageRun(output, executor_of(config.running))
    seconds = 60.0 * arguments.minutes * arguments.videos
    print(f"{seconds:g} s of {arguments.size}, {arguments.workers} workers, {os.cpu_count()} cores")
    print(f"{'stage':<10}{'wall s':>9}{'CPU s':>9}{'x real time':>13}{f'core-h / {HOURS} h':>20}")
    wall_sum = cpu_sum = 0.0
    for stage in pipeline.stages:
        wall, cpu = time.perf_counter(), _cpu_seconds()
        run.one(stage)
        wall, cpu = time.perf_counter() - wall, _cpu_seconds() - cpu
        wall_sum, cpu_sum = wall_sum + wall, cpu_sum + cpu
        _line(stage.name, wall, cpu, seconds)
    _line("whole", wall_sum, cpu_sum, seconds)
    clips = Tables(output).rows("clips")
    print(f"{len(clips)} clips, {len(Tables(output).rows('cuts'))} shots")
    _caption_cost(arguments)


def _line(name: str, wall: float, cpu: float, seconds: float) -> None:
    pace = seconds / wall
    wanted = TARGETS.get(name)
    verdict = (
        "" if wanted is None else f"  (asked: {wanted:g}) {'ok' if pace >= wanted else 'SLOW'}"
    )
    print(f"{name:<10}{wall:>9.2f}{cpu:>9.2f}{pace:>13.1f}{HOURS * cpu / seconds:>20.0f}{verdict}")


def _caption_cost(arguments: argparse.Namespace) -> None:
    windows = HOURS * 3600 / CLIP_SECONDS
    prompt, completion = (windows * tokens / 1e6 for tokens in TOKENS)
    money = prompt * arguments.price_prompt + completion * arguments.price_completion
    print(
        f"captions of {HOURS} h in clips of {CLIP_SECONDS} s, about {TOKENS[0]} + {TOKENS[1]} "
        f"tokens each: {prompt:.0f} + {completion:.0f} million tokens, {money:.0f} in your money"
    )


def memory(video: Path, folder: Path) -> None:
    """Peak resident memory of the stages that decode, for a video and for one four times as long."""
    peaks = []
    for times in (1, 4):
        source = folder / str(times)
        source.mkdir(parents=True)
        repeated(video, source / "v.mp4", times)
        done = subprocess.run(
            [sys.executable, __file__, "--memory-of", str(source), str(folder / f"out{times}")],
            check=True,
            capture_output=True,
            text=True,
            env={**os.environ, "MIRABENCH_CACHE": str(folder / f"cache{times}")},
        )
        peaks.append(int(done.stdout))
    print(
        f"peak memory: {peaks[0] / 1024:.0f} MiB, of a video 4 times as long {peaks[1] / 1024:.0f} MiB"
    )


def repeated(video: Path, path: Path, times: int) -> None:
    """The same packets several times over: a longer video without encoding."""
    with av.open(str(video)) as source, av.open(str(path), "w") as out:
        stream = source.streams.video[0]
        target = out.add_stream_from_template(stream)
        length = int(stream.duration or 0)
        for n in range(times):
            source.seek(0)
            for packet in source.demux(stream):
                if packet.dts is None or packet.pts is None:
                    continue
                packet.pts, packet.dts = packet.pts + n * length, packet.dts + n * length
                packet.stream = target
                out.mux(packet)


def one_process(source: Path, output: Path) -> int:
    """Peak resident memory, in KiB, of the whole pipeline in this process."""
    config = _config(1)
    StageRun(output).all(pipeline_of(config, find_sources(source), output).stages)
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


if __name__ == "__main__":
    if sys.argv[1:2] == ["--memory-of"]:
        print(one_process(Path(sys.argv[2]), Path(sys.argv[3])))
    else:
        main()
