"""Twelve clean clips to attack: six excerpts of real videos and six rendered ones, in two halves.

    python benchmarks/attack_clips.py ../shared/data attack-clips
    mirabench attack attack-clips/repair.csv -o attacked/repair
    mirabench attack attack-clips/held-out.csv -o attacked/held-out

Of each of the three videos, excerpts of up to two seconds within a shot, at their own size; rendered clips are
320x180, 48 frames. Metrics are repaired on the first half only; the other half tells whether that helped.
"""

from __future__ import annotations

import argparse
import csv
import itertools
from pathlib import Path
from typing import NamedTuple

import numpy as np

from mirabench.testing import clips
from mirabench.testing.clips import SyntheticClip
from mirabench.video.decode import open_video
from mirabench.video.encode import write_video

SIZE = (320, 180)
FRAMES = 48
HALVES = ("repair", "held-out")


class Excerpt(NamedTuple):
    """Part of one shot of a video."""

    video: str
    start: float
    """Seconds."""
    end: float
    camera: str = ""
    """What its camera was seen to do, as a caption; empty for nothing to be asked."""


REAL: dict[str, tuple[Excerpt, ...]] = {
    "repair": (
        Excerpt("bikes", 1.26, 2.98),
        Excerpt("miradit_basketball", 3.0, 5.0),
        Excerpt("world", 4.0, 6.0, "The camera is static."),
    ),
    "held-out": (
        Excerpt("bikes", 5.5, 7.46),
        Excerpt("miradit_basketball", 15.4, 17.4),
        Excerpt("world", 20.0, 22.0, "The camera is static."),
    ),
}


def rendered(half: str) -> list[SyntheticClip]:
    """Three clips of the rendered places, of other seeds and paths in each half."""
    if half == "repair":
        return [
            clips.dolly(FRAMES, SIZE, 1),
            clips.ball(FRAMES, SIZE, 1, yaw=7.0),
            clips.ball(FRAMES, SIZE, 3),
        ]
    return [
        clips.truck(FRAMES, SIZE, 4, metres_per_second=-0.5),
        clips.orbit(FRAMES, SIZE, 5, degrees_per_second=-12.0),
        clips.ball(FRAMES, SIZE, 7, yaw=7.0),
    ]


def excerpt(videos: Path, wanted: Excerpt) -> tuple[np.ndarray, float]:
    """The frames, uint8 RGB (T, H, W, 3), and their rate."""
    video = open_video(videos / f"{wanted.video}.mp4")
    kept = [
        batch.data[(batch.seconds >= wanted.start) & (batch.seconds < wanted.end)]
        for batch in itertools.takewhile(lambda b: b.seconds[0] < wanted.end, video.frames())
    ]
    return np.concatenate(kept), float(video.info.fps)


def write_half(videos: Path, folder: Path, half: str) -> None:
    """The clips of a half and `HALF.csv`, their manifest with captions."""
    rows = []
    for wanted in REAL[half]:
        frames, fps = excerpt(videos, wanted)
        name = f"{wanted.video}-{wanted.start:g}s"
        rows.append((name, f"A clip of {wanted.video}.", wanted.camera))
        write_video(folder / f"{name}.mp4", frames, fps=fps, options={"crf": "4"})
    for i, clip in enumerate(rendered(half)):
        name = f"{clip.name}-{half}{i}"
        rows.append((name, clip.captions["short"], clip.captions["camera"]))
        write_video(folder / f"{name}.mp4", clip.frames, fps=clip.fps, options={"crf": "4"})
    with (folder / f"{half}.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["id", "video_path", "short_caption", "camera_caption"])
        writer.writerows([name, f"{name}.mp4", short, camera] for name, short, camera in rows)


def main() -> None:
    """Write both halves."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("videos", type=Path)
    parser.add_argument("folder", type=Path)
    chosen = parser.parse_args()
    chosen.folder.mkdir(parents=True, exist_ok=True)
    for half in HALVES:
        write_half(chosen.videos, chosen.folder, half)


if __name__ == "__main__":
    main()
