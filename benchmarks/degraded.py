"""What `mirabench compare` says of clips that were only degraded: the table of docs/compare.md.

    python benchmarks/degraded.py ../shared/data [--folder degraded/]

Cuts 18 excerpts of 24 frames, 320 px wide, from the videos of a folder (10, 4 and 4 of them), degrades them in
twelve ways, scores all with the suite `lite` and compares each way with the excerpts themselves. A folder keeps
clips and reports for the next time. Takes about half an hour on two cores.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import av
import cv2
import numpy as np

import mirabench
from mirabench.compare import Contrast, compare, read_runs
from mirabench.testing import degrade
from mirabench.video.encode import write_video

EXCERPTS = (4, 4, 10)
"""Of each video, in the order of their names."""
FRAMES = 24
WIDTH = 320


class Film(NamedTuple):
    """Frames and their rate."""

    frames: np.ndarray
    fps: float


def washed_out(frames: np.ndarray) -> np.ndarray:
    """Half the saturation, six tenths of the contrast, a little brighter."""
    levels = frames.astype(np.float32)
    grey = levels.mean(axis=-1, keepdims=True)
    levels = grey + 0.5 * (levels - grey)
    return np.clip(143.5 + 0.6 * (levels - 128), 0, 255).astype(np.uint8)


def cropped(frames: np.ndarray, share: float) -> np.ndarray:
    """The middle, enlarged by bicubic interpolation."""
    height, width = frames.shape[1:3]
    top, left = int(height * (1 - share) / 2), int(width * (1 - share) / 2)
    inner = frames[:, top : height - top, left : width - left]
    return np.stack([cv2.resize(f, (width, height), interpolation=cv2.INTER_CUBIC) for f in inner])


def unchanged(frames: np.ndarray) -> np.ndarray:
    """The frames."""
    return frames


WAYS: dict[str, tuple[Callable[[np.ndarray], np.ndarray], int]] = {
    "encoding at crf 20": (unchanged, 20),
    "blur of 0.7 px": (lambda f: degrade.blur(f, 0.7), 12),
    "blur of 2 px": (lambda f: degrade.blur(f, 2.0), 12),
    "saturation 0.5, contrast 0.6": (washed_out, 12),
    "crop to 0.9, enlarged": (lambda f: cropped(f, 0.9), 12),
    "crop to 0.8, enlarged": (lambda f: cropped(f, 0.8), 12),
    "encoding at crf 32": (unchanged, 32),
    "encoding at crf 40": (unchanged, 40),
    "first frame throughout": (degrade.still_of, 12),
    "last third frozen": (degrade.freeze_tail, 12),
    "every second frame held": (degrade.held, 12),
    "half speed, blended": (degrade.slowed, 12),
}
"""Name -> the change, and x264's constant rate factor."""


def excerpts(folder: Path) -> dict[str, Film]:
    """Name -> film."""
    films = {}
    for path, count in zip(sorted(folder.glob("*.mp4")), EXCERPTS, strict=True):
        video = whole(path)
        for i, start in enumerate(np.linspace(0, len(video.frames) - FRAMES - 1, count)):
            films[f"{path.stem}{i}"] = Film(video.frames[int(start) :][:FRAMES], video.fps)
    return films


def whole(path: Path) -> Film:
    """All frames of a video, shrunk."""
    with av.open(str(path)) as container:
        fps = float(container.streams.video[0].average_rate or 24)
        frames = [f.to_ndarray(format="rgb24") for f in container.decode(video=0)]
    height = round(frames[0].shape[0] * WIDTH / frames[0].shape[1]) // 2 * 2
    small = [cv2.resize(f, (WIDTH, height), interpolation=cv2.INTER_AREA) for f in frames]
    return Film(np.stack(small), fps)


def report_of(
    films: dict[str, Film],
    name: str,
    change: Callable[[np.ndarray], np.ndarray],
    crf: int,
    folder: Path,
) -> Path:
    """The folder of the report over films after a change; what is there is not made again."""
    output = folder / f"{name} report"
    if not (output / "report.json").exists():
        for film, (frames, fps) in films.items():
            write_video(
                folder / name / f"{film}.mp4",
                change(frames),
                fps=round(fps),
                options={"crf": str(crf)},
            )
        mirabench.evaluate(folder / name, suite="lite", output=output)
    return output


def row(name: str, found: Contrast) -> str:
    """A line of the table."""
    withheld = [m for m, d in found.metrics.items() if d.why.startswith("not called better")]
    cells = (found.named("better"), found.named("worse"), withheld)
    told = [", ".join(f"`{metric}`" for metric in metrics) or "none" for metrics in cells]
    return f"| {name} | {found.overall.verdict} | {' | '.join(told)} |"


def main() -> None:
    """Print the table in Markdown."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("videos", type=Path)
    parser.add_argument("--folder", type=Path)
    chosen = parser.parse_args()
    films = excerpts(chosen.videos)
    print("| degraded by | overall | better | worse | gains withheld |")
    print("| --- | --- | --- | --- | --- |")
    with tempfile.TemporaryDirectory() as temporary:
        folder = chosen.folder or Path(temporary)
        base = report_of(films, "base", unchanged, 12, folder)
        for name, (change, crf) in WAYS.items():
            other = report_of(films, name, change, crf, folder)
            print(row(name, compare(read_runs([base, other])).contrasts[0]), flush=True)


if __name__ == "__main__":
    main()
